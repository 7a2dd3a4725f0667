//! Comprehensions: `all`, `exists`, `exists_one`, and `filter` for counting.
//!
//! The parser has made loops of them before this sees them, so they are told by their loops. A `filter` outside of
//! `size()` is refused: the `cel` crate copies the whole list for each item that it adds.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};

use super::super::scope::ROOTS;
use super::check::{Visitor, call, literal, node};

/// Comprehensions within each other, at most.
const DEEPEST: usize = 2;
/// Items that all passes of a comprehension see, at most.
const MOST_ITEMS: u64 = 100_000;
/// Items of a list that is not written out, at most.
pub(super) const LONGEST_LIST: usize = 1_000;

/// What a loop does with the boolean that it has for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loop {
    /// `all` and `exists`.
    Fold,
    /// `exists_one`.
    One,
    /// `filter`.
    Filter,
}

impl Visitor {
    pub(super) fn comprehension(&mut self, it: &ComprehensionExpr) -> IdedExpr {
        match loop_of(it) {
            Some((Loop::Filter, _)) => {
                self.refuse("`filter` is for counting only, as in `size(list.filter(x, …))`")
            }
            Some((kind, body)) => self.visit_loop(it, kind, body),
            None => self.refuse("`map` is no function here; use all, exists or exists_one"),
        }
    }

    /// Visits `size(x)` or `x.size()`; with a filter it becomes a loop that counts.
    pub(super) fn size(&mut self, function: &CallExpr) -> IdedExpr {
        let Some(operand) = function.target.as_deref().or(function.args.first()) else {
            return self.refuse("`size` is called as `size(list)`");
        };
        if let Expr::Comprehension(it) = &operand.expr
            && let Some((Loop::Filter, body)) = loop_of(it)
        {
            return self.visit_loop(it, Loop::Filter, body);
        }
        let operand = self.visit(operand);
        call("size", vec![operand])
    }

    fn visit_loop(&mut self, it: &ComprehensionExpr, kind: Loop, body: &IdedExpr) -> IdedExpr {
        let range = self.visit(&it.iter_range);
        let name = it.iter_var.as_str();
        if ROOTS.contains(&name) || self.bound.iter().any(|bound| bound == name) {
            return self
                .refuse(format!("`{name}` has a meaning already: give the variable another name"));
        }
        if self.bound.len() == DEEPEST {
            return self.refuse(format!(
                "all, exists, exists_one and filter are nested more than {DEEPEST} deep"
            ));
        }
        let passes = self.passes;
        self.passes = passes.saturating_mul(longest(&range));
        if self.passes > MOST_ITEMS {
            let message = format!(
                "passes over {} items, at most {MOST_ITEMS}; a list that is not written out counts as {LONGEST_LIST}",
                self.passes
            );
            self.passes = passes;
            return self.refuse(message);
        }
        self.bound.push(name.to_owned());
        let body = self.visit(body);
        self.require_boolean(
            &body,
            "all, exists, exists_one and filter take a boolean for each item",
        );
        self.bound.pop();
        self.passes = passes;
        let range = call("@items", vec![range]);
        node(Expr::Comprehension(Box::new(rebuilt(it, kind, (range, body)))))
    }
}

/// Returns what a comprehension does and its boolean; `None` for `map`.
fn loop_of(it: &ComprehensionExpr) -> Option<(Loop, &IdedExpr)> {
    let Expr::Call(step) = &it.loop_step.expr else { return None };
    match (&it.accu_init.expr, step.args.as_slice()) {
        (Expr::Literal(LiteralValue::Boolean(_)), [_, body]) => Some((Loop::Fold, body)),
        (Expr::Literal(LiteralValue::Int(_)), [body, _, _]) => Some((Loop::One, body)),
        (Expr::List(_), [body, added, _]) => {
            let Expr::Call(added) = &added.expr else { return None };
            let Expr::List(items) = &added.args.get(1)?.expr else { return None };
            let [item] = items.elements.as_slice() else { return None };
            let is_item = matches!(&item.expr, Expr::Ident(name) if *name == it.iter_var);
            is_item.then_some((Loop::Filter, body))
        }
        _ => None,
    }
}

/// Returns the loop with its range and boolean visited.
fn rebuilt(
    it: &ComprehensionExpr,
    kind: Loop,
    (range, body): (IdedExpr, IdedExpr),
) -> ComprehensionExpr {
    let mut it = ComprehensionExpr { iter_range: range, ..it.clone() };
    let so_far = || node(Expr::Ident(it.accu_var.clone()));
    let one = || literal(LiteralValue::Int(1.into()));
    let counted = call(operators::ADD, vec![so_far(), one()]);
    let counted = call(operators::CONDITIONAL, vec![body.clone(), counted, so_far()]);
    match kind {
        Loop::Fold => {
            if let Expr::Call(step) = &mut it.loop_step.expr {
                step.args.pop();
                step.args.push(body);
            }
        }
        Loop::One => it.loop_step = counted,
        Loop::Filter => {
            it.accu_init = literal(LiteralValue::Int(0.into()));
            it.loop_step = counted;
        }
    }
    it
}

/// Returns the most items that a visited range has.
fn longest(range: &IdedExpr) -> u64 {
    let written = match &range.expr {
        Expr::List(list) => list.elements.len(),
        Expr::Map(map) => map.entries.len(),
        _ => LONGEST_LIST,
    };
    written.max(1) as u64
}
