//! Integers and decimals do not wrap: operations that could leave their type are checked.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::rewrite_expressions;
use crate::embedded::functions::{Checked, checked};

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
            if !may_overflow(op, &left, &right, schema)? {
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
fn may_overflow(operator: Operator, left: &Expr, right: &Expr, schema: &DFSchema) -> Result<bool> {
    if left.get_type(schema)?.is_integer() && right.get_type(schema)?.is_integer() {
        return Ok(true);
    }
    let (left, right) = (digits(left, schema)?, digits(right, schema)?);
    let (Some(left), Some(right)) = (left, right) else { return Ok(false) };
    let outcome = combined(operator, &left, &right);
    Ok(outcome.whole + outcome.scale > outcome.most)
}

/// The most digits of a decimal.
struct Digits {
    /// Before the point.
    whole: i16,
    /// After it.
    scale: i16,
    /// What the width of the type holds.
    most: i16,
}

fn combined(operator: Operator, left: &Digits, right: &Digits) -> Digits {
    let most = left.most.max(right.most);
    if operator == Operator::Multiply {
        let (whole, scale) = (left.whole + right.whole, left.scale + right.scale);
        return Digits { whole, scale, most };
    }
    let (whole, scale) = (left.whole.max(right.whole) + 1, left.scale.max(right.scale));
    Digits { whole, scale, most }
}

/// The digits that an expression may have: fewer than its type where a constant has fewer.
fn digits(expr: &Expr, schema: &DFSchema) -> Result<Option<Digits>> {
    let data_type = expr.get_type(schema)?;
    let (precision, scale, most) = match data_type {
        DataType::Decimal32(precision, scale) => (precision, scale, 9),
        DataType::Decimal64(precision, scale) => (precision, scale, 18),
        DataType::Decimal128(precision, scale) => (precision, scale, 38),
        DataType::Decimal256(precision, scale) => (precision, scale, 76),
        _ => return Ok(None),
    };
    let scale = i16::from(scale);
    let by_type = Digits { whole: i16::from(precision) - scale, scale, most };
    Ok(Some(match expr {
        Expr::Cast(cast) => match integer(&cast.expr) {
            Some(value) => Digits { whole: digits_of(value), ..by_type },
            None => by_type,
        },
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if operation(*op).is_some() => {
            match (digits(left, schema)?, digits(right, schema)?) {
                (Some(left), Some(right)) => combined(*op, &left, &right),
                _ => by_type,
            }
        }
        _ => by_type,
    }))
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    }
}

fn digits_of(value: i64) -> i16 {
    i16::try_from(value.unsigned_abs().checked_ilog10().unwrap_or(0)).unwrap_or(i16::MAX) + 1
}
