//! `mason suspend`: lets a run begin nothing more until it is resumed.

use crate::api::resource::{Kind, Resource};
use crate::cli::args::SuspendArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::runs::{Change, change};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;

/// Sets `spec.suspend`.
///
/// # Errors
/// When the run does not exist, or the store cannot be written to.
pub(crate) async fn suspend(context: &VerbContext, args: &SuspendArgs) -> anyhow::Result<Exit> {
    let change = (Change::Suspend(true), args.force);
    if let Some(name) = change_unfinished(context, &args.run, change).await? {
        context.printer.out(&format!("run `{name}` is suspended: it begins nothing more"))?;
        let hint = format!("`mason resume {name}` lets it go on");
        context.printer.note(&context.printer.hint(&hint));
    }
    Ok(Exit::Success)
}

/// Changes a run that has not ended and returns its name; says so when it has, and then nothing changes.
pub(super) async fn change_unfinished(
    context: &VerbContext,
    run: &str,
    wanted: (Change, bool),
) -> anyhow::Result<Option<String>> {
    let resource = any_run(context, run).await?;
    let key = resource.key();
    let name = key.name.as_str();
    let phase = resource.phase().unwrap_or_default();
    if phase.is_terminal() {
        context.printer.out(&format!("run `{name}` has ended already: {}", phase.as_str()))?;
        return Ok(None);
    }
    if change(context, &key, wanted).await?.is_some() {
        return Ok(Some(name.to_owned()));
    }
    let message = format!("run `{name}` was deleted meanwhile");
    Err(Failure::impossible(message, "`mason get runs` lists what there is").into())
}

/// Returns a run that has to exist, or a run of a workflow: as its kind says, else the first of that name.
pub(super) async fn any_run(context: &VerbContext, word: &str) -> anyhow::Result<Resource> {
    if word.contains('/') {
        let (kind, name) = kinds::named(word, None)?;
        if !matches!(kind, Kind::OperatorRun | Kind::WorkflowRun) {
            let message = format!("`{word}` is no run");
            return Err(Failure::usage(message, "write run/NAME or workflowrun/NAME").into());
        }
        return context.existing(kind, name).await;
    }
    if let Some(run) = context.store.get(&context.key(Kind::WorkflowRun, word)).await.ok().flatten()
        && context.store.get(&context.key(Kind::OperatorRun, word)).await?.is_none()
    {
        return Ok(run);
    }
    context.existing(Kind::OperatorRun, word).await
}

/// Returns the name of a run that may be written as `-o name` prints it.
///
/// # Errors
/// When what is written is not a run.
pub(super) fn bare_name(run: &str) -> Result<&str, Failure> {
    kinds::named(run, Some(Kind::OperatorRun)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_another_kind_is_no_run() {
        for word in ["x", "run/x", "operatorrun.mason.dev/x"] {
            assert_eq!(bare_name(word).ok(), Some("x"), "{word}");
        }
        for word in ["config/x", "table/x"] {
            assert!(bare_name(word).is_err(), "{word}");
        }
    }
}
