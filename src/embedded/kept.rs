//! Rows of queries that are computed once and read several times: they are written to the job's folder,
//! within its disk limit, and read from there like a table.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, PhysicalExpr, SpillManager};
use datafusion::prelude::SessionContext;
use datafusion_datasource::source::{DataSource, DataSourceExec};
use futures::StreamExt;

use super::error::{Allowed, failed, from_datafusion};
use super::session::Batches;
use crate::engines::{EngineError, ErrorKind};
use crate::sql::KEPT_DATABASE;

const KEEPING: &str = "keep the rows of a query";

/// Takes all rows of a stream and makes them the table `table` of [`KEPT_DATABASE`].
pub(super) async fn keep(
    table: String,
    rows: Batches,
    context: &SessionContext,
    allowed: Allowed,
) -> Result<(), EngineError> {
    let wrong = |error| from_datafusion(KEEPING, allowed, error);
    let kept = write(rows, context).await.map_err(wrong)?;
    let catalog = context
        .catalog("datafusion")
        .ok_or_else(|| failed(ErrorKind::Unexpected, KEEPING, "the session has no catalogue"))?;
    let schema = if let Some(schema) = catalog.schema(KEPT_DATABASE) {
        schema
    } else {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(KEPT_DATABASE, Arc::clone(&schema)).map_err(wrong)?;
        schema
    };
    schema.register_table(table, Arc::new(kept)).map_err(wrong)?;
    Ok(())
}

async fn write(mut rows: Batches, context: &SessionContext) -> Result<KeptRows> {
    let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
    let schema = rows.schema();
    let manager = SpillManager::new(context.runtime_env(), metrics, Arc::clone(&schema));
    let mut file = manager.create_in_progress_file(KEEPING)?;
    let mut count = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 {
            count += batch.num_rows();
            file.append_batch(&batch)?;
        }
    }
    let file = file.finish()?;
    Ok(KeptRows { schema, manager, file, rows: count, projection: None })
}

/// Rows in a file of the job's folder, which is removed with the last of these.
#[derive(Clone)]
struct KeptRows {
    /// The columns that are read.
    schema: SchemaRef,
    manager: SpillManager,
    /// Nothing without rows.
    file: Option<Arc<dyn SpillFile>>,
    rows: usize,
    /// The columns of the file that are read, all when `None`.
    projection: Option<Vec<usize>>,
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeptRows({} rows)", self.rows)
    }
}

#[async_trait]
impl TableProvider for KeptRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        let read = Self { schema, projection: projection.cloned(), ..self.clone() };
        Ok(DataSourceExec::from_data_source(read))
    }
}

impl DataSource for KeptRows {
    fn open(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<Batches> {
        let schema = Arc::clone(&self.schema);
        let Some(file) = &self.file else {
            let none = futures::stream::empty();
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, none)));
        };
        let rows = self.manager.read_spill_as_stream(Arc::clone(file), None)?;
        let Some(columns) = self.projection.clone() else { return Ok(rows) };
        let projected = rows.map(move |batch| Ok(batch?.project(&columns)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, projected)))
    }

    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "kept rows={}", self.rows)
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(1)
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let unknown = Statistics::new_unknown(&self.schema);
        Ok(Arc::new(Statistics { num_rows: Precision::Exact(self.rows), ..unknown }))
    }

    fn with_fetch(&self, _limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn try_swapping_with_projection(
        &self,
        _projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        _look: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
