//! Sets of kinds of JSON values: what a schema allows, and what a parameter takes. Pure.

use std::fmt;

use serde_json::Value;

use crate::api::v1alpha1::ParameterType;

/// Kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

/// The kinds with what JSON schemas call them and what messages do, each by its bit.
const WORDS: [(&str, &str); 6] = [
    ("null", "null"),
    ("boolean", "a boolean"),
    ("number", "a number"),
    ("string", "a text"),
    ("array", "a list"),
    ("object", "an object"),
];

impl Kinds {
    pub(super) const ANY: Self = Self(0b11_1111);
    const BOOLEAN: Self = Self(0b00_0010);
    const NUMBER: Self = Self(0b00_0100);
    const TEXT: Self = Self(0b00_1000);
    pub(super) const LIST: Self = Self(0b01_0000);
    pub(super) const OBJECT: Self = Self(0b10_0000);
    /// What can stand within text.
    pub(super) const WITHIN_TEXT: Self = Self(Self::BOOLEAN.0 | Self::NUMBER.0 | Self::TEXT.0);

    /// Returns the kinds that `type` of a schema allows; integers are numbers.
    pub(super) fn of_schema(schema: &Value) -> Self {
        match schema.get("type") {
            Some(Value::String(word)) => Self::of_word(word),
            Some(Value::Array(words)) => {
                let words = words.iter().filter_map(Value::as_str).map(Self::of_word);
                words.reduce(Self::or).unwrap_or(Self::ANY)
            }
            _ => Self::ANY,
        }
    }

    fn of_word(word: &str) -> Self {
        let word = if word == "integer" { "number" } else { word };
        let bit = WORDS.iter().position(|(known, _)| *known == word);
        bit.map_or(Self::ANY, |bit| Self(1 << bit))
    }

    /// Returns the kinds of which a parameter takes values, as they are accepted: a text can
    /// stand for a number, a boolean and a list.
    pub(super) fn taken_by(parameter: ParameterType) -> Self {
        match parameter {
            ParameterType::Json => Self::ANY,
            ParameterType::Integer | ParameterType::Number => Self::NUMBER.or(Self::TEXT),
            ParameterType::Boolean => Self::BOOLEAN.or(Self::TEXT),
            ParameterType::List => Self::LIST.or(Self::TEXT),
            ParameterType::String
            | ParameterType::Identifier
            | ParameterType::Path
            | ParameterType::Sql
            | ParameterType::Timestamp
            | ParameterType::Duration => Self::TEXT,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = WORDS.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        let words: Vec<&str> = words.map(|(_, (_, word))| *word).collect();
        formatter.write_str(&words.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::v1alpha1::Parameter;
    use crate::validate::parameter::accept;

    #[test]
    fn a_kind_that_no_parameter_takes_is_refused_when_it_is_given() {
        let values = [
            ("null", vec![json!(null)]),
            ("boolean", vec![json!(true)]),
            ("number", vec![json!(1), json!(1.5)]),
            (
                "string",
                ["", "1", "true", "[]", "P1D", "5s", "2026-01-31T12:00:00Z", "select 1"]
                    .map(|text| json!(text))
                    .to_vec(),
            ),
            ("array", vec![json!([]), json!(["a"])]),
            ("object", vec![json!({}), json!({"a": 1})]),
        ];
        for word in [
            "string",
            "identifier",
            "integer",
            "number",
            "boolean",
            "list",
            "json",
            "path",
            "sql",
            "timestamp",
            "duration",
        ] {
            let parameter: Parameter =
                serde_json::from_value(json!({"name": "p", "type": word})).expect("a parameter");
            for (kind, values) in &values {
                let is_taken = values.iter().any(|value| accept(&parameter, value).is_ok());
                let is_known = !Kinds::taken_by(parameter.kind).and(Kinds::of_word(kind)).is_none();
                assert_eq!(is_known, is_taken, "{kind} for {word}");
            }
        }
    }
}
