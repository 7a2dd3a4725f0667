//! Driving a run to its end in this process, while a person watches and may interrupt.

use std::sync::Arc;

use anyhow::Context as _;

use super::context::Context;
use super::printer::visible;
use super::progress::ProgressView;
use crate::api::resource::{Key, Resource};
use crate::api::v1alpha1::{OperatorRun, Progress};
use crate::runs::{self, Observer, RunContext};
use crate::store::StoreError;

/// How long leaving may take.
const LEAVING: std::time::Duration = std::time::Duration::from_secs(2);
/// How many times a cancellation is written anew when others change the run meanwhile.
const CANCEL_TRIES: usize = 20;

/// How following a run ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The run as it is now: ended, suspended, or waiting for a person.
    Run(Box<OperatorRun>),
    /// The person left before that; the work may go on.
    Left,
}

/// Tells the view what happens to a run.
struct Watcher(Arc<ProgressView>);

impl Observer for Watcher {
    fn transition(&self, run: &OperatorRun) {
        self.0.show(run);
    }

    fn progress(&self, run: &OperatorRun, progress: &Progress) {
        let mut moved = run.clone();
        moved.status.get_or_insert_default().progress = Some(progress.clone());
        self.0.show(&moved);
    }
}

/// Drives a run to its end. The first interrupt asks the run to stop and waits for that; the second
/// leaves at once.
///
/// # Errors
/// When the run cannot be driven: the store fails, or what was recorded cannot be read.
pub(crate) async fn follow(
    context: &Context,
    run_context: &RunContext,
    key: &Key,
    view: Arc<ProgressView>,
) -> anyhow::Result<Followed> {
    let watcher = Watcher(Arc::clone(&view));
    let mut drive = std::pin::pin!(runs::drive(run_context, key, &watcher));
    let mut interrupts = Interrupts::listen()?;
    let name = visible(&key.name);
    tokio::select! {
        driven = &mut drive => return ended(driven, &view),
        () = interrupts.next() => {}
    }
    view.note(&format!("cancelling run `{name}`; interrupt once more to leave without waiting"));
    // Asking and driving go on side by side: the drive is what notices the request.
    let both = async {
        let (asked, driven) = tokio::join!(ask_to_cancel(context, key), &mut drive);
        asked.and(ended(driven, &view))
    };
    tokio::select! {
        followed = both => followed,
        () = interrupts.next() => {
            // However soon this one comes, what the first one asked for is kept.
            let asked = tokio::time::timeout(LEAVING, ask_to_cancel(context, key)).await;
            view.finish();
            context.printer.note(&format!("left run `{name}` before it stopped"));
            if !matches!(asked, Ok(Ok(()))) {
                context.printer.note("that it is to be cancelled could not be stored");
            }
            let hint = format!("`mason resume {name}` follows it to its end");
            context.printer.note(&context.printer.hint(&hint));
            Ok(Followed::Left)
        }
    }
}

fn ended(
    driven: Result<OperatorRun, runs::RunError>,
    view: &ProgressView,
) -> anyhow::Result<Followed> {
    view.finish();
    Ok(Followed::Run(Box::new(driven?)))
}

/// Sets `spec.cancel` of a run that has not ended.
///
/// # Errors
/// When the store fails, or others change the run all the time.
pub(crate) async fn ask_to_cancel(context: &Context, key: &Key) -> anyhow::Result<()> {
    for _ in 0..CANCEL_TRIES {
        let Some(Resource::OperatorRun(mut run)) = context.store.get(key).await? else {
            return Ok(());
        };
        let has_ended = run.status.as_ref().is_some_and(|status| status.phase.is_terminal());
        if has_ended || run.spec.cancel {
            return Ok(());
        }
        run.spec.cancel = true;
        match context.store.apply(&Resource::OperatorRun(run)).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
            Err(error) => return Err(error).with_context(|| format!("failed to cancel {key}")),
        }
    }
    anyhow::bail!("failed to cancel {key}: it is changed all the time")
}

/// Interrupts by the person (Ctrl-C) or the system (SIGTERM).
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("failed to listen to interrupts");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
