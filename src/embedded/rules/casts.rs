//! Casts between texts and other types that DataFusion does not get right.
//!
//! A list or map as text gets the words of an error where a value within it has no text. Of a condition, the
//! optimiser estimates how many rows it leaves by the bounds of its columns, carries these through casts,
//! and so takes an order of numbers for one of texts: it then finds its own estimate impossible, and fails.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::rewrite_expressions;
use crate::embedded::functions::{is_text, own_cast};

/// Replaces them by casts of our own. Types are coerced already.
#[derive(Debug)]
pub(super) struct Casts;

impl AnalyzerRule for Casts {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let rewrite_all = |plan| {
            let is_of_condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
            rewrite_expressions(plan, |expr, schema| rewrite(expr, schema, is_of_condition))
        };
        plan.transform_up_with_subqueries(rewrite_all).data()
    }

    fn name(&self) -> &'static str {
        "casts"
    }
}

fn rewrite(expr: Expr, schema: &DFSchema, is_of_condition: bool) -> Result<Transformed<Expr>> {
    let (value, or_null) = match &expr {
        Expr::Cast(cast) => (cast.expr.as_ref(), false),
        Expr::TryCast(cast) => (cast.expr.as_ref(), true),
        Expr::ScalarFunction(function) => match (function.func.name(), function.args.first()) {
            ("arrow_cast", Some(value)) => (value, false),
            ("arrow_try_cast", Some(value)) => (value, true),
            _ => return Ok(Transformed::no(expr)),
        },
        _ => return Ok(Transformed::no(expr)),
    };
    let (from, to) = (value.get_type(schema)?, expr.get_type(schema)?);
    let changes_order = is_text(&from) != is_text(&to) && from != DataType::Null;
    let is_estimated = is_of_condition && !value.column_refs().is_empty();
    if (is_text(&to) && is_of_many(&from)) || (changes_order && is_estimated) {
        return Ok(Transformed::yes(own_cast(value.clone(), to, or_null)));
    }
    Ok(Transformed::no(expr))
}

/// Whether values of a type hold values of another. A struct has no cast to text.
const fn is_of_many(data_type: &DataType) -> bool {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView, Map};
    matches!(
        data_type,
        List(_) | LargeList(_) | FixedSizeList(..) | ListView(_) | LargeListView(_) | Map(..)
    )
}
