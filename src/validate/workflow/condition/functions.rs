//! The functions that conditions call, in the place of those of the `cel` crate: they give no panic, compare numbers
//! of every kind, refuse values that they do not take, and spend from one store, so that an evaluation ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::objects::{Key, KeyRef};
use cel::{Context, ExecutionError, Value};
use regex::Regex;

use super::macros::LONGEST_LIST;

/// What all calls of an evaluation may look at: values, and 64 bytes of a text.
const MOST_LOOKS: u64 = 1_000_000;

/// How much more it takes to match a text with a pattern than to look at it.
const LOOKS_OF_A_PATTERN: u64 = 16;

type Given<T> = Result<T, ExecutionError>;

/// What is left of the looks of one evaluation.
#[derive(Clone)]
struct Looks(Arc<AtomicU64>);

impl Looks {
    fn spend(&self, looks: u64) -> Given<()> {
        let left = self.0.load(Ordering::Relaxed).checked_sub(looks);
        let left = left.ok_or_else(|| wrong("", "the condition looks at too many values"))?;
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

fn looks_at(value: &Value) -> u64 {
    match value {
        Value::List(items) => 1 + items.iter().map(looks_at).sum::<u64>(),
        Value::Map(map) => 1 + map.map.values().map(looks_at).sum::<u64>(),
        Value::String(text) => 1 + text.len() as u64 / 64,
        _ => 1,
    }
}

/// Adds all functions to a context.
pub(super) fn add_to(context: &mut Context<'_>, patterns: &Arc<[Regex]>) {
    let looks = Looks(Arc::new(AtomicU64::new(MOST_LOOKS)));
    let mut add = |name: &str, function: fn(&Value, &Value) -> Given<Value>| {
        let looks = looks.clone();
        context.add_function(name, move |one: Value, other: Value| -> Given<Value> {
            looks.spend(looks_at(&one) + looks_at(&other))?;
            function(&one, &other)
        });
    };
    add("@equals", |one, other| Ok(Value::Bool(one == other)));
    add("@within", within);
    add("startsWith", |text, part| {
        texts("startsWith", (text, part), |text, part| text.starts_with(part))
    });
    add("endsWith", |text, part| {
        texts("endsWith", (text, part), |text, part| text.ends_with(part))
    });
    add("contains", |text, part| texts("contains", (text, part), |text, part| text.contains(part)));
    let mut add = |name: &str, function: fn(&Value) -> Given<Value>| {
        let looks = looks.clone();
        context.add_function(name, move |value: Value| -> Given<Value> {
            looks.spend(looks_at(&value))?;
            function(&value)
        });
    };
    add("@items", items);
    add("@negate", negate);
    add("size", size);
    add("int", int);
    add("uint", uint);
    add("double", double);
    add("string", string);
    let patterns = Arc::clone(patterns);
    context.add_function("@matches", move |value: Value, index: i64| -> Given<Value> {
        looks.spend(looks_at(&value) * LOOKS_OF_A_PATTERN)?;
        matches(&patterns, &value, index)
    });
}

fn wrong(function: &str, message: impl Into<String>) -> ExecutionError {
    ExecutionError::function_error(function, message.into())
}

fn unfit(function: &str, value: &Value) -> ExecutionError {
    wrong(function, format!("does not take a value of type {}", value.type_of()))
}

fn within(one: &Value, other: &Value) -> Given<Value> {
    match other {
        Value::List(items) => Ok(Value::Bool(items.contains(one))),
        Value::Map(map) => {
            Ok(Value::Bool(KeyRef::try_from(one).is_ok_and(|key| map.get(&key).is_some())))
        }
        other => Err(unfit("in", other)),
    }
}

fn texts(
    function: &str,
    (text, part): (&Value, &Value),
    holds: fn(&str, &str) -> bool,
) -> Given<Value> {
    match (text, part) {
        (Value::String(text), Value::String(part)) => Ok(Value::Bool(holds(text, part))),
        (Value::String(_), other) | (other, _) => Err(unfit(function, other)),
    }
}

/// Returns the items of a list, or the keys of an object in their order.
fn items(value: &Value) -> Given<Value> {
    let items = match value {
        Value::List(items) => Arc::clone(items),
        Value::Map(map) => {
            let mut keys: Vec<&Key> = map.map.keys().collect();
            keys.sort_unstable();
            Arc::new(keys.into_iter().map(Value::from).collect())
        }
        other => {
            let message = "all, exists, exists_one and filter take a list or an object";
            return Err(wrong("", format!("{message}, not a value of type {}", other.type_of())));
        }
    };
    if items.len() > LONGEST_LIST {
        let message = "all, exists, exists_one and filter take at most";
        return Err(wrong("", format!("{message} {LONGEST_LIST} items, not {}", items.len())));
    }
    Ok(Value::List(items))
}

fn negate(value: &Value) -> Given<Value> {
    match value {
        Value::Int(number) => number
            .checked_neg()
            .map(Value::Int)
            .ok_or_else(|| ExecutionError::Overflow("neg", value.clone(), Value::Null)),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => Err(unfit("-", other)),
    }
}

/// Returns how many items, keys or characters there are.
fn size(value: &Value) -> Given<Value> {
    let size = match value {
        Value::List(items) => items.len(),
        Value::Map(map) => map.map.len(),
        Value::String(text) => text.chars().count(),
        other => return Err(unfit("size", other)),
    };
    i64::try_from(size).map(Value::Int).map_err(|error| wrong("size", error.to_string()))
}

#[expect(clippy::cast_possible_truncation, reason = "the number is within the bounds")]
fn int(value: &Value) -> Given<Value> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    let number = match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        Value::Float(number) if (-BOUND..BOUND).contains(number) => Some(*number as i64),
        Value::Float(_) => None,
        Value::String(text) => text.parse().ok(),
        other => return Err(unfit("int", other)),
    };
    number.map(Value::Int).ok_or_else(|| wrong("int", "the value is no integer of 64 bits"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is within the bounds"
)]
fn uint(value: &Value) -> Given<Value> {
    const BOUND: f64 = 18_446_744_073_709_551_616.0;
    let number = match value {
        Value::UInt(number) => Some(*number),
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Float(number) if (0.0..BOUND).contains(number) => Some(*number as u64),
        Value::Float(_) => None,
        Value::String(text) => text.parse().ok(),
        other => return Err(unfit("uint", other)),
    };
    let message = "the value is no integer of 64 bits without sign";
    number.map(Value::UInt).ok_or_else(|| wrong("uint", message))
}

#[expect(clippy::cast_precision_loss, reason = "as CEL does")]
fn double(value: &Value) -> Given<Value> {
    let number = match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::UInt(number) => Some(*number as f64),
        Value::String(text) => text.parse().ok(),
        other => return Err(unfit("double", other)),
    };
    number.map(Value::Float).ok_or_else(|| wrong("double", "the value is no number"))
}

fn string(value: &Value) -> Given<Value> {
    let text = match value {
        Value::String(_) => return Ok(value.clone()),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => return Err(unfit("string", other)),
    };
    Ok(Value::String(text.into()))
}

fn matches(patterns: &[Regex], value: &Value, index: i64) -> Given<Value> {
    let pattern = usize::try_from(index).ok().and_then(|index| patterns.get(index));
    match (value, pattern) {
        (Value::String(text), Some(pattern)) => Ok(Value::Bool(pattern.is_match(text))),
        (other, _) => Err(unfit("matches", other)),
    }
}
