//! Calls that block, away from the threads of the async runtime.

use crate::engines::{EngineError, ErrorKind};
use crate::lake::error;

/// Runs blocking work on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    begin_blocking(work).await
}

/// Begins blocking work on a thread of its own, and returns what waits for its end. Called within a runtime.
pub(crate) fn begin_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> impl Future<Output = Result<T, EngineError>> + Send + 'static {
    let thread = tokio::task::spawn_blocking(work);
    async move {
        thread.await.unwrap_or_else(|source| {
            let message = "the work on another thread ended early";
            Err(error::error(ErrorKind::Unexpected, "wait for work", message).with_source(source))
        })
    }
}
