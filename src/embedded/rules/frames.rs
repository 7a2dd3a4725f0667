//! Frames by `range` with a distance need values that have one: of others DataFusion takes every row
//! before, or none.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits,
};
use datafusion::optimizer::AnalyzerRule;

use crate::embedded::error::failed;
use crate::engines::ErrorKind;

/// Refuses distances between texts and the like.
#[derive(Debug)]
pub(super) struct Frames;

impl AnalyzerRule for Frames {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|plan| {
            if let LogicalPlan::Window(window) = plan {
                for expr in &window.window_expr {
                    check(expr, window.input.schema())?;
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "frames"
    }
}

fn check(expr: &Expr, schema: &datafusion::common::DFSchema) -> Result<()> {
    expr.apply(|expr| {
        let Expr::WindowFunction(function) = expr else { return Ok(TreeNodeRecursion::Continue) };
        let WindowFunction { params, .. } = function.as_ref();
        if let [order] = params.order_by.as_slice()
            && has_distance(&params.window_frame)
            && !has_distances(&order.expr.get_type(schema)?)
        {
            return Err(refused());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn has_distance(frame: &WindowFrame) -> bool {
    let is_distance = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => !value.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    frame.units == WindowFrameUnits::Range
        && (is_distance(&frame.start_bound) || is_distance(&frame.end_bound))
}

fn has_distances(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_temporal() || data_type.is_null()
}

fn refused() -> DataFusionError {
    let message = "a frame by `range` with a distance needs a number or a time in `order by`";
    let error = failed(ErrorKind::InvalidInput, "run the query", message);
    DataFusionError::External(Box::new(
        error.with_hint("write `rows` or `groups` instead of `range`, or order by a number"),
    ))
}
