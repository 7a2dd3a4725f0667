//! `mason validate`: every problem of files, without applying them.

use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;
use crate::cli::args::ValidateArgs;
use crate::cli::cluster::Cluster;
use crate::cli::documents::{self, Document};
use crate::cli::documents::{check_run, resources};
use crate::cli::failure::{Exit, Finding};
use crate::cli::verb_context::VerbContext;
use crate::runs::Resources;
use crate::store::StoreError;

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
        if let Resource::OperatorRun(run) = &document.resource {
            let surroundings = surroundings(context, &documents, run).await?;
            let checked = surroundings.map(|surroundings| check_run(run, &surroundings));
            if let Some(Err(problems)) = checked {
                let problems = document.origin.place(problems);
                findings.extend(documents::findings_of(problems, &document.source));
            }
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
    let namespace = run.metadata.namespace.clone().unwrap_or_default();
    for document in documents {
        let Key { kind, namespace: of, name } = document.resource.key();
        match &document.resource {
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
    Ok(Some(found))
}
