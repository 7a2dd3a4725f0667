//! Rules of our own among those of DataFusion, so that an answer is that of SQL.
//!
//! Most work on the logical plan before it is optimised, in every session, and so hold for each
//! operation that DataFusion plans. [`subqueries`] stands before the types are coerced: what it
//! writes is coerced like what a user writes. [`frames`], [`floats`], [`arithmetic`] and [`casts`]
//! go by the types, and [`grouping`] takes the keys as they leave them.
//! [`above_aggregates`] holds back a rule on the logical plan, [`pushdown`] one on the physical plan.

mod above_aggregates;
mod arithmetic;
mod casts;
mod expressions;
mod floats;
mod frames;
mod grouping;
mod pushdown;
mod subqueries;

pub(super) use above_aggregates::optimizer_rules;

use std::sync::Arc;

use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::aggregate_statistics::AggregateStatistics;

/// Returns the rules that optimise a physical plan, in their order. The one that answers aggregates
/// from statistics is none of them: a footer is no proof, and below a filter the rule takes an estimate
/// for one.
pub(super) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = pushdown::physical_rules();
    rules.retain(|rule| rule.name() != AggregateStatistics::new().name());
    rules
}

/// Returns the rules that make a plan ready to be optimised, in their order.
pub(super) fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![
        Arc::new(ResolveGroupingFunction::new()),
        Arc::new(subqueries::Subqueries),
        Arc::new(TypeCoercion::new()),
        Arc::new(frames::Frames),
        Arc::new(floats::CanonicalFloats),
        Arc::new(arithmetic::CheckedArithmetic),
        Arc::new(casts::Casts),
        Arc::new(grouping::OpaqueKeys),
    ]
}
