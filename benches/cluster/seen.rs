//! When each run was first seen by a watch, and when its first status was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::ResourceExt;
use kube::runtime::watcher::{self, Event, watcher};
use mason::api::v1alpha1::{OperatorRun, Phase};
use tokio::task::JoinHandle;

use crate::objects::Objects;

#[derive(Debug, Clone)]
struct Times {
    created: Instant,
    first_status: Option<Duration>,
    /// How it ended; what went wrong is an error.
    end: Option<Result<(), String>>,
}

/// A watch of its own, beside the controller's.
pub(crate) struct Seen {
    times: Arc<Mutex<HashMap<String, Times>>>,
    task: JoinHandle<()>,
}

impl Seen {
    /// Watches from now on; runs that are there already do not count.
    pub(crate) async fn watch(objects: &Objects) -> Self {
        let times = Arc::new(Mutex::new(HashMap::new()));
        let (kept, runs) = (Arc::clone(&times), objects.runs());
        let (begun, begins) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher(runs, watcher::Config::default()));
            let mut begun = Some(begun);
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(run)) => note(&mut kept.lock().unwrap(), &run),
                    Ok(Event::InitDone) => drop(begun.take().map(|begun| begun.send(()))),
                    _ => {}
                }
            }
        });
        begins.await.unwrap();
        Self { times, task }
    }

    /// Returns how many runs have ended.
    pub(crate) fn finished(&self) -> usize {
        self.count(|times| match &times.end {
            None => false,
            Some(Ok(())) => true,
            Some(Err(problem)) => panic!("a run did not succeed: {problem}"),
        })
    }

    /// Waits until so many runs have succeeded.
    pub(crate) async fn until_finished(&self, count: usize) {
        while self.finished() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many runs have a status.
    pub(crate) async fn until_begun(&self, count: usize) {
        while self.count(|times| times.first_status.is_some()) < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn count(&self, is_counted: impl Fn(&Times) -> bool) -> usize {
        self.times.lock().unwrap().values().filter(|times| is_counted(times)).count()
    }

    /// Returns how long runs whose names begin so were without a status: the median, the 95th percentile,
    /// the longest.
    pub(crate) fn latencies(&self, name: &str) -> String {
        let times = self.times.lock().unwrap();
        let asked = times.iter().filter(|(run, _)| run.starts_with(name));
        let mut all: Vec<Duration> = asked.filter_map(|(_, one)| one.first_status).collect();
        all.sort();
        let at = |share: usize| all[(all.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        format!("p50 {:.0} ms, p95 {:.0} ms, longest {:.0} ms", at(50), at(95), at(100))
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(times: &mut HashMap<String, Times>, run: &OperatorRun) {
    let times = times.entry(run.name_any()).or_insert_with(|| Times {
        created: Instant::now(),
        first_status: None,
        end: None,
    });
    let Some(status) = &run.status else { return };
    times.first_status.get_or_insert_with(|| times.created.elapsed());
    match status.phase {
        Phase::Succeeded => times.end = Some(Ok(())),
        phase if phase.is_terminal() => times.end = Some(Err(status.columns.message.clone())),
        _ => {}
    }
}
