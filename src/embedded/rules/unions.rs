//! Unions whose parts have the column names of the whole.
//!
//! A column of a union is what stands in its place in every part, however it is called there. Where the
//! other parts have no rows, DataFusion 55.2 puts the one that is left in the place of the union, and takes
//! its columns by the names of the union: one is not found, or is another column of that name.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};
use datafusion::optimizer::AnalyzerRule;

/// Gives the columns of each part of a union the names that the union has for them. Types are coerced already.
#[derive(Debug)]
pub(super) struct NamedParts;

impl AnalyzerRule for NamedParts {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }

    fn name(&self) -> &'static str {
        "named_parts"
    }
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Union(Union { inputs, schema }) = plan else {
        return Ok(Transformed::no(plan));
    };
    let is_named = |part: &Arc<LogicalPlan>| names(part.schema()).eq(names(&schema));
    if inputs.iter().all(is_named) {
        return Ok(Transformed::no(LogicalPlan::Union(Union { inputs, schema })));
    }
    let inputs = inputs
        .into_iter()
        .map(|part| if is_named(&part) { Ok(part) } else { named(part, &schema).map(Arc::new) });
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union { inputs, schema })))
}

fn named(part: Arc<LogicalPlan>, union: &DFSchema) -> Result<LogicalPlan> {
    let columns = part.schema().iter().map(|field| Expr::Column(Column::from(field)));
    let columns = columns.zip(names(union)).map(|(column, name)| column.alias(name)).collect();
    Projection::try_new(columns, part).map(LogicalPlan::Projection)
}

fn names(schema: &DFSchema) -> impl Iterator<Item = &str> {
    schema.fields().iter().map(|field| field.name().as_str())
}
