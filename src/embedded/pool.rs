//! The memory pool of a session: a fair one that never makes an exchange of rows spill.
//!
//! An exchange (`RepartitionExec`) that spills can wait for itself for ever: its reader waits at one
//! file for what stands in another. It holds few batches, so what it asks for is counted and always
//! given; the operator that asks next, and can spill without harm, spills earlier.
//!
//! # Source
//! <https://github.com/apache/datafusion/issues/24883>

use std::fmt;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// What the name of an exchange's consumer begins with.
const EXCHANGE: &str = "RepartitionExec[";

/// A fair pool that refuses nothing to exchanges.
#[derive(Debug)]
pub(super) struct ExchangePool(FairSpillPool);

impl ExchangePool {
    /// Makes a pool of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(FairSpillPool::new(bytes))
    }
}

impl fmt::Display for ExchangePool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl MemoryPool for ExchangePool {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.0.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.0.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if reservation.consumer().name().starts_with(EXCHANGE) {
            self.0.grow(reservation, additional);
            return Ok(());
        }
        self.0.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn only_exchanges_are_never_refused() {
        let pool: Arc<dyn MemoryPool> = Arc::new(ExchangePool::new(100));
        let exchange =
            MemoryConsumer::new("RepartitionExec[1]").with_can_spill(true).register(&pool);
        let sort = MemoryConsumer::new("ExternalSorter[1]").with_can_spill(true).register(&pool);
        exchange.try_grow(90).expect("should be given");
        exchange.try_grow(90).expect("should be given");
        sort.try_grow(90).expect_err("should be refused");
        assert_eq!(pool.reserved(), 180);
        exchange.shrink(180);
        assert_eq!(pool.reserved(), 0);
    }
}
