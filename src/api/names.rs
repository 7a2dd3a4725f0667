//! Names that have a grammar, as types that cannot hold anything else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of the wanted sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct NameError {
    /// The text that was refused, cut to 80 characters.
    pub text: String,
    /// What it should have been, in words.
    pub expected: &'static str,
}

impl NameError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), expected }
    }
}

/// Returns whether a text is a DNS label, as the name of a namespace is.
///
/// # Source
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_dns_part(text)
}

/// Returns whether a text is a DNS subdomain, as the name of a resource is.
///
/// # Source
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
#[must_use]
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_part)
}

fn is_dns_part(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
}

/// The name of an operator: one or two lower-case parts, `table/query` or `cleanup`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorName(String);

impl OperatorName {
    /// What an operator's name must match, as used in the CRD.
    pub const PATTERN: &'static str =
        "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$";

    /// Returns the whole name, `table/query`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a label value or a builtin's name: `table.query`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.0.replace('/', ".")
    }
}

impl FromStr for OperatorName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let part = |part: &str| {
            let inner =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            part.len() <= 32
                && part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(inner)
                && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if text.split('/').count() <= 2 && text.split('/').all(part) {
            return Ok(Self(text.to_owned()));
        }
        Err(NameError::new(text, "an operator's name such as `table/query`"))
    }
}

impl TryFrom<String> for OperatorName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<OperatorName> for String {
    fn from(name: OperatorName) -> Self {
        name.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_names_have_one_or_two_lower_case_parts() {
        for good in ["table/query", "cleanup", "table/validated_infer", "a/b-2"] {
            assert_eq!(good.parse::<OperatorName>().expect("should be a name").as_str(), good);
        }
        for bad in ["", "/", "table/", "Table/query", "a/b/c", "table query", "a/-b", "a/b_"] {
            assert!(bad.parse::<OperatorName>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn the_pattern_of_the_crd_agrees_with_the_parser() {
        let pattern = regex::Regex::new(OperatorName::PATTERN).expect("should be a pattern");
        for text in ["table/query", "a", "a/b", "a/b/c", "A", "a-", "a_/b", "é", "", "a1/b2-c"] {
            assert_eq!(pattern.is_match(text), text.parse::<OperatorName>().is_ok(), "{text:?}");
        }
    }
}
