//! Runs: each is driven by the passes that the command line makes, from what the API server has.

mod measures;
mod working;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tracing::Instrument as _;

use self::measures::{Before, Measures};
use self::working::Working;
use super::again::Action;
use super::context::{Context, Error, now};
use super::events::Stage;
use super::watch::{Cache, Reconcile};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{AttemptState, OperatorRun};
use crate::runs::{self, Reconciled, RunContext, Session, Wake};
use crate::store::Store as _;
use crate::store::kubernetes::KubernetesStore;

/// How often a run that waits for its turn asks again.
const TURN: Duration = Duration::from_millis(500);
/// How often a run that waits for a person is looked at without being changed.
const RESYNC: Duration = Duration::from_mins(5);
/// Most passes over one run before others get their turn.
const PASSES: u32 = 50;

/// The controller of runs.
pub(super) struct OperatorRuns {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
    working: Working,
    measures: Measures,
}

impl OperatorRuns {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("operator-run"),
            working: Working::new(context.settings.working_runs),
            measures: Measures::new(&context.metrics),
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
            let (before, stage) = (Before::of(&run), Stage::of(&run));
            let span = step_span(&run);
            let step = runs::reconcile(context, session, run).instrument(span.clone());
            let reconciled = step.await?;
            if reconciled.next != Wake::Reread {
                span.in_scope(|| self.measures.stored(&before, &reconciled.run));
                self.context.events.tell_run(&stage, &reconciled.run);
            }
            match reconciled {
                Reconciled { run, next: Wake::Now } => newest = Some(run),
                Reconciled { next: Wake::Reread, .. } => {
                    context.clock.sleep(runs::AFTER_CONFLICT).await;
                }
                Reconciled { run, next } => return Ok(Driven { next, works: works(&run) }),
            }
        }
        Ok(Driven { next: Wake::Now, works: true })
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

impl Reconcile for OperatorRuns {
    type Kind = OperatorRun;

    async fn reconcile(&self, run: &OperatorRun, _: &Cache<OperatorRun>) -> Result<Action, Error> {
        let (uid, namespace) = (run.uid().unwrap_or_default(), run.namespace().unwrap_or_default());
        if run.status.as_ref().is_some_and(|status| status.phase.is_terminal()) {
            self.working.end(&uid);
            return Ok(Action::await_change());
        }
        self.measures.see(&uid, run, super::watch::waited());
        let is_new = !self.working.knows(&uid);
        let Some(mut session) = self.working.begin(&uid, works(run)) else {
            return Ok(Action::requeue(TURN));
        };
        if works(run) && is_new {
            self.measures.adopt();
        }
        let context = self.context.run_context(&self.store, &namespace); // reads no cluster
        let key = Key { kind: Kind::OperatorRun, namespace, name: run.name_any() };
        let driven = self.drive(&context, (&key, &uid), &mut session).await; // all of the flow
        // Who waits, or fails again and again, must not keep others from working.
        match &driven {
            Ok(driven) if driven.works => self.working.pause(&uid, session),
            _ => self.working.end(&uid),
        }
        Ok(match driven?.next {
            Wake::Now | Wake::Reread => Action::requeue(Duration::ZERO),
            Wake::At(until) => {
                let left = until.duration_since(now());
                Action::requeue(Duration::try_from(left).unwrap_or_default())
            }
            Wake::OnChange => Action::requeue(RESYNC),
        })
    }

    fn forget(&self, uid: &str) {
        self.working.end(uid);
        self.measures.forget(uid);
    }

    fn started(self: &Arc<Self>) {
        measures::read_working(self);
    }

    fn watched(self: &Arc<Self>, cache: &Cache<OperatorRun>) {
        measures::read_from(self, cache.clone());
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
