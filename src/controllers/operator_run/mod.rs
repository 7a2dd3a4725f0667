//! Runs: each is driven by the passes that the command line makes, from what the API server has.

mod measures;
mod working;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument as _;

use self::measures::{Before, Measures};
use self::working::Working;
use super::again::Action;
use super::context::{Context, Error, now};
use super::events::Stage;
use super::turns::{Woken, works};
use super::watch::{Cache, Reconcile, Scope};
use crate::api::conditions::Reason;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::runs::{self, Reconciled, RunContext, Session, Wake};
use crate::store::Store as _;
use crate::store::kubernetes::KubernetesStore;

/// How soon a run is looked at that came before it was known who works already.
const NOT_OPEN: Duration = Duration::from_millis(100);
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
            working: Working::default(),
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
                    None => return Ok(Driven { next: Wake::OnChange, keeps: Keeps::Nothing }),
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
                Reconciled { run, next } => return Ok(Driven { next, keeps: Keeps::of(&run) }),
            }
        }
        Ok(Driven { next: Wake::Now, keeps: Keeps::Place })
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
    keeps: Keeps,
}

/// What a run keeps until the next pass.
enum Keeps {
    /// Its place among those that work.
    Place,
    /// Its place in line.
    Turn,
    /// Nothing: it has ended, or waits for something else than its turn.
    Nothing,
}

impl Keeps {
    fn of(run: &OperatorRun) -> Self {
        match run {
            run if works(run) => Self::Place,
            run if is_queued(run) => Self::Turn,
            _ => Self::Nothing,
        }
    }
}

/// Returns whether a run waits for its turn, and so keeps its place in line.
fn is_queued(run: &OperatorRun) -> bool {
    let Some(status) = &run.status else { return false };
    let turns = [Reason::ConcurrencyLimit, Reason::WorkerPoolFull, Reason::Paused];
    !status.phase.is_terminal()
        && turns.iter().any(|reason| status.columns.reason == reason.as_str())
}

impl Reconcile for OperatorRuns {
    type Kind = OperatorRun;

    async fn reconcile(&self, run: &OperatorRun, _: &Cache<OperatorRun>) -> Result<Action, Error> {
        let (uid, namespace) = (run.uid().unwrap_or_default(), run.namespace().unwrap_or_default());
        if run.status.as_ref().is_some_and(|status| status.phase.is_terminal()) {
            self.forget(&uid);
            return Ok(Action::await_change());
        }
        self.measures.see(&uid, run, super::watch::waited());
        let turns = &self.context.turns;
        if !turns.is_open() && !works(run) {
            return Ok(Action::requeue(NOT_OPEN));
        }
        turns.begins(run);
        if works(run) && !self.working.knows(&uid) {
            self.measures.adopt();
        }
        let mut session = self.working.begin(&uid);
        let context = self.context.run_context(&self.store, (&namespace, &run.name_any())); // reads no cluster
        let key = Key { kind: Kind::OperatorRun, namespace, name: run.name_any() };
        let driven = self.drive(&context, (&key, &uid), &mut session).await; // all of the flow
        // Who waits, or fails again and again, must not keep others from working.
        match driven.as_ref().map(|driven| &driven.keeps) {
            Ok(Keeps::Place) => self.working.pause(&uid, session),
            Ok(Keeps::Turn) => self.working.end(&uid),
            Ok(Keeps::Nothing) | Err(_) => {
                self.working.end(&uid);
                turns.release(&uid);
            }
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
        self.context.turns.forget(uid);
    }

    fn started(self: &Arc<Self>) {
        measures::read_working(self);
    }

    fn watched(self: &Arc<Self>, cache: &Cache<OperatorRun>) {
        measures::read_from(self, cache.clone());
    }

    fn seen(&self, run: &OperatorRun) {
        self.context.turns.seen(run);
    }

    fn listed(&self) {
        self.context.turns.listed();
    }

    fn woken(&self, scope: &Scope) -> Option<UnboundedReceiver<Woken>> {
        Some(self.context.turns.subscribe(scope))
    }
}
