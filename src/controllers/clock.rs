//! The time, as controllers ask for it.

use jiff::Timestamp;

use crate::runs::{Clock as _, SystemClock};

/// Returns the time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}
