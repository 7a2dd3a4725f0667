//! Workflows: whether they can be run, and the runs that their schedules make.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::clock::now;
use super::context::Context;
use super::control_loop::{Action, Error, Pass, Reconcile};
use super::events::Report;
use crate::api::conditions::Reason;
use crate::api::resource::Resource;
use crate::api::v1alpha1::Workflow;
use crate::runs::{AFTER_CONFLICT, Kept, keep_workflow};
use crate::store::kubernetes::KubernetesStore;

/// How often a workflow is checked although it has not changed: its operators and configs may have.
const RECHECK: Duration = Duration::from_mins(1);

/// The controller of workflows.
pub(super) struct Workflows {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
}

impl Workflows {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self { store: context.store("workflow"), context: Arc::clone(context) }
    }
}

impl Workflows {
    /// Reports the runs that the schedule made, and what it missed.
    fn tell(&self, workflow: &Resource, kept: &Kept) {
        let report = |reason, note: String| {
            let is_warning = reason != Reason::Scheduled;
            let report = Report { reason, action: "Schedule", note, is_warning };
            self.context.events.report(workflow, &report);
        };
        for made in &kept.schedule.made {
            let note = format!("made run `{}`, planned for {}", made.name, made.planned_at);
            report(Reason::Scheduled, note);
        }
        for name in &kept.schedule.taken {
            report(Reason::NameTaken, format!("a run of something else has the name `{name}`"));
        }
        if kept.missed > 0 {
            let note = format!("planned times that became no run: {}", kept.missed);
            report(Reason::Missed, note);
        }
        self.context.metrics.schedules.count(kept.schedule.made.len(), kept.missed);
    }
}

impl Reconcile for Workflows {
    type Kind = Workflow;

    async fn reconcile(
        &self,
        workflow: &Workflow,
        pass: Pass<'_, Workflow>,
    ) -> Result<Action, Error> {
        let namespace = workflow.namespace().unwrap_or_default();
        let name = workflow.name_any();
        let context = self.context.run_context(&self.store, (&namespace, &name), pass.waited);
        let kept = keep_workflow(&context, workflow).await?;
        let Some(stored) = &kept.workflow else { return Ok(Action::requeue(AFTER_CONFLICT)) };
        if kept.is_changed {
            let [before, stored] =
                [workflow, stored].map(|one| Resource::Workflow(Box::new(one.clone())));
            self.context.events.report_readiness(&before, &stored);
            self.tell(&stored, &kept);
        }
        let recheck = now().checked_add(RECHECK).unwrap_or_else(|_| now());
        Ok(Action::requeue_at(kept.next.map_or(recheck, |next| next.min(recheck))))
    }
}
