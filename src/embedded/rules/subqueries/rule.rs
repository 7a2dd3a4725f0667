//! The rule: finds the subqueries of each node, and makes of the node one that has none to rewrite.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan, Projection};
use datafusion::optimizer::AnalyzerRule;

use super::around::{Around, whole};
use super::marks::Marks;
use super::{scalar, shape};

/// Writes subqueries so that the joins made of them are right.
#[derive(Debug)]
pub(in crate::embedded::rules) struct Subqueries;

impl AnalyzerRule for Subqueries {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }

    fn name(&self) -> &'static str {
        "subqueries"
    }
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    for input in plan.inputs() {
        if let LogicalPlan::Subquery(lateral) = input {
            shape::check_lateral(&lateral.subquery)?;
        }
    }
    let plan = plan.map_expressions(|expr| expr.transform_up(plain_value))?;
    if !plan_has(&plan.data, is_subquery)? {
        return Ok(plan);
    }
    let plan = plan.data;
    let rewritten = match plan {
        LogicalPlan::Filter(filter) => {
            let around = Around { schema: filter.input.schema(), marks: None };
            let predicate = around.truth(filter.predicate)?;
            LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)
        }
        LogicalPlan::Projection(projection) => project(projection)?,
        LogicalPlan::Join(join) => above_join(join)?,
        other => below(&other)?,
    };
    Ok(Transformed::yes(rewritten))
}

pub(super) fn plan_has(plan: &LogicalPlan, wanted: fn(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_expressions(|expr| {
        found = found || expr.exists(|expr| Ok(wanted(expr)))?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Whether an expression is a subquery that this rule rewrites. A subquery of one value that does not
/// use the row around it is computed once, wherever it stands.
fn is_subquery(expr: &Expr) -> bool {
    match expr {
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => true,
        Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
        _ => false,
    }
}

/// A subquery of one value that is the same for every row around.
fn plain_value(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() => {
            scalar::scalar(whole(&subquery), &DFSchema::empty()).map(Transformed::yes)
        }
        other => Ok(Transformed::no(other)),
    }
}

fn project(projection: Projection) -> Result<LogicalPlan> {
    let marks = Marks::default();
    let around = Around { schema: projection.input.schema(), marks: Some(&marks) };
    let names = NamePreserver::new_for_projection();
    let expressions = projection.expr.into_iter().map(|expr| {
        let name = names.save(&expr);
        Ok(name.restore(around.value(expr)?))
    });
    let expressions = expressions.collect::<Result<Vec<_>>>()?;
    let input = marks.joined(projection.input)?;
    Projection::try_new(expressions, input).map(LogicalPlan::Projection)
}

/// A condition of an inner join can as well be asked of its rows.
fn above_join(mut join: Join) -> Result<LogicalPlan> {
    let on_keys = join.on.iter().any(|(left, right)| has_subquery(left) || has_subquery(right));
    let Some(filter) = join.filter.take() else {
        return Err(shape::refused_in_join());
    };
    if join.join_type != JoinType::Inner || on_keys {
        return Err(shape::refused_in_join());
    }
    let above = Filter::try_new(filter, LogicalPlan::Join(join).into())?;
    rewrite(LogicalPlan::Filter(above)).data()
}

pub(super) fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(is_subquery(expr))).unwrap_or(true)
}

/// Computes the subqueries of a node of one input as columns below it.
fn below(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let [input] = plan.inputs().try_into().map_err(|_| shape::refused_here(plan))?;
    let input = input.clone();
    let wanted = plan.schema().columns();
    let names = NamePreserver::new(plan);
    let is_sort = matches!(plan, LogicalPlan::Sort(_));
    let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut expressions = Vec::new();
    for expr in plan.expressions() {
        let name = names.save(&expr);
        let replaced = expr.transform_down(|expr| {
            if !is_subquery(&expr) {
                return Ok(Transformed::no(expr));
            }
            let name = format!("__subquery_{}", columns.len());
            columns.push(expr.alias(&name));
            let column = Expr::Column(Column::new_unqualified(name));
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        });
        let replaced = replaced.data()?;
        expressions.push(if is_sort { replaced } else { name.restore(replaced) });
    }
    let input = project(Projection::try_new(columns, input.into())?)?;
    let node = plan.with_new_exprs(expressions, vec![input])?;
    if node.schema().fields().len() == wanted.len() {
        return Ok(node);
    }
    let wanted = wanted.into_iter().map(Expr::Column).collect();
    Projection::try_new(wanted, node.into()).map(LogicalPlan::Projection)
}
