//! What can go wrong between a client and the API server.

/// One wrong answer to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiFault {
    /// It is answered with this number and has no effect.
    Refused(u16),
    /// It has its effect, and is answered with this number all the same.
    Denied(u16),
    /// The connection breaks before it arrives.
    Lost,
    /// It has its effect, and the connection breaks before the answer.
    Unanswered,
    /// A read of one object shows what it was so many changes ago; others are answered as ever.
    Stale(usize),
    /// The request is answered as ever.
    Nothing,
}

/// How watches tell their events. Zero is never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disorder {
    /// Every so many events one is told twice.
    pub repeat_every: u64,
    /// Every so many events one is told after the next.
    pub swap_every: u64,
    /// Every so many events a watch ends with 410.
    pub expire_every: u64,
}
