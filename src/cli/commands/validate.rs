//! `mason validate`: every problem of files, without applying them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::cli::args::ValidateArgs;
use crate::cli::cluster::Cluster;
use crate::cli::documents::{self, Document};
use crate::cli::documents::{check_run, resources};
use crate::cli::failure::{Exit, Finding};
use crate::cli::runs::run_context;
use crate::cli::verb_context::VerbContext;
use crate::runs::{EachTime, LookUp, Resources, RunContext, check_workflow, check_workflow_run};
use crate::store::StoreError;
use crate::validate::Problems;

/// What is said when a document is wrong.
const UPSHOT: &str = "not valid";

/// Lists every problem of files. A run is checked with its definition and config, from the same files
/// or from the store.
///
/// # Errors
/// Every problem.
pub(crate) async fn validate(context: &VerbContext, args: &ValidateArgs) -> anyhow::Result<Exit> {
    let (documents, mut findings) = documents::read_what_can_be(context, &args.files);
    for document in &documents {
        if let Some(problems) = problems_of(context, &documents, &document.resource).await? {
            let problems = document.origin.place(problems);
            findings.extend(documents::findings_of(problems, &document.source));
        }
    }
    if let Some(cluster) = context.cluster.as_ref().filter(|_| findings.is_empty()) {
        findings = refused_by_server(cluster, &documents).await?;
    }
    if !findings.is_empty() {
        return Err(documents::invalid(UPSHOT, findings).into());
    }
    let lines: Vec<String> = documents.iter().map(line_of).collect();
    context.printer.out(&lines.join("\n"))?;
    Ok(Exit::Success)
}

/// Returns what is wrong with a run or a workflow together with what it names. On a cluster only the controller can tell of
/// workflows.
async fn problems_of(
    context: &VerbContext,
    documents: &[Document],
    resource: &Resource,
) -> anyhow::Result<Option<Problems>> {
    if let Resource::OperatorRun(run) = resource {
        let surroundings = surroundings(context, documents, run).await?;
        return Ok(surroundings.and_then(|surroundings| check_run(run, &surroundings).err()));
    }
    if context.cluster.is_some() {
        return Ok(None);
    }
    let resources = documents.iter().map(|document| document.resource.clone()).collect();
    let run_context = RunContext { look_up: Arc::new(Beside(resources)), ..run_context(context) };
    Ok(match resource {
        Resource::Workflow(workflow) => check_workflow(&run_context, workflow).await?.err(),
        Resource::WorkflowRun(run) => {
            let workflow = documents.iter().find_map(|document| match &document.resource {
                Resource::Workflow(workflow)
                    if workflow.metadata.name.as_ref() == Some(&run.spec.workflow_ref.name)
                        && workflow.metadata.namespace == run.metadata.namespace =>
                {
                    Some(workflow.as_ref())
                }
                _ => None,
            });
            check_workflow_run(&run_context, run, workflow).await?.err()
        }
        _ => None,
    })
}

/// Looks up what a run is validated against, where the documents beside it win over the store.
struct Beside(Vec<Resource>);

#[async_trait]
impl LookUp for Beside {
    async fn resources(
        &self,
        context: &RunContext,
        run: &OperatorRun,
    ) -> Result<Arc<Resources>, StoreError> {
        let found = EachTime.resources(context, run).await?;
        let mut found = Arc::unwrap_or_clone(found);
        take_beside(&mut found, self.0.iter(), run);
        Ok(Arc::new(found))
    }
}

/// Returns what the API server would refuse, as it says itself when nothing is kept of the call.
async fn refused_by_server(
    cluster: &Cluster,
    documents: &[Document],
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for document in documents {
        match cluster.store.try_apply(&document.resource).await {
            Ok(()) => {}
            Err(StoreError::Refused { problems, .. }) => {
                let finding = |message| Finding {
                    place: format!("{}: the API server", document.source),
                    message,
                    hint: None,
                };
                findings.extend(problems.into_iter().map(finding));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(findings)
}

fn line_of(document: &Document) -> String {
    let key = document.resource.key();
    let name = if key.name.is_empty() { "(to be named)" } else { &key.name };
    format!("{}: {} {name} is valid", document.source, key.kind)
}

/// Returns what surrounds a run: the documents beside it win over the store.
async fn surroundings(
    context: &VerbContext,
    documents: &[Document],
    run: &OperatorRun,
) -> anyhow::Result<Option<Resources>> {
    let Some(mut found) = resources(context, run).await? else { return Ok(None) };
    take_beside(&mut found, documents.iter().map(|document| &document.resource), run);
    Ok(Some(found))
}

/// Takes the config and the definition of a run from those that stand beside it.
fn take_beside<'a>(
    found: &mut Resources,
    beside: impl Iterator<Item = &'a Resource>,
    run: &OperatorRun,
) {
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    for resource in beside {
        let Key { kind, namespace: of, name } = resource.key();
        match resource {
            Resource::MasonConfig(config) if name == run.spec.config_ref.name => {
                let wanted = run.spec.config_ref.namespace.as_ref().unwrap_or(&namespace);
                if kind == Kind::MasonConfig && of == *wanted {
                    found.config = Some((**config).clone());
                }
            }
            Resource::OperatorDefinition(definition)
                if definition.spec.operator == run.spec.operator && of == namespace =>
            {
                found.definition = Some((**definition).clone());
            }
            _ => {}
        }
    }
}
