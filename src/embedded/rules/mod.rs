//! Rules of our own among those of DataFusion, so that an answer is that of SQL.
//!
//! Most work on the logical plan before it is optimised, in every session, and so hold for each
//! operation that DataFusion plans. [`subqueries`] stands before the types are coerced: what it
//! writes is coerced like what a user writes. [`unions`] names the parts that have their types,
//! [`frames`], [`floats`], [`arithmetic`] and [`casts`] go by the types, and [`grouping`] takes the
//! keys as they leave them.
//! [`above_aggregates`] holds back a rule on the logical plan, [`pushdown`] one on the physical plan.

mod above_aggregates;
mod arithmetic;
mod casts;
mod expressions;
mod floats;
mod frames;
mod grouping;
mod order;
mod pushdown;
mod subqueries;
mod unions;

pub(super) use above_aggregates::optimizer_rules;
pub(super) use order::{analyzer_rules, physical_rules};
