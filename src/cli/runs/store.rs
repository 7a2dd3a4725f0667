//! Storing a run, of an operator or a workflow, under its own name or a new one.

use kube::core::ObjectMeta;

use crate::api::resource::Resource;
use crate::api::v1alpha1::Phase;
use crate::cli::args::Output;
use crate::cli::failure::Failure;
use crate::cli::print::document;
use crate::cli::verb_context::VerbContext;
use crate::cli::words::{kinds, run_names};
use crate::store::StoreError;

/// How many new names are tried for a run without a name.
const NAME_TRIES: usize = 5;

/// Stores a run under its own name, or under a new one that begins as it asks, else with a word, `table/query`. A run of
/// the same name and spec that exists already is the same run: it is followed to its end, and nothing takes place twice.
///
/// # Errors
/// When a different run has the name, or the store refuses or fails.
pub(crate) async fn store_run(
    context: &VerbContext,
    mut run: Resource,
    word: &str,
) -> anyhow::Result<Resource> {
    if run.metadata().name.as_ref().is_some_and(|name| !name.is_empty()) {
        return store_named(context, run).await;
    }
    let prefix = run.metadata().generate_name.clone();
    let mut random = rand::rng();
    for _ in 0..NAME_TRIES {
        run.metadata_mut().name = Some(match &prefix {
            Some(prefix) => run_names::from_prefix(prefix, &mut random),
            None => run_names::of_operator(word, &mut random),
        });
        match context.store.create(&run).await {
            Ok(stored) => return Ok(stored),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("failed to find a name for the run that is not taken")
}

async fn store_named(context: &VerbContext, run: Resource) -> anyhow::Result<Resource> {
    let key = run.key();
    let stored = match context.store.create(&run).await {
        Ok(stored) => stored,
        Err(StoreError::Conflict { .. }) => {
            let same = context.store.apply(&run).await;
            same.map_err(|error| name_taken(error, &key.name))?.0
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(phase) = stored.phase().filter(|phase| phase.is_terminal()) {
        say_ended_before(context, &key.name, phase);
    }
    Ok(stored)
}

fn name_taken(error: StoreError, name: &str) -> anyhow::Error {
    match error {
        StoreError::Refused { .. } => Failure::usage(
            format!("a different run `{name}` exists already"),
            "give another name with --name, or use `metadata.generateName` in the file",
        )
        .into(),
        error => error.into(),
    }
}

fn say_ended_before(context: &VerbContext, name: &str, phase: Phase) {
    let text = format!("run `{name}` ended before ({}); nothing was done again", phase.as_str());
    context.printer.warn(&text);
    let hint = "give another name with --name to run it again, or use `metadata.generateName`";
    context.printer.note(&context.printer.hint(hint));
}

/// Leaves the name of a run free whose dry run is made: a run never changes once it exists.
pub(crate) fn leave_name_free(metadata: &mut ObjectMeta) {
    metadata.generate_name = metadata.name.take().map(|name| format!("{name}-dry-run-"));
}

/// Says that a run is stored, and left to a controller.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn say_created(
    context: &VerbContext,
    output: Output,
    run: &Resource,
) -> anyhow::Result<()> {
    if !document(&context.printer, output, run)? {
        let key = run.key();
        context.printer.out(&format!("{} created", kinds::qualified(key.kind, &key.name)))?;
    }
    Ok(())
}
