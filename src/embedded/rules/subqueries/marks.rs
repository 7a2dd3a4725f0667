//! Whether a subquery has a row, as a column: a join that keeps every row of its left side and marks
//! those that have a partner.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;

use super::shape;

/// The subqueries of a node that become columns of its input.
#[derive(Default)]
pub(super) struct Marks {
    subqueries: RefCell<Vec<LogicalPlan>>,
}

impl Marks {
    /// Takes a subquery and returns the column that says whether it has a row.
    pub(super) fn add(&self, subquery: LogicalPlan) -> Expr {
        let mut subqueries = self.subqueries.borrow_mut();
        subqueries.push(subquery);
        Expr::Column(Column::new(Some(name(subqueries.len())), "mark"))
    }

    /// Returns the input with all those columns.
    pub(super) fn joined(self, input: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
        let mut joined = input;
        for (index, subquery) in self.subqueries.into_inner().into_iter().enumerate() {
            joined = Arc::new(marked(joined, subquery, &name(index + 1))?);
        }
        Ok(joined)
    }
}

fn name(number: usize) -> String {
    format!("__exists_{number}")
}

/// The conditions on the row around a subquery become those of the join.
fn marked(input: Arc<LogicalPlan>, subquery: LogicalPlan, name: &str) -> Result<LogicalPlan> {
    let mut pull_up = PullUpCorrelatedExpr::new().with_exists_sub_query(true);
    let plan = subquery.rewrite(&mut pull_up).data()?;
    if !pull_up.can_pull_up {
        return Err(shape::refused_join());
    }
    let columns: BTreeSet<Column> =
        pull_up.correlated_subquery_cols_map.into_values().flatten().collect();
    let condition = match conjunction(pull_up.join_filters) {
        Some(condition) => renamed(condition, &columns, name)?,
        None => lit(true),
    };
    let plan = LogicalPlanBuilder::from(plan).alias(name)?.build()?;
    LogicalPlanBuilder::from(input).join_on(plan, JoinType::LeftMark, Some(condition))?.build()
}

/// The columns of a subquery, as they are called once it has a name.
fn renamed(condition: Expr, columns: &BTreeSet<Column>, name: &str) -> Result<Expr> {
    condition
        .transform_up(|expr| match expr {
            Expr::Column(column) if columns.contains(&column) => {
                Ok(Transformed::yes(Expr::Column(Column::new(Some(name), column.name))))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
}
