//! Rewriting the expressions of a node in place: what a node is called by those above it stays.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeContainer as _};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, GroupingSet, LogicalPlan};

/// Rewrites every expression of a node from its leaves up; columns keep their names.
pub(super) fn rewrite_expressions(
    plan: LogicalPlan,
    rewrite: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    // A limit must stay a number, and a scan has no expressions of a user.
    if matches!(plan, LogicalPlan::Limit(_) | LogicalPlan::TableScan(_)) {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let is_sort = matches!(plan, LogicalPlan::Sort(_));
    let rewrite_one = |expr: Expr| {
        let name = names.save(&expr);
        let rewritten = expr.transform_up(|expr| rewrite(expr, &schema))?;
        if !rewritten.transformed || is_sort {
            return Ok(rewritten);
        }
        Ok(rewritten.update_data(|expr| name.restore(expr)))
    };
    plan.map_expressions(|expr| map_keys(expr, &rewrite_one))
}

/// Maps an expression of a node; of grouping sets each key, since it is those that have a name.
pub(super) fn map_keys(
    expr: Expr,
    map: &impl Fn(Expr) -> Result<Transformed<Expr>>,
) -> Result<Transformed<Expr>> {
    let Expr::GroupingSet(sets) = expr else { return map(expr) };
    let mapped = match sets {
        GroupingSet::Rollup(keys) => keys.map_elements(map)?.update_data(GroupingSet::Rollup),
        GroupingSet::Cube(keys) => keys.map_elements(map)?.update_data(GroupingSet::Cube),
        GroupingSet::GroupingSets(sets) => {
            let sets = sets.into_iter().map(|keys| keys.map_elements(map));
            let sets = sets.collect::<Result<Vec<_>>>()?;
            let is_changed = sets.iter().any(|keys| keys.transformed);
            let keys = sets.into_iter().map(|keys| keys.data).collect();
            Transformed::new_transformed(GroupingSet::GroupingSets(keys), is_changed)
        }
    };
    Ok(mapped.update_data(Expr::GroupingSet))
}
