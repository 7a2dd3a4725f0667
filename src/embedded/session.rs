//! A DataFusion session that stays below a memory limit: a pool that operators spill at, a batch size
//! and a number of partitions that fit it, and a bounded folder for what is spilled.
//!
//! Nothing can be reached but the tables that are registered: no catalogue of files, no information
//! schema, no object store of the machine.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry as _;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::functions::aggregates;
use super::pool::ExchangePool;
use super::rules::{analyzer_rules, optimizer_rules, physical_rules};

const MIB: u64 = 1024 * 1024;

/// How many sorted runs are read at once: each is read through buffers that no pool counts.
const MOST_RUNS_MERGED: usize = 16;

/// How large batches are that are sorted: [`MOST_RUNS_MERGED`] of them are held several times.
const SORTED_BATCH_BYTES: u64 = 256 * 1024;
/// Fewest rows of a batch.
const LEAST_BATCH_ROWS: usize = 16;

/// How a memory limit is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// What operators may hold before they spill.
    pub(crate) pool_bytes: usize,
    /// Most rows in a batch.
    pub(crate) batch_rows: usize,
    /// How many streams work at once.
    pub(crate) partitions: usize,
    /// What a sort keeps for merging what it spilled.
    pub(crate) sort_reserve_bytes: usize,
    /// What may be kept of footers.
    pub(crate) footers_bytes: usize,
    /// Whether joins are by hash where they can be; by sorting otherwise.
    pub(crate) hash_joins: bool,
}

impl Budget {
    /// Divides a limit. The pool counts what operators hold, not the program itself, the pages that
    /// are being decoded and the batches on their way: those get what is left, per partition.
    pub(crate) fn of(memory_limit_bytes: u64, parallelism: usize) -> Self {
        let partitions = parallelism.clamp(1, 64);
        let outside = 16 * MIB + 12 * MIB * u64::try_from(partitions).unwrap_or(64);
        let least = memory_limit_bytes / 3;
        let pool = memory_limit_bytes.saturating_sub(outside).clamp(least, memory_limit_bytes / 2);
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let share = pool / u64::try_from(partitions).unwrap_or(64);
        Self {
            pool_bytes: size(pool),
            batch_rows: match memory_limit_bytes / MIB {
                0..192 => 2_048,
                192..512 => 4_096,
                _ => 8_192,
            },
            partitions,
            // Merging sorted runs takes about as much as the keys of the rows that are held.
            sort_reserve_bytes: size(share / 6),
            footers_bytes: size((pool / 16).min(50 * MIB)),
            hash_joins: true,
        }
    }

    /// The same limit for one sort of values of so many bytes: it has all of the pool, and its batches
    /// are small enough that those of all runs that are read at once fit beside the pool.
    pub(crate) fn one_sort(self, value_bytes: u64) -> Self {
        let rows = SORTED_BATCH_BYTES / value_bytes.max(1);
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        Self {
            partitions: 1,
            batch_rows: rows.clamp(LEAST_BATCH_ROWS, self.batch_rows),
            sort_reserve_bytes: self.pool_bytes / 6,
            ..self
        }
    }

    /// The same limit for a second try: two streams (with one, the planner joins by hash whatever it
    /// is told), small batches, joins by sorting.
    pub(crate) fn thrifty(self) -> Self {
        Self {
            partitions: 2,
            batch_rows: 1_024,
            sort_reserve_bytes: self.pool_bytes / 8,
            hash_joins: false,
            ..self
        }
    }
}

/// Makes a session that spills into `spill_folder`, at most `disk_limit_bytes`.
pub(crate) fn session(
    budget: &Budget,
    spill_folder: &Path,
    disk_limit_bytes: u64,
) -> Result<SessionContext> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill_folder.to_path_buf()]))
        .with_max_temp_directory_size(disk_limit_bytes)
        .with_max_spill_merge_fan_in(MOST_RUNS_MERGED);
    let pool = ExchangePool::new(budget.pool_bytes);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, NonZeroUsize::MIN)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(budget.footers_bytes)
        .build_arc()?;
    // The registry begins with the files of the whole machine.
    runtime.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config(budget))
        .with_runtime_env(runtime)
        .with_analyzer_rules(analyzer_rules())
        .with_optimizer_rules(optimizer_rules())
        .with_physical_optimizer_rules(physical_rules())
        .build();
    for aggregate in aggregates() {
        state.register_udaf(aggregate)?;
    }
    Ok(SessionContext::new_with_state(state))
}

fn config(budget: &Budget) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(budget.partitions)
        .with_batch_size(budget.batch_rows)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true)
        .with_sort_spill_reservation_bytes(budget.sort_reserve_bytes);
    let options = config.options_mut();
    options.execution.planning_concurrency = budget.partitions;
    options.execution.sort_pushdown_buffer_capacity = budget.pool_bytes / 8;
    options.optimizer.prefer_hash_join = budget.hash_joins;
    // Its heap compares floats by `==`: NaN is never found in it again.
    options.optimizer.enable_topk_aggregation = false;
    // It knows the bounds of plain columns alone, and leaves out rows that other extremes need.
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // It compares what may be null in two ways of deriving it, and finds its own rules at fault.
    options.execution.skip_physical_aggregate_schema_check = true;
    config
}

/// A stream of batches, as every operation makes one.
pub(crate) type Batches = SendableRecordBatchStream;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_leaves_room_outside_the_pool() {
        for limit in [32 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB, 8192 * MIB] {
            for parallelism in [0, 1, 2, 8, 500] {
                let budget = Budget::of(limit, parallelism);
                let pool = u64::try_from(budget.pool_bytes).expect("should fit");
                assert!(pool >= limit / 3 && pool <= limit / 2, "{limit} {parallelism}");
                assert!((1..=64).contains(&budget.partitions));
            }
        }
        let budget = Budget::of(256 * MIB, 2);
        assert!(!budget.thrifty().hash_joins);
        let rows = |value_bytes| budget.one_sort(value_bytes).batch_rows;
        assert_eq!((rows(0), rows(8), rows(1024), rows(MIB)), (4096, 4096, 256, 16));
    }
}
