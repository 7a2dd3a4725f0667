//! Following a run of a workflow to its end: driven here with its steps, or looked at on its cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::engines::run_context;
use super::follow::follow_until;
use crate::api::resource::{Key, Resource};
use crate::api::v1alpha1::{OperatorRun, Phase, Progress, StepPhase, WorkflowRun};
use crate::cli::failure::Failure;
use crate::cli::print::{ProgressView, visible_on_one_line, workflow_report};
use crate::cli::verb_context::VerbContext;
use crate::runs::{self, Observer, WorkflowObserver};

/// How often a run on a cluster is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Tells the view what happens to a run of a workflow and to its steps.
pub(super) struct Watcher {
    view: Arc<ProgressView>,
    quiet: bool,
    told: Mutex<BTreeMap<String, StepPhase>>,
    /// What was last said of each run that waits to begin.
    waits: Mutex<BTreeMap<String, String>>,
}

impl Watcher {
    pub(super) fn new(view: &Arc<ProgressView>, quiet: bool) -> Self {
        Self { view: Arc::clone(view), quiet, told: Mutex::default(), waits: Mutex::default() }
    }
}

impl Observer for Watcher {
    fn progress(&self, run: &OperatorRun, progress: &Progress) {
        let mut moved = run.clone();
        moved.status.get_or_insert_default().progress = Some(progress.clone());
        self.view.show(&moved);
    }

    fn transition(&self, run: &OperatorRun) {
        if self.view.has_bars() {
            self.view.show(run);
        }
    }
}

impl WorkflowObserver for Watcher {
    /// Writes a line for each step that stands elsewhere than before.
    fn changed(&self, run: &WorkflowRun) {
        let Some(status) = run.status.as_ref().filter(|_| !self.quiet) else { return };
        let name = run.metadata.name.clone().unwrap_or_default();
        let message = &status.columns.message;
        if status.started_at.is_none() && !status.phase.is_terminal() && !message.is_empty() {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if waits.insert(name.clone(), message.clone()).as_ref() != Some(message) {
                let text = visible_on_one_line(message);
                self.view.note(&format!("{}: {text}", visible_on_one_line(&name)));
            }
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for line in &status.steps {
            let before = told.insert(line.id.clone(), line.phase).unwrap_or_default();
            if before != line.phase {
                let name = run.metadata.name.as_deref().unwrap_or_default();
                let text = workflow_report::line_of(line);
                self.view.note(&format!("{}: {text}", visible_on_one_line(name)));
            }
        }
    }
}

/// Follows a run of a workflow to its end; nothing when the person left before that. The first interrupt asks the run to
/// stop and waits for that; the second leaves at once.
///
/// # Errors
/// When the run cannot be driven or looked at: the store fails, or what was recorded cannot be read.
pub(crate) async fn follow_workflow(
    context: &VerbContext,
    key: &Key,
    (view, quiet): (Arc<ProgressView>, bool),
) -> anyhow::Result<Option<WorkflowRun>> {
    let watcher = Watcher::new(&view, quiet);
    if context.cluster.is_some() {
        let ended = Box::pin(until_settled(context, key, &watcher));
        return follow_until(context, key, &view, ended).await;
    }
    let run_context = run_context(context);
    let driven = Box::pin(async { Ok(runs::drive_workflow(&run_context, key, &watcher).await?) });
    follow_until(context, key, &view, driven).await
}

/// Looks at a run until it has ended, is suspended or waits for a person.
async fn until_settled(
    context: &VerbContext,
    key: &Key,
    watcher: &Watcher,
) -> anyhow::Result<WorkflowRun> {
    loop {
        let found = context.store.get(key).await?;
        let Some(Resource::WorkflowRun(run)) = found else {
            let message = format!("run `{}` was deleted meanwhile", key.name);
            let hint = "`mason get workflowruns` lists what there is";
            return Err(Failure::impossible(message, hint).into());
        };
        watcher.changed(&run);
        let phase = Resource::WorkflowRun(run.clone()).phase().unwrap_or_default();
        if phase.is_terminal() || matches!(phase, Phase::Suspended | Phase::Unknown) {
            return Ok(*run);
        }
        tokio::time::sleep(LOOK).await;
    }
}
