//! Makes metrics and remembers what was made, for the docs and for the checks of dashboards.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec};
use prometheus::{Opts, Registry};

use super::pulled::Pulled;

/// What sort of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Only grows, until the process begins anew.
    Counter,
    /// Grows and shrinks.
    Gauge,
    /// How many measurements fell below each bound; also `_sum` and `_count`.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its sort.
    pub sort: Sort,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What it says, in one sentence.
    pub help: String,
}

/// The metrics of a process.
#[derive(Default)]
pub(super) struct Catalogue {
    registry: Registry,
    described: Vec<Described>,
}

impl Catalogue {
    pub(super) fn counter(&mut self, name: &str, help: &str) -> IntCounter {
        self.keep(Sort::Counter, IntCounter::with_opts(Opts::new(name, help)))
    }

    pub(super) fn counters(&mut self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(Sort::Counter, IntCounterVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauges(&mut self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(Sort::Gauge, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.keep(Sort::Histogram, Histogram::with_opts(options))
    }

    pub(super) fn histograms(
        &mut self,
        (name, help): (&str, &str),
        labels: &[&str],
        bounds: &[f64],
    ) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.keep(Sort::Histogram, HistogramVec::new(options, labels))
    }

    /// Makes a gauge that is read when it is scraped.
    pub(super) fn pulled(&mut self, name: &str, help: &str, labels: &'static [&str]) -> Pulled {
        self.keep(Sort::Gauge, Pulled::new(name, help, labels))
    }

    /// Makes one of which the largest of several values counts.
    pub(super) fn pulled_largest(&mut self, name: &str, help: &str) -> Pulled {
        self.keep(Sort::Gauge, Pulled::new(name, help, &[]).map(Pulled::of_largest))
    }

    fn keep<C: Collector + Clone + 'static>(
        &mut self,
        sort: Sort,
        made: prometheus::Result<C>,
    ) -> C {
        let made = made.expect("should be a valid name with help");
        self.described.extend(made.desc().into_iter().map(|known| Described {
            name: known.fq_name.clone(),
            sort,
            labels: known.variable_labels.clone(),
            help: known.help.clone(),
        }));
        self.registry.register(Box::new(made.clone())).expect("should be the only one of its name");
        made
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.registry.gather();
        families.retain(|family| !family.get_metric().is_empty());
        families
    }

    pub(super) fn described(&self) -> Vec<Described> {
        let mut described = self.described.clone();
        described.sort_by(|one, other| one.name.cmp(&other.name));
        described
    }
}
