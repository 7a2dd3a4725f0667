//! Subqueries in expressions, with the three values that SQL gives them.
//!
//! DataFusion turns `exists` and `in` into joins that are right for some of them only: a null on
//! either side of `not in`, an aggregate without groups within `exists`, a limit or a window function
//! in a subquery that uses the row around it are lost on the way. This rule writes every membership
//! (`in`, `any`, `all`) with `exists` and `case`, brings what is left of a subquery to a form whose
//! join is right, and refuses the rest by name.
//!
//! [`Subqueries`] finds the subqueries of each node, [`membership`] writes out the three values,
//! [`exists`] asks whether there is a row, [`marks`] makes a column of that, [`scalar`] takes the one
//! value of a subquery, and [`shape`] judges what may use the row around it.

mod around;
mod exists;
mod marks;
mod membership;
mod rule;
mod scalar;
mod shape;
#[cfg(test)]
mod tests;

use around::{Around, whole};
pub(super) use rule::Subqueries;
use rule::{has_subquery, plan_has};
