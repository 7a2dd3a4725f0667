//! One row per key: rows are sorted by key and order, which spills, and the first of each key stays.
//!
//! Nulls in a key equal one another. Which row stays does not depend on files or threads: ties of
//! `order_by` are broken by every other column, in the order of the table, nulls last.

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{Column, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, SortExpr, lit};
use datafusion::prelude::{DataFrame, SessionContext};

use super::error::from_datafusion;
use super::tables::{Tables, allowed, column_index};
use crate::embedded::work::Work;
use crate::engines::EngineError;

/// Plans a deduplication of the first input.
pub(super) fn deduplicate(
    tables: &Tables,
    context: &SessionContext,
    work: &Work,
    keys: &[String],
    order_by: &[String],
) -> Result<DataFrame, EngineError> {
    let wrong = |error| from_datafusion("deduplicate", allowed(work), error);
    let schema = tables.schema(0)?;
    let frame = context.read_table(tables.provider(0, false)?).map_err(wrong)?;
    if keys.is_empty() {
        return frame.distinct().map_err(wrong);
    }
    let keys: Vec<usize> =
        keys.iter().map(|key| column_index(&schema, key)).collect::<Result<_, _>>()?;
    let order = order(&schema, &keys, order_by)?;
    first_of_each(frame, &schema, &keys, order).map_err(wrong)
}

fn column(schema: &SchemaRef, index: usize) -> Expr {
    Expr::Column(Column::new_unqualified(schema.field(index).name()))
}

/// The order within a key: as asked, then by every other column that has an order.
fn order(
    schema: &SchemaRef,
    keys: &[usize],
    order_by: &[String],
) -> Result<Vec<SortExpr>, EngineError> {
    let mut named = Vec::new();
    let mut order = Vec::new();
    for word in order_by {
        // A column whose name begins with `-` is named exactly.
        let exact = schema.fields().find(word).is_some();
        let (name, ascending) = match word.strip_prefix('-') {
            Some(name) if !exact => (name, false),
            _ => (word.as_str(), true),
        };
        let index = column_index(schema, name)?;
        named.push(index);
        order.push(column(schema, index).sort(ascending, false));
    }
    let rest = (0..schema.fields().len())
        .filter(|index| !keys.contains(index) && !named.contains(index))
        .filter(|index| has_order(schema.field(*index).data_type()));
    order.extend(rest.map(|index| column(schema, index).sort(true, false)));
    Ok(order)
}

fn has_order(data_type: &DataType) -> bool {
    RowConverter::supports_fields(&[SortField::new(data_type.clone())])
}

fn first_of_each(
    frame: DataFrame,
    schema: &SchemaRef,
    keys: &[usize],
    order: Vec<SortExpr>,
) -> Result<DataFrame> {
    let mut number = "row_number".to_owned();
    while schema.fields().find(&number).is_some() {
        number.push('_');
    }
    let numbered = row_number()
        .partition_by(keys.iter().map(|key| column(schema, *key)).collect())
        .order_by(order)
        .build()?
        .alias(&number);
    let first = Expr::Column(Column::new_unqualified(&number)).eq(lit(1_u64));
    let columns: Vec<Expr> =
        (0..schema.fields().len()).map(|index| column(schema, index)).collect();
    frame.window(vec![numbered])?.filter(first)?.select(columns)
}
