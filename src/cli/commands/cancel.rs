//! `mason cancel`: asks a run to stop, whoever drives it.

use crate::cli::args::CancelArgs;
use crate::cli::context::Context;
use crate::cli::failure::Exit;
use crate::store::{Kind, Resource};

/// Sets `spec.cancel`; whoever drives the run stops its work.
///
/// # Errors
/// When the run does not exist, or the store cannot be written to.
pub(crate) async fn cancel(context: &Context, args: &CancelArgs) -> anyhow::Result<Exit> {
    let resource = context.existing(Kind::OperatorRun, &args.run).await?;
    let Resource::OperatorRun(mut run) = resource else { return Ok(Exit::Failed) };
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    if phase.is_terminal() {
        let text = format!("run `{}` has ended already: {}", args.run, phase.as_str());
        context.printer.out(&text)?;
        return Ok(Exit::Success);
    }
    run.spec.cancel = true;
    context.store.apply(&Resource::OperatorRun(run)).await?;
    context.printer.out(&format!("run `{}` is asked to stop", args.run))?;
    let hint = "when no process drives it any more, `mason resume` ends it";
    context.printer.note(&context.printer.hint(hint));
    Ok(Exit::Success)
}
