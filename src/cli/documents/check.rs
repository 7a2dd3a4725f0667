//! Checking a run before it is stored: with its definition, its config, and what this program can do.

use crate::api::resource::Resource;
use crate::api::v1alpha1::OperatorRun;
use crate::cli::cluster::is_forbidden;
use crate::cli::verb_context::VerbContext;
use crate::runs::{Library, Resources, action_descriptions};
use crate::store::library;
use crate::validate::{
    self, ActionDescription, Inputs, Problems, Rules, ValidRun, validate_config,
    validate_definition,
};
use crate::{clients, operators};

/// Looks up what a run is checked with, in the store and in the library. Nothing when only the controller
/// of a cluster can check it: the person may not read what belongs to the run, or the definition stands in
/// the controller's own namespace.
///
/// # Errors
/// When the store cannot be read, or what might be the run's own definition or config cannot.
pub(crate) async fn resources(
    context: &VerbContext,
    run: &OperatorRun,
) -> anyhow::Result<Option<Resources>> {
    let mut run = run.clone();
    run.metadata.namespace.get_or_insert_with(|| context.settings.namespace().to_owned());
    let library = Library::built_in(library::definitions());
    let read = Resources::read(context.store.as_ref(), &library, &run).await;
    let is_elsewhere =
        |resources: &Resources| context.cluster.is_some() && resources.definition.is_none();
    match read {
        Ok(resources) if is_elsewhere(&resources) => Ok(None),
        Ok(resources) => Ok(Some(resources)),
        Err(error) if context.cluster.is_some() && is_forbidden(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checks a config or definition by itself.
///
/// # Errors
/// Every problem.
pub(crate) fn check_alone(resource: &Resource) -> Result<(), Problems> {
    match resource {
        Resource::MasonConfig(config) => {
            validate_config(config, clients::types(), &Rules::default())
        }
        Resource::OperatorDefinition(definition) => {
            validate_definition(definition, &actions(), clients::types())
        }
        // A workflow is checked with its operators at once, so that all problems come together.
        Resource::OperatorRun(_) | Resource::Workflow(_) | Resource::WorkflowRun(_) => Ok(()),
    }
}

fn actions() -> Vec<ActionDescription> {
    action_descriptions(operators::all())
}

/// Checks a run, without storing or doing anything.
///
/// # Errors
/// Every problem.
pub(crate) fn check_run(run: &OperatorRun, resources: &Resources) -> Result<ValidRun, Problems> {
    let actions = actions();
    let inputs = Inputs {
        definition: resources.definition.as_ref(),
        config: resources.config.as_ref(),
        actions: &actions,
        clients: clients::types(),
        kinds: crate::cli::runs::KINDS,
        rules: &Rules::default(),
        namespace_labels: None,
        known_operators: &resources.known_operators,
        known_configs: &resources.known_configs,
        nested: None,
    };
    validate::validate(run, &inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_definition_is_a_valid_document_and_a_valid_definition() {
        let (mut definitions, mut problems) = (0, Vec::new());
        for (path, text) in library::files() {
            for document in validate::read_documents(text, path) {
                match document {
                    Ok(resource) => {
                        definitions += 1;
                        problems.extend(
                            check_alone(&resource).err().map(|found| format!("{path}: {found}")),
                        );
                    }
                    Err(found) => problems.push(format!("{path}: {found}")),
                }
            }
        }
        assert_eq!(definitions, operators::all().len());
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
