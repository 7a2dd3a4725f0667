//! A simulated world: fake engines, a fake store and a fake clock that share one state.
//!
//! What happens outside is recorded in a [`World`], so that a test can compare what a run says with
//! what took place. Faults are scripted per call; guards that the real engines promise can be taken
//! away with [`Rules`], to show that a test notices.

mod clock;
mod engines;
mod operators;
mod store;
mod world;

pub use clock::FakeClock;
pub use engines::FakeEngines;
pub use operators::{ACTIONS, FAKE_OPERATORS};
pub use store::FakeStore;
pub use world::{Call, FakeJob, Fault, JobEnd, LOCATION, Rules, SharedWorld, World, shared};
