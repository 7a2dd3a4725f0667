//! The controller of runs: one pass over a run, and the passes over runs that have ended.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument as _;

use super::between_passes::{Keeps, has_ended};
use super::measures::{Before, Measures};
use super::working::Working;
use super::{finished, measures};
use crate::api::conditions::Reason;
use crate::api::labels::{FORCE_DELETE, REQUESTED_AT};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::controllers::clock::now;
use crate::controllers::context::Context;
use crate::controllers::control_loop::{Action, Cache, Error, Pass, Reconcile, Wakes};
use crate::controllers::events::{Report, Stage};
use crate::controllers::queue::{Woken, works};
use crate::controllers::scope::Scope;
use crate::plan::{Decision, Keeping, Observation, is_leaving, plan, requested};
use crate::runs::{self, LeftBehind, Reconciled, RunContext, Session, Wake};
use crate::store::Store as _;
use crate::store::kubernetes::KubernetesStore;

/// How soon a run is requeued that came before the queue knew all running runs.
const NOT_OPEN: Duration = Duration::from_millis(100);
/// How often a run that waits for a person gets a pass although it has not changed.
const RESYNC: Duration = Duration::from_mins(5);
/// How many surplus runs are cleared away in one go, before other objects get a pass.
const AT_ONE_TIME: usize = 200;
/// Most passes over one run in a row; other runs get theirs after that.
const PASSES: u32 = 50;

/// The controller of runs.
pub(crate) struct OperatorRuns {
    pub(super) context: Arc<Context>,
    store: Arc<KubernetesStore>,
    pub(super) working: Working,
    measures: Measures,
}

impl OperatorRuns {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("operator-run"),
            working: Working::default(),
            measures: Measures::new(&context.metrics),
            context: Arc::clone(context),
        }
    }

    /// Makes passes over the newest version of a run, until the next one is due later; begins with the given
    /// version, or reads it. One that is not the newest any more costs a write that is refused.
    async fn drive(
        &self,
        context: &RunContext,
        (key, uid): (&Key, &str),
        session: &mut Session,
        mut newest: Option<OperatorRun>,
    ) -> Result<Driven, Error> {
        for _ in 0..PASSES {
            let run = match newest.take() {
                Some(run) => run,
                None => match self.fetch(key, uid).await? {
                    Some(run) => run,
                    None => return Ok(Driven::OVER),
                },
            };
            let (before, stage) = (Before::of(&run), Stage::of(&run));
            let span = step_span(&run);
            let step = runs::reconcile(context, session, run).instrument(span.clone());
            let Reconciled { run, next, left } = Box::pin(step).await?;
            if next != Wake::Reread {
                span.in_scope(|| self.measures.stored(&before, &run));
                self.context.events.report_run(&stage, &run);
                if let Some(left) = &left {
                    self.report_left(&run, left);
                }
            }
            match next {
                Wake::Now if is_gone(&run) => return Ok(Driven::OVER),
                Wake::Now => newest = Some(run),
                Wake::Reread => context.clock.sleep(runs::AFTER_CONFLICT).await,
                next => {
                    if !has_ended(&run) {
                        self.working.store(uid, &run);
                    }
                    return Ok(Driven { next, keeps: Keeps::of(&run) });
                }
            }
        }
        Ok(Driven { next: Wake::Now, keeps: Keeps::Slot })
    }

    /// Reports what may be left outside of a run whose finalizer was released.
    fn report_left(&self, run: &OperatorRun, left: &LeftBehind) {
        let (namespace, name) = (run.namespace().unwrap_or_default(), run.name_any());
        let (job, why) = (left.job.as_deref().unwrap_or("none"), left.why.as_str());
        self.context.metrics.runs.abandoned.inc();
        tracing::warn!(
            namespace,
            run = name,
            job,
            why,
            "let a deleted run go: its work may still go on"
        );
        let report = Report {
            reason: Reason::Abandoned,
            action: "LetGo",
            note: match &left.job {
                Some(job) => format!("job {job} may still work: {why}"),
                None => format!("something may be left outside: {why}"),
            },
            is_warning: true,
        };
        self.context.events.report(&Resource::OperatorRun(Box::new(run.clone())), &report);
    }

    /// Makes passes over a run that has ended: keeps or releases its finalizer, prunes or deletes it when its
    /// time has come. Such a run needs no slot.
    async fn look_after(
        &self,
        run: &OperatorRun,
        keeping: Keeping,
        waited: Duration,
    ) -> Result<Action, Error> {
        let seen = Observation { keeping, ..Observation::default() };
        let is_asked = requested(run).is_some_and(|asked| {
            run.status.as_ref().is_none_or(|status| status.last_handled_request != Some(asked))
        });
        match plan(run, &seen, now()) {
            Decision::Rest if !is_asked => return Ok(Action::await_change()),
            Decision::Wait { until, .. } if !is_asked => return Ok(Action::requeue_at(until)),
            _ => {}
        }
        let (uid, mut session) = (run.uid().unwrap_or_default(), Session::default());
        let context = RunContext { keeping, ..self.context_of(run, waited) };
        let driven = self.drive(&context, (&key_of(run), &uid), &mut session, None).await?;
        Ok(match driven.next {
            Wake::OnChange => Action::await_change(),
            next => action_of(next),
        })
    }

    fn context_of(&self, run: &OperatorRun, waited: Duration) -> RunContext {
        let namespace = run.namespace().unwrap_or_default();
        self.context.run_context(&self.store, (&namespace, &run.name_any()), waited)
    }

    /// Reads a run as it is now; nothing when it is gone, or another one has its name.
    async fn fetch(&self, key: &Key, uid: &str) -> Result<Option<OperatorRun>, Error> {
        let found = self.store.get(key).await?;
        Ok(found.and_then(|resource| match resource {
            Resource::OperatorRun(run) if run.uid().as_deref() == Some(uid) => Some(*run),
            _ => None,
        }))
    }
}

/// Returns the span of one step of a run: every line that is logged in it names the attempt.
fn step_span(run: &OperatorRun) -> tracing::Span {
    let attempts = run.status.iter().flat_map(|status| &status.attempts);
    let attempt = attempts.last().map_or(0, |attempt| attempt.number);
    tracing::info_span!("step", attempt)
}

/// The outcome of the passes over a run.
struct Driven {
    next: Wake,
    keeps: Keeps,
}

impl Driven {
    /// The run is gone.
    const OVER: Self = Self { next: Wake::OnChange, keeps: Keeps::Done };
}

/// Returns whether a run is gone with the write that released its finalizer.
fn is_gone(run: &OperatorRun) -> bool {
    is_leaving(run) && run.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)
}

fn key_of(run: &OperatorRun) -> Key {
    let namespace = run.namespace().unwrap_or_default();
    Key { kind: Kind::OperatorRun, namespace, name: run.name_any() }
}

fn action_of(next: Wake) -> Action {
    match next {
        Wake::Now | Wake::Reread => Action::requeue(Duration::ZERO),
        Wake::At(until) => Action::requeue_at(until),
        Wake::OnChange => Action::requeue(RESYNC),
    }
}

impl Reconcile for OperatorRuns {
    type Kind = OperatorRun;

    async fn reconcile(
        &self,
        run: &OperatorRun,
        pass: Pass<'_, OperatorRun>,
    ) -> Result<Action, Error> {
        let uid = run.uid().unwrap_or_default();
        if has_ended(run) {
            self.forget(&uid);
            return Box::pin(self.look_after(run, self.context.keeping(), pass.waited)).await;
        }
        self.measures.see(&uid, run, pass.waited);
        let queue = &self.context.queue;
        if !queue.is_open() && !works(run) {
            return Ok(Action::requeue(NOT_OPEN));
        }
        queue.begins(run);
        if works(run) && !self.working.knows(&uid) {
            self.measures.adopt();
        }
        let mut session = self.working.begin(&uid);
        // As far as the watch knows, the run has no status yet, or this process wrote the newest one.
        let is_newest = run.status.is_none() || self.working.has_stored(&uid, run);
        let newest = is_newest.then(|| run.clone());
        let context = self.context_of(run, pass.waited); // reads no cluster
        let driven = self.drive(&context, (&key_of(run), &uid), &mut session, newest).await; // all of the flow
        // A run that waits, or fails again and again, must not keep others from working.
        match driven.as_ref().map(|driven| &driven.keeps) {
            Ok(keeps @ (Keeps::Slot | Keeps::Job)) => {
                if matches!(keeps, Keeps::Slot) {
                    queue.occupy(run);
                } else {
                    queue.release(&uid);
                }
                let (queue, woken) = (Arc::clone(queue), uid.clone());
                self.working.pause(&uid, session, move || queue.wake_run(&woken));
            }
            Ok(Keeps::Queued) => self.working.end(&uid),
            Ok(Keeps::Waiting) | Err(_) => {
                self.working.end(&uid);
                queue.release(&uid);
            }
            Ok(Keeps::Done) => self.forget(&uid),
        }
        Ok(action_of(driven?.next))
    }

    /// A deletion is a new generation; what a person asks for by an annotation is none.
    fn wakes() -> Wakes<OperatorRun> {
        |run| {
            let annotations = run.metadata.annotations.as_ref();
            let asked =
                [REQUESTED_AT, FORCE_DELETE].map(|key| annotations.and_then(|all| all.get(key)));
            let mut hasher = DefaultHasher::new();
            (run.metadata.generation, asked).hash(&mut hasher);
            hasher.finish()
        }
    }

    fn trim(run: &mut OperatorRun) {
        finished::trim(run);
    }

    /// Prunes or deletes runs that are too many, as each of them says.
    async fn look_over(&self, cache: &Cache<OperatorRun>) {
        let Some(most) = self.context.settings.kept_runs else { return };
        let all = cache.state();
        let runs = all.iter().filter_map(|run| run.0.as_ref().ok());
        let keeping = Keeping { is_surplus: true, ..self.context.keeping() };
        for run in finished::surplus(runs, most).into_iter().take(AT_ONE_TIME) {
            if let Err(error) = Box::pin(self.look_after(run, keeping, Duration::ZERO)).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    namespace = run.namespace().unwrap_or_default(),
                    run = run.name_any(),
                    error,
                    "failed to clear a run away"
                );
            }
        }
    }

    fn forget(&self, uid: &str) {
        self.working.forget(uid);
        self.measures.forget(uid);
        self.context.queue.forget(uid);
    }

    fn started(self: &Arc<Self>) {
        measures::read_working(self);
        self.context.pods.warm_up();
    }

    fn watched(self: &Arc<Self>, cache: &Cache<OperatorRun>) {
        measures::read_from(self, cache.clone());
    }

    fn seen(&self, run: &OperatorRun) {
        self.context.queue.seen(run);
        self.context.parents.seen(run);
    }

    fn listed(&self) {
        self.context.queue.listed();
    }

    fn woken(&self, scope: &Scope) -> Option<UnboundedReceiver<Woken>> {
        Some(self.context.queue.subscribe(scope))
    }
}
