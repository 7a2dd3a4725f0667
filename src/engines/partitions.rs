//! Which partitions of a table a job needs: partition pruning.
//!
//! The engine that executes a query says which rows of a table the query can use, as far as that follows from
//! conditions on partition keys. The metastore then lists no files of the partitions that have no such row.
//! Whatever cannot be told keeps a partition: pruning changes what is listed and read, never an answer.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::job_spec::{Input, Operation};

/// Says which partitions of one table may hold rows that a query uses.
pub trait PartitionFilter: fmt::Debug + Send + Sync {
    /// Returns for each partition whether it may hold such rows. A partition is given as the values of its keys,
    /// outermost first; where values of inner keys are missing, it stands for all partitions that begin so.
    fn keeps(&self, partitions: &[&[Option<String>]]) -> Vec<bool>;
}

/// Finds the filters of a query before the files of its tables are listed.
#[async_trait]
pub trait PartitionPruner: Send + Sync {
    /// Returns the filter of each table, in their order; nothing for a table of which every partition may be used.
    /// The tables need no files.
    async fn filters(
        &self,
        query: &Operation,
        tables: &[Input],
    ) -> Vec<Option<Arc<dyn PartitionFilter>>>;
}

/// How many partitions of a table are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionsRead {
    /// How many are read.
    pub read: u64,
    /// How many the table has; nothing where folders of outer keys were not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl PartitionsRead {
    /// Returns that all partitions are read.
    #[must_use]
    pub fn all(partitions: u64) -> Self {
        Self { read: partitions, total: Some(partitions) }
    }

    /// Returns whether partitions are left out.
    #[must_use]
    pub fn is_pruned(self) -> bool {
        self.total != Some(self.read)
    }

    /// Returns the partitions of two tables together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let total = self.total.zip(other.total).map(|(own, others)| own + others);
        Self { read: self.read + other.read, total }
    }
}

/// Most partitions that are listed one by one in any case.
const MOST_ONE_BY_ONE: usize = 100;

/// Returns whether the folders of so many partitions out of a number are listed one by one. A listing of a whole
/// folder has 1,000 files in an answer, so that one by one takes more requests where many partitions are left.
#[must_use]
pub fn are_few(read: usize, total: usize) -> bool {
    read <= MOST_ONE_BY_ONE.max(total / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_several_tables_are_added_up_where_all_are_known() {
        let one = PartitionsRead { read: 1, total: Some(300) };
        assert!(one.is_pruned() && !PartitionsRead::all(3).is_pruned());
        assert_eq!(one.plus(PartitionsRead::all(3)), PartitionsRead { read: 4, total: Some(303) });
        let unknown = PartitionsRead { read: 2, total: None };
        assert_eq!(one.plus(unknown), PartitionsRead { read: 3, total: None });
        assert!(unknown.is_pruned());
    }

    #[test]
    fn folders_are_listed_one_by_one_where_that_takes_fewer_requests() {
        assert!(are_few(100, 101) && are_few(260, 26_000));
        assert!(!are_few(101, 1_000) && !are_few(20_000, 26_000));
    }
}
