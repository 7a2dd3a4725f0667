//! The clock of this edge: a client writes down when things happen.

/// Returns the present time.
#[expect(
    clippy::disallowed_methods,
    reason = "a client is an edge: it writes down when things happen"
)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
