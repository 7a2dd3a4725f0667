//! Why logging or tracing cannot begin.

/// Why logging or tracing cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("{filter:?} is not a filter for logging")]
    Filter {
        /// The text.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Spans cannot be exported there.
    #[error("failed to set up the export of traces to {endpoint:?}")]
    Traces {
        /// Where.
        endpoint: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This program cannot export spans.
    #[error("this program was built without the export of traces")]
    NoTraces,
}
