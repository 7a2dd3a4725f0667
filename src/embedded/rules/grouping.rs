//! Keys of `rollup`, `cube` and `grouping sets` of which the plan knows nothing from below.
//!
//! Such a key is null in the rows of the sets without it. DataFusion hands on what it knows of the key
//! before the grouping all the same: that it is one constant (then it is not ordered by), in which order
//! it comes, and that equal keys are in one partition (then the row of all is made once for each).

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::map_keys;
use crate::embedded::functions::opaque;

/// Hides from the plan what keys of grouping sets are made of.
#[derive(Debug)]
pub(super) struct OpaqueKeys;

impl AnalyzerRule for OpaqueKeys {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite).data()
    }

    fn name(&self) -> &'static str {
        "opaque_keys"
    }
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let aggregate = match plan {
        LogicalPlan::Aggregate(aggregate) if has_sets(&aggregate) => aggregate,
        other => return Ok(Transformed::no(other)),
    };
    let Aggregate { input, group_expr, aggr_expr, .. } = aggregate;
    let names = NamePreserver::new_for_projection();
    let hidden = |key: Expr| {
        let name = names.save(&key);
        Ok(Transformed::yes(name.restore(opaque(key.unalias()))))
    };
    let keys = group_expr.into_iter().map(|key| map_keys(key, &hidden).data());
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let aggregate = Aggregate::try_new(Arc::clone(&input), keys, aggr_expr)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

fn has_sets(aggregate: &Aggregate) -> bool {
    matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)])
}
