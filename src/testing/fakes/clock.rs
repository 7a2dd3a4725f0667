//! A clock that stands still until a caller waits; each wait also lets the world's jobs move on.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::world::{SharedWorld, World};
use crate::runs::Clock;

/// The world's clock.
#[derive(Clone)]
pub struct FakeClock(pub SharedWorld);

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        World::of(&self.0).now
    }

    async fn sleep(&self, length: Duration) {
        let mut world = World::of(&self.0);
        world.now = world.now.checked_add(length).unwrap_or(world.now);
        world.step_jobs();
    }
}
