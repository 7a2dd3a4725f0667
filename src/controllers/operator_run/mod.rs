//! Runs: each is driven by the passes that the command line makes, from what the API server has.

mod kept;
mod working;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use self::working::Working;
use super::context::{Context, Error, now};
use super::events::{Stage, Told};
use super::watch::{Cache, Reconcile, Wakes};
use crate::api::conditions::Reason;
use crate::api::labels::{FORCE_DELETE, REQUESTED_AT};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{AttemptState, OperatorRun};
use crate::plan::{Decision, Observation, is_leaving, plan, requested};
use crate::runs::{self, LeftBehind, Reconciled, RunContext, Session, Wake};
use crate::store::Store as _;
use crate::store::kubernetes::KubernetesStore;

/// How often a run that waits for its turn asks again.
const TURN: Duration = Duration::from_millis(500);
/// How often a run that waits for a person is looked at without being changed.
const RESYNC: Duration = Duration::from_mins(5);
/// How many runs that are too many are cleared away before others are looked at.
const AT_ONE_TIME: usize = 200;
/// Most passes over one run before others get their turn.
const PASSES: u32 = 50;

/// The controller of runs.
pub(super) struct OperatorRuns {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
    working: Working,
    /// How many runs were let go although something of them may be left outside.
    abandoned: AtomicU64,
}

impl OperatorRuns {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("operator-run"),
            working: Working::new(context.settings.working_runs),
            abandoned: AtomicU64::new(0),
            context: Arc::clone(context),
        }
    }

    /// Makes passes over the newest version of a run, until the next one is due later.
    async fn drive(
        &self,
        context: &RunContext,
        (key, uid): (&Key, &str),
        session: &mut Session,
    ) -> Result<Driven, Error> {
        let mut newest = None;
        for _ in 0..PASSES {
            let run = match newest.take() {
                Some(run) => run,
                None => match self.fetch(key, uid).await? {
                    Some(run) => run,
                    None => return Ok(Driven { next: Wake::OnChange, works: false }),
                },
            };
            let before = Stage::of(&run);
            let reconciled = runs::reconcile(context, session, run).await?;
            let Reconciled { run, next, left } = reconciled;
            if next != Wake::Reread {
                self.context.events.tell_run(&before, &run);
                left.iter().for_each(|left| self.tell_left(&run, left));
            }
            match next {
                Wake::Now if is_gone(&run) => {
                    return Ok(Driven { next: Wake::OnChange, works: false });
                }
                Wake::Now => newest = Some(run),
                Wake::Reread => context.clock.sleep(runs::AFTER_CONFLICT).await,
                next => return Ok(Driven { next, works: works(&run) }),
            }
        }
        Ok(Driven { next: Wake::Now, works: true })
    }

    /// Tells what may be left outside of a run that was let go.
    fn tell_left(&self, run: &OperatorRun, left: &LeftBehind) {
        let (namespace, name) = (run.namespace().unwrap_or_default(), run.name_any());
        let (job, why) = (left.job.as_deref().unwrap_or("none"), left.why.as_str());
        let abandoned = self.abandoned.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(namespace, run = name, job, why, abandoned, "let a deleted run go");
        let told = Told {
            reason: Reason::Abandoned,
            action: "LetGo",
            note: match &left.job {
                Some(job) => format!("job {job} may still work: {why}"),
                None => format!("something may be left outside: {why}"),
            },
            is_warning: true,
        };
        self.context.events.tell(&Resource::OperatorRun(Box::new(run.clone())), &told);
    }

    /// Makes passes over a run that has ended: holds it or lets it go, prunes or deletes it when its time
    /// has come. Takes no place among those that work.
    async fn look_after(&self, run: &OperatorRun, context: &RunContext) -> Result<Action, Error> {
        let seen = Observation { keeping: context.keeping, ..Observation::default() };
        let is_asked = requested(run).is_some_and(|asked| {
            run.status.as_ref().is_none_or(|status| status.last_handled_request != Some(asked))
        });
        match plan(run, &seen, now()) {
            Decision::Rest if !is_asked => return Ok(Action::await_change()),
            Decision::Wait { until, .. } if !is_asked => return Ok(requeue_at(until)),
            _ => {}
        }
        let (uid, mut session) = (run.uid().unwrap_or_default(), Session::default());
        let driven = self.drive(context, (&key_of(run), &uid), &mut session).await?;
        Ok(match driven.next {
            Wake::OnChange => Action::await_change(),
            next => action_of(next),
        })
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

/// What passes over a run came to.
struct Driven {
    next: Wake,
    works: bool,
}

/// Returns whether an attempt of a run is under way, which takes a place among those that work.
fn works(run: &OperatorRun) -> bool {
    let attempts = run.status.iter().flat_map(|status| &status.attempts);
    let ended = run.status.as_ref().is_some_and(|status| status.phase.is_terminal());
    !ended && attempts.last().is_some_and(|attempt| attempt.state != AttemptState::Finished)
}

/// Returns whether a run is gone with the write that let it go.
fn is_gone(run: &OperatorRun) -> bool {
    is_leaving(run) && run.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)
}

fn key_of(run: &OperatorRun) -> Key {
    let namespace = run.namespace().unwrap_or_default();
    Key { kind: Kind::OperatorRun, namespace, name: run.name_any() }
}

fn requeue_at(until: Timestamp) -> Action {
    Action::requeue(Duration::try_from(until.duration_since(now())).unwrap_or_default())
}

fn action_of(next: Wake) -> Action {
    match next {
        Wake::Now | Wake::Reread => Action::requeue(Duration::ZERO),
        Wake::At(until) => requeue_at(until),
        Wake::OnChange => Action::requeue(RESYNC),
    }
}

impl Reconcile for OperatorRuns {
    type Kind = OperatorRun;

    async fn reconcile(&self, run: &OperatorRun, _: &Cache<OperatorRun>) -> Result<Action, Error> {
        let (uid, namespace) = (run.uid().unwrap_or_default(), run.namespace().unwrap_or_default());
        let context = self.context.run_context(&self.store, &namespace); // reads no cluster
        if run.status.as_ref().is_some_and(|status| status.phase.is_terminal()) {
            self.working.end(&uid);
            return self.look_after(run, &context).await;
        }
        let Some(mut session) = self.working.begin(&uid, works(run)) else {
            return Ok(Action::requeue(TURN));
        };
        let driven = self.drive(&context, (&key_of(run), &uid), &mut session).await; // all of the flow
        // Who waits, or fails again and again, must not keep others from working.
        match &driven {
            Ok(driven) if driven.works => self.working.pause(&uid, session),
            _ => self.working.end(&uid),
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
        kept::trim(run);
    }

    /// Prunes or deletes runs that are too many, as each of them says.
    async fn look_over(&self, cache: &Cache<OperatorRun>) {
        let Some(most) = self.context.settings.kept_runs else { return };
        let all = cache.state();
        let runs = all.iter().filter_map(|run| run.0.as_ref().ok());
        for run in kept::surplus(runs, most).into_iter().take(AT_ONE_TIME) {
            let namespace = run.namespace().unwrap_or_default();
            let mut context = self.context.run_context(&self.store, &namespace);
            context.keeping.is_surplus = true;
            if let Err(error) = self.look_after(run, &context).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    namespace,
                    run = run.name_any(),
                    error,
                    "failed to clear a run away"
                );
            }
        }
    }

    fn forget(&self, uid: &str) {
        self.working.end(uid);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(phase: &str, states: &[&str]) -> OperatorRun {
        let attempt = |(number, state): (usize, &&str)| -> Value {
            let started = "2026-01-01T00:00:00Z";
            json!({"number": number + 1, "token": "t", "state": state, "startedAt": started})
        };
        let attempts: Vec<Value> = states.iter().enumerate().map(attempt).collect();
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun", "metadata": {"name": "x"},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
            "status": {"phase": phase, "attempts": attempts},
        }))
        .expect("should be a run")
    }

    #[test]
    fn only_a_run_with_an_attempt_under_way_takes_a_place() {
        for (phase, states, expect) in [
            ("Pending", &[][..], false),
            ("Running", &["Intended"], true),
            ("Running", &["Finished", "Launched"], true),
            ("Running", &["Finished"], false),
            ("Suspended", &["Launched"], true),
            ("Failed", &["Launched"], false),
        ] {
            assert_eq!(works(&run(phase, states)), expect, "{phase} {states:?}");
        }
    }
}
