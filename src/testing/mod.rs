//! What tests of this package and of clients share: a simulated world, and one suite per role that every
//! client must pass.

pub mod conformance;
pub mod fakes;
