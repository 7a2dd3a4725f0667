//! What a workflow and a run of it are checked against: for each step its definition and config.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::nested::nested_of;
use crate::api::v1alpha1::{FreeForm, Workflow, WorkflowRun, WorkflowSpec};
use crate::runs::context::{RunContext, action_descriptions};
use crate::runs::resources::Resources;
use crate::store::{Key, Kind, Resource, Store, StoreError};
use crate::validate::{
    self, ActionDescription, Inputs, Problems, ValidWorkflow, effective_spec, step_run,
};

/// What a run of a workflow is checked against.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkflowResources {
    /// The workflow that the run names.
    workflow: Option<Workflow>,
    /// Workflows that exist, for hints; not read when it was found.
    known_workflows: Vec<String>,
    /// The run that is retried, if it is there.
    earlier: Option<WorkflowRun>,
    /// For each step of the workflow as it would be run, in its order.
    steps: Vec<Arc<Resources>>,
}

impl WorkflowResources {
    /// Looks up what a run is checked against.
    ///
    /// # Errors
    /// As [`Resources::read`].
    pub(super) async fn read(
        context: &RunContext,
        run: &WorkflowRun,
        beside: Option<&Workflow>,
    ) -> Result<Self, StoreError> {
        let namespace = run.metadata.namespace.clone().unwrap_or_default();
        let store = context.store.as_ref();
        let workflow = match beside {
            Some(workflow) => Some(workflow.clone()),
            None => workflow_of(store, &namespace, run).await?,
        };
        let Some(workflow) = workflow else {
            let known_workflows = names(store, &namespace).await?;
            return Ok(Self { known_workflows, ..Self::default() });
        };
        let (spec, _) = effective_spec(&workflow, run);
        let steps = of_steps(context, &spec, &namespace).await?;
        let earlier = earlier_of(store, &namespace, run).await?;
        Ok(Self { workflow: Some(workflow), known_workflows: Vec::new(), earlier, steps })
    }

    /// Checks the run with them.
    ///
    /// # Errors
    /// Every problem.
    pub(super) fn check(
        &self,
        context: &RunContext,
        run: &WorkflowRun,
    ) -> Result<ValidWorkflow, Problems> {
        let actions = action_descriptions(context.operators);
        let inputs: Vec<_> =
            self.steps.iter().map(|step| inputs_of(context, &actions, step)).collect();
        let workflow = (self.workflow.as_ref(), self.known_workflows.as_slice());
        validate::validate_workflow_run(run, workflow, self.earlier.as_ref(), &inputs)
    }
}

/// Looks up what a run of a workflow is checked with, and checks it; with a workflow that stands beside it in place of the
/// stored one.
///
/// # Errors
/// The store's; the problems of the run are the value.
pub async fn check_workflow_run(
    context: &RunContext,
    run: &WorkflowRun,
    beside: Option<&Workflow>,
) -> Result<Result<ValidWorkflow, Problems>, StoreError> {
    Ok(WorkflowResources::read(context, run, beside).await?.check(context, run))
}

/// Looks up what each step of a workflow is checked with, and checks the workflow by itself.
///
/// # Errors
/// The store's; the problems of the workflow are the value.
pub async fn check_workflow(
    context: &RunContext,
    workflow: &Workflow,
) -> Result<Result<(), Problems>, StoreError> {
    let namespace = workflow.metadata.namespace.clone().unwrap_or_default();
    let steps = of_steps(context, &workflow.spec, &namespace).await?;
    let actions = action_descriptions(context.operators);
    let inputs: Vec<_> = steps.iter().map(|step| inputs_of(context, &actions, step)).collect();
    Ok(validate::validate_workflow(&workflow.spec, &inputs))
}

fn inputs_of<'a>(
    context: &'a RunContext,
    actions: &'a [ActionDescription],
    resources: &'a Resources,
) -> Inputs<'a> {
    Inputs {
        definition: resources.definition.as_ref(),
        config: resources.config.as_ref(),
        actions,
        clients: context.clients,
        kinds: context.kinds,
        rules: &context.admission.rules,
        namespace_labels: None,
        known_operators: &resources.known_operators,
        known_configs: &resources.known_configs,
        nested: resources.nested.as_ref(),
    }
}

/// Looks up definition and config of each step; of steps that have both in common once.
async fn of_steps(
    context: &RunContext,
    spec: &WorkflowSpec,
    namespace: &str,
) -> Result<Vec<Arc<Resources>>, StoreError> {
    let mut found: BTreeMap<String, Arc<Resources>> = BTreeMap::new();
    let mut steps = Vec::new();
    let nested = nested_of(context.store.as_ref(), namespace, spec).await?;
    for step in &spec.steps {
        if let Some(name) = &step.workflow {
            let nested = nested.get(name).cloned();
            steps.push(Arc::new(Resources { nested, ..Resources::default() }));
            continue;
        }
        if step.approval.is_some() {
            steps.push(Arc::default());
            continue;
        }
        let mut run = step_run(spec, step, FreeForm::default());
        run.metadata.namespace = Some(namespace.to_owned());
        let config = &run.spec.config_ref;
        let asked = format!("{}\n{}\n{:?}", run.spec.operator, config.name, config.namespace);
        let resources = match found.get(&asked) {
            Some(resources) => Arc::clone(resources),
            None => context.look_up.resources(context, &run).await?,
        };
        found.insert(asked, Arc::clone(&resources));
        steps.push(resources);
    }
    Ok(steps)
}

/// Returns the run that a run retries, if it is there.
///
/// # Errors
/// When the store fails.
pub(super) async fn earlier_of(
    store: &dyn Store,
    namespace: &str,
    run: &WorkflowRun,
) -> Result<Option<WorkflowRun>, StoreError> {
    let Some(retried) = &run.spec.retry_from else { return Ok(None) };
    let (namespace, name) = (namespace.to_owned(), retried.run.clone());
    match store.get(&Key { kind: Kind::WorkflowRun, namespace, name }).await? {
        Some(Resource::WorkflowRun(run)) => Ok(Some(*run)),
        _ => Ok(None),
    }
}

async fn workflow_of(
    store: &dyn Store,
    namespace: &str,
    run: &WorkflowRun,
) -> Result<Option<Workflow>, StoreError> {
    let (namespace, name) = (namespace.to_owned(), run.spec.workflow_ref.name.clone());
    match store.get(&Key { kind: Kind::Workflow, namespace, name }).await? {
        Some(Resource::Workflow(workflow)) => Ok(Some(*workflow)),
        _ => Ok(None),
    }
}

async fn names(store: &dyn Store, namespace: &str) -> Result<Vec<String>, StoreError> {
    let listed = store.list(Kind::Workflow, Some(namespace)).await?;
    let names = listed.into_iter().filter_map(Result::ok);
    Ok(names.filter_map(|found| found.metadata().name.clone()).collect())
}
