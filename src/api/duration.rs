//! Lengths of time as people write them in a resource: `30m`, `7d`, `1h30m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time as text: one or more numbers with a unit `ms`, `s`, `m`, `h` or `d` (24 hours).
///
/// The text is kept as it was written; [`DurationText::to_duration`] gives its length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DurationText {
    text: String,
    length: Duration,
}

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time such as `30s`, `5m`, `1h30m` or `7d`")]
pub struct DurationError(String);

impl DurationText {
    /// What the text must match, as used in the CRD.
    pub const PATTERN: &'static str = "^([0-9]{1,9}(ms|s|m|h|d)){1,5}$";

    /// Returns the length of time.
    #[must_use]
    pub fn to_duration(&self) -> Duration {
        self.length
    }
}

impl FromStr for DurationText {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let refuse = || DurationError(text.chars().take(40).collect());
        let (mut rest, mut length, mut parts) = (text, Duration::ZERO, 0);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
            let number: u64 = rest[..digits].parse().map_err(|_| refuse())?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let milliseconds = match &rest[..end] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(refuse()),
            };
            if digits > 9 {
                return Err(refuse());
            }
            length += Duration::from_millis(number * milliseconds);
            rest = &rest[end..];
            parts += 1;
        }
        if parts == 0 || parts > 5 {
            return Err(refuse());
        }
        Ok(Self { text: text.to_owned(), length })
    }
}

impl TryFrom<String> for DurationText {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        text.parse()
    }
}

impl From<DurationText> for String {
    fn from(duration: DurationText) -> Self {
        duration.text
    }
}

impl fmt::Display for DurationText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DurationText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 60, "pattern": Self::PATTERN})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        let seconds = |text: &str| text.parse::<DurationText>().map(|d| d.to_duration().as_secs());
        assert_eq!(seconds("30m"), Ok(1_800));
        assert_eq!(seconds("1h30m"), Ok(5_400));
        assert_eq!(seconds("7d"), Ok(604_800));
        for bad in ["", "5", "m", "5 m", "-5m", "1w", "5m3", "99999999999s"] {
            assert!(seconds(bad).is_err(), "{bad:?} should be refused");
        }
    }
}
