//! Puts values in the place of placeholders: on the tree, never in the text.
//!
//! An identifier takes the place of its token before the text is parsed, quoted, as `$table` does; every
//! other value becomes a literal of the parsed tree. So a value is a value whatever characters it has.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, DataType, Expr, Interval, Statement, TimezoneInfo, TypedString, UnaryOperator, Value,
    VisitMut, VisitorMut,
};
use sqlparser::tokenizer::Token;

use crate::engines::job_spec::Binding;

/// Returns the token of an identifier's placeholder; nothing when it is none, or is bound to a value.
pub(super) fn identifier(token: &Token, bindings: &BTreeMap<String, Binding>) -> Option<Token> {
    let Token::Placeholder(name) = token else { return None };
    match bindings.get(name.strip_prefix('$')?) {
        Some(Binding::Identifier(identifier)) => Some(Token::make_word(identifier, Some('"'))),
        _ => None,
    }
}

/// Replaces the placeholders that have a value; those that have none stay, and are refused later.
pub(super) fn put_values(statements: &mut Vec<Statement>, bindings: &BTreeMap<String, Binding>) {
    if !bindings.is_empty() {
        // A binder never breaks off.
        let _ = statements.visit(&mut Binder { bindings });
    }
}

struct Binder<'a> {
    bindings: &'a BTreeMap<String, Binding>,
}

impl VisitorMut for Binder<'_> {
    type Break = ();

    /// After the expressions within, so that no value is looked at again.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::InList { list, .. } = expr {
            Self::spread(list);
        } else if let Some(binding) = self.bound(expr) {
            *expr = literal(binding);
        }
        ControlFlow::Continue(())
    }
}

impl Binder<'_> {
    fn bound(&self, expr: &Expr) -> Option<&Binding> {
        let Expr::Value(value) = expr else { return None };
        let Value::Placeholder(name) = &value.value else { return None };
        self.bindings.get(name.strip_prefix('$')?)
    }

    /// Makes `in ($list)` a list of its texts: by now the placeholder is an array.
    fn spread(list: &mut Vec<Expr>) {
        if let [Expr::Array(Array { elem, named: true })] = list.as_mut_slice() {
            *list = std::mem::take(elem);
        }
        // Nothing is in an empty list; without an element the list would be no SQL.
        if list.is_empty() {
            list.push(Expr::value(Value::Null));
        }
    }
}

fn literal(binding: &Binding) -> Expr {
    match binding {
        Binding::Identifier(_) | Binding::Null => Expr::value(Value::Null),
        Binding::Text(text) => Expr::value(Value::SingleQuotedString(text.clone())),
        Binding::Integer(number) => number_literal(&number.to_string()),
        Binding::Number(number) => number_literal(&format!("{number:e}")),
        Binding::Boolean(value) => Expr::value(Value::Boolean(*value)),
        Binding::Timestamp(time) => Expr::TypedString(TypedString {
            data_type: DataType::Timestamp(None, TimezoneInfo::Tz),
            value: Value::SingleQuotedString(time.to_string()).into(),
            uses_odbc_syntax: false,
        }),
        Binding::Microseconds(length) => {
            let text = Value::SingleQuotedString(format!("{length} microseconds"));
            Expr::Interval(Interval {
                value: Box::new(Expr::value(text)),
                leading_field: None,
                leading_precision: None,
                last_field: None,
                fractional_seconds_precision: None,
            })
        }
        Binding::List(texts) => {
            let texts = texts.iter().cloned();
            let elem = texts.map(|text| Expr::value(Value::SingleQuotedString(text))).collect();
            Expr::Array(Array { elem, named: true })
        }
    }
}

/// A negative number is the sign and a number, as the parser makes it.
fn number_literal(text: &str) -> Expr {
    let number = |digits: &str| Expr::value(Value::Number(digits.to_owned(), false));
    match text.strip_prefix('-') {
        Some(digits) => {
            let expr = Box::new(number(digits));
            Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr }))
        }
        None => number(text),
    }
}
