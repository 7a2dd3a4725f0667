//! What watches Mason: a dashboard, alerts, and what kube-state-metrics tells of single objects, made of
//! tables and checked against the metrics and fields that there are.

mod alerts;
mod dashboard;
mod files;
mod query;
mod state_metrics;
#[cfg(test)]
mod tests;

pub(super) use files::{files, parts};
