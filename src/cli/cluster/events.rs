//! Events of a run on its cluster.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};

use super::Cluster;
use crate::api::v1alpha1::OperatorRun;
use crate::cli::print::{age, visible_on_one_line};

/// Most events that are looked at.
const MOST: u32 = 100;

/// The warnings of a run that were told.
#[derive(Default)]
pub(crate) struct Warnings(HashMap<String, i32>);

impl Warnings {
    /// Returns a line for every warning that is new, or has happened again.
    pub(crate) async fn new_ones(&mut self, cluster: &Cluster, run: &OperatorRun) -> Vec<String> {
        let mut lines = Vec::new();
        for event in events_of(cluster, run).await {
            if event.type_.as_deref() != Some("Warning") {
                continue;
            }
            let count = count_of(&event);
            let uid = event.metadata.uid.clone().unwrap_or_default();
            if self.0.insert(uid, count).is_none_or(|told| told < count) {
                lines.push(format!(
                    "{}: warning: {}",
                    visible_on_one_line(run.metadata.name.as_deref().unwrap_or_default()),
                    text_of(&event)
                ));
            }
        }
        lines
    }
}

/// Returns a run's events as lines for people, the oldest first; none when they may not be looked at.
pub(crate) async fn lines_of(cluster: &Cluster, run: &OperatorRun, now: Timestamp) -> Vec<String> {
    let events = events_of(cluster, run).await;
    let line = |event: &Event| {
        let times = match count_of(event) {
            ..=1 => String::new(),
            many => format!(", {many} times"),
        };
        let when =
            time_of(event).map(|time| format!(" ({} ago{times})", age(now.duration_since(time))));
        let kind = event.type_.as_deref().unwrap_or_default();
        format!("{kind} {}{}", text_of(event), when.unwrap_or_default())
    };
    events.iter().map(line).collect()
}

async fn events_of(cluster: &Cluster, run: &OperatorRun) -> Vec<Event> {
    let Some(uid) = &run.metadata.uid else { return Vec::new() };
    let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<Event> = Api::namespaced(cluster.connection.client.clone(), namespace);
    let parameters = ListParams::default().fields(&format!("involvedObject.uid={uid}")).limit(MOST);
    let mut events = api.list(&parameters).await.map(|list| list.items).unwrap_or_default();
    events.sort_by_key(time_of);
    events
}

fn text_of(event: &Event) -> String {
    let text = |text: &Option<String>| visible_on_one_line(text.as_deref().unwrap_or_default());
    format!("{}: {}", text(&event.reason), text(&event.message))
}

fn count_of(event: &Event) -> i32 {
    let of_series = event.series.as_ref().and_then(|series| series.count);
    of_series.or(event.count).unwrap_or(1)
}

fn time_of(event: &Event) -> Option<Timestamp> {
    let of_series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let of_series = of_series.or(event.event_time.as_ref()).map(|time| time.0);
    of_series.or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
}
