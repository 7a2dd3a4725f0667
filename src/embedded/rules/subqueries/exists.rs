//! Whether a subquery has a row that fulfils some conditions: the conditions are moved down to where
//! a join can be made of them, and what does not change whether there is a row is left out.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result, Spans};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::Exists;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, FetchType, LogicalPlan, LogicalPlanBuilder, Projection, SkipType,
    Subquery, Union, lit, not,
};

use super::{Around, scalar, shape};

/// Returns an expression that is true when the subquery has such a row and false when it has none.
/// The conditions are over the columns of the subquery and outer references.
pub(super) fn exists(plan: LogicalPlan, conditions: Vec<Expr>, around: Around<'_>) -> Result<Expr> {
    match below(&plan, &conditions, around.schema)? {
        Below::Rows(input, moved) if !clash(&moved, input.schema()) => {
            return exists(input, moved, around);
        }
        Below::Known(found) => return Ok(found),
        _ => {}
    }
    match plan {
        LogicalPlan::Union(union) if is_correlated_union(&union) && !hold_subquery(&conditions) => {
            of_union(&union, &conditions, around)
        }
        LogicalPlan::Aggregate(aggregate)
            if aggregate.group_expr.is_empty() && !hold_subquery(&conditions) =>
        {
            match conjunction(conditions) {
                Some(condition) => Ok(of_one_row(&aggregate, condition, around.schema)?.is_true()),
                None => Ok(lit(true)),
            }
        }
        other => finish(other, conditions, around),
    }
}

/// What stands below a node that does not matter to whether there is a row.
enum Below {
    /// The input, with the conditions as they are there.
    Rows(LogicalPlan, Vec<Expr>),
    /// The answer.
    Known(Expr),
    /// The node matters.
    Nothing,
}

fn below(plan: &LogicalPlan, conditions: &[Expr], around: &DFSchema) -> Result<Below> {
    let same =
        |input: &Arc<LogicalPlan>| Ok(Below::Rows(input.as_ref().clone(), conditions.to_vec()));
    match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => same(&sort.input),
        LogicalPlan::Distinct(Distinct::All(input)) => same(input),
        LogicalPlan::Window(window) if conditions.is_empty() => same(&window.input),
        LogicalPlan::SubqueryAlias(alias) if !hold_subquery(conditions) => {
            let columns = alias.schema.columns().into_iter().zip(alias.input.schema().columns());
            let named = columns.map(|(column, below)| (column, Expr::Column(below))).collect();
            Ok(Below::Rows(alias.input.as_ref().clone(), substituted(conditions, &named)?))
        }
        LogicalPlan::Projection(projection) if is_movable(projection, conditions) => {
            let columns = projection.schema.columns().into_iter();
            let named = columns.zip(projection.expr.iter().map(|expr| expr.clone().unalias()));
            let moved = substituted(conditions, &named.collect())?;
            Ok(Below::Rows(projection.input.as_ref().clone(), moved))
        }
        LogicalPlan::Filter(filter) => {
            let mut moved = vec![filter.predicate.clone()];
            moved.extend_from_slice(conditions);
            Ok(Below::Rows(filter.input.as_ref().clone(), moved))
        }
        LogicalPlan::EmptyRelation(empty) if !hold_subquery(conditions) => {
            if !empty.produce_one_row {
                return Ok(Below::Known(lit(false)));
            }
            let Some(condition) = conjunction(conditions.to_vec()) else {
                return Ok(Below::Known(lit(true)));
            };
            Ok(Below::Known(of_row_around(condition, around)?.is_true()))
        }
        LogicalPlan::Limit(limit) if conditions.is_empty() => {
            match (limit.get_skip_type()?, limit.get_fetch_type()?) {
                (_, FetchType::Literal(Some(0))) => Ok(Below::Known(lit(false))),
                (SkipType::Literal(0), FetchType::Literal(_)) => same(&limit.input),
                _ => Ok(Below::Nothing),
            }
        }
        _ => Ok(Below::Nothing),
    }
}

/// Whether a column of the row around a subquery is called like one of its own: once the conditions
/// are those of a join, the two could not be told apart.
fn clash(conditions: &[Expr], schema: &DFSchema) -> bool {
    conditions.iter().any(|condition| {
        let is_clash = |expr: &Expr| match expr {
            Expr::OuterReferenceColumn(_, column) => schema.has_column(column),
            _ => false,
        };
        condition.exists(|expr| Ok(is_clash(expr))).unwrap_or(true)
    })
}

/// The opposite of what [`exists`] returns.
pub(super) fn negated(found: Expr) -> Expr {
    match found {
        Expr::Exists(Exists { subquery, negated }) => {
            Expr::Exists(Exists { subquery, negated: !negated })
        }
        other => not(other),
    }
}

/// A projection has as many rows as its input. Conditions can be moved below it when computing its
/// expressions once more gives the same.
fn is_movable(projection: &Projection, conditions: &[Expr]) -> bool {
    conditions.is_empty()
        || !hold_subquery(conditions)
            && !projection.expr.iter().any(|expr| expr.is_volatile() || super::has_subquery(expr))
}

/// Conditions with subqueries of their own name the columns that stand here.
fn hold_subquery(conditions: &[Expr]) -> bool {
    conditions.iter().any(super::has_subquery)
}

fn substituted(conditions: &[Expr], columns: &HashMap<Column, Expr>) -> Result<Vec<Expr>> {
    let replaced = |condition: &Expr| {
        condition
            .clone()
            .transform_up(|expr| {
                let below = match &expr {
                    Expr::Column(column) => columns.get(column),
                    _ => None,
                };
                Ok(below
                    .map_or(Transformed::no(expr.clone()), |below| Transformed::yes(below.clone())))
            })
            .data()
    };
    conditions.iter().map(replaced).collect()
}

/// A join cannot be made of a union that uses the row around it, but of each of its parts.
fn is_correlated_union(union: &Union) -> bool {
    union.inputs.iter().any(|input| !input.all_out_ref_exprs().is_empty())
}

fn of_union(union: &Union, conditions: &[Expr], around: Around<'_>) -> Result<Expr> {
    let columns = union.schema.columns();
    let mut found = lit(false);
    for input in &union.inputs {
        let below = input.schema().columns().into_iter().map(Expr::Column);
        let named = columns.iter().cloned().zip(below).collect();
        let part = substituted(conditions, &named)?;
        let part = exists(input.as_ref().clone(), part, around)?;
        found = if found == lit(false) { part } else { found.or(part) };
    }
    Ok(found)
}

/// An aggregate without groups has one row, whatever it is of: what is asked of its columns is asked of
/// its values, outside of the subquery.
pub(super) fn of_one_row(aggregate: &Aggregate, asked: Expr, around: &DFSchema) -> Result<Expr> {
    let asked = asked.transform_up(|expr| match expr {
        Expr::Column(column) => {
            let value = LogicalPlanBuilder::from(LogicalPlan::Aggregate(aggregate.clone()))
                .project([Expr::Column(column)])?
                .build()?;
            scalar::scalar(value, around).map(Transformed::yes)
        }
        other => Ok(Transformed::no(other)),
    });
    of_row_around(asked.data()?, around)
}

/// A condition of a subquery as one of the row around it; what that row has from further out stays so.
fn of_row_around(condition: Expr, around: &DFSchema) -> Result<Expr> {
    condition
        .transform_up(|expr| match expr {
            Expr::OuterReferenceColumn(_, column) if around.has_column(&column) => {
                Ok(Transformed::yes(Expr::Column(column)))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
}

/// Makes the expression of a subquery whose conditions can be moved no further.
fn finish(plan: LogicalPlan, conditions: Vec<Expr>, around: Around<'_>) -> Result<Expr> {
    let (plan, conditions) = if clash(&conditions, plan.schema()) {
        renamed(plan, &conditions)?
    } else {
        (plan, conditions)
    };
    let plan = match conjunction(conditions) {
        Some(condition) => LogicalPlanBuilder::from(plan).filter(condition)?.build()?,
        None => plan,
    };
    let outer_ref_columns = plan.all_out_ref_exprs();
    if outer_ref_columns.is_empty() {
        return has_rows(plan, around);
    }
    shape::check_exists(&plan, around.schema)?;
    if let Some(marks) = around.marks {
        return Ok(marks.add(plan));
    }
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() };
    Ok(Expr::Exists(Exists { subquery, negated: false }))
}

/// A subquery under a name that nothing around it has.
fn renamed(plan: LogicalPlan, conditions: &[Expr]) -> Result<(LogicalPlan, Vec<Expr>)> {
    let before = plan.schema().columns();
    let plan = LogicalPlanBuilder::from(plan).alias("__subquery")?.build()?;
    let after = plan.schema().columns().into_iter().map(Expr::Column);
    let conditions = substituted(conditions, &before.into_iter().zip(after).collect())?;
    Ok((plan, conditions))
}

/// Whether a subquery that is the same for every row around has a row: the first one is enough.
fn has_rows(plan: LogicalPlan, around: Around<'_>) -> Result<Expr> {
    let counted = LogicalPlanBuilder::from(plan)
        .limit(0, Some(1))?
        .aggregate(Vec::<Expr>::new(), vec![count(lit(1_i64)).alias("rows")])?
        .build()?;
    Ok(scalar::scalar(counted, around.schema)?.gt(lit(0_i64)))
}
