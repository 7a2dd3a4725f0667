//! The controller of runs of workflows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::api::conditions::Reason;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{Phase, StepStatus, WorkflowRun};
use crate::controllers::clock::now;
use crate::controllers::context::Context;
use crate::controllers::control_loop::{Action, Error, Pass, Reconcile};
use crate::controllers::events::Report;
use crate::controllers::queue::Woken;
use crate::controllers::scope::Scope;
use crate::plan::leaves_at;
use crate::runs::{self, RunContext, Wake, WorkflowPass, reconcile_workflow};
use crate::store::kubernetes::KubernetesStore;
use crate::store::{Store as _, StoreError};

/// Most passes over one run in a row; others get theirs after that.
const PASSES: u32 = 20;
/// How often a run that waits for a person gets a pass although it has not changed.
const RESYNC: Duration = Duration::from_mins(5);

/// The controller of runs of workflows.
pub(crate) struct WorkflowRuns {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
}

impl WorkflowRuns {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self { store: context.store("workflow-run"), context: Arc::clone(context) }
    }

    /// Makes passes over the newest version of a run until the next one is due later.
    async fn drive(&self, context: &RunContext, key: &Key, uid: &str) -> Result<Action, Error> {
        for _ in 0..PASSES {
            let Some(run) = self.fetch(key, uid).await? else { return Ok(Action::await_change()) };
            let before = run.clone();
            let WorkflowPass { run, next } = reconcile_workflow(context, run).await?;
            if next != Wake::Reread {
                self.tell(&before, &run);
                for woken in self.context.groups.note(&run) {
                    self.context.parents.wake(&woken);
                }
            }
            match next {
                Wake::Now => {}
                Wake::Reread => context.clock.sleep(runs::AFTER_CONFLICT).await,
                Wake::OnChange if phase_of(&run).is_terminal() => {
                    return self.look_after(&run).await;
                }
                Wake::OnChange => return Ok(Action::requeue(RESYNC)),
                Wake::At(until) => return Ok(Action::requeue_at(until)),
            }
        }
        Ok(Action::requeue(Duration::ZERO))
    }

    /// Deletes a run that has ended when its time has come.
    async fn look_after(&self, run: &WorkflowRun) -> Result<Action, Error> {
        let Some(until) = leaves_at(run) else { return Ok(Action::await_change()) };
        if until > now() {
            return Ok(Action::requeue_at(until));
        }
        match self.store.remove(&Resource::WorkflowRun(Box::new(run.clone()))).await {
            Ok(()) => Ok(Action::await_change()),
            Err(StoreError::Conflict { .. }) => Ok(Action::requeue(runs::AFTER_CONFLICT)),
            Err(error) => Err(error.into()),
        }
    }

    /// Wakes the runs of steps that may begin now, or have to end, and reports an end.
    fn tell(&self, before: &WorkflowRun, run: &WorkflowRun) {
        let open = |run: &WorkflowRun| -> BTreeSet<(String, String)> {
            let lines = run.status.iter().flat_map(|status| &status.steps);
            let open = lines.flat_map(StepStatus::open_runs);
            open.map(|(name, uid)| (name.to_owned(), uid.to_owned())).collect()
        };
        let stops =
            |run: &WorkflowRun| run.status.as_ref().is_some_and(|status| status.stopping.is_some());
        let recorded = if stops(run) && !stops(before) { BTreeSet::new() } else { open(before) };
        for (name, uid) in open(run).difference(&recorded) {
            self.context.queue.wake_run(uid);
            let namespace = run.namespace().unwrap_or_default();
            let (uid, name) = (uid.clone(), name.clone());
            self.context.parents.wake(&Woken { uid, namespace, name });
        }
        let (phase, resource) = (phase_of(run), Resource::WorkflowRun(Box::new(run.clone())));
        if phase == phase_of(before) || !(phase.is_terminal() || phase == Phase::Unknown) {
            return;
        }
        self.context.parents.wake_parent_of(run);
        let columns = run.status.as_ref().map(|status| status.columns.clone()).unwrap_or_default();
        let report = Report {
            reason: Reason::of_word(&columns.reason).unwrap_or(Reason::Completed),
            action: "Run",
            note: match columns.message.as_str() {
                "" => format!("{}: {} steps are settled", phase.as_str(), columns.steps),
                message => message.to_owned(),
            },
            is_warning: phase != Phase::Succeeded,
        };
        self.context.events.report(&resource, &report);
    }

    /// Reads a run as it is now; nothing when it is gone, or another one has its name.
    async fn fetch(&self, key: &Key, uid: &str) -> Result<Option<WorkflowRun>, Error> {
        let found = self.store.get(key).await?;
        Ok(found.and_then(|resource| match resource {
            Resource::WorkflowRun(run) if run.uid().as_deref() == Some(uid) => Some(*run),
            _ => None,
        }))
    }
}

fn phase_of(run: &WorkflowRun) -> Phase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

impl Reconcile for WorkflowRuns {
    type Kind = WorkflowRun;

    async fn reconcile(
        &self,
        run: &WorkflowRun,
        pass: Pass<'_, WorkflowRun>,
    ) -> Result<Action, Error> {
        if phase_of(run).is_terminal() {
            return self.look_after(run).await;
        }
        let (namespace, name) = (run.namespace().unwrap_or_default(), run.name_any());
        let context = self.context.run_context(&self.store, (&namespace, &name), pass.waited);
        let key = Key { kind: Kind::WorkflowRun, namespace, name };
        Box::pin(self.drive(&context, &key, &run.uid().unwrap_or_default())).await
    }

    /// Of a run that has ended only its phase is needed.
    fn trim(run: &mut WorkflowRun) {
        if let Some(status) = run.status.as_mut().filter(|status| status.phase.is_terminal()) {
            (status.frozen, status.outputs) = (None, None);
            status.steps.clear();
            status.parameters.clear();
        }
    }

    fn woken(&self, scope: &Scope) -> Option<UnboundedReceiver<Woken>> {
        Some(self.context.parents.subscribe(scope))
    }
}
