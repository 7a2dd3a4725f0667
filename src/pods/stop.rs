//! How a pod is told to stop, and why.

/// Since when a pod is to stop.
pub(super) const STOPPED_AT: &str = "mason.dev/stop-requested-at";
/// There when it is to stop because its work is unwanted.
pub(super) const CANCELLED: &str = "mason.dev/cancelled";

/// Why a pod is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A person cancelled its work.
    Cancel,
    /// Its attempt is given up; that says nothing of whether the work is wanted.
    Fence,
}
