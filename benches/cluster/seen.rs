//! When each run was first seen by a watch, and when its first status was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::ResourceExt;
use kube::runtime::watcher::{self, Event, watcher};
use mason::api::v1alpha1::OperatorRun;
use tokio::task::JoinHandle;

use crate::objects::Objects;

#[derive(Debug, Clone, Copy)]
struct Times {
    created: Instant,
    first_status: Option<Duration>,
    has_ended: bool,
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

    /// Waits until so many runs have ended.
    pub(crate) async fn until_finished(&self, count: usize) {
        while self.times.lock().unwrap().values().filter(|times| times.has_ended).count() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns how long runs were without a status: the median, the 95th percentile, the longest.
    pub(crate) fn latencies(&self) -> String {
        let times = self.times.lock().unwrap();
        let mut all: Vec<Duration> = times.values().filter_map(|one| one.first_status).collect();
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
        has_ended: false,
    });
    let Some(status) = &run.status else { return };
    times.first_status.get_or_insert_with(|| times.created.elapsed());
    times.has_ended |= status.phase.is_terminal();
}
