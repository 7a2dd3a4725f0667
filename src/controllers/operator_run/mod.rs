//! Runs: each is driven by the passes that the command line makes, from what the API server has.

mod working;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;

use self::working::Working;
use super::context::{Context, Error, now};
use super::watch::{Cache, Reconcile};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::runs::{self, Reconciled, RunContext, Session, Wake};
use crate::store::Store as _;
use crate::store::kubernetes::KubernetesStore;

/// How often a run that waits for its turn asks again.
const TURN: Duration = Duration::from_millis(500);
/// How often a run that waits for a person is looked at without being changed.
const RESYNC: Duration = Duration::from_mins(5);
/// How long after a conflict the run is read again.
const AFTER_CONFLICT: Duration = Duration::from_millis(15);
/// Most passes over one run before others get their turn.
const PASSES: u32 = 50;

/// The controller of runs.
pub(super) struct OperatorRuns {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
    working: Working,
}

impl OperatorRuns {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("operator-run"),
            working: Working::new(context.settings.working_runs),
            context: Arc::clone(context),
        }
    }

    /// Makes passes over the newest version of a run, until the next one is due later.
    async fn drive(
        &self,
        context: &RunContext,
        (key, uid): (&Key, &str),
        session: &mut Session,
    ) -> Result<Wake, Error> {
        let mut newest = None;
        for _ in 0..PASSES {
            let run = match newest.take() {
                Some(run) => run,
                None => match self.fetch(key, uid).await? {
                    Some(run) => run,
                    None => return Ok(Wake::OnChange),
                },
            };
            match runs::reconcile(context, session, run).await? {
                Reconciled { run, next: Wake::Now } => newest = Some(run),
                Reconciled { next: Wake::Reread, .. } => {
                    context.clock.sleep(AFTER_CONFLICT).await;
                }
                Reconciled { next, .. } => return Ok(next),
            }
        }
        Ok(Wake::Now)
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

impl Reconcile for OperatorRuns {
    type Kind = OperatorRun;

    async fn reconcile(&self, run: &OperatorRun, _: &Cache<OperatorRun>) -> Result<Action, Error> {
        let (uid, namespace) = (run.uid().unwrap_or_default(), run.namespace().unwrap_or_default());
        if run.status.as_ref().is_some_and(|status| status.phase.is_terminal()) {
            self.working.end(&uid);
            return Ok(Action::await_change());
        }
        let Some(mut session) = self.working.begin(&uid) else { return Ok(Action::requeue(TURN)) };
        let context = self.context.run_context(&self.store, &namespace); // reads no cluster
        let key = Key { kind: Kind::OperatorRun, namespace, name: run.name_any() };
        let driven = self.drive(&context, (&key, &uid), &mut session).await; // all of the flow
        self.working.pause(&uid, session);
        Ok(match driven? {
            Wake::Now | Wake::Reread => Action::requeue(Duration::ZERO),
            Wake::At(until) => {
                let left = until.duration_since(now());
                Action::requeue(Duration::try_from(left).unwrap_or_default())
            }
            Wake::OnChange => {
                self.working.end(&uid);
                Action::requeue(RESYNC)
            }
        })
    }

    fn forget(&self, uid: &str) {
        self.working.end(uid);
    }
}
