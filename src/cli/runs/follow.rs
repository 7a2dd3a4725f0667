//! Following a run to its end, while a person watches and may interrupt: a run in a folder is driven by
//! this process, one in a cluster by its controller.

use std::sync::Arc;

use anyhow::Context as _;

use super::edit::ask_to_cancel;
use super::engines::run_context;
use crate::api::resource::Key;
use crate::api::v1alpha1::{OperatorRun, Progress};
use crate::cli::cluster::watching;
use crate::cli::print::{ProgressView, visible};
use crate::cli::verb_context::VerbContext;
use crate::runs::{self, Observer};

/// How long leaving may take.
const LEAVING: std::time::Duration = std::time::Duration::from_secs(2);

/// How following a run ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The run as it is now: ended, suspended, or waiting for a person.
    Run(Box<OperatorRun>),
    /// The person left before that; the work may go on.
    Left,
}

impl Followed {
    fn of(run: Option<OperatorRun>) -> Self {
        run.map_or(Self::Left, |run| Self::Run(Box::new(run)))
    }
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

/// Follows a run to its end: drives it here, or watches it on its cluster. The first interrupt asks the
/// run to stop and waits for that; the second leaves at once.
///
/// # Errors
/// When the run cannot be driven: the store fails, or what was recorded cannot be read.
pub(crate) async fn follow(
    context: &VerbContext,
    key: &Key,
    view: Arc<ProgressView>,
) -> anyhow::Result<Followed> {
    if let Some(cluster) = &context.cluster {
        let ended = Box::pin(watching::until_settled(context, cluster, key, &view));
        return Ok(Followed::of(follow_until(context, key, &view, ended).await?));
    }
    let watcher = Watcher(Arc::clone(&view));
    let run_context = run_context(context);
    let driven = Box::pin(async { Ok(runs::drive(&run_context, key, &watcher).await?) });
    Ok(Followed::of(follow_until(context, key, &view, driven).await?))
}

/// Waits for the end of a run while a person may interrupt; nothing when the person left before that.
pub(super) async fn follow_until<T>(
    context: &VerbContext,
    key: &Key,
    view: &ProgressView,
    end: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    let mut end = std::pin::pin!(end);
    let mut interrupts = Interrupts::listen()?;
    let name = visible(&key.name);
    tokio::select! {
        run = &mut end => return ended(run, view),
        () = interrupts.next() => {}
    }
    view.note(&format!("cancelling run `{name}`; interrupt once more to leave without waiting"));
    // Asking and following go on side by side: the process that drives the run notices the request.
    let both = async {
        let (asked, run) = tokio::join!(ask_to_cancel(context, key), &mut end);
        asked.and(ended(run, view))
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
            let hint = match &context.cluster {
                Some(_) => format!("`mason get run {name} -w` shows how it goes on"),
                None => format!("`mason resume {name}` follows it to its end"),
            };
            context.printer.note(&context.printer.hint(&hint));
            Ok(None)
        }
    }
}

fn ended<T>(run: anyhow::Result<T>, view: &ProgressView) -> anyhow::Result<Option<T>> {
    view.finish();
    run.map(Some)
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
