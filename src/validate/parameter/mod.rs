//! One value of one parameter: from what was given to what its type promises.
//!
//! The command line gives texts and documents give typed values, so a text is accepted wherever it
//! says exactly one value of the type; nothing is converted the other way, because a number does not
//! say how it was written. `docs/resources.md` has the rules in a table.

mod accept;
mod exact;
mod given;

pub(super) use accept::{accept, whole_pattern};
pub(super) use given::Given;
pub use given::PARAMETER_BYTES;
