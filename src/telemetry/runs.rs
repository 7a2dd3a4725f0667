//! The traces of runs.

use jiff::Timestamp;

#[cfg(feature = "otel")]
use super::traces;

/// A run that has ended, for its trace.
#[derive(Debug, Clone, Copy)]
pub struct EndedRun<'a> {
    /// Its uid.
    pub uid: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its operator.
    pub operator: &'a str,
    /// Its phase.
    pub phase: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When it was created.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// Makes a span part of the trace of a run, if traces are exported.
pub fn join_trace(span: &tracing::Span, run_uid: &str) {
    #[cfg(feature = "otel")]
    traces::join(span, run_uid);
    #[cfg(not(feature = "otel"))]
    let _ = (span, run_uid);
}

/// Exports the span of a whole run, if traces are exported.
pub fn end_trace(run: &EndedRun<'_>) {
    #[cfg(feature = "otel")]
    traces::end_run(run);
    #[cfg(not(feature = "otel"))]
    let _ = run;
}
