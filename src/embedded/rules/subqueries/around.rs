//! An expression over the rows around its subqueries, by which of its three values matter.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, Subquery, not};

use super::marks::Marks;
use super::membership::Membership;
use super::{exists, scalar};

/// The rows that a subquery is asked for.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) schema: &'a DFSchema,
    /// Where `exists` becomes a column; without it `exists` stays, which a filter makes a join of.
    pub(super) marks: Option<&'a Marks>,
}

impl Around<'_> {
    /// An expression of which only matters where it is true.
    pub(super) fn truth(self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::And | Operator::Or),
                right,
            }) => {
                let (left, right) = (self.truth(*left)?, self.truth(*right)?);
                Ok(Expr::BinaryExpr(BinaryExpr::new(left.into(), op, right.into())))
            }
            Expr::Not(inner) => self.falsehood(*inner),
            Expr::InSubquery(found) => Membership::from_in(found, self)?.truth(),
            Expr::SetComparison(found) => Membership::from_comparison(found, self)?.truth(),
            other => self.value(other),
        }
    }

    /// An expression of which only matters where it is false, negated.
    fn falsehood(self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::Not(inner) => self.truth(*inner),
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::And | Operator::Or),
                right,
            }) => {
                let (left, right) = (self.falsehood(*left)?, self.falsehood(*right)?);
                let op = if op == Operator::And { Operator::Or } else { Operator::And };
                Ok(Expr::BinaryExpr(BinaryExpr::new(left.into(), op, right.into())))
            }
            Expr::InSubquery(found) => {
                let found = InSubquery { negated: !found.negated, ..found };
                Membership::from_in(found, self)?.truth()
            }
            Expr::SetComparison(found) => {
                Membership::from_comparison(found, self)?.negated().truth()
            }
            Expr::Exists(Exists { subquery, negated }) => {
                self.value(Expr::Exists(Exists { subquery, negated: !negated }))
            }
            other => Ok(not(self.value(other)?)),
        }
    }

    /// An expression of which all three values matter.
    pub(super) fn value(self, expr: Expr) -> Result<Expr> {
        expr.transform_up(|expr| {
            Ok(Transformed::yes(match expr {
                Expr::InSubquery(found) => Membership::from_in(found, self)?.value()?,
                Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                    let found = SetComparison { expr, subquery, op, quantifier };
                    Membership::from_comparison(found, self)?.value()?
                }
                Expr::Exists(Exists { subquery, negated }) => {
                    let found = exists::exists(whole(&subquery), Vec::new(), self)?;
                    if negated { exists::negated(found) } else { found }
                }
                Expr::ScalarSubquery(subquery) if !subquery.outer_ref_columns.is_empty() => {
                    scalar::scalar(whole(&subquery), self.schema)?
                }
                other => return Ok(Transformed::no(other)),
            }))
        })
        .data()
    }
}

/// The plan of a subquery.
pub(super) fn whole(subquery: &Subquery) -> LogicalPlan {
    subquery.subquery.as_ref().clone()
}
