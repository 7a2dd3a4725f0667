//! Integers and decimals do not wrap: operations that could leave their type are checked.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::rewrite_expressions;
use crate::clients::local::engine::functions::{Checked, checked};

/// Replaces arithmetic that wraps by arithmetic that fails. Types are coerced already.
#[derive(Debug)]
pub(super) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| rewrite_expressions(plan, rewrite)).data()
    }

    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let Some(operation) = operation(op) else {
                return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
            };
            let types = (left.get_type(schema)?, right.get_type(schema)?);
            if !may_overflow(op, &types.0, &types.1) {
                return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
            }
            Ok(Transformed::yes(call(operation, vec![*left, *right])))
        }
        Expr::Negative(inner) if inner.get_type(schema)?.is_signed_integer() => {
            Ok(Transformed::yes(call(Checked::Negate, vec![*inner])))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn call(operation: Checked, operands: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(checked(operation), operands))
}

fn operation(operator: Operator) -> Option<Checked> {
    match operator {
        Operator::Plus => Some(Checked::Add),
        Operator::Minus => Some(Checked::Subtract),
        Operator::Multiply => Some(Checked::Multiply),
        _ => None,
    }
}

/// Whether an outcome may not fit the type it gets. Of decimals only those may not whose digits are
/// more than their width holds.
fn may_overflow(operator: Operator, left: &DataType, right: &DataType) -> bool {
    if left.is_integer() && right.is_integer() {
        return true;
    }
    let (Some(left), Some(right)) = (digits(left), digits(right)) else { return false };
    let whole = if operator == Operator::Multiply {
        left.precision + right.precision + 1
    } else {
        let scale = left.scale.max(right.scale);
        scale + (left.precision - left.scale).max(right.precision - right.scale) + 1
    };
    whole > left.most
}

/// What a decimal holds.
struct Digits {
    precision: i16,
    scale: i16,
    most: i16,
}

fn digits(data_type: &DataType) -> Option<Digits> {
    let (precision, scale, most) = match data_type {
        DataType::Decimal32(precision, scale) => (precision, scale, 9),
        DataType::Decimal64(precision, scale) => (precision, scale, 18),
        DataType::Decimal128(precision, scale) => (precision, scale, 38),
        DataType::Decimal256(precision, scale) => (precision, scale, 76),
        _ => return None,
    };
    Some(Digits { precision: i16::from(*precision), scale: i16::from(*scale), most })
}
