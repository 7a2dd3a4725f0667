//! Refuses functions that differ each time where the engine would compute them twice: what it compares
//! would not be what it shows. Pure.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query};
use sqlparser::ast::{Spanned, visit_expressions};

use super::own_functions::{first_of_own, name_of};
use super::problem::SqlProblem;

/// Functions with another outcome each time they are computed.
const VOLATILE: [&str; 3] = ["rand", "random", "uuid"];

/// Returns what is wrong with an expression that reads an operand twice, when that operand differs each time.
pub(super) fn computed_twice(expr: &Expr) -> Option<SqlProblem> {
    let (operands, place): (Vec<&Expr>, String) = match expr {
        Expr::Between { expr, .. } => (vec![expr], "before `between`".to_owned()),
        Expr::InSubquery { expr, .. } => (vec![expr], "before `in (select …)`".to_owned()),
        Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => {
            (vec![left], "before `any` or `all`".to_owned())
        }
        Expr::Function(call) => (read_twice(call), format!("in `{}`", name_of(call))),
        _ => return None,
    };
    let name = operands.into_iter().find_map(volatile)?;
    let message = format!("`{name}()` {place} is not allowed: it would be computed more than once");
    let hint = format!(
        "give it a name in a subquery, and use that: `select … from (select *, {name}() as r from …) as q`"
    );
    Some(SqlProblem::not_allowed(message).at(expr.span().start).with_hint(hint))
}

/// The arguments that are looked at and shown.
fn read_twice(call: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &call.args else { return Vec::new() };
    let arguments: Vec<&Expr> = list.args.iter().filter_map(argument).collect();
    let read_twice = match name_of(call).as_str() {
        "coalesce" | "ifnull" | "nvl" => arguments.len().saturating_sub(1),
        _ => 0,
    };
    arguments.into_iter().take(read_twice).collect()
}

fn argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// Returns whether a query computes anything that differs each time.
pub(super) fn is_volatile(query: &Query) -> bool {
    let mut found = false;
    let _ = visit_expressions(query, |expr| {
        found = found || volatile(expr).is_some();
        ControlFlow::<()>::Continue(())
    });
    found
}

/// The first function of an expression that differs each time. A subquery is computed once.
fn volatile(expr: &Expr) -> Option<String> {
    first_of_own(expr, |call| {
        let name = name_of(call);
        VOLATILE.contains(&name.as_str()).then_some(name)
    })
}
