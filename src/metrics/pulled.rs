//! Gauges that are read when they are scraped, from the code that knows their values then.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// One value of a gauge, with the values of its labels.
pub type Read = (Vec<String>, f64);

type Source = Box<dyn Fn() -> Option<Vec<Read>> + Send + Sync>;

/// A gauge that is read when it is scraped. It has no value while it has no source.
#[derive(Clone)]
pub struct Pulled {
    described: Arc<Desc>,
    together: fn(f64, f64) -> f64,
    sources: Arc<Mutex<Vec<Source>>>,
}

impl Pulled {
    pub(super) fn new(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let described = Desc::new(name.to_owned(), help.to_owned(), labels, [].into())?;
        let together = |one: f64, other: f64| one + other;
        Ok(Self { described: Arc::new(described), together, sources: Arc::default() })
    }

    /// Takes the largest of several values with the same labels.
    pub(super) fn of_largest(self) -> Self {
        Self { together: f64::max, ..self }
    }

    /// Adds a source of values, which is dropped once it returns nothing. Values of several sources with the
    /// same labels are added up, unless the largest is wanted.
    pub fn read_from(&self, source: impl Fn() -> Option<Vec<Read>> + Send + Sync + 'static) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(source));
    }

    fn read(&self) -> Vec<Read> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sums, mut reads): (Vec<Read>, Vec<Read>) = (Vec::new(), Vec::new());
        sources.retain(|source| source().map(|read| reads.extend(read)).is_some());
        for (labels, value) in reads {
            match sums.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, sum)) => *sum = (self.together)(*sum, value),
                None => sums.push((labels, value)),
            }
        }
        sums
    }
}

impl Collector for Pulled {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.described]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = self.read().into_iter().map(|(values, value)| {
            let labels = self.described.variable_labels.iter().zip(values).map(|(name, value)| {
                let mut label = LabelPair::default();
                label.set_name(name.clone());
                label.set_value(value);
                label
            });
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            let mut metric = Metric::from_label(labels.collect());
            metric.set_gauge(gauge);
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.described.fq_name.clone());
        family.set_help(self.described.help.clone());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(metrics.collect());
        vec![family]
    }
}
