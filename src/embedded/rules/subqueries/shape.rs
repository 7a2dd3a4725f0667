//! Which subqueries may use the row around them: those whose conditions on it can be moved up to a
//! join without changing what they mean. The others are refused, with what to write instead.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, DataFusionError, ExprSchema, JoinType, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprSchemable, Filter, Join, LogicalPlan, Operator,
};

use crate::embedded::error::failed;
use crate::engines::ErrorKind;

const JOIN_INSTEAD: &str =
    "compute it for all rows in a `with`, grouped by the column that is compared, and join it";

/// Judges what is looked for in a subquery. A column that the rows around do not have was a subquery too.
pub(super) fn check_value(value: &Expr, around: &DFSchema) -> Result<()> {
    let is_new = |column: &&Column| !around.has_column(column);
    if super::has_subquery(value) || value.column_refs().iter().any(is_new) {
        return Err(refused(
            "a subquery on the left of `in`, `any` or `all`",
            "compute it as a column of a subquery in `from`, and compare that column",
        ));
    }
    Ok(())
}

/// Judges the subquery of an `exists`.
pub(super) fn check_exists(plan: &LogicalPlan, around: &DFSchema) -> Result<()> {
    check_references(plan, around)?;
    check(plan, false)
}

/// Judges a subquery of one value: an aggregate, below what only computes with it.
pub(super) fn check_scalar(plan: &LogicalPlan, around: &DFSchema) -> Result<()> {
    check_references(plan, around)?;
    match plan {
        LogicalPlan::Projection(projection) => {
            refuse_outer(&projection.expr)?;
            check_scalar(&projection.input, around)
        }
        LogicalPlan::SubqueryAlias(alias) => check_scalar(&alias.input, around),
        LogicalPlan::Filter(filter) if !filter.predicate.contains_outer() => {
            check_scalar(&filter.input, around)
        }
        LogicalPlan::Aggregate(aggregate) => check_aggregate(aggregate),
        LogicalPlan::Limit(_) => Err(refused(
            "a limit in a subquery that uses the row around it",
            "write `limit 1` without an offset, or an aggregate such as `max(…)`",
        )),
        _ => Err(refused(
            "a subquery of one value that uses the row around it and is no aggregate",
            "write an aggregate such as `max(…)`, or end it with `limit 1`",
        )),
    }
}

/// Judges a subquery of one value that uses the row around it: the expression that holds it may be computed
/// twice, and each time with a join of its own.
pub(super) fn check_steady(plan: &LogicalPlan) -> Result<()> {
    let mut is_volatile = false;
    plan.apply_with_subqueries(|plan| {
        is_volatile = is_volatile || super::plan_has(plan, Expr::is_volatile)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    if is_volatile {
        return Err(refused(
            "`random()` or `uuid()` in a subquery of one value that uses the row around it",
            JOIN_INSTEAD,
        ));
    }
    Ok(())
}

/// Judges a subquery in `from` that uses the tables before it.
pub(super) fn check_lateral(plan: &LogicalPlan) -> Result<()> {
    match plan {
        LogicalPlan::Projection(projection) => {
            refuse_outer(&projection.expr)?;
            check_lateral(&projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => check_lateral(&alias.input),
        LogicalPlan::Aggregate(aggregate) if !plan.all_out_ref_exprs().is_empty() => {
            check_aggregate(aggregate)
        }
        other => check(other, false),
    }
}

/// A subquery sees the tables of the select directly around it.
fn check_references(plan: &LogicalPlan, around: &DFSchema) -> Result<()> {
    for reference in plan.all_out_ref_exprs() {
        if let Expr::OuterReferenceColumn(_, column) = &reference
            && !around.has_column(column)
        {
            return Err(refused(
                &format!("`{column}` of a query that is not directly around the subquery"),
                "join the table within the subquery, or compute the inner subquery in a `with`",
            ));
        }
    }
    Ok(())
}

/// Judges a plan; `aggregated` is whether an aggregate stands above it.
fn check(plan: &LogicalPlan, aggregated: bool) -> Result<()> {
    if plan.all_out_ref_exprs().is_empty() {
        return Ok(());
    }
    match plan {
        LogicalPlan::Filter(filter) => check_filter(filter, aggregated),
        LogicalPlan::Projection(projection) => {
            refuse_outer(&projection.expr)?;
            check(&projection.input, aggregated)
        }
        LogicalPlan::SubqueryAlias(alias) => check(&alias.input, aggregated),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => check(&sort.input, aggregated),
        LogicalPlan::Distinct(Distinct::All(input)) => check(input, aggregated),
        LogicalPlan::Join(join) => check_join(join, aggregated),
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => Err(refused(
            "an aggregate without `group by` below a join in a subquery that uses the row around it",
            JOIN_INSTEAD,
        )),
        LogicalPlan::Aggregate(aggregate) => check_aggregate(aggregate),
        other => Err(refused(
            &format!("{} in a subquery that uses the row around it", what(other)),
            JOIN_INSTEAD,
        )),
    }
}

fn what(plan: &LogicalPlan) -> &'static str {
    match plan {
        LogicalPlan::Limit(_) | LogicalPlan::Sort(_) => "`limit` or `offset`",
        LogicalPlan::Window(_) => "a window function",
        LogicalPlan::Union(_) => "`union`",
        LogicalPlan::Distinct(_) => "`distinct on`",
        LogicalPlan::Unnest(_) => "`unnest`",
        LogicalPlan::RecursiveQuery(_) => "`with recursive`",
        _ => "what stands here",
    }
}

fn check_filter(filter: &Filter, aggregated: bool) -> Result<()> {
    let schema = filter.input.schema();
    let mut conditions = split_conjunction(&filter.predicate).into_iter();
    if aggregated
        && conditions.any(|condition| condition.contains_outer() && !is_equality(condition, schema))
    {
        return Err(refused(
            "a comparison other than `column = value` with the row around an aggregate",
            JOIN_INSTEAD,
        ));
    }
    check(&filter.input, aggregated)
}

/// Rows that an aggregate takes together must be those that are equal to the row around it: one
/// column of the subquery, as it is, is equal to something of that row.
fn is_equality(condition: &Expr, schema: &DFSchema) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else {
        return false;
    };
    let ((Expr::Column(column), other) | (other, Expr::Column(column))) =
        (left.as_ref(), right.as_ref())
    else {
        return false;
    };
    !other.any_column_refs() && are_alike(column, other, schema)
}

/// Whether no two different values of the column become the same when it is compared.
fn are_alike(column: &Column, other: &Expr, schema: &DFSchema) -> bool {
    let (Ok(field), Ok(other)) = (schema.field_from_column(column), other.get_type(schema)) else {
        return false;
    };
    let text = |data_type: &DataType| data_type.is_string();
    let own = field.data_type();
    own == &other || (own.is_numeric() && other.is_numeric()) || (text(own) && text(&other))
}

fn check_aggregate(aggregate: &Aggregate) -> Result<()> {
    refuse_outer(&aggregate.group_expr)?;
    refuse_outer(&aggregate.aggr_expr)?;
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        return Err(refused(
            "`grouping sets`, `rollup` or `cube` in a subquery that uses the row around it",
            JOIN_INSTEAD,
        ));
    }
    check(&aggregate.input, !aggregate.aggr_expr.is_empty())
}

/// Conditions can be moved up out of the side of a join whose rows are all kept, and out of both of an
/// inner join.
fn check_join(join: &Join, aggregated: bool) -> Result<()> {
    let own = join.filter.iter().chain(join.on.iter().flat_map(|(left, right)| [left, right]));
    refuse_outer(own)?;
    let (left, right) = match join.join_type {
        JoinType::Inner => (true, true),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
            (true, false)
        }
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
            (false, true)
        }
        JoinType::Full => (false, false),
    };
    for (side, movable) in [(&join.left, left), (&join.right, right)] {
        if !movable && !side.all_out_ref_exprs().is_empty() {
            return Err(refused(
                "an outer join within a subquery, with the row around it on the side that may be missing",
                JOIN_INSTEAD,
            ));
        }
        check(side, aggregated)?;
    }
    Ok(())
}

fn refuse_outer<'a>(expressions: impl IntoIterator<Item = &'a Expr>) -> Result<()> {
    if expressions.into_iter().any(Expr::contains_outer) {
        return Err(refused(
            "a column of the row around a subquery anywhere but in its `where`",
            "compare it in the subquery's `where`, or compute outside of the subquery",
        ));
    }
    Ok(())
}

/// Refuses a subquery in the `on` of an outer join.
pub(super) fn refused_in_join() -> DataFusionError {
    refused(
        "a subquery in the `on` of an outer join",
        "compute it as a column of a subquery in `from`, and compare that column",
    )
}

/// Refuses a subquery of which no join can be made.
pub(super) fn refused_join() -> DataFusionError {
    refused("this use of the row around a subquery", JOIN_INSTEAD)
}

/// Refuses a subquery where no rows stand below it.
pub(super) fn refused_here(plan: &LogicalPlan) -> DataFusionError {
    let place = plan.display().to_string();
    let place = place.split([':', ' ']).next().unwrap_or_default().to_owned();
    refused(
        &format!("a subquery in `{}`", place.to_lowercase()),
        "compute it as a column of a subquery in `from`",
    )
}

fn refused(what: &str, instead: &str) -> DataFusionError {
    let error = failed(ErrorKind::Unsupported, "run the query", format!("{what} is not supported"));
    DataFusionError::External(Box::new(error.with_hint(instead)))
}
