//! The one value of a subquery, null when it has no row.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema, Result, ScalarValue, Spans};
use datafusion::functions::core::expr_fn::nullif;
use datafusion::functions_aggregate::expr_fn::first_value;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{
    Distinct, Expr, FetchType, Limit, LogicalPlan, LogicalPlanBuilder, SkipType, Subquery, when,
};

use super::{exists, shape};

/// Returns the value of a subquery of one column and at most one row.
pub(super) fn scalar(plan: LogicalPlan, around: &DFSchema) -> Result<Expr> {
    if plan.all_out_ref_exprs().is_empty() {
        return nullable(plan).map(subquery);
    }
    shape::check_steady(&plan)?;
    let plan = first_as_aggregate(without_order(plan))?;
    if let Some(value) = of_filtered_row(&plan, around)? {
        return Ok(value);
    }
    shape::check_scalar(&plan, around)?;
    nullable(plan).map(subquery)
}

fn subquery(plan: LogicalPlan) -> Expr {
    let outer_ref_columns = plan.all_out_ref_exprs();
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() };
    Expr::ScalarSubquery(subquery)
}

/// `select x … having y` of an aggregate without groups: x where y is true, null elsewhere.
fn of_filtered_row(plan: &LogicalPlan, around: &DFSchema) -> Result<Option<Expr>> {
    let LogicalPlan::Projection(projection) = plan else { return Ok(None) };
    let LogicalPlan::Filter(filter) = projection.input.as_ref() else { return Ok(None) };
    let LogicalPlan::Aggregate(aggregate) = filter.input.as_ref() else { return Ok(None) };
    let ([value], []) = (projection.expr.as_slice(), aggregate.group_expr.as_slice()) else {
        return Ok(None);
    };
    if super::has_subquery(&filter.predicate) || super::has_subquery(value) {
        return Ok(None);
    }
    let holds = exists::of_one_row(aggregate, filter.predicate.clone(), around)?;
    let value = exists::of_one_row(aggregate, value.clone().unalias(), around)?;
    when(holds, value).end().map(Some)
}

/// Without a row the value is null, also where the column of the subquery never is: what is null has
/// to be declared so, or the optimiser takes a later `is null` or `coalesce` away.
fn nullable(plan: LogicalPlan) -> Result<LogicalPlan> {
    let (relation, field) = plan.schema().qualified_field(0);
    if field.is_nullable() || always_has_row(&plan) {
        return Ok(plan);
    }
    let name = field.name().clone();
    let value = Expr::Column(Column::new(relation.cloned(), &name));
    let null = Expr::Literal(ScalarValue::try_from(field.data_type())?, None);
    LogicalPlanBuilder::from(plan).project([nullif(value, null).alias(name)])?.build()
}

fn always_has_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => always_has_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => always_has_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}

/// One row is in order, and there once, whatever is said of it.
fn without_order(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            without_order(Arc::unwrap_or_clone(sort.input))
        }
        LogicalPlan::Distinct(Distinct::All(input)) => without_order(Arc::unwrap_or_clone(input)),
        other => other,
    }
}

/// Writes `select x … order by y limit 1` as the aggregate that takes the first value: a limit cannot
/// be kept for each row around, an aggregate can.
fn first_as_aggregate(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Limit(limit) = &plan else { return Ok(plan) };
    if !is_one(limit)? {
        return Ok(plan);
    }
    let mut input = Arc::clone(&limit.input);
    if input.max_rows().is_some_and(|most| most <= 1) {
        return Ok(without_order(input.as_ref().clone()));
    }
    let (relation, field) = plan.schema().qualified_field(0);
    let mut value = Expr::Column(Column::new(relation.cloned(), field.name()));
    if let LogicalPlan::Projection(projection) = input.as_ref()
        && let ([only], LogicalPlan::Sort(_)) = (projection.expr.as_slice(), &*projection.input)
    {
        value = only.clone().unalias();
        input = Arc::clone(&projection.input);
    }
    let mut order: Vec<SortExpr> = Vec::new();
    if let LogicalPlan::Sort(sort) = input.as_ref()
        && sort.fetch.is_none()
    {
        order.clone_from(&sort.expr);
        input = Arc::clone(&sort.input);
    }
    LogicalPlanBuilder::from(input.as_ref().clone())
        .aggregate(Vec::<Expr>::new(), vec![first_value(value, order).alias("first")])?
        .build()
}

fn is_one(limit: &Limit) -> Result<bool> {
    let one = matches!(limit.get_fetch_type()?, FetchType::Literal(Some(1)));
    Ok(one && matches!(limit.get_skip_type()?, SkipType::Literal(0)))
}
