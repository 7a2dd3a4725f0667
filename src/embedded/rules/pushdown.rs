//! Filters are pushed down only where a column's name tells which column it is.
//!
//! DataFusion 55.2 moves a filter through a node by the names of its columns, and takes the first of
//! two that have one name: above a join of two tables with a column `id`, `a.id < b.id` becomes
//! `a.id < a.id`. The plans below, in which every name stands once, are still filtered early.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Returns the rules of DataFusion, with those that push filters down held back.
pub(super) fn physical_rules() -> Vec<Rule> {
    let held_back = |rule: Rule| -> Rule {
        if rule.name().starts_with("FilterPushdown") {
            Arc::new(UnlessAmbiguous(rule))
        } else {
            rule
        }
    };
    PhysicalOptimizer::new().rules.into_iter().map(held_back).collect()
}

/// A rule for the parts of a plan without two columns of one name.
#[derive(Debug)]
struct UnlessAmbiguous(Rule);

impl PhysicalOptimizerRule for UnlessAmbiguous {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !is_ambiguous(&plan) {
            return self.0.optimize(plan, config);
        }
        let children: Result<Vec<_>> = (plan.children().into_iter())
            .map(|child| self.optimize(Arc::clone(child), config))
            .collect();
        replace_children_if_necessary(plan, children?)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Returns whether two columns have one name anywhere in a plan.
fn is_ambiguous(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut seen = BTreeSet::new();
    let schema = plan.schema();
    schema.fields().iter().any(|field| !seen.insert(field.name()))
        || plan.children().into_iter().any(is_ambiguous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_phases_of_pushing_down_are_held_back() {
        let rules = physical_rules();
        let held_back = |rule: &&Rule| format!("{rule:?}").starts_with("UnlessAmbiguous");
        assert_eq!(rules.iter().filter(held_back).count(), 2, "{rules:?}");
    }
}
