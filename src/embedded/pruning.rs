//! Which partitions of its tables a query needs, found by planning the query before any file is listed.
//!
//! DataFusion plans the statement as for its execution, over tables that have columns and no files. What it pushes down
//! to the scan of a table holds for every row that the scan hands on, so that comparisons, casts and nulls mean what
//! they mean in the execution. The conditions on partition keys among it are then evaluated over the values of the
//! partitions. What goes wrong on the way prunes nothing, and is told when the query is executed.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::{TableType, source_as_provider};
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use super::error::from_datafusion;
use super::partition_filter::ScanFilters;
use super::query::{beginning_at, plan, statement_of};
use super::session::{Budget, session};
use super::tables::{allowed, nullable_partition_fields, register, schema_with};
use super::work::Work;
use crate::engines::EngineError;
use crate::engines::job_spec::{Input, Operation};
use crate::engines::partitions::{PartitionFilter, PartitionPruner};

const PRUNE: &str = "find the partitions of a query";

/// Finds the partitions that the queries of a job need.
#[derive(Debug)]
pub(super) struct QueryPruner {
    work: Work,
}

impl QueryPruner {
    /// Makes one for a job, whose execution has the same session and the same time.
    pub(super) fn of(work: &Work) -> Self {
        Self { work: work.clone() }
    }
}

#[async_trait]
impl PartitionPruner for QueryPruner {
    async fn filters(
        &self,
        query: &Operation,
        tables: &[Input],
    ) -> Vec<Option<Arc<dyn PartitionFilter>>> {
        match Box::pin(filters(&self.work, query, tables)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "prunes no partitions");
                tables.iter().map(|_| None).collect()
            }
        }
    }
}

async fn filters(
    work: &Work,
    query: &Operation,
    tables: &[Input],
) -> Result<Vec<Option<Arc<dyn PartitionFilter>>>, EngineError> {
    let wrong = |error| from_datafusion(PRUNE, allowed(work), error);
    let budget = Budget::of(work.memory_limit_bytes, work.parallelism);
    let context = session(&budget, &work.scratch, work.disk_limit_bytes).map_err(wrong)?;
    let mut schemas = Vec::with_capacity(tables.len());
    for (index, table) in tables.iter().enumerate() {
        let schema = schema_with(table, 0, nullable_partition_fields(table))?;
        let unlisted = Unlisted { index, schema: Arc::clone(&schema) };
        register(&context, &table.name, Arc::new(unlisted)).map_err(wrong)?;
        schemas.push(schema);
    }
    let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
    let statement = statement_of(query, &names, &schemas)?;
    let plan = plan(statement, work, &context).await?;
    let plan = beginning_at(work, &context).optimize(&plan).map_err(wrong)?;
    let scans = scans(&plan).map_err(wrong)?;
    let filter = |(index, table): (usize, &Input)| {
        let keys = nullable_partition_fields(table);
        let found = scans.get(&index).and_then(|scans| ScanFilters::new(keys, scans));
        found.map(|filter| Arc::new(filter) as Arc<dyn PartitionFilter>)
    };
    Ok(tables.iter().enumerate().map(filter).collect())
}

/// Returns what holds for the rows of each scan, by the index of its table.
fn scans(plan: &LogicalPlan) -> Result<BTreeMap<usize, Vec<Vec<Expr>>>> {
    let mut found: BTreeMap<usize, Vec<Vec<Expr>>> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            let table = (provider.as_ref() as &dyn Any).downcast_ref::<Unlisted>();
            // What is scanned besides is no table of the job: the rows that a recursive query has so far.
            if let Some(table) = table {
                found.entry(table.index).or_default().push(scan.filters.clone());
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A table whose files are not listed yet. It is planned with, and never scanned.
#[derive(Debug)]
struct Unlisted {
    index: usize,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for Unlisted {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal("a table without files is not scanned".to_owned()))
    }

    /// A filter that stays above the scan as well is planned as for every table.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
