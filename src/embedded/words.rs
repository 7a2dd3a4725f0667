//! Errors of queries in the words of the query: which call, which column, of which type.
//!
//! The planner names types only, and a cast that fails names the value only. The statement and the
//! columns of its tables tell the rest; where they leave more than one possibility, all are named.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Statement,
    UnaryOperator, Value, visit_expressions,
};

use super::error::failed;
use super::phrases;
use crate::engines::{EngineError, ErrorKind};

/// Functions that compute with numbers.
const OF_NUMBERS: &[&str] = &[
    "abs",
    "acos",
    "asin",
    "atan",
    "avg",
    "ceil",
    "corr",
    "cos",
    "covar_pop",
    "covar_samp",
    "exp",
    "floor",
    "ln",
    "log",
    "log10",
    "log2",
    "mean",
    "median",
    "percentile_cont",
    "power",
    "round",
    "signum",
    "sin",
    "sqrt",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "tan",
    "trunc",
    "var",
    "var_pop",
    "var_samp",
];

/// What the words of an error are taken from.
#[derive(Debug, Clone)]
pub(super) struct Words {
    statement: Statement,
    /// Types of columns by their lower case; a name of several types has none.
    columns: BTreeMap<String, Option<DataType>>,
}

impl Words {
    pub(super) fn new(statement: Statement, schemas: &[SchemaRef]) -> Self {
        let mut columns: BTreeMap<String, Option<DataType>> = BTreeMap::new();
        for field in schemas.iter().flat_map(|schema| schema.fields()) {
            let data_type = field.data_type();
            columns
                .entry(field.name().to_ascii_lowercase())
                .and_modify(|known| *known = known.take().filter(|known| known == data_type))
                .or_insert_with(|| Some(data_type.clone()));
        }
        Self { statement, columns }
    }

    /// Returns an error in the words of the query, or as it is when nothing is known of it.
    pub(super) fn explain(&self, error: EngineError) -> EngineError {
        let message = error.message.as_str();
        let explained = if let Some(function) = misfit_function(message) {
            Some(self.function(function))
        } else if let Some((value, wanted)) = wrong_text(message) {
            Some(self.cast(value, wanted))
        } else if let Some((_, types)) = message.split_once("Unsupported CAST from ") {
            Some(self.impossible_cast(types))
        } else if let Some(field) = captured_between(message, "Field ", " not found in struct") {
            Some(self.field(field))
        } else if message.contains("Cannot infer common argument type")
            || message.contains("Cannot coerce arithmetic expression")
        {
            Some(self.operands(message))
        } else {
            phrases::plain(message)
        };
        explained.unwrap_or(error)
    }

    /// A function that does not take the types of its arguments.
    fn function(&self, name: &str) -> EngineError {
        let mut calls = Vec::new();
        let (mut hint, mut part) = (None, None);
        self.each(|expr| {
            let Expr::Function(call) = expr else { return };
            if !call.name.to_string().eq_ignore_ascii_case(name) {
                return;
            }
            let types: Vec<String> = arguments(call)
                .filter_map(|argument| {
                    let data_type = self.type_of(argument)?;
                    let argument = shown(argument);
                    part = part.take().or_else(|| part_of(&argument, &data_type));
                    if hint.is_none() && data_type.is_string() {
                        hint = Some(format!("cast it: `cast({argument} as double)`"));
                    }
                    Some(format!("`{argument}` is {}", type_in_words(&data_type)))
                })
                .collect();
            calls.push(if types.is_empty() {
                format!("`{}`", shown(expr))
            } else {
                types.join(", ")
            });
        });
        calls.dedup();
        let is_of_numbers = OF_NUMBERS.contains(&name.to_ascii_lowercase().as_str());
        let wants = if is_of_numbers { "needs a number" } else { "does not take what it is given" };
        let given =
            if calls.is_empty() { String::new() } else { format!("; {}", calls.join("; ")) };
        let error = invalid(format!("`{name}` {wants}{given}"));
        error.with_hint(hint.filter(|_| is_of_numbers).or(part).unwrap_or_else(|| {
            "cast what it is given to the type that it needs: `cast(… as …)`".to_owned()
        }))
    }

    /// Two operands that have no type in common.
    fn operands(&self, message: &str) -> EngineError {
        let (mut found, mut hint) = (Vec::new(), None);
        self.each(|expr| {
            let Expr::BinaryOp { left, op, right } = expr else { return };
            let types = (self.type_of(left), self.type_of(right));
            let (Some(left_type), Some(right_type)) = types else { return };
            let words = (type_in_words(&left_type), type_in_words(&right_type));
            if words.0 != words.1 && message.contains(&format!(" {op} ")) {
                found.push(format!(
                    "`{}`: {} and {} do not go together",
                    shown(expr),
                    words.0,
                    words.1
                ));
                let part = part_of(&shown(left), &left_type);
                hint = hint.take().or(part).or_else(|| part_of(&shown(right), &right_type));
            }
        });
        found.dedup();
        let error = if found.is_empty() {
            let operation =
                message.rsplit_once("operation ").or(message.rsplit_once("expression "));
            let operation = operation.map_or(message, |(_, operation)| operation);
            let mut sides = operation.splitn(3, ' ');
            match (sides.next(), sides.next(), sides.next()) {
                (Some(left), Some(operator), Some(right)) => {
                    let (left, right) =
                        (phrases::type_in_words(left), phrases::type_in_words(right));
                    invalid(format!("{left} and {right} do not go together in `{operator}`"))
                }
                _ => invalid(format!("the types of `{operation}` do not go together")),
            }
        } else {
            invalid(found.join("; "))
        };
        error.with_hint(
            hint.unwrap_or_else(|| {
                "cast one side to the type of the other: `cast(… as …)`".to_owned()
            }),
        )
    }

    /// A text that is no value of the type that it is compared with or cast to.
    fn cast(&self, value: &str, wanted: &str) -> EngineError {
        let mut columns = Vec::new();
        self.each(|expr| self.collect_texts(expr, &mut columns));
        columns.sort();
        columns.dedup();
        let wanted = named_type_in_words(wanted);
        let whose = match columns.as_slice() {
            [] => {
                let error = invalid(format!("the text '{value}' is no {wanted}"));
                return error.with_hint(format!(
                    "write it as {}, or cast the other side: `cast(… as varchar)`; `try_cast(… as …)` makes null \
                     of what is none",
                    example_of(wanted)
                ));
            }
            [one] => format!("the text column `{one}` has"),
            several => format!("one of the text columns `{}` has", several.join("`, `")),
        };
        let message = format!("{whose} the value '{value}', which is no {wanted}");
        let first = &columns[0];
        let hint = format!(
            "compare it as it is, `{first} = '…'`, or cast it to a type that holds all its values; \
             `try_cast({first} as …)` makes null of the others"
        );
        invalid(message).with_hint(hint)
    }

    /// A cast between types that have nothing in common, such as an object and a number.
    fn impossible_cast(&self, types: &str) -> EngineError {
        let (from, to) = types.split_once(" to ").unwrap_or((types, ""));
        let mut found = None;
        self.each(|expr| {
            if let Expr::Cast { expr: inner, .. } = expr
                && let Some(data_type) = self.type_of(inner)
                && phrases::type_in_words(from) == type_in_words(&data_type)
                && found.is_none()
            {
                found = Some((shown(expr), shown(inner), data_type));
            }
        });
        let (from, to) = (phrases::type_in_words(from), phrases::type_in_words(to));
        let Some((cast, inner, data_type)) = found else {
            let error = invalid(format!("{from} cannot be cast to {to}"));
            return error.with_hint(
                "take a field of an object, `o['field']`, or an item of a list, `l[1]`",
            );
        };
        let hint = part_of(&inner, &data_type);
        let hint = hint.unwrap_or_else(|| format!("leave the cast out: `{inner}`"));
        invalid(format!("`{cast}`: `{inner}` is {from}, and cannot be cast to {to}"))
            .with_hint(hint)
    }

    /// A field that no object has.
    fn field(&self, name: &str) -> EngineError {
        let mut known = Vec::new();
        for (column, data_type) in &self.columns {
            if let Some(DataType::Struct(fields)) = data_type {
                let fields: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                known.push(format!("`{column}` has {}", fields.join(", ")));
            }
        }
        let error = invalid(format!("there is no field `{name}`"));
        error.with_hint(if known.is_empty() {
            "`table/get` shows the fields of each column".to_owned()
        } else {
            known.join("; ")
        })
    }

    /// The columns of text that an expression casts or compares with something else.
    fn collect_texts(&self, expr: &Expr, columns: &mut Vec<String>) {
        let is_text = |expr: &Expr| self.type_of(expr).is_some_and(|found| found.is_string());
        let mut add = |expr: &Expr| {
            if !is_constant(expr) {
                columns.push(shown(expr));
            }
        };
        let is_other = |expr: &Expr| self.type_of(expr).is_some_and(|found| !found.is_string());
        match expr {
            Expr::Cast { expr, .. } if is_text(expr) => add(expr),
            Expr::BinaryOp { left, right, .. } => {
                if is_text(left) && is_other(right) {
                    add(left);
                }
                if is_text(right) && is_other(left) {
                    add(right);
                }
            }
            Expr::Between { expr, low, high, .. }
                if is_text(expr) && (is_other(low) || is_other(high)) =>
            {
                add(expr);
            }
            Expr::InList { expr, list, .. } if is_text(expr) && list.iter().any(is_other) => {
                add(expr);
            }
            _ => {}
        }
    }

    fn each(&self, mut look: impl FnMut(&Expr)) {
        let _ = visit_expressions(&self.statement, |expr| {
            look(expr);
            ControlFlow::<()>::Continue(())
        });
    }

    /// The type of a column or a constant.
    fn type_of(&self, expr: &Expr) -> Option<DataType> {
        match expr {
            Expr::Identifier(ident) => self.columns.get(&ident.value.to_ascii_lowercase())?.clone(),
            Expr::CompoundIdentifier(parts) => {
                self.columns.get(&parts.last()?.value.to_ascii_lowercase())?.clone()
            }
            Expr::Nested(inner) => self.type_of(inner),
            Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => {
                self.type_of(expr)
            }
            Expr::BinaryOp { left, op, .. } if is_arithmetic(op) => self.type_of(left),
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) if digits.contains(['.', 'e', 'E']) => {
                    Some(DataType::Float64)
                }
                Value::Number(..) => Some(DataType::Int64),
                Value::Boolean(_) => Some(DataType::Boolean),
                Value::SingleQuotedString(_) => Some(DataType::Utf8),
                _ => None,
            },
            _ => None,
        }
    }
}

/// An expression as it was written: names that need no quotes have none.
fn shown(expr: &Expr) -> String {
    let quoted = expr.to_string();
    let plain = quoted.replace('"', "");
    let needs_quotes = |part: &str| {
        part.starts_with('"')
            && !part.trim_matches('"').chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
    };
    let parts = quoted.split(['.', '(', ')', ' ']);
    if parts.into_iter().any(needs_quotes) { quoted } else { plain }
}

fn is_arithmetic(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(operator, Plus | Minus | Multiply | Divide | Modulo)
}

fn arguments(call: &Function) -> impl Iterator<Item = &Expr> {
    let list = match &call.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

/// How a part is taken of a value that has some.
fn part_of(value: &str, data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Struct(fields) => {
            let first = fields.first()?.name();
            Some(format!("take a field of it: `{value}['{first}']`"))
        }
        DataType::List(_) | DataType::LargeList(_) => Some(format!(
            "take an item of it, `{value}[1]`, or make rows of its items: `unnest({value})`"
        )),
        _ => None,
    }
}

/// Whether an expression is a value that the query holds, and no column.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => is_constant(inner),
        _ => false,
    }
}

/// The text that is no value of a type, and the type.
fn wrong_text(message: &str) -> Option<(&str, &str)> {
    let rest = message
        .split_once("Cannot cast string '")
        .or_else(|| message.split_once("Cannot cast value '"))
        .map(|(_, rest)| rest);
    if let Some(rest) = rest {
        let (value, rest) = rest.rsplit_once("' to value of ")?;
        return Some((value, rest.trim_end_matches(" type")));
    }
    let (_, rest) = message.split_once("Error parsing timestamp from '")?;
    Some((rest.rsplit_once("':")?.0, "Timestamp"))
}

/// A value of a type, as a query holds it.
fn example_of(wanted: &str) -> &'static str {
    match wanted {
        "date" => "`date '2026-01-31'`",
        "timestamp" => "`timestamp '2026-01-31 12:00:00'`",
        "time" => "`time '12:00:00'`",
        "boolean" => "`true` or `false`",
        "decimal" => "`12.50`",
        _ => "a number",
    }
}

fn captured_between<'a>(message: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    Some(message.split_once(before)?.1.split_once(behind)?.0)
}

/// The function that a message is about, if it is about one.
fn misfit_function(message: &str) -> Option<&str> {
    let is_of_types = message.contains("No function matches the given name and argument types")
        && !message.contains(" arguments but received ");
    let rest = if is_of_types
        || message.contains("failed to match any signature")
        || message.contains("user-defined coercion failed")
    {
        message.split_once("Function '")?.1
    } else {
        message.split_once("to satisfy a call to '")?.1
    };
    rest.split_once('\'').map(|(name, _)| name)
}

fn invalid(message: String) -> EngineError {
    failed(ErrorKind::InvalidInput, "run the query", message)
}

fn type_in_words(data_type: &DataType) -> String {
    let words = match data_type {
        data_type if data_type.is_string() => "text",
        data_type if data_type.is_integer() => "an integer",
        data_type if data_type.is_floating() => "a float",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "a decimal",
        DataType::Boolean => "a boolean",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Timestamp(..) => "a timestamp",
        DataType::Time32(_) | DataType::Time64(_) => "a time",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes",
        DataType::List(_) | DataType::LargeList(_) => "a list",
        DataType::Struct(_) => "an object",
        other => return format!("of the type {other}"),
    };
    words.to_owned()
}

/// The words of a type as Arrow writes it.
fn named_type_in_words(name: &str) -> &str {
    match name {
        "Int8" | "Int16" | "Int32" | "Int64" | "UInt8" | "UInt16" | "UInt32" | "UInt64" => {
            "integer"
        }
        "Float16" | "Float32" | "Float64" => "number",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        name if name.starts_with("Decimal") => "decimal",
        name if name.starts_with("Timestamp") => "timestamp",
        name if name.starts_with("Time") => "time",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{Field, Schema};
    use rstest::rstest;
    use sqlparser::dialect::GenericDialect;
    use sqlparser::parser::Parser;

    use super::*;

    fn explained(sql: &str, message: &str) -> EngineError {
        let fields = [("lat", DataType::Utf8), ("n", DataType::Int64), ("ok", DataType::Boolean)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let mut statements = Parser::parse_sql(&GenericDialect {}, sql).expect("should be a query");
        let words = Words::new(statements.remove(0), &[schema]);
        words.explain(failed(ErrorKind::Unexpected, "run the query", message))
    }

    #[rstest]
    #[case(
        "select avg(lat) from t",
        "Internal error: Function 'avg' failed to match any signature, errors: x",
        "`avg` needs a number; `lat` is text"
    )]
    #[case(
        "select * from t where \"lat\" > 71",
        "Cast error: Cannot cast string '41.1' to value of Int64 type",
        "the text column `lat` has the value '41.1', which is no integer"
    )]
    #[case(
        "select * from t where n = ok",
        "Cannot infer common argument type for comparison operation Int64 = Boolean",
        "`n = ok`: an integer and a boolean do not go together"
    )]
    #[case("select x.* from t", "Invalid qualifier x", "`from` has no table `x`")]
    #[case("select 1", "something else", "something else")]
    fn errors_name_the_column_and_its_type(
        #[case] sql: &str,
        #[case] message: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(explained(sql, message).message, expected);
    }
}
