//! Watching a run that a controller drives. Only what the API server says of the run itself ends the
//! watch: a lost connection never does.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::api::{Api, WatchEvent, WatchParams};
use kube::core::DynamicObject;

use super::events::Warnings;
use super::logs::Lines;
use super::{Cluster, is_connection_lost, is_passing};
use crate::api::resource::{Key, Resource};
use crate::api::v1alpha1::{OperatorRun, Phase};
use crate::cli::failure::Failure;
use crate::cli::print::{ProgressView, visible_on_one_line};
use crate::cli::verb_context::VerbContext;
use crate::store::Store as _;

/// How long one watch lasts; then the run is read anew, so that nothing is missed for longer.
const WATCH_SECONDS: u32 = 20;
/// How often logs and events are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a controller may take to pick a run up before that is told.
const UNTOUCHED: Duration = Duration::from_secs(10);
/// How long before it is told again.
const UNTOUCHED_AGAIN: Duration = Duration::from_mins(1);
/// The shortest and the longest wait before another try when the connection is lost.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Watches a run until it has ended, is suspended, or waits in phase `Unknown` for a person, and returns
/// it as it is then.
///
/// # Errors
/// When the run is deleted, cannot be read, or may not be looked at any more.
pub(crate) async fn until_settled(
    context: &VerbContext,
    cluster: &Cluster,
    key: &Key,
    view: &ProgressView,
) -> anyhow::Result<OperatorRun> {
    let mut watch = Watch::new(context, cluster, key, view);
    loop {
        let run = watch.read().await?;
        if watch.see(&run) {
            return Ok(run);
        }
        let version = run.metadata.resource_version.unwrap_or_default();
        if let Some(run) = watch.changes(&version).await {
            return Ok(run);
        }
    }
}

struct Watch<'a> {
    context: &'a VerbContext,
    cluster: &'a Cluster,
    api: Api<DynamicObject>,
    key: &'a Key,
    view: &'a ProgressView,
    newest: Option<OperatorRun>,
    lines: Lines,
    warnings: Warnings,
    untouched: Instant,
    patience: Duration,
}

impl<'a> Watch<'a> {
    fn new(
        context: &'a VerbContext,
        cluster: &'a Cluster,
        key: &'a Key,
        view: &'a ProgressView,
    ) -> Self {
        Self {
            context,
            cluster,
            api: cluster.store.objects(key.kind, Some(&key.namespace)),
            key,
            view,
            newest: None,
            lines: Lines::default(),
            warnings: Warnings::default(),
            untouched: Instant::now(),
            patience: UNTOUCHED,
        }
    }

    /// Reads the run; while the connection is lost it is tried again and again.
    async fn read(&mut self) -> anyhow::Result<OperatorRun> {
        let (mut lost, mut pause) = (false, AGAIN.0);
        loop {
            match self.cluster.store.get(self.key).await {
                Ok(Some(Resource::OperatorRun(run))) => {
                    if lost {
                        self.view.note("connected again");
                    }
                    return self.same(*run);
                }
                Ok(_) => return Err(self.gone()),
                Err(error) if is_connection_lost(&error) => {
                    if !lost {
                        let place = self.context.place();
                        let name = visible_on_one_line(&self.key.name);
                        self.view.note(&format!(
                            "the connection to {place} is lost; run `{name}` goes on there, trying again"
                        ));
                    }
                    lost = true;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(AGAIN.1);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns the run, if it is the one that was looked at before.
    fn same(&self, run: OperatorRun) -> anyhow::Result<OperatorRun> {
        let uid = self.newest.as_ref().map(|newest| newest.metadata.uid.as_ref());
        match uid {
            Some(uid) if uid != run.metadata.uid.as_ref() => Err(self.gone()),
            _ => Ok(run),
        }
    }

    fn gone(&self) -> anyhow::Error {
        let name = &self.key.name;
        let message = format!("run `{name}` was deleted before its end was seen");
        Failure::impossible(message, "what it had done by then stays as it is").into()
    }

    /// Shows a run, and returns whether it goes on no more.
    fn see(&mut self, run: &OperatorRun) -> bool {
        if run.status.as_ref().is_some_and(|status| status.observed_generation.is_some()) {
            self.patience = Duration::MAX;
        }
        self.view.show(run);
        for line in self.lines.of_status(run) {
            self.say(&line);
        }
        self.newest = Some(run.clone());
        is_settled(run)
    }

    /// Follows the changes after a version, until the run is settled; nothing when it has to be read anew.
    async fn changes(&mut self, version: &str) -> Option<OperatorRun> {
        let parameters = WatchParams::default()
            .fields(&format!("metadata.name={}", self.key.name))
            .timeout(WATCH_SECONDS);
        let stream = match self.api.watch(&parameters, version).await {
            Ok(stream) => stream,
            Err(error) => {
                // A person who may not watch polls instead.
                let pause = if is_passing(&error) { AGAIN.0 } else { LOOK / 2 };
                tokio::time::sleep(pause).await;
                self.look().await;
                return None;
            }
        };
        let mut stream = std::pin::pin!(stream);
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        loop {
            tokio::select! {
                event = stream.next() => match event {
                    Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                        let run = self.run_of(object)?;
                        if self.see(&run) {
                            return Some(run);
                        }
                    }
                    Some(Ok(WatchEvent::Bookmark(_))) => {}
                    Some(Ok(WatchEvent::Deleted(_) | WatchEvent::Error(_)) | Err(_)) | None => {
                        tokio::time::sleep(AGAIN.0).await;
                        return None;
                    }
                },
                _ = ticks.tick() => self.look().await,
            }
        }
    }

    fn run_of(&self, object: DynamicObject) -> Option<OperatorRun> {
        let document = serde_json::to_value(object).ok()?;
        match Resource::from_document(self.key.kind, document).ok()? {
            Resource::OperatorRun(run) => self.same(*run).ok(),
            _ => None,
        }
    }

    /// Looks at what is not in the run itself: the log of its pod, warnings, and whether a controller is there.
    async fn look(&mut self) {
        let Some(run) = self.newest.clone() else { return };
        for line in self.lines.of_pod(self.cluster, &run).await {
            self.say(&line);
        }
        for warning in self.warnings.new_ones(self.cluster, &run).await {
            self.view.note(&warning);
        }
        if self.untouched.elapsed() >= self.patience {
            self.say_untouched();
        }
    }

    fn say(&self, line: &str) {
        let name = visible_on_one_line(&self.key.name);
        self.view.note(&format!("{name} | {}", visible_on_one_line(line)));
    }

    fn say_untouched(&mut self) {
        let (seconds, name) = (self.untouched.elapsed().as_secs(), &self.key.name);
        self.view.note(&format!(
            "no controller has picked up run `{name}` for {seconds} s: is there a controller that watches \
             namespace `{}`, and has it a free place?",
            self.key.namespace
        ));
        if self.patience == UNTOUCHED {
            let hint =
                "`mason doctor` says what is missing; the run begins as soon as there is one";
            self.view.note(&self.context.printer.hint(hint));
        }
        self.patience = self.untouched.elapsed() + UNTOUCHED_AGAIN;
    }
}

/// Returns whether a run goes on no more by itself. What its controller said before the newest change of
/// the spec counts only when it is final.
pub(super) fn is_settled(run: &OperatorRun) -> bool {
    let Some(status) = &run.status else { return false };
    let is_seen = status.observed_generation == run.metadata.generation;
    status.phase.is_terminal()
        || (is_seen && matches!(status.phase, Phase::Suspended | Phase::Unknown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(phase: &str, generation: i64, observed: i64) -> OperatorRun {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": "x", "generation": generation},
            "spec": {"operator": "table/query", "configRef": {"name": "lake"}},
            "status": {"phase": phase, "observedGeneration": observed},
        }))
        .expect("should be a run")
    }

    #[test]
    fn what_was_said_before_the_newest_change_counts_only_when_it_is_final() {
        assert!(is_settled(&run("Suspended", 1, 1)));
        assert!(!is_settled(&run("Suspended", 2, 1)), "it was resumed since");
        assert!(is_settled(&run("Cancelled", 2, 1)));
        assert!(!is_settled(&run("Running", 1, 1)));
        assert!(is_settled(&run("Unknown", 1, 1)));
    }
}
