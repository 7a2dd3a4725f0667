//! Drives one run until it ends or waits for a person: the loop of doors without a controller.

use std::time::Duration;

use jiff::Timestamp;

use super::act::{Outcome, Step, act};
use super::context::{Observer, RunContext, RunError};
use super::gather::gather;
use super::lifetime;
use super::present;
use super::reconciled::{Reconciled, Wake};
use super::record::record;
use super::session::{Identity, Session, name_of};
use super::watch::Watch;
use crate::api::v1alpha1::{AttemptState, OperatorRun, OperatorRunStatus, Phase};
use crate::engines::Retry;
use crate::faults;
use crate::plan::{Decision, Keeping, Observation, Sight, is_held, is_leaving, needs_job, plan};
use crate::store::{Key, Resource, StoreError};

/// How often in a row another writer may change the run first.
const MAX_CONFLICTS: u32 = 200;
/// The longest sleep: a change of the spec, such as `cancel`, is seen after it.
const MAX_SLEEP: Duration = Duration::from_secs(1);
/// How long after a conflict the run is read again.
pub const AFTER_CONFLICT: Duration = Duration::from_millis(15);
/// How long after a stored result could not be removed that is tried again.
const AFTER_UNKEPT: Duration = Duration::from_secs(10);
/// How long after a job was refused for what may change it is created again.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);
/// How long after a fence that is not down yet it is asked for again.
const AFTER_OBSTACLE: Duration = Duration::from_millis(200);

/// Works on a run until it has ended, is suspended, or waits in phase `Unknown` for a person, and
/// returns it as it is then. May be called again at any time, also by several processes at once and
/// after a crash at any point: the work outside takes place at most once.
///
/// # Errors
/// When the run does not exist, the store fails, or what was recorded cannot be read. What goes
/// wrong with the work itself is in the run's status.
pub async fn drive(
    context: &RunContext,
    key: &Key,
    observer: &dyn Observer,
) -> Result<OperatorRun, RunError> {
    let (mut session, mut watch, mut conflicts) = (Session::default(), Watch::new(observer), 0);
    loop {
        let run = fetch_run(context, key).await?;
        let Reconciled { run, next, .. } = reconcile(context, &mut session, run).await?;
        watch.see(context, &mut session, &run, next).await;
        conflicts = if next == Wake::Reread { conflicts + 1 } else { 0 };
        match next {
            Wake::OnChange => return Ok(run),
            Wake::Reread if conflicts >= MAX_CONFLICTS => {
                return Err(RunError::Contended { name: name_of(&run), times: conflicts });
            }
            Wake::Reread => context.clock.sleep(AFTER_CONFLICT).await,
            Wake::Now => {}
            Wake::At(until) => {
                let left = until.duration_since(context.clock.now());
                let left = Duration::try_from(left).unwrap_or_default();
                let left = left.clamp(Duration::from_millis(1), MAX_SLEEP);
                tokio::select! {
                    () = context.clock.sleep(left) => {}
                    () = session.end_of_job() => {}
                }
            }
        }
    }
}

/// Makes one pass over a run as it was read: gather, plan, act, record, store.
///
/// # Errors
/// As [`drive`].
pub async fn reconcile(
    context: &RunContext,
    session: &mut Session,
    run: OperatorRun,
) -> Result<Reconciled, RunError> {
    if run.metadata.uid.is_none() {
        return Err(RunError::NoUid { name: name_of(&run) });
    }
    let observation = gather(context, session, &run).await?; // reads the store and the engines
    let decision = plan(&run, &observation, context.clock.now()); // pure
    let part = part_of(&decision);
    if !part.is_empty() {
        tracing::debug!(run = name_of(&run), step = part, "takes a step");
    }
    faults::reach(part, "before-act");
    let outcome = act(context, session, &run, &decision).await?; // at most one effect
    if let Some(reconciled) = lifetime::write(context, &run, &decision, &outcome).await? {
        return Ok(reconciled); // one write of the metadata, instead of one of the status
    }
    let now = context.clock.now();
    let status = record(&run, &decision, &outcome, now); // pure
    let status = with_looks(status, &observation); // pure
    let next = wake(context.keeping, (&decision, &outcome), (&run, status.phase), now); // pure
    faults::reach(part, "before-write");
    if !context.budget.is_worth_storing(run.status.as_ref(), &status, now) {
        return Ok(Reconciled { run, next, left: None });
    }
    let wanted = OperatorRun { status: Some(status), ..run };
    if let Some(run) = replace_status(context, &wanted).await? {
        faults::reach(part, "after-write");
        if let (true, Some(identity)) = (is_intent(&decision, &outcome), Identity::of(&run)) {
            session.intends(identity.token);
        }
        clear_away(context, session, &run).await;
        return Ok(Reconciled { run, next, left: None });
    }
    sweep(context, session, &wanted, &outcome).await;
    Ok(Reconciled { run: wanted, next: Wake::Reread, left: None })
}

/// Whether a pass recorded what is to be done next: an attempt, or the change that remains of it.
pub(super) fn is_intent(decision: &Decision, outcome: &Outcome) -> bool {
    matches!(decision, Decision::Intend { .. }) || matches!(outcome, Outcome::Decided(_))
}

fn wake(
    keeping: Keeping,
    (decision, outcome): (&Decision, &Outcome),
    (run, phase): (&OperatorRun, Phase),
    now: Timestamp,
) -> Wake {
    let soon = now.checked_add(AFTER_OBSTACLE).unwrap_or(now);
    let stands = phase.is_terminal() || matches!(phase, Phase::Suspended | Phase::Unknown);
    let had_ended = run.status.as_ref().is_some_and(|status| status.phase.is_terminal());
    match decision {
        Decision::Wait { until, .. } if phase.is_terminal() => Wake::At(*until),
        Decision::Prune | Decision::Discard if matches!(outcome, Outcome::Failed { .. }) => {
            Wake::At(now.checked_add(AFTER_UNKEPT).unwrap_or(now))
        }
        // A process that keeps runs lets one that has ended go, and waits until its time has passed.
        _ if phase.is_terminal() && keeping.holds && !had_ended => Wake::Now,
        Decision::Prune => Wake::Now,
        _ if stands && is_leaving(run) && is_held(run) => Wake::At(soon),
        _ if stands => Wake::OnChange,
        Decision::Rest => Wake::OnChange,
        Decision::Wait { until, .. } | Decision::Queue { until, .. } => Wake::At(*until),
        Decision::Fence { .. }
            if *outcome != Outcome::Fenced(crate::engines::execution::Fence::Down) =>
        {
            Wake::At(soon)
        }
        _ if is_refused(outcome) => Wake::At(now.checked_add(AFTER_REFUSAL).unwrap_or(now)),
        _ if matches!(outcome, Outcome::Failed { .. }) => Wake::At(soon),
        _ => Wake::Now,
    }
}

/// Returns the name of a decision among the points at which a test ends the process.
fn part_of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Refuse(_) => "refuse",
        Decision::Intend { .. } => "intend",
        Decision::Launch => "launch",
        Decision::Adopt(_) => "adopt",
        Decision::Release(_) => "release",
        Decision::Collect(_) => "collect",
        Decision::Apply => "apply",
        Decision::Settle(_) => "settle",
        Decision::Cancel { .. } => "cancel",
        Decision::Fence { .. } => "fence",
        Decision::Conclude { .. } => "conclude",
        Decision::Suspend
        | Decision::Wait { .. }
        | Decision::Queue { .. }
        | Decision::End { .. }
        | Decision::Ask(_)
        | Decision::Rest => "",
        Decision::Hold => "hold",
        Decision::LetGo | Decision::Abandon { .. } => "let-go",
        Decision::Discard => "discard",
        Decision::Prune => "prune",
        Decision::Delete => "delete",
    }
}

/// Whether a job was refused for a reason that may pass.
fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { step: Step::Create | Step::Release, error }
        if error.retry == Retry::Later && error.reason.is_some())
}

/// Adds what a look at the newest attempt's job showed beside its state.
fn with_looks(mut status: OperatorRunStatus, seen: &Observation) -> OperatorRunStatus {
    let (Some(attempt), Sight::Found(job)) = (status.attempts.last_mut(), &seen.job) else {
        return status;
    };
    if attempt.job.as_ref().is_none_or(|recorded| recorded.id != job.id.0) {
        return status;
    }
    if let Some(recorded) = attempt.job.as_mut().filter(|recorded| recorded.url.is_none()) {
        recorded.url = job.url.as_deref().map(|url| url.chars().take(2_048).collect());
    }
    if attempt.image_id.is_none() {
        attempt.image_id = job.image_id.as_deref().map(|image| image.chars().take(1_024).collect());
    }
    if attempt.statistics.is_none() {
        attempt.statistics.clone_from(&job.statistics);
    }
    if attempt.log_tail.is_none() {
        attempt.log_tail = job.log_tail.as_deref().map(|tail| present::tail(tail, 4_000));
    }
    status
}

/// Clears away what a run that has ended leaves outside. Its end is stored: a failure costs only room.
async fn clear_away(context: &RunContext, session: &mut Session, run: &OperatorRun) {
    let Some(status) = run.status.as_ref().filter(|status| status.phase.is_terminal()) else {
        return;
    };
    if status.attempts.is_empty() || !needs_job(status) {
        return;
    }
    let attempts = status.attempts.iter().filter_map(|attempt| Identity::of_attempt(run, attempt));
    let attempts: Vec<_> = attempts.map(|identity| identity.request()).collect();
    let Some(engines) = session.engines_of(context, run).await else { return };
    let Some(execution) = &engines.execution else { return };
    if let Err(error) = execution.sweep(&attempts).await {
        tracing::warn!(run = name_of(run), %error, "failed to clear away what is left of a run");
    }
}

/// A job that was created for an attempt which another process has ended since never begins; it is
/// fenced so that its client can clear it away.
async fn sweep(context: &RunContext, session: &mut Session, run: &OperatorRun, outcome: &Outcome) {
    let (Outcome::Created(_), Some(identity)) = (outcome, Identity::of(run)) else { return };
    let Some(key) = key_of(run) else { return };
    let Ok(newest) = fetch_run(context, &key).await else { return };
    let attempts = newest.status.map(|status| status.attempts).unwrap_or_default();
    let ended = attempts.iter().any(|attempt| {
        attempt.token == identity.token.0 && attempt.state == AttemptState::Finished
    });
    if ended
        && let Some(engines) = session.engines_of(context, run).await
        && let Some(execution) = &engines.execution
    {
        // It never begins, fenced or not: the fence only lets its client clear it away.
        let _ = execution.fence(&identity.request()).await;
    }
}

fn key_of(run: &OperatorRun) -> Option<Key> {
    Some(Key {
        kind: crate::store::Kind::OperatorRun,
        namespace: run.metadata.namespace.clone()?,
        name: run.metadata.name.clone()?,
    })
}

async fn fetch_run(context: &RunContext, key: &Key) -> Result<OperatorRun, RunError> {
    let found = context.store.get(key).await.map_err(|source| RunError::Store {
        operation: "read",
        name: key.name.clone(),
        source,
    })?;
    match found {
        Some(Resource::OperatorRun(run)) => Ok(*run),
        Some(_) => Err(RunError::NotARun { name: key.name.clone() }),
        None => {
            Err(RunError::NotFound { namespace: key.namespace.clone(), name: key.name.clone() })
        }
    }
}

/// Stores a status; nothing when another writer changed the run since it was read.
async fn replace_status(
    context: &RunContext,
    run: &OperatorRun,
) -> Result<Option<OperatorRun>, RunError> {
    let resource = Resource::OperatorRun(Box::new(run.clone()));
    match context.store.replace_status(&resource).await {
        Ok(Resource::OperatorRun(run)) => Ok(Some(*run)),
        Ok(_) => Err(RunError::NotARun { name: name_of(run) }),
        Err(StoreError::Conflict { .. }) => Ok(None),
        Err(source) => {
            Err(RunError::Store { operation: "store the status of", name: name_of(run), source })
        }
    }
}
