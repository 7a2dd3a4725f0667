//! `mason logs`: what the work of a run has logged.

use std::time::Duration;

use super::suspend::bare_name;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{Attempt, OperatorRun, Phase};
use crate::cli::args::LogsArgs;
use crate::cli::cluster::is_connection_lost;
use crate::cli::cluster::logs::{Lines, pod_log};
use crate::cli::failure::Exit;
use crate::cli::print::visible_on_one_line;
use crate::cli::runs::run_context;
use crate::cli::verb_context::VerbContext;
use crate::engines::job::JobId;
use crate::validate::ValidRun;

/// How often a log is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most lines of a working job that are read at one time.
const LINES: usize = 2_000;

/// Prints the log of every attempt; with `--follow` also what comes until the run has ended.
///
/// # Errors
/// When the run does not exist, or the store cannot be read.
pub(crate) async fn logs(context: &VerbContext, args: &LogsArgs) -> anyhow::Result<Exit> {
    let resource = context.existing(Kind::OperatorRun, bare_name(&args.run)?).await?;
    let key = resource.key();
    let Resource::OperatorRun(run) = resource else { return Ok(Exit::Failed) };
    let mut tail = Tail { context, lines: Lines::default(), attempts: 0, told: false };
    let mut run = *run;
    loop {
        let ended = !goes_on(&run);
        tail.print(&run).await?;
        if !args.follow || ended {
            break;
        }
        tokio::time::sleep(LOOK).await;
        run = read(context, &key, run).await?;
    }
    if !tail.told {
        let name = visible_on_one_line(&key.name);
        context.printer.note(&format!("run `{name}` has logged nothing"));
    }
    Ok(Exit::Success)
}

/// Reads a run again; as it was when it cannot be read just now.
async fn read(
    context: &VerbContext,
    key: &Key,
    before: OperatorRun,
) -> anyhow::Result<OperatorRun> {
    match context.store.get(key).await {
        Ok(Some(Resource::OperatorRun(run))) => Ok(*run),
        Ok(_) => anyhow::bail!("run `{}` was deleted", key.name),
        Err(error) if is_connection_lost(&error) => Ok(before),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether a run may log more although no person does anything.
fn goes_on(run: &OperatorRun) -> bool {
    let phase = run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    matches!(phase, Phase::Pending | Phase::Running)
}

struct Tail<'a> {
    context: &'a VerbContext,
    lines: Lines,
    attempts: usize,
    told: bool,
}

impl Tail<'_> {
    /// Prints the new lines of every attempt that was not yet told to its end.
    async fn print(&mut self, run: &OperatorRun) -> anyhow::Result<()> {
        let attempts = run.status.as_ref().map(|status| status.attempts.as_slice());
        let attempts = attempts.unwrap_or_default();
        for (index, attempt) in attempts.iter().enumerate().skip(self.attempts.saturating_sub(1)) {
            if index >= self.attempts && index > 0 {
                self.context.printer.note(&format!("attempt {}:", attempt.number));
            }
            self.attempts = index + 1;
            let Some(text) = self.log_of(run, attempt).await else { continue };
            for line in self.lines.new_lines(&attempt.token, &text) {
                self.told = true;
                self.context.printer.out(&visible_on_one_line(&line))?;
            }
        }
        Ok(())
    }

    /// Returns the log of an attempt: from where it works or has worked, else what the attempt keeps.
    async fn log_of(&self, run: &OperatorRun, attempt: &Attempt) -> Option<String> {
        let live = match &self.context.cluster {
            Some(cluster) => pod_log(cluster, run, attempt).await,
            None => self.job_log(run, attempt).await,
        };
        live.or_else(|| attempt.log_tail.clone())
    }

    async fn job_log(&self, run: &OperatorRun, attempt: &Attempt) -> Option<String> {
        let id = JobId(attempt.job.as_ref()?.id.clone());
        let valid = ValidRun::thaw(run.status.as_ref()?).ok()??;
        let opened = run_context(self.context);
        let engines = opened.open_engines.open(&valid).await.ok()?;
        let lines = engines.execution().ok()?.logs(&id, LINES).await.ok()?;
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
