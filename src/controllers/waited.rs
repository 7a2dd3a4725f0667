//! How long the object of the pass under way has waited for it.

use std::future::Future;
use std::time::{Duration, Instant};

tokio::task_local! {
    /// How long the object of the pass under way has waited for it.
    static WAITED: Duration;
}

/// Makes a pass over an object that has waited this long.
pub(super) fn scope<F: Future>(waited: Duration, pass: F) -> impl Future<Output = F::Output> {
    WAITED.scope(waited, pass)
}

/// Returns since when the pass under way was wanted.
pub(super) fn asked() -> Instant {
    let now = Instant::now();
    now.checked_sub(waited()).unwrap_or(now)
}

/// Returns how long the object of the pass under way has waited for it.
pub(super) fn waited() -> Duration {
    WAITED.try_with(|&waited| waited).unwrap_or_default()
}
