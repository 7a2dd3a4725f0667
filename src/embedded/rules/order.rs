//! The rules of a session, DataFusion's and our own, in the order in which they work.

use std::sync::Arc;

use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::aggregate_statistics::AggregateStatistics;

use super::{arithmetic, casts, floats, frames, grouping, pushdown, subqueries, unions};

/// Returns the rules that optimise a physical plan, in their order. The one that answers aggregates
/// from statistics is none of them: a footer is no proof, and below a filter the rule takes an estimate
/// for one.
pub(in super::super) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = pushdown::physical_rules();
    rules.retain(|rule| rule.name() != AggregateStatistics::new().name());
    rules
}

/// Returns the rules that make a plan ready to be optimised, in their order.
pub(in super::super) fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![
        Arc::new(ResolveGroupingFunction::new()),
        Arc::new(subqueries::Subqueries),
        Arc::new(TypeCoercion::new()),
        Arc::new(unions::NamedParts),
        Arc::new(frames::Frames),
        Arc::new(floats::CanonicalFloats),
        Arc::new(arithmetic::CheckedArithmetic),
        Arc::new(casts::Casts),
        Arc::new(grouping::OpaqueKeys),
    ]
}
