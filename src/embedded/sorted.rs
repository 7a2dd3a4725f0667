//! One column of the first input in ascending order, sorted on disk where memory does not suffice.

use datafusion::common::Column;
use datafusion::logical_expr::Expr;

use super::error::from_datafusion;
use super::progress::Reporter;
use super::query;
use super::session::{Batches, Budget, session};
use super::tables::{Tables, allowed};
use crate::embedded::work::Work;
use crate::engines::EngineError;
use crate::engines::job_spec::JobSpec;

/// Streams the values of a column, nulls last. The input is read anew, and what reading it counts (cells
/// made null, files left out) is counted apart from the first time.
pub(super) async fn values(
    spec: &JobSpec,
    work: &Work,
    budget: Budget,
    column: String,
) -> Result<Batches, EngineError> {
    let wrong = |error| from_datafusion("sort a column", allowed(work), error);
    let context = session(&budget, &work.scratch, work.disk_limit_bytes).map_err(wrong)?;
    let tables = Tables::new(spec, work, &context)?;
    Reporter::new(work, &tables).add_rows(0, &format!("sorting `{column}`"));
    let value = Expr::Column(Column::new_unqualified(column));
    let sorted = context
        .read_table(tables.provider(0, false)?)
        .and_then(|table| table.select(vec![value.clone()]))
        .and_then(|values| values.sort(vec![value.sort(true, false)]));
    query::start(sorted.map_err(wrong)?, work).await
}
