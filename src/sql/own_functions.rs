//! The functions of an expression or an item itself, not those of the subqueries in it. Pure.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Function, ObjectNamePart, Query, Visit, Visitor};

/// Returns what is wanted of the first function for which there is something.
pub(super) fn first_of_own<T>(
    node: &impl Visit,
    wanted: impl FnMut(&Function) -> Option<T>,
) -> Option<T> {
    match node.visit(&mut Own { depth: 0, wanted }) {
        ControlFlow::Break(found) => Some(found),
        ControlFlow::Continue(()) => None,
    }
}

/// Returns the name of a function in lower case, without quotes.
pub(super) fn name_of(call: &Function) -> String {
    let part = |part: &ObjectNamePart| match part.as_ident() {
        Some(word) => word.value.to_ascii_lowercase(),
        None => part.to_string(),
    };
    call.name.0.iter().map(part).collect::<Vec<_>>().join(".")
}

struct Own<W> {
    /// How many queries are around.
    depth: usize,
    wanted: W,
}

impl<T, W: FnMut(&Function) -> Option<T>> Visitor for Own<W> {
    type Break = T;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<T> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<T> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<T> {
        match expr {
            Expr::Function(call) if self.depth == 0 => {
                (self.wanted)(call).map_or(ControlFlow::Continue(()), ControlFlow::Break)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
