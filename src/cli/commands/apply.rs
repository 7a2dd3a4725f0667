//! `mason apply`: creates or changes resources from files.

use std::sync::Arc;

use crate::api::resource::Resource;
use crate::cli::args::{ApplyArgs, Output};
use crate::cli::documents::{self, Document};
use crate::cli::failure::{Exit, Finding};
use crate::cli::readiness;
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::store::{Applied, Store, StoreError};
use crate::validate::validate_workflow;

/// What is said when a document is wrong.
const UPSHOT: &str = "nothing was applied";

/// Creates or changes the resources of files. Problems of all documents come at once, and then nothing
/// is applied.
///
/// # Errors
/// When a document is wrong, or the store refuses or fails.
pub(crate) async fn apply(context: &VerbContext, args: &ApplyArgs) -> anyhow::Result<Exit> {
    let documents = documents::read(context, &args.files, UPSHOT)?;
    refuse_nameless(&documents)?;
    refuse_wrong_workflows(&documents)?;
    let store: Arc<dyn Store> = match &context.cluster {
        Some(cluster) => Arc::new(cluster.store.clone().beside_others(args.force)),
        None => Arc::clone(&context.store),
    };
    let (mut applied, mut refused) = (Vec::new(), Vec::new());
    for document in &documents {
        match store.apply(&document.resource).await {
            Ok((resource, change)) => {
                let resource = readiness::record(context, resource).await?;
                say(context, args.output, &resource, change)?;
                applied.push(resource);
            }
            Err(StoreError::Refused { what, problems }) => {
                refused.extend(findings(document, &what, problems));
            }
            Err(StoreError::OwnedByOthers { what, fields }) => {
                refused.extend(fields.into_iter().map(|field| Finding {
                    place: format!("{}: {what}", document.source),
                    message: format!("belongs to another manager: {field}"),
                    hint: Some(
                        "change it where it is kept, or take it over with --force".to_owned(),
                    ),
                }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    match args.output {
        Output::Json | Output::Yaml => super::get::print_documents(context, args.output, &applied)?,
        Output::Table | Output::Wide | Output::Name => {}
    }
    if refused.is_empty() {
        return Ok(Exit::Success);
    }
    Err(documents::refused(applied.len(), refused).into())
}

/// Refuses resources without a name before any is applied.
fn refuse_nameless(documents: &[Document]) -> anyhow::Result<()> {
    let nameless = documents.iter().filter(|document| document.resource.key().name.is_empty());
    let findings: Vec<Finding> = nameless
        .map(|document| Finding {
            place: format!("{}: metadata.name", document.source),
            message: "is missing".to_owned(),
            hint: Some("`apply` needs a name; `mason run -f` makes one for a run".to_owned()),
        })
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(documents::invalid(UPSHOT, findings).into()) }
}

/// Refuses workflows that are wrong whatever their operators and configs are; those may come later.
fn refuse_wrong_workflows(documents: &[Document]) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    for document in documents {
        let Resource::Workflow(workflow) = &document.resource else { continue };
        if let Err(problems) = validate_workflow(&workflow.spec, &[]) {
            let problems = document.origin.place(problems);
            findings.extend(documents::findings_of(problems, &document.source));
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(documents::invalid(UPSHOT, findings).into()) }
}

fn findings(document: &Document, what: &str, problems: Vec<String>) -> Vec<Finding> {
    let finding =
        |message| Finding { place: format!("{}: {what}", document.source), message, hint: None };
    problems.into_iter().map(finding).collect()
}

fn say(
    context: &VerbContext,
    output: Output,
    resource: &Resource,
    change: Applied,
) -> anyhow::Result<()> {
    let key = resource.key();
    let name = kinds::qualified(key.kind, &key.name);
    let word = match change {
        Applied::Created => "created",
        Applied::Configured => "configured",
        Applied::Unchanged => "unchanged",
    };
    match output {
        Output::Table | Output::Wide => context.printer.out(&format!("{name} {word}"))?,
        Output::Name => context.printer.out(&name)?,
        Output::Json | Output::Yaml => {}
    }
    Ok(())
}
