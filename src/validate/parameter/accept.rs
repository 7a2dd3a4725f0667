//! The conversion of a value to the type of its parameter, and the bounds of the definition.

use regex::Regex;
use serde_json::{Number, Value};

use super::exact;
use crate::api::duration::DurationText;
use crate::api::v1alpha1::{Parameter, ParameterType};
use crate::engines::nearest::nearest;
use crate::engines::table::StoragePath;
use crate::sql::check_syntax;

/// Most characters of an identifier.
const IDENTIFIER_LENGTH: usize = 255;
/// Most bytes of any other text.
const TEXT_BYTES: usize = 1 << 20;
/// Most items of a list.
const LIST_ITEMS: usize = 10_000;

/// Why a value is refused: what is wrong, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is wrong, in words.
    pub(crate) message: String,
    /// What can be done.
    pub(crate) hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Returns a given value as the parameter's type has it, checked against every bound.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn accept(parameter: &Parameter, given: &Value) -> Result<Value, Vec<Refusal>> {
    let mut refusals = check_exact(parameter.kind, given);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let value = convert(parameter.kind, given).map_err(|refusal| vec![refusal])?;
    check_enum(parameter, &value, &mut refusals);
    check_pattern(parameter, &value, &mut refusals);
    check_range(parameter, &value, &mut refusals);
    if refusals.is_empty() { Ok(value) } else { Err(refusals) }
}

/// Returns a refusal for every number that cannot be taken as it was written.
fn check_exact(kind: ParameterType, given: &Value) -> Vec<Refusal> {
    match (kind, given) {
        (ParameterType::Json, Value::String(text)) => exact::check_json(text),
        (ParameterType::Json | ParameterType::Number, given) => exact::check_read(given),
        _ => Vec::new(),
    }
}

fn convert(kind: ParameterType, given: &Value) -> Result<Value, Refusal> {
    if given.is_null() && kind != ParameterType::Json {
        return Err(Refusal::new("has no value").hint("give one, or leave the parameter out"));
    }
    match kind {
        ParameterType::Integer => integer(given),
        ParameterType::Number => number(given),
        ParameterType::Boolean => boolean(given),
        ParameterType::List => list(given),
        ParameterType::Json => json(given),
        ParameterType::String => text(given, "a text").map(Value::from),
        ParameterType::Identifier => identifier(text(given, "a name")?),
        ParameterType::Path => path(text(given, "a path")?),
        ParameterType::Sql => sql(text(given, "a statement")?),
        ParameterType::Timestamp => timestamp(text(given, "a time")?),
        ParameterType::Duration => duration(text(given, "a length of time")?),
    }
}

fn text<'a>(given: &'a Value, expected: &str) -> Result<&'a str, Refusal> {
    match given {
        Value::String(text) if text.len() <= TEXT_BYTES => Ok(text),
        Value::String(text) => Err(Refusal::new(format!(
            "must have at most {TEXT_BYTES} bytes, but has {}",
            text.len()
        ))),
        Value::Number(_) | Value::Bool(_) => Err(wrong(expected, given)
            .hint(format!("put it in quotes if the text is meant: \"{given}\""))),
        _ => Err(wrong(expected, given)),
    }
}

fn wrong(expected: &str, given: &Value) -> Refusal {
    Refusal::new(format!("must be {expected}, but is {}", shown(given)))
}

/// Returns a value for a message: at most 60 characters, and what sort of value it is.
pub(crate) fn shown(value: &Value) -> String {
    let sort = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(value) => return value.to_string(),
        Value::Number(_) => "the number ",
        Value::String(_) => "the text ",
        Value::Array(_) => "the list ",
        Value::Object(_) => "the map ",
    };
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{sort}{}…", &text[..end]),
        None => format!("{sort}{text}"),
    }
}

fn integer(given: &Value) -> Result<Value, Refusal> {
    let refuse = || Err(wrong("a whole number within 64 bits", given));
    match given {
        Value::Number(number) => {
            let whole = number.as_i64().or_else(|| number.as_f64().and_then(whole));
            whole.map_or_else(refuse, |whole| Ok(whole.into()))
        }
        Value::String(text) => {
            text.parse::<i64>().map_or_else(|_| refuse(), |whole| Ok(whole.into()))
        }
        _ => refuse(),
    }
}

/// Returns a whole number that was written with a point or an exponent, if nothing is lost.
fn whole(number: f64) -> Option<i64> {
    let is_exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    is_exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn number(given: &Value) -> Result<Value, Refusal> {
    let parsed = match given {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) if exact::is_too_long(text) => {
            return Err(wrong("a number within 64 bits", given)
                .hint("write it with an exponent if the nearest such number will do: 1e30"));
        }
        Value::String(text) => {
            let whole = text.parse::<i64>().ok().map(Number::from);
            let whole = whole.or_else(|| text.parse::<u64>().ok().map(Number::from));
            whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
        }
        _ => None,
    };
    parsed.map(Value::Number).ok_or_else(|| wrong("a finite number", given))
}

fn boolean(given: &Value) -> Result<Value, Refusal> {
    match given {
        Value::Bool(_) => Ok(given.clone()),
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err(wrong("true or false", given)),
    }
}

fn list(given: &Value) -> Result<Value, Refusal> {
    let items = match given {
        Value::Array(items) => items.iter().map(item).collect::<Result<Vec<_>, _>>()?,
        Value::String(text) if text.trim_start().starts_with('[') => {
            let parsed: Vec<Value> = serde_json::from_str(text)
                .map_err(|error| Refusal::new(format!("is not a list in JSON: {error}")))?;
            parsed.iter().map(item).collect::<Result<Vec<_>, _>>()?
        }
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        _ => return Err(wrong("a list", given)),
    };
    if items.len() > LIST_ITEMS {
        let count = items.len();
        return Err(Refusal::new(format!("must have at most {LIST_ITEMS} items, but has {count}")));
    }
    if items.iter().any(String::is_empty) {
        let refusal = Refusal::new("has an empty item");
        return Err(
            refusal.hint("items are separated by single commas, or written as `[\"a,b\", \"c\"]`")
        );
    }
    Ok(items.into())
}

/// Returns an item as text. A number is taken as its text where there is only one way to write it.
fn item(item: &Value) -> Result<String, Refusal> {
    match item {
        Value::String(_) => text(item, "a text").map(str::to_owned),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
            Ok(number.to_string())
        }
        other => {
            let message = format!("must be a list of texts, but one item is {}", shown(other));
            Err(Refusal::new(message).hint(format!("put it in quotes: \"{other}\"")))
        }
    }
}

fn json(given: &Value) -> Result<Value, Refusal> {
    let Value::String(text) = given else { return Ok(given.clone()) };
    serde_json::from_str(text).map_err(|error| {
        Refusal::new(format!("is not JSON: {error}"))
            .hint("a text within JSON has quotes of its own: '\"text\"'")
    })
}

fn identifier(text: &str) -> Result<Value, Refusal> {
    let length = text.chars().count();
    let message = if text.is_empty() {
        "must not be empty".to_owned()
    } else if length > IDENTIFIER_LENGTH {
        format!("must have at most {IDENTIFIER_LENGTH} characters, but has {length}")
    } else if text == "." || text == ".." {
        format!("must not be `{text}`")
    } else if text.contains('/') {
        "must not have a `/`".to_owned()
    } else if text.chars().any(char::is_control) {
        "must not have control characters".to_owned()
    } else {
        return Ok(text.into());
    };
    Err(Refusal::new(message).hint("a name of a database, table or column is expected"))
}

fn path(text: &str) -> Result<Value, Refusal> {
    if let Some((scheme, _)) = text.split_once("://") {
        let message =
            format!("has the scheme `{scheme}`, which no storage client of the config has");
        return Err(Refusal::new(message).hint("give a path below the storage's root"));
    }
    let path = StoragePath::new(text).map_err(|error| {
        Refusal::new(format!("is not a path below the root: {}", error.reason))
            .hint("paths are relative to the storage's root, for example `sales/2026`")
    })?;
    if text.contains(['*', '?', '[', '{']) {
        globset::Glob::new(path.as_str()).map_err(|error| {
            Refusal::new(format!("is not a pattern of paths: {}", error.kind()))
        })?;
    }
    Ok(path.as_str().into())
}

fn sql(text: &str) -> Result<Value, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new("must not be empty"));
    }
    match check_syntax(text) {
        Ok(()) => Ok(text.into()),
        Err(problem) => Err(Refusal { message: problem.to_string(), hint: problem.hint }),
    }
}

fn timestamp(text: &str) -> Result<Value, Refusal> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.map_err(|_| {
        Refusal::new(format!("{:?} is not an instant", cut(text)))
            .hint("write it with time zone, for example `2026-01-31T12:00:00Z`")
    })?;
    Ok(text.into())
}

fn duration(text: &str) -> Result<Value, Refusal> {
    let parsed: Result<DurationText, _> = text.parse();
    parsed.map_err(|error| Refusal::new(error.to_string()))?;
    Ok(text.into())
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Returns the texts that `enum` and `pattern` speak about: the value's own, or those of its items.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Number(_) | Value::Bool(_) => vec![value.to_string()],
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn check_enum(parameter: &Parameter, value: &Value, refusals: &mut Vec<Refusal>) {
    if parameter.allowed.is_empty() || parameter.kind == ParameterType::Json {
        return;
    }
    for text in texts(value).iter().filter(|text| !parameter.allowed.contains(text)) {
        let allowed = parameter.allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
        let mut refusal =
            Refusal::new(format!("{:?} is none of {}", cut(text), allowed.join(", ")));
        if let Some(near) = nearest(text, parameter.allowed.iter().map(String::as_str)) {
            refusal = refusal.hint(format!("did you mean `{near}`?"));
        }
        refusals.push(refusal);
    }
}

/// Returns the expression that a whole text must match.
///
/// # Errors
/// When it is no regular expression, or a very large one.
pub(crate) fn whole_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    // The pattern is compiled alone first, so that no bracket can end the group around it.
    Regex::new(pattern)?;
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}

fn check_pattern(parameter: &Parameter, value: &Value, refusals: &mut Vec<Refusal>) {
    let Some(pattern) = &parameter.pattern else { return };
    let Ok(expression) = whole_pattern(pattern) else {
        refusals.push(Refusal::new(format!(
            "cannot be checked: the definition's pattern `{pattern}` is wrong"
        )));
        return;
    };
    for text in texts(value).iter().filter(|text| !expression.is_match(text)) {
        refusals.push(Refusal::new(format!("{:?} does not match `{pattern}`", cut(text))));
    }
}

fn check_range(parameter: &Parameter, value: &Value, refusals: &mut Vec<Refusal>) {
    let Some(number) = value.as_f64() else { return };
    if let Some(minimum) = parameter.minimum.filter(|minimum| number < *minimum) {
        refusals.push(Refusal::new(format!("{value} is below the minimum {minimum}")));
    }
    if let Some(maximum) = parameter.maximum.filter(|maximum| number > *maximum) {
        refusals.push(Refusal::new(format!("{value} is above the maximum {maximum}")));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
