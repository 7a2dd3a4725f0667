//! Refuses window functions where no windows are there yet: in `where`, `group by` and `having`. Pure.

use sqlparser::ast::{Expr, GroupByExpr, Select, Spanned};

use super::own_functions::first_of_own;
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
    first_of_own(expr, |call| call.over.is_some().then(|| call.name.to_string()))
}
