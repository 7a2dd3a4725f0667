//! Types as users write them: the words of SQL, or Arrow's notation. Pure.

use arrow::datatypes::{DataType, TimeUnit};

use super::schema::ColumnType;

/// Why a text means no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// It is neither a word of SQL nor one of Arrow.
    #[error("`{0}` is no type")]
    Unknown(String),
    /// Such a type cannot be.
    #[error("`{text}` is no type: {problem}")]
    Impossible {
        /// What was written.
        text: String,
        /// Why it cannot be.
        problem: String,
    },
}

impl TypeError {
    /// Returns what to write instead.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) => Some(
                "write a type as SQL does (boolean, integer, bigint, real, double, decimal(10,2), \
                 varchar, date, time, timestamp, timestamptz, binary) or as Arrow does (Int64, List(Utf8))",
            ),
            Self::Impossible { .. } => Some("for example decimal(38,2), timestamp or Int64"),
        }
    }
}

/// Returns the type that a text means: Arrow's notation (`Int64`, `Decimal128(10, 2)`), or a word of
/// SQL (`bigint`, `varchar`, `decimal(10,2)`, `timestamp`).
///
/// # Errors
/// When it is neither.
pub fn type_of(text: &str) -> Result<ColumnType, TypeError> {
    if let Ok(parsed) = text.parse::<ColumnType>() {
        return match parsed.problem() {
            Some(problem) => Err(TypeError::Impossible { text: text.to_owned(), problem }),
            None => Ok(parsed),
        };
    }
    let compact: String =
        text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    sql_type(&compact).map(ColumnType).ok_or_else(|| TypeError::Unknown(text.to_owned()))
}

fn sql_type(word: &str) -> Option<DataType> {
    Some(match word {
        "boolean" | "bool" => DataType::Boolean,
        "tinyint" => DataType::Int8,
        "smallint" => DataType::Int16,
        "integer" | "int" => DataType::Int32,
        "bigint" | "long" => DataType::Int64,
        "real" | "float" => DataType::Float32,
        "double" | "doubleprecision" => DataType::Float64,
        "varchar" | "text" | "string" => DataType::Utf8,
        "binary" | "blob" | "bytea" | "varbinary" => DataType::Binary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" | "timestampwithtimezone" => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        _ => return decimal(word),
    })
}

fn decimal(word: &str) -> Option<DataType> {
    let inner = word.strip_prefix("decimal(").or_else(|| word.strip_prefix("numeric("))?;
    let (precision, scale) = inner.strip_suffix(')')?.split_once(',')?;
    let (precision, scale): (u8, i8) = (precision.parse().ok()?, scale.parse().ok()?);
    let fits = scale >= 0 && precision >= 1 && scale.unsigned_abs() <= precision;
    match precision {
        _ if !fits => None,
        ..=38 => Some(DataType::Decimal128(precision, scale)),
        39..=76 => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_arrow_and_as_sql_write_them() {
        let read = |text: &str| type_of(text).map(|column_type| column_type.0);
        assert_eq!(read("Int64").expect("should be a type"), DataType::Int64);
        assert_eq!(read("BIGINT").expect("should be a type"), DataType::Int64);
        assert_eq!(read("decimal(10, 2)").expect("should be a type"), DataType::Decimal128(10, 2));
        assert_eq!(read("numeric(50,0)").expect("should be a type"), DataType::Decimal256(50, 0));
        for bad in [
            "",
            "number",
            "decimal",
            "decimal(2,3)",
            "decimal(77,0)",
            "decimal(1)",
            "Time32(ns)",
            "Decimal128(39, 0)",
            "List(Decimal128(0, 0))",
        ] {
            assert!(read(bad).is_err(), "{bad:?} should be refused");
        }
    }
}
