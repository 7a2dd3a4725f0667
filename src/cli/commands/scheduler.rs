//! `mason scheduler`: does in a folder what the controller does on a cluster for workflows with a schedule.

use crate::cli::args::SchedulerArgs;
use crate::cli::cluster;
use crate::cli::failure::Exit;
use crate::cli::runs::keep_schedules;
use crate::cli::verb_context::VerbContext;

/// Makes the runs of the schedules of a namespace as they come due and drives them, until it is interrupted.
///
/// # Errors
/// On a cluster; when the store fails.
pub(crate) async fn scheduler(context: &VerbContext, args: &SchedulerArgs) -> anyhow::Result<Exit> {
    if context.cluster.is_some() {
        let hint = "its controller keeps the schedules; `mason get workflows` shows the next runs";
        return Err(cluster::refuse("`mason scheduler` is for a folder", hint));
    }
    keep_schedules(context, args).await
}
