//! Workflows: whether they can be run.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::clock::now;
use super::context::Context;
use super::control_loop::{Action, Error, Pass, Reconcile, store_status};
use crate::api::resource::Resource;
use crate::api::v1alpha1::Workflow;
use crate::readiness::workflow_readiness;
use crate::runs::check_workflow;
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
        let checked = check_workflow(&context, workflow).await?; // reads operators and configs
        let status = workflow_readiness(workflow, &checked, now()); // pure
        if workflow.status.as_ref() == Some(&status) {
            return Ok(Action::requeue(RECHECK));
        }
        let changed = Workflow { status: Some(status), ..workflow.clone() };
        let [before, changed] =
            [workflow.clone(), changed].map(|one| Resource::Workflow(Box::new(one)));
        let rest = Action::requeue(RECHECK);
        store_status((&self.context, &self.store), &before, changed, rest).await
    }
}
