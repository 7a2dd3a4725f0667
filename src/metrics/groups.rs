//! The metrics of a process, by what they are about.

use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, TextEncoder};

use super::calls::Calls;
use super::catalogue::{Catalogue, Described};
use super::reconciling::Controllers;
use super::runs::Runs;
use super::schedules::Schedules;

/// The version of the text that [`Metrics::text`] returns.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Everything that one process counts and measures. Copies share it.
#[derive(Clone)]
pub struct Metrics(Arc<Groups>);

/// The metrics by what they are about.
pub struct Groups {
    catalogue: Catalogue,
    /// Passes over resources, and the queues before them.
    pub controllers: Controllers,
    /// Runs and their attempts.
    pub runs: Runs,
    /// Planned times of schedules.
    pub schedules: Schedules,
    /// Calls of the API server and of engines.
    pub calls: Calls,
    /// Events that were never written.
    pub dropped_events: IntCounter,
    /// Whether this process is the one that reconciles.
    pub leading: IntGaugeVec,
    /// Whether a controller makes no progress though there is work.
    pub stuck: IntGaugeVec,
    /// How often that was found.
    pub alarms: IntCounterVec,
}

impl Metrics {
    /// Returns metrics of which nothing has been counted.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut catalogue = Catalogue::default();
        let build =
            catalogue.gauges("mason_build_info", "Always 1; says the version.", &["version"]);
        build.with_label_values(&[version]).set(1);
        Self(Arc::new(Groups {
            controllers: Controllers::new(&mut catalogue),
            runs: Runs::new(&mut catalogue),
            schedules: Schedules::new(&mut catalogue),
            calls: Calls::new(&mut catalogue),
            dropped_events: catalogue.counter(
                "mason_events_dropped_total",
                "Events that were never written; what they say stands in the status.",
            ),
            leading: catalogue.gauges(
                "leader_election_master_status",
                "Whether this process holds the lease (1) or stands by (0).",
                &["name"],
            ),
            stuck: catalogue.gauges(
                "mason_watchdog_stuck",
                "Whether a controller makes no progress though there is work (1); /healthz fails then.",
                &["controller"],
            ),
            alarms: catalogue.counters(
                "mason_watchdog_alarms_total",
                "How often a controller was found to make no progress: a pass that does not end, or a queue that does not move.",
                &["controller", "what"],
            ),
            catalogue,
        }))
    }

    /// Returns everything as Prometheus reads it.
    #[must_use]
    pub fn text(&self) -> String {
        // Writing to a text fails only for a family without metrics, which are left out before.
        TextEncoder::new().encode_to_string(&self.catalogue.gather()).unwrap_or_default()
    }

    /// Returns what there is, in the order of its names.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        self.catalogue.described()
    }
}

impl std::ops::Deref for Metrics {
    type Target = Groups;

    fn deref(&self) -> &Groups {
        &self.0
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
