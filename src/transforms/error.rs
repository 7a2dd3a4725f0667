//! What can go wrong in an operation.

use arrow::error::ArrowError;

use crate::engines::{EngineError, ErrorKind};

/// An error of an operation, in words.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// What was asked for does not fit the data.
    #[error("{0}")]
    InvalidInput(String),
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
        let words = self.to_string();
        match self {
            Self::InvalidInput(_) => {
                EngineError::new(ErrorKind::InvalidInput, "local", operation, words)
            }
            Self::Arrow { source, .. } => {
                EngineError::new(ErrorKind::Unexpected, "local", operation, words)
                    .with_source(source)
            }
        }
    }
}
