//! One nested value, borrowed from the text or message it stands in.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::MAX_DEPTH;
use super::extent::{Parts, value_end};
use crate::formats::csv::cells;
use crate::formats::exact_float::names_exactly;

/// A nested value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that names an `f64` exactly, with its text where it has one.
    Float(f64, Option<&'a str>),
    /// A number that neither 64 bits nor an `f64` hold, as its text.
    Inexact(Cow<'a, str>),
    Text(Cow<'a, str>),
    Binary(Cow<'a, [u8]>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A text, borrowed if it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Node<'a> {
    /// Reads JSON.
    pub(crate) fn from_json(text: &'a str) -> Result<Self, String> {
        let text = text.trim();
        match value_end(text.as_bytes())? {
            Some(end) if end == text.len() => Self::parse(text, 0),
            Some(_) => Err("something follows after the value".to_owned()),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// Reads a text that is one JSON value, as was checked.
    fn parse(text: &'a str, depth: usize) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        match text.as_bytes().first() {
            Some(b'{') => Self::object(text, depth),
            Some(b'[') => {
                let mut parts = Parts::new(text);
                let mut items = Vec::new();
                while parts.more(b']')? {
                    items.push(Self::parse(parts.value()?, depth + 1)?);
                }
                Ok(Self::List(items))
            }
            Some(b'"') => Ok(Self::Text(from_str::<Key<'a>>(text)?.0)),
            Some(b't' | b'f') => Ok(Self::Bool(from_str(text)?)),
            Some(b'n') => from_str::<()>(text).map(|()| Self::Null),
            _ => Ok(number(text)),
        }
    }

    fn object(text: &'a str, depth: usize) -> Result<Self, String> {
        let mut parts = Parts::new(text);
        let mut object = Vec::new();
        while parts.more(b'}')? {
            let key = from_str::<Key<'a>>(parts.value()?)?.0;
            parts.colon()?;
            object.push((key, Self::parse(parts.value()?, depth + 1)?));
        }
        refuse_repeated_keys(&object)?;
        Ok(Self::Object(object))
    }

    /// Returns the member of an object; `guess` is where it probably is.
    pub(crate) fn member(&self, name: &str, guess: usize) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        match members.get(guess) {
            Some((key, value)) if key == name => Some(value),
            _ => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        }
    }

    /// Returns what stands for the value in a column of text: texts as they are, all else as JSON.
    pub(crate) fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Inexact(text) => Cow::Borrowed(text),
            Self::Float(_, Some(text)) => Cow::Borrowed(text),
            other => {
                let mut out = String::new();
                other.write_json(&mut out);
                Cow::Owned(out)
            }
        }
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Float(_, Some(text)) => out.push_str(text),
            Self::Float(value, None) => out.push_str(&float_text(*value)),
            Self::Inexact(text) => out.push_str(text),
            Self::Text(text) => push_quoted(out, text),
            Self::Binary(bytes) => push_quoted(out, &BASE64_STANDARD.encode(bytes)),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    push_quoted(out, key);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// Returns what sort of value it is, for messages.
    pub(crate) fn sort(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(..) | Self::Inexact(_) => "a number",
            Self::Text(_) => "a text",
            Self::Binary(_) => "binary",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Returns a number as JSON; what JSON has no number for as a text.
fn float_text(value: f64) -> String {
    if value.is_finite() {
        serde_json::Number::from_f64(value).map_or_else(String::new, |number| number.to_string())
    } else {
        format!("\"{value}\"")
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn from_str<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn refuse_repeated_keys(object: &[(Cow<'_, str>, Node<'_>)]) -> Result<(), String> {
    let repeated = |key: &str| Err(format!("the key {key:?} is there twice in one object"));
    if object.len() <= 16 {
        for (index, (key, _)) in object.iter().enumerate() {
            if object[..index].iter().any(|(other, _)| other == key) {
                return repeated(key);
            }
        }
        return Ok(());
    }
    let mut seen = std::collections::HashSet::with_capacity(object.len());
    for (key, _) in object {
        if !seen.insert(key.as_ref()) {
            return repeated(key);
        }
    }
    Ok(())
}

/// Returns a number that JSON's grammar allows.
fn number(text: &str) -> Node<'_> {
    if let Some(value) = cells::int64(text.as_bytes()) {
        return Node::Int(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && names_exactly(text.as_bytes(), value) => {
            Node::Float(value, Some(text))
        }
        _ => Node::Inexact(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_value() {
        for (text, node) in [
            ("1", Node::Int(1)),
            ("-0", Node::Float(-0.0, Some("-0"))),
            ("1.50", Node::Float(1.5, Some("1.50"))),
            ("1e5", Node::Float(100_000.0, Some("1e5"))),
            ("0.1", Node::Float(0.1, Some("0.1"))),
            ("1e400", Node::Inexact("1e400".into())),
            ("12345678901234567890", Node::Inexact("12345678901234567890".into())),
            ("48.053808600000004", Node::Float(48.053_808_6, Some("48.053808600000004"))),
            ("0.1000000000000000055", Node::Inexact("0.1000000000000000055".into())),
        ] {
            assert_eq!(Node::from_json(text), Ok(node), "{text}");
        }
    }

    #[test]
    fn broken_and_deep_json_is_refused() {
        for text in
            ["{", "{\"a\":}", "tru", "01", "[1,]", "\"a", "{\"a\":1} x", "{\"a\":1,\"a\":2}"]
        {
            assert!(Node::from_json(text).is_err(), "{text}");
        }
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Node::from_json(&deep(MAX_DEPTH)).is_ok());
        let error = Node::from_json(&deep(100_000)).expect_err("should be too deep");
        assert!(error.contains("deeper than 128"), "{error}");
    }

    #[test]
    fn compact_text_is_json_of_the_same_value() {
        let text = r#" { "b" : [ 1 , "x\"\n" , null , 2.5 ] , "a" : { } } "#;
        let node = Node::from_json(text).expect("should parse");
        assert_eq!(node.as_text(), r#"{"b":[1,"x\"\n",null,2.5],"a":{}}"#);
        let numbers = Node::from_json("[1.50, 1E3, 100000000000000000000]").expect("should parse");
        assert_eq!(numbers.as_text(), "[1.50,1E3,100000000000000000000]");
    }

    proptest! {
        #[test]
        fn every_finite_float_is_exact(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let text = serde_json::to_string(&value).expect("should print");
            match Node::from_json(&text).expect("should parse") {
                Node::Float(read, _) => prop_assert_eq!(read.to_bits(), value.to_bits()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
