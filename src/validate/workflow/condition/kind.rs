//! What an expression of a condition gives, as far as that is known before there are values.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::super::scope::{Root, StepField};
use super::check::Visitor;
use super::parse::Variable;

/// What an expression can give, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Number,
    /// A text, a list, an object or null.
    Other,
    Unknown,
}

impl Visitor {
    pub(super) fn require_boolean(&mut self, tree: &IdedExpr, message: &str) {
        if matches!(self.kind(tree), Kind::Number | Kind::Other) {
            self.tell(message);
        }
    }

    /// Returns what a visited expression gives.
    pub(super) fn kind(&self, tree: &IdedExpr) -> Kind {
        match &tree.expr {
            Expr::Literal(LiteralValue::Boolean(_)) | Expr::Select(_) => Kind::Boolean,
            Expr::Literal(
                LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_),
            ) => Kind::Number,
            Expr::Ident(name) => self.variables.get(name).map_or(Kind::Unknown, kind_of_variable),
            Expr::Call(call) => self.kind_of_call(call),
            // The first value of what is counted is a number; else it is a boolean in the end.
            Expr::Comprehension(it) => match it.result.expr {
                Expr::Ident(_) => self.kind(&it.accu_init),
                _ => Kind::Boolean,
            },
            _ => Kind::Other,
        }
    }

    fn kind_of_call(&self, call: &CallExpr) -> Kind {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [_, yes, no]) => match (self.kind(yes), self.kind(no)) {
                (yes, no) if yes == no => yes,
                (Kind::Unknown, Kind::Boolean) | (Kind::Boolean, Kind::Unknown) => Kind::Unknown,
                _ => Kind::Other,
            },
            (operators::INDEX, _) => Kind::Unknown,
            (operators::ADD, [left, right]) => {
                let has_number = [left, right].iter().any(|side| self.kind(side) == Kind::Number);
                if has_number { Kind::Number } else { Kind::Other }
            }
            (
                operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | "@negate"
                | "size"
                | "int"
                | "uint"
                | "double",
                _,
            ) => Kind::Number,
            ("string", _) => Kind::Other,
            _ => Kind::Boolean,
        }
    }
}

fn kind_of_variable(variable: &Variable) -> Kind {
    match variable {
        Variable::Has(_) => Kind::Boolean,
        Variable::RunPhase => Kind::Other,
        Variable::Value(path) => match &path.root {
            Root::Parameter(_) | Root::Item => Kind::Unknown,
            Root::PlannedAt => Kind::Other,
            Root::Step { field, .. } => match field {
                StepField::Phase | StepField::Reason => Kind::Other,
                StepField::Attempts | StepField::Rows => Kind::Number,
                StepField::Truncated => Kind::Boolean,
                StepField::Result => Kind::Unknown,
            },
        },
    }
}
