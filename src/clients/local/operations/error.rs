//! What can go wrong in an operation.

use arrow::error::ArrowError;

use crate::engines::{EngineError, ErrorKind};

/// An error of an operation, in words.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// What was asked for does not fit the data.
    #[error("{0}")]
    InvalidInput(String),
    /// More memory than the operation may use is needed.
    #[error("{what} needs more than the {limit_bytes} bytes of memory it may use")]
    OutOfMemory {
        /// What needs it.
        what: String,
        /// How much it may use.
        limit_bytes: usize,
    },
    /// Arrow cannot do it.
    #[error("failed to {operation}")]
    Arrow {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: ArrowError,
    },
}

impl OperationError {
    /// Returns a function that wraps an error of Arrow, for `map_err`.
    pub(super) fn arrow(operation: &'static str) -> impl Fn(ArrowError) -> Self {
        move |source| Self::Arrow { operation, source }
    }

    /// Returns this as the error that crosses the engine boundary.
    #[must_use]
    pub fn into_engine_error(self, operation: &str) -> EngineError {
        let (kind, hint) = match &self {
            Self::InvalidInput(_) => (ErrorKind::InvalidInput, None),
            Self::OutOfMemory { .. } => (
                ErrorKind::OutOfMemory,
                Some("raise the client's memoryLimit, or ask for the approximate method"),
            ),
            Self::Arrow { .. } => (ErrorKind::Unexpected, None),
        };
        let error = EngineError::new(kind, "local", operation, self.to_string());
        let error = match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        match self {
            Self::Arrow { source, .. } => error.with_source(source),
            _ => error,
        }
    }
}
