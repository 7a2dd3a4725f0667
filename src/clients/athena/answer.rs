//! What a query answers, as rows of JSON: by the types that Athena names, never by what a text looks like. Pure.

use aws_sdk_athena::types::{ColumnInfo, Row};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value};

use crate::engines::job_spec::AnswerLimits;

/// Whole numbers beyond this are texts in JSON, whose readers would round them.
const MOST_EXACT: i64 = 1 << 53;

/// Rows that are read page by page, within limits.
#[derive(Debug)]
pub(super) struct Answer {
    columns: Vec<ColumnInfo>,
    limits: AnswerLimits,
    bytes: u64,
    /// The rows.
    pub(super) rows: Vec<Value>,
    /// Whether there are more than the limits allow.
    pub(super) truncated: bool,
}

impl Answer {
    /// Begins with the columns of the first page.
    ///
    /// # Errors
    /// In words: two columns of one name, or a type whose texts are ambiguous.
    pub(super) fn begin(columns: Vec<ColumnInfo>, limits: AnswerLimits) -> Result<Self, String> {
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].iter().any(|other| other.name == column.name) {
                return Err(format!("two columns are named `{}`; give each a name", column.name));
            }
            if matches!(column.r#type.as_str(), "array" | "map" | "row" | "struct") {
                let (name, word) = (&column.name, &column.r#type);
                return Err(format!(
                    "column `{name}` is of type {word}, whose texts are ambiguous in answers of Athena; write \
                     cast({name} as json)"
                ));
            }
        }
        Ok(Self { columns, limits, bytes: 0, rows: Vec::new(), truncated: false })
    }

    /// Takes the rows of a page; returns whether more are wanted.
    ///
    /// # Errors
    /// In words: a text that is no value of its column's type.
    pub(super) fn take(&mut self, rows: &[Row]) -> Result<bool, String> {
        for row in rows {
            let values = row.data.as_deref().unwrap_or_default();
            let mut object = Map::with_capacity(self.columns.len());
            for (index, column) in self.columns.iter().enumerate() {
                let text = values.get(index).and_then(|value| value.var_char_value.as_deref());
                let value = text.map_or(Ok(Value::Null), |text| value(&column.r#type, text));
                let value = value.map_err(|why| {
                    format!("column `{}` of type {} has {why}", column.name, column.r#type)
                })?;
                object.insert(column.name.clone(), value);
            }
            let row = Value::Object(object);
            self.bytes += row.to_string().len() as u64 + 1;
            if self.rows.len() as u64 == self.limits.rows || self.bytes > self.limits.bytes {
                self.truncated = true;
                return Ok(false);
            }
            self.rows.push(row);
        }
        Ok(true)
    }
}

/// Returns the value that a text means.
///
/// # Source
/// <https://docs.aws.amazon.com/athena/latest/ug/data-types.html>
fn value(word: &str, text: &str) -> Result<Value, String> {
    let refused = || format!("{:?}, which is none", text.chars().take(60).collect::<String>());
    Ok(match word {
        "boolean" => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(refused()),
        },
        "tinyint" | "smallint" | "integer" | "int" | "bigint" => {
            let number: i64 = text.parse().map_err(|_| refused())?;
            if (-MOST_EXACT..=MOST_EXACT).contains(&number) {
                Value::Number(number.into())
            } else {
                Value::String(text.to_owned())
            }
        }
        "float" | "real" | "double" => float(text).ok_or_else(refused)?,
        "timestamp" => Value::String(timestamp(text).ok_or_else(refused)?),
        "timestamp with time zone" => Value::String(instant(text).ok_or_else(refused)?),
        "varbinary" => Value::String(STANDARD.encode(bytes(text).ok_or_else(refused)?)),
        "json" => serde_json::from_str(text).map_err(|_| refused())?,
        // Decimals keep all their digits, and texts are what they are.
        _ => Value::String(text.to_owned()),
    })
}

fn float(text: &str) -> Option<Value> {
    let word = |word: &str| Some(Value::String(word.to_owned()));
    match text {
        "NaN" => word("NaN"),
        "Infinity" => word("inf"),
        "-Infinity" => word("-inf"),
        _ => Number::from_f64(text.parse().ok()?).map(Value::Number),
    }
}

/// Returns a timestamp as answers have it: `2020-01-31T12:30:00.5`.
fn timestamp(text: &str) -> Option<String> {
    let time: DateTime = text.parse().ok()?;
    Some(time.to_string())
}

/// Returns an instant as answers have it, from a timestamp with the name or the offset of a zone behind it.
fn instant(text: &str) -> Option<String> {
    let (time, zone) = text.rsplit_once(' ')?;
    let time: DateTime = time.parse().ok()?;
    if zone == "UTC" || zone == "+00:00" {
        return Some(format!("{time}Z"));
    }
    let zone = if zone.starts_with(['+', '-']) {
        DateTimeParser::new().parse_time_zone(zone).ok()?
    } else {
        TimeZone::get(zone).ok()?
    };
    let zoned = time.to_zoned(zone).ok()?;
    Some(format!("{time}{}", zoned.strftime("%:z")))
}

/// Returns bytes from pairs of hexadecimal digits, with spaces between them.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::Datum;
    use serde_json::json;

    use super::*;

    fn column(name: &str, word: &str) -> ColumnInfo {
        ColumnInfo::builder().name(name).r#type(word).build().expect("should be a column")
    }

    fn row(values: &[Option<&str>]) -> Row {
        let value = |value: Option<&str>| {
            Datum::builder().set_var_char_value(value.map(str::to_owned)).build()
        };
        Row::builder().set_data(Some(values.iter().copied().map(value).collect())).build()
    }

    #[test]
    fn values_are_told_by_their_types() {
        for (word, text, expected) in [
            ("boolean", "true", json!(true)),
            ("bigint", "-7", json!(-7)),
            ("bigint", "9007199254740993", json!("9007199254740993")),
            ("double", "1.0E-5", json!(0.00001)),
            ("double", "NaN", json!("NaN")),
            ("real", "-Infinity", json!("-inf")),
            ("decimal", "2.50", json!("2.50")),
            ("varchar", "1", json!("1")),
            ("varchar", "", json!("")),
            ("date", "2020-01-31", json!("2020-01-31")),
            ("timestamp", "2020-01-31 12:30:00.000", json!("2020-01-31T12:30:00")),
            ("timestamp", "2020-01-31 12:30:00.120", json!("2020-01-31T12:30:00.12")),
            (
                "timestamp with time zone",
                "2020-01-31 12:30:00.000 UTC",
                json!("2020-01-31T12:30:00Z"),
            ),
            (
                "timestamp with time zone",
                "2020-07-31 12:30:00.000 Europe/Vienna",
                json!("2020-07-31T12:30:00+02:00"),
            ),
            (
                "timestamp with time zone",
                "2020-07-31 12:30:00.000 -03:30",
                json!("2020-07-31T12:30:00-03:30"),
            ),
            ("varbinary", "61 62", json!("YWI=")),
            ("json", "{\"a\":[1]}", json!({"a": [1]})),
        ] {
            assert_eq!(value(word, text), Ok(expected), "{word} {text}");
        }
        for (word, text) in [("bigint", "1.5"), ("boolean", "1"), ("timestamp", "yesterday")] {
            assert!(value(word, text).is_err(), "{word} {text}");
        }
    }

    #[test]
    fn rows_are_read_within_limits_and_null_is_not_empty() {
        let columns = vec![column("a", "varchar"), column("b", "bigint")];
        let limits = AnswerLimits { rows: 2, bytes: 1_000 };
        let mut answer = Answer::begin(columns, limits).expect("should begin");
        assert_eq!(answer.take(&[row(&[Some(""), None])]), Ok(true));
        assert_eq!(answer.take(&[row(&[None, Some("1")]), row(&[None, Some("2")])]), Ok(false));
        assert_eq!(answer.rows, [json!({"a": "", "b": null}), json!({"a": null, "b": 1})]);
        assert!(answer.truncated);
    }

    #[test]
    fn what_would_be_guessed_is_refused() {
        let limits = AnswerLimits::default();
        let twice = vec![column("a", "varchar"), column("a", "bigint")];
        assert!(Answer::begin(twice, limits).expect_err("is twice").contains("named `a`"));
        let nested = Answer::begin(vec![column("a", "array")], limits);
        assert!(nested.expect_err("is ambiguous").contains("cast(a as json)"));
    }
}
