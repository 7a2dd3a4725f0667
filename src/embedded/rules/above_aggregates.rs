//! Conditions that stay above the aggregate they are on.
//!
//! DataFusion 55.2 moves a condition without columns below any aggregate: `having not exists (…)` then
//! takes away the rows, and an aggregate of no rows still has a row. One with `random()` is another for
//! each row than for each group.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

const MOVES_FILTERS: &str = "push_down_filter";

/// Returns the rules of DataFusion, with the one that moves conditions down held back.
pub(in super::super) fn optimizer_rules() -> Vec<Rule> {
    let held_back = |rule: Rule| -> Rule {
        if rule.name() == MOVES_FILTERS { Arc::new(AboveAggregates(rule)) } else { rule }
    };
    Optimizer::new().rules.into_iter().map(held_back).collect()
}

#[derive(Debug)]
struct AboveAggregates(Rule);

impl OptimizerRule for AboveAggregates {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return self.0.rewrite(plan, config) };
        let (conditions, input) = all_conditions(filter);
        let (stay, move_on) = match input.as_ref() {
            LogicalPlan::Aggregate(aggregate) => {
                conditions.into_iter().partition(|condition| stays(condition, aggregate))
            }
            _ => (Vec::new(), conditions),
        };
        let below = match conjunction(move_on) {
            Some(condition) => {
                let filter = LogicalPlan::Filter(Filter::try_new(condition, input)?);
                self.0.rewrite(filter, config)?
            }
            None => Transformed::no(Arc::unwrap_or_clone(input)),
        };
        let Some(condition) = conjunction(stay) else { return Ok(below) };
        below.map_data(|below| Filter::try_new(condition, Arc::new(below)).map(LogicalPlan::Filter))
    }
}

/// Returns the conditions of a filter and of those directly below it, and what is below them all: DataFusion's
/// rule would take them together too.
fn all_conditions(filter: Filter) -> (Vec<Expr>, Arc<LogicalPlan>) {
    let mut conditions = split_conjunction_owned(filter.predicate);
    let mut input = filter.input;
    while let LogicalPlan::Filter(below) = input.as_ref() {
        conditions.extend(split_conjunction_owned(below.predicate.clone()));
        input = Arc::clone(&below.input);
    }
    (conditions, input)
}

fn stays(condition: &Expr, aggregate: &Aggregate) -> bool {
    let has_a_row_of_none = matches!(aggregate.group_expr.as_slice(), [] | [Expr::GroupingSet(_)]);
    condition.is_volatile() || (has_a_row_of_none && condition.column_refs().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_that_moves_conditions_is_held_back() {
        let rules = optimizer_rules();
        let held_back = |rule: &&Rule| format!("{rule:?}").starts_with("AboveAggregates");
        assert_eq!(rules.iter().filter(held_back).count(), 1, "{rules:?}");
    }
}
