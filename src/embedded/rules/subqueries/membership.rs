//! `in`, `any` and `all` written out: a membership is true when a row of the subquery fits, unknown
//! when none does but a null could be anything, and false otherwise.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::{InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, lit, when};

use super::{Around, exists, shape};

/// Whether a value compares so with some row of a subquery.
pub(super) struct Membership<'a> {
    value: Expr,
    operator: Operator,
    subquery: LogicalPlan,
    negated: bool,
    around: Around<'a>,
}

impl<'a> Membership<'a> {
    pub(super) fn from_in(found: InSubquery, around: Around<'a>) -> Result<Self> {
        shape::check_value(&found.expr, around.schema)?;
        let subquery = super::whole(&found.subquery);
        let operator = Operator::Eq;
        Ok(Self { value: *found.expr, operator, subquery, negated: found.negated, around })
    }

    /// `all` is the opposite of `any` with the opposite comparison.
    pub(super) fn from_comparison(found: SetComparison, around: Around<'a>) -> Result<Self> {
        shape::check_value(&found.expr, around.schema)?;
        let subquery = super::whole(&found.subquery);
        let negated = found.quantifier == SetQuantifier::All;
        let operator = if negated { found.op.negate() } else { Some(found.op) };
        let Some(operator) = operator else {
            return plan_err!("`{}` cannot be used with `any` and `all`", found.op);
        };
        Ok(Self { value: *found.expr, operator, subquery, negated, around })
    }

    pub(super) fn negated(self) -> Self {
        Self { negated: !self.negated, ..self }
    }

    /// True where the membership is, false or null elsewhere.
    pub(super) fn truth(self) -> Result<Expr> {
        let fits = self.fits()?;
        if !self.negated {
            return Ok(fits);
        }
        let none = exists::negated(fits);
        Ok(match self.unknown(true)? {
            Some(known) => none.and(known),
            None => none,
        })
    }

    /// True, false or null.
    pub(super) fn value(self) -> Result<Expr> {
        let fits = self.fits()?;
        let Some(unknown) = self.unknown(false)? else {
            return Ok(if self.negated { exists::negated(fits) } else { fits });
        };
        when(fits, lit(!self.negated))
            .when(unknown, Expr::Literal(ScalarValue::Boolean(None), None))
            .otherwise(lit(self.negated))
    }

    fn fits(&self) -> Result<Expr> {
        let compared = BinaryExpr::new(self.outer()?.into(), self.operator, self.item().into());
        self.exists(vec![Expr::BinaryExpr(compared)])
    }

    /// Whether a null leaves the membership open when no row fits, or, `opposite`, whether none does;
    /// `None` when there can be no null.
    fn unknown(&self, opposite: bool) -> Result<Option<Expr>> {
        let schema = self.subquery.schema();
        let item_may_be_null = schema.field(0).is_nullable();
        let value_may_be_null = self.value.nullable(self.around.schema).unwrap_or(true);
        let turned = |expr| if opposite { exists::negated(expr) } else { expr };
        let joined = |left: Expr, right| if opposite { left.and(right) } else { left.or(right) };
        let item = item_may_be_null
            .then(|| self.exists(vec![self.item().is_null()]).map(turned))
            .transpose()?;
        if !value_may_be_null {
            return Ok(item);
        }
        let any = turned(self.exists(Vec::new())?);
        let value = self.value.clone();
        let of_value =
            if opposite { value.is_not_null().or(any) } else { value.is_null().and(any) };
        Ok(Some(match item {
            Some(item) => joined(item, of_value),
            None => of_value,
        }))
    }

    fn exists(&self, conditions: Vec<Expr>) -> Result<Expr> {
        exists::exists(self.subquery.clone(), conditions, self.around)
    }

    /// The column of the subquery.
    fn item(&self) -> Expr {
        Expr::Column(Column::from(self.subquery.schema().qualified_field(0)))
    }

    /// The value as the subquery sees it.
    fn outer(&self) -> Result<Expr> {
        as_outer(self.value.clone(), self.around.schema)
    }
}

/// An expression over the rows around a subquery, as it is written within the subquery.
fn as_outer(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::Column(column) => {
            let field = std::sync::Arc::clone(schema.field_from_column(&column)?);
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}
