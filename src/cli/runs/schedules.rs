//! The schedules of a folder: the runs that are due are made, and driven by this process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;

use super::engines::run_context;
use super::follow_workflow::Watcher;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::{Phase, Workflow, WorkflowRun};
use crate::cli::args::SchedulerArgs;
use crate::cli::failure::Exit;
use crate::cli::print::{ProgressView, visible};
use crate::cli::verb_context::VerbContext;
use crate::runs::{self, Kept, RunContext, RunError, keep_workflow};
use crate::store::StoreError;

/// The longest sleep: a workflow that is applied meanwhile, or a clock that is set, is seen after it.
const MAX_SLEEP: Duration = Duration::from_secs(10);
/// Most passes over one workflow in a row: one plans, one makes runs, one plans again.
const PASSES: usize = 4;

/// Keeps the schedules of a namespace until the person interrupts; with `once` until what is due has ended. A run that an
/// earlier process left is driven on.
///
/// # Errors
/// When the store fails.
pub(crate) async fn keep_schedules(
    context: &VerbContext,
    args: &SchedulerArgs,
) -> anyhow::Result<Exit> {
    let view = Arc::new(ProgressView::new(context.printer.clone(), args.quiet));
    let scheduler = Scheduler {
        context,
        run_context: run_context(context),
        watcher: Watcher::new(&view, args.quiet),
        view,
        args,
    };
    tokio::select! {
        exit = scheduler.keep() => exit,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            context.printer.note("left; `mason scheduler` or `mason resume` drives on what has not ended");
            Ok(Exit::Success)
        }
    }
}

struct Scheduler<'a> {
    context: &'a VerbContext,
    run_context: RunContext,
    watcher: Watcher,
    view: Arc<ProgressView>,
    args: &'a SchedulerArgs,
}

impl Scheduler<'_> {
    async fn keep(&self) -> anyhow::Result<Exit> {
        let (mut driven, mut begun) = (FuturesUnordered::new(), BTreeSet::new());
        let mut worst = Exit::Success;
        let mut next = self.make_due().await?;
        loop {
            for run in self.open_runs(&begun).await? {
                if driven.len() >= usize::from(self.args.runs) {
                    break;
                }
                let key = Resource::WorkflowRun(Box::new(run.clone())).key();
                begun.insert(key.name.clone());
                // The first pass takes its place among others: in the order of planned times.
                runs::reconcile_workflow(&self.run_context, run).await?;
                driven.push(self.drive(key));
            }
            if self.args.once && driven.is_empty() {
                return Ok(worst);
            }
            let sleep = sleep_until(next, self.run_context.clock.now());
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                Some(ended) = driven.next() => {
                    let succeeded: bool = ended?;
                    worst = if succeeded { worst } else { Exit::Failed };
                }
            }
            if !self.args.once {
                next = self.make_due().await?;
            }
        }
    }

    /// Makes the runs that are due, and returns when the next one is.
    async fn make_due(&self) -> anyhow::Result<Option<Timestamp>> {
        let mut next: Option<Timestamp> = None;
        for workflow in self.workflows().await? {
            let due = self.pass(workflow).await?;
            next = match (next, due) {
                (Some(next), Some(due)) => Some(next.min(due)),
                (next, due) => next.or(due),
            };
        }
        Ok(next)
    }

    /// Makes passes over a workflow until nothing of its schedule is due; returns when something is.
    async fn pass(&self, mut workflow: Workflow) -> anyhow::Result<Option<Timestamp>> {
        for _ in 0..PASSES {
            let kept = keep_workflow(&self.run_context, &workflow).await?;
            self.tell(&workflow, &kept);
            let now = self.run_context.clock.now();
            workflow = match kept.workflow {
                // Another process is at it, or it was edited: it is looked at again.
                None => return Ok(Some(now)),
                Some(_) if kept.next.is_none_or(|next| next > now) => return Ok(kept.next),
                Some(stored) => stored,
            };
        }
        Ok(Some(self.run_context.clock.now()))
    }

    fn tell(&self, workflow: &Workflow, kept: &Kept) {
        if kept.workflow.is_none() {
            return;
        }
        let name = visible(&workflow.spec.workflow);
        for made in &kept.schedule.made {
            self.say(&format!("{name}: made run `{}`, planned for {}", made.name, made.planned_at));
        }
        for taken in &kept.schedule.taken {
            let text = format!("{name}: a run of something else has the name `{taken}`");
            self.context.printer.warn(&text);
        }
        if kept.missed > 0 {
            let text = format!("{name}: planned times that became no run: {}", kept.missed);
            self.context.printer.warn(&text);
        }
    }

    fn say(&self, text: &str) {
        if !self.args.quiet {
            self.view.note(text);
        }
    }

    /// Returns the workflows that have a schedule, or have had one until now.
    async fn workflows(&self) -> anyhow::Result<Vec<Workflow>> {
        let mut found = Vec::new();
        for entry in self.list(Kind::Workflow).await? {
            let Resource::Workflow(workflow) = entry else { continue };
            let recorded = workflow.status.as_ref().and_then(|status| status.schedule.as_ref());
            if workflow.spec.schedule.is_some() || recorded.is_some() {
                found.push(*workflow);
            }
        }
        Ok(found)
    }

    /// Returns the runs of schedules that have not ended and are not driven yet, the oldest planned time first.
    async fn open_runs(&self, begun: &BTreeSet<String>) -> anyhow::Result<Vec<WorkflowRun>> {
        let mut found = Vec::new();
        for entry in self.list(Kind::WorkflowRun).await? {
            let is_open = entry.phase().is_none_or(|phase| !phase.is_terminal());
            let Resource::WorkflowRun(run) = entry else { continue };
            let is_driven = run.metadata.name.as_ref().is_some_and(|name| begun.contains(name));
            if is_open && run.spec.planned_at.is_some() && !run.spec.suspend && !is_driven {
                found.push(*run);
            }
        }
        found.sort_by_key(|run| run.spec.planned_at);
        Ok(found)
    }

    /// Returns everything of a kind that can be read; what cannot is told.
    async fn list(&self, kind: Kind) -> anyhow::Result<Vec<Resource>> {
        let namespace = self.context.settings.namespace();
        let listed = self.context.store.list(kind, Some(namespace)).await?;
        let tell = |error: StoreError| self.context.printer.error(&error.into());
        Ok(listed.into_iter().filter_map(|entry| entry.map_err(tell).ok()).collect())
    }

    /// Drives a run to its end; returns whether it succeeded. A run that is deleted meanwhile has ended.
    async fn drive(&self, key: Key) -> anyhow::Result<bool> {
        match runs::drive_workflow(&self.run_context, &key, &self.watcher).await {
            Ok(run) => {
                let status = run.status.unwrap_or_default();
                let (phase, message) = (status.phase.as_str(), &status.columns.message);
                let text = format!("run `{}` {}", visible(&key.name), phase.to_lowercase());
                match message.as_str() {
                    "" => self.say(&text),
                    message => self.say(&format!("{text}: {}", visible(message))),
                }
                Ok(status.phase == Phase::Succeeded)
            }
            Err(RunError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn sleep_until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
    left.unwrap_or(MAX_SLEEP).clamp(Duration::from_millis(10), MAX_SLEEP)
}
