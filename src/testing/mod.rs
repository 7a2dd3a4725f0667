//! What tests of this package and of clients share: a simulated world, an API server in memory, and one
//! suite per role that every client must pass.

pub mod api_server;
pub mod conformance;
pub mod fakes;
