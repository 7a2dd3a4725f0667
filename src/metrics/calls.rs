//! Calls of the API server and of engines.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec};

use super::catalogue::Catalogue;
use super::labels::OTHER;

/// Bounds of the lengths of calls.
const SECONDS: [f64; 11] = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
/// The methods that the API server knows.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Calls of the API server and of engines.
pub struct Calls {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    engine_seconds: HistogramVec,
    engine_errors: IntCounterVec,
}

/// A call of an engine that has ended.
#[derive(Debug, Clone, Copy)]
pub struct EngineCall {
    /// The type of client.
    pub client: &'static str,
    /// What was asked: `metastore.get_table`.
    pub operation: &'static str,
    /// How long it took.
    pub length: Duration,
    /// The kind of its failure, if it failed.
    pub failure: Option<&'static str>,
}

impl Calls {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            requests: catalogue.counters(
                "rest_client_requests_total",
                "Requests to the API server, by the status of the answer; `<error>` when there was none.",
                &["code", "method"],
            ),
            request_seconds: catalogue.histograms(
                ("rest_client_request_duration_seconds", "How long the API server took to begin its answer."),
                &["verb"],
                &SECONDS,
            ),
            engine_seconds: catalogue.histograms(
                ("mason_engine_call_duration_seconds", "How long calls of engines took, by type of client."),
                &["client", "operation"],
                &SECONDS,
            ),
            engine_errors: catalogue.counters(
                "mason_engine_errors_total",
                "Calls of engines that failed, by the kind of failure.",
                &["client", "operation", "kind"],
            ),
        }
    }

    /// Counts a request to the API server.
    pub fn request(&self, method: &str, code: Option<u16>, length: Duration) {
        let method = METHODS.into_iter().find(|&known| known == method).unwrap_or(OTHER);
        let code = code.map_or_else(|| "<error>".to_owned(), |code| code.to_string());
        self.requests.with_label_values(&[&code, method]).inc();
        self.request_seconds.with_label_values(&[method]).observe(length.as_secs_f64());
    }

    /// Counts a call of an engine.
    pub fn engine(&self, call: &EngineCall) {
        let EngineCall { client, operation, length, failure } = *call;
        self.engine_seconds.with_label_values(&[client, operation]).observe(length.as_secs_f64());
        if let Some(kind) = failure {
            self.engine_errors.with_label_values(&[client, operation, kind]).inc();
        }
    }
}
