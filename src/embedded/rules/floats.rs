//! Floats are compared, ordered and grouped by their canonical form: NaN is equal to itself and larger
//! than every number, and -0.0 is equal to 0.0, wherever two floats meet.
//!
//! DataFusion compares by the bits in some places and by `==` in others. What is shown of a column
//! stays as it is; of values that are grouped, the canonical form is shown.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{
    AggregateFunction, Between, Case, InList, ScalarFunction, Sort, WindowFunction,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Cast, Distinct, Expr, ExprSchemable, Join, LogicalPlan, Operator,
    Projection, WindowFunctionDefinition,
};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::{map_keys, rewrite_expressions};
use crate::embedded::functions::{canonical_function, canonical_scalar};

/// Functions that compare their arguments with one another.
const COMPARING: [&str; 3] = ["greatest", "least", "nullif"];

/// Aggregates that order their values.
const ORDERING: [&str; 4] = ["max", "median", "min", "percentile_cont"];

/// Brings floats to their canonical form where they are compared. Types are coerced already.
#[derive(Debug)]
pub(super) struct CanonicalFloats;

impl AnalyzerRule for CanonicalFloats {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }

    fn name(&self) -> &'static str {
        "canonical_floats"
    }
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let plan = rewrite_expressions(plan, rewrite_expression)?.data;
    Ok(Transformed::yes(match plan {
        LogicalPlan::Aggregate(aggregate) => grouped(aggregate)?,
        LogicalPlan::Distinct(Distinct::All(input)) => {
            LogicalPlan::Distinct(Distinct::All(Arc::new(projected(input)?)))
        }
        LogicalPlan::Join(join) => joined(join)?,
        LogicalPlan::Sort(_) => {
            let schema = merge_schema(&plan.inputs());
            plan.map_expressions(|expr| canonical(expr, &schema).map(Transformed::yes)).data()?
        }
        LogicalPlan::Distinct(Distinct::On(mut on)) => {
            let schema = on.input.schema();
            on.on_expr = canonical_all(on.on_expr, schema)?;
            if let Some(order) = on.sort_expr {
                on.sort_expr = Some(canonical_order(order, schema)?);
            }
            LogicalPlan::Distinct(Distinct::On(on))
        }
        other => other,
    }))
}

fn grouped(aggregate: Aggregate) -> Result<LogicalPlan> {
    let Aggregate { input, group_expr, aggr_expr, .. } = aggregate;
    let schema = input.schema();
    let names = NamePreserver::new_for_projection();
    let with_its_name = |key: Expr| {
        let name = names.save(&key);
        Ok(Transformed::yes(name.restore(canonical(key, schema)?)))
    };
    let keys = group_expr.into_iter().map(|key| map_keys(key, &with_its_name).data());
    let keys = keys.collect::<Result<Vec<_>>>()?;
    Aggregate::try_new(Arc::clone(&input), keys, aggr_expr).map(LogicalPlan::Aggregate)
}

/// All columns of a plan, floats in their canonical form.
fn projected(input: Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let schema = input.schema();
    if !schema.fields().iter().any(|field| field.data_type().is_floating()) {
        return Ok(Arc::unwrap_or_clone(input));
    }
    let column = |(relation, field): (Option<&_>, &Arc<_>)| {
        let column = Column::from((relation, field));
        let name = column.clone();
        match canonical(Expr::Column(column), schema)? {
            Expr::Column(column) => Ok(Expr::Column(column)),
            other => Ok(other.alias_qualified(name.relation, name.name)),
        }
    };
    let columns = schema.iter().map(column).collect::<Result<Vec<_>>>()?;
    Projection::try_new(columns, Arc::clone(&input)).map(LogicalPlan::Projection)
}

fn joined(mut join: Join) -> Result<LogicalPlan> {
    let (left, right) = (join.left.schema(), join.right.schema());
    let pair = |(from, to)| Ok((canonical(from, left)?, canonical(to, right)?));
    join.on = join.on.into_iter().map(pair).collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Join(join))
}

fn rewrite_expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(Transformed::yes(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            let (left, right) = (canonical(*left, schema)?, canonical(*right, schema)?);
            Expr::BinaryExpr(BinaryExpr::new(left.into(), op, right.into()))
        }
        Expr::Between(Between { expr, negated, low, high }) => Expr::Between(Between {
            expr: canonical(*expr, schema)?.into(),
            negated,
            low: canonical(*low, schema)?.into(),
            high: canonical(*high, schema)?.into(),
        }),
        Expr::InList(InList { expr, list, negated }) => {
            let expr = canonical(*expr, schema)?.into();
            Expr::InList(InList { expr, list: canonical_all(list, schema)?, negated })
        }
        Expr::Case(Case { expr: Some(expr), when_then_expr, else_expr }) => {
            let when = |(when, then): (Box<Expr>, _)| -> Result<_> {
                Ok((canonical(*when, schema)?.into(), then))
            };
            let when_then_expr =
                when_then_expr.into_iter().map(when).collect::<Result<Vec<_>>>()?;
            let expr = Some(canonical(*expr, schema)?.into());
            Expr::Case(Case { expr, when_then_expr, else_expr })
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if COMPARING.contains(&func.name()) => {
            let args = canonical_all(args, schema)?;
            Expr::ScalarFunction(ScalarFunction { func, args })
        }
        Expr::AggregateFunction(function) => {
            Expr::AggregateFunction(aggregate_function(function, schema)?)
        }
        Expr::WindowFunction(function) => {
            Expr::WindowFunction(Box::new(window_function(*function, schema)?))
        }
        other => return Ok(Transformed::no(other)),
    }))
}

fn aggregate_function(
    mut function: AggregateFunction,
    schema: &DFSchema,
) -> Result<AggregateFunction> {
    if function.params.distinct || ORDERING.contains(&function.func.name()) {
        function.params.args = canonical_all(function.params.args, schema)?;
    }
    function.params.order_by = canonical_order(function.params.order_by, schema)?;
    Ok(function)
}

fn window_function(mut function: WindowFunction, schema: &DFSchema) -> Result<WindowFunction> {
    if let WindowFunctionDefinition::AggregateUDF(aggregate) = &function.fun
        && (function.params.distinct || ORDERING.contains(&aggregate.name()))
    {
        function.params.args = canonical_all(function.params.args, schema)?;
    }
    function.params.partition_by = canonical_all(function.params.partition_by, schema)?;
    function.params.order_by = canonical_order(function.params.order_by, schema)?;
    Ok(function)
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

fn canonical_all(expressions: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
    expressions.into_iter().map(|expr| canonical(expr, schema)).collect()
}

fn canonical_order(order: Vec<Sort>, schema: &DFSchema) -> Result<Vec<Sort>> {
    let one = |sort: Sort| Ok(Sort { expr: canonical(sort.expr, schema)?, ..sort });
    order.into_iter().map(one).collect()
}

/// An expression in its canonical form, if it is a float that may have another.
fn canonical(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    if !expr.get_type(schema)?.is_floating() {
        return Ok(expr);
    }
    Ok(match expr {
        Expr::Literal(value, metadata) => Expr::Literal(canonical_scalar(value), metadata),
        Expr::Cast(cast) if is_from_exact(&cast, schema) => Expr::Cast(cast),
        Expr::ScalarFunction(function) if function.func == canonical_function() => {
            Expr::ScalarFunction(function)
        }
        other => Expr::ScalarFunction(ScalarFunction::new_udf(canonical_function(), vec![other])),
    })
}

/// A number of another kind becomes neither NaN nor a negative zero.
fn is_from_exact(cast: &Cast, schema: &DFSchema) -> bool {
    cast.expr.get_type(schema).is_ok_and(|data_type| {
        data_type.is_integer() || matches!(data_type, DataType::Decimal128(..))
    })
}
