//! Refuses window functions where no windows are there yet: in `where`, `group by` and `having`. Pure.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, Query, Select, Spanned, Visit, Visitor};

use super::problem::SqlProblem;

/// Returns what is wrong with the places of window functions in a select.
pub(super) fn misplaced_windows(select: &Select) -> Vec<SqlProblem> {
    let keys: &[Expr] = match &select.group_by {
        GroupByExpr::Expressions(keys, _) => keys,
        GroupByExpr::All(_) => &[],
    };
    let places = [
        ("where", select.selection.as_slice()),
        ("group by", keys),
        ("having", select.having.as_slice()),
    ];
    let problem = |(place, expr): (&str, &Expr)| {
        let name = window_within(expr)?;
        let message = format!(
            "the window function `{name}` in `{place}` is not allowed: windows are computed after it"
        );
        let hint = match place {
            "group by" => "compute it in a subquery in `from`, and group by its column".to_owned(),
            _ => format!(
                "write the condition in `qualify` instead: `select … from … qualify {name}(…) over (…) = …`"
            ),
        };
        Some(SqlProblem::not_allowed(message).at(expr.span().start).with_hint(hint))
    };
    let expressions =
        places.into_iter().flat_map(|(place, list)| list.iter().map(move |one| (place, one)));
    expressions.filter_map(problem).collect()
}

/// The first window function of an expression, outside of the subqueries in it.
fn window_within(expr: &Expr) -> Option<String> {
    match expr.visit(&mut Windows { depth: 0 }) {
        ControlFlow::Break(name) => Some(name),
        ControlFlow::Continue(()) => None,
    }
}

struct Windows {
    /// How many queries are around.
    depth: usize,
}

impl Visitor for Windows {
    type Break = String;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(call) if self.depth == 0 && call.over.is_some() => {
                ControlFlow::Break(call.name.to_string())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
