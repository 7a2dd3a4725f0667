//! Calls that block, away from the threads of the async runtime.

use crate::engines::{EngineError, ErrorKind};
use crate::lake::error;

/// Runs blocking work on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(source) => {
            let message = "the work on another thread ended early";
            Err(error::error(ErrorKind::Unexpected, "wait for work", message).with_source(source))
        }
    }
}
