//! Operations on the rows of one table as they are: the first of them, or all in another format.

use datafusion::physical_plan::limit::LimitStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};

use super::session::Batches;
use super::tables::Tables;
use crate::engines::EngineError;

/// Streams the first rows in the order of the files, or all.
pub(super) fn first_rows(
    tables: &Tables,
    columns: &[String],
    rows: Option<u64>,
) -> Result<Batches, EngineError> {
    let columns = (!columns.is_empty()).then_some(columns);
    let stream = tables.stream(0, columns)?;
    let Some(rows) = rows else { return Ok(stream) };
    let most = usize::try_from(rows).unwrap_or(usize::MAX);
    let metrics = BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
    Ok(Box::pin(LimitStream::new(stream, 0, Some(most), metrics)))
}
