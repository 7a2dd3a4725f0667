//! `mason cancel`: asks a run to stop, whichever process drives it.

use super::suspend::change_unfinished;
use crate::cli::args::CancelArgs;
use crate::cli::failure::Exit;
use crate::cli::runs::Change;
use crate::cli::verb_context::VerbContext;

/// Sets `spec.cancel`; the process that drives the run stops its work.
///
/// # Errors
/// When the run does not exist, or the store cannot be written to.
pub(crate) async fn cancel(context: &VerbContext, args: &CancelArgs) -> anyhow::Result<Exit> {
    let change = (Change::Cancel, args.force);
    let Some(name) = change_unfinished(context, &args.run, change).await? else {
        return Ok(Exit::Success);
    };
    context.printer.out(&format!("run `{name}` is asked to stop"))?;
    let hint = match &context.cluster {
        Some(_) => format!("`mason get run {name} -w` shows when nothing of it works any more"),
        None => "when no process drives it any more, `mason resume` ends it".to_owned(),
    };
    context.printer.note(&context.printer.hint(&hint));
    Ok(Exit::Success)
}
