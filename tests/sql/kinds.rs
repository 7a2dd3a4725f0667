//! Kinds of columns, and values as every engine is told them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};
use jiff::ToSpan;
use jiff::civil::date;

use crate::statement::{Engine, Family};

/// What a column or an expression holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers of so many bits, none further from zero than `most`.
    Integer { bits: u32, signed: bool, most: u128 },
    /// Floats. Plain ones are small multiples of an eighth: their sums are exact in any order.
    Double { plain: bool },
    /// Decimals.
    Decimal { precision: u8, scale: i8 },
    /// Text.
    Text,
    /// Truth values.
    Boolean,
    /// Days.
    Date,
    /// Times of no zone, in microseconds.
    Timestamp,
    /// Times in UTC, in microseconds.
    Instant,
}

/// 64 bits with a bound that leaves room for arithmetic.
pub(crate) const SMALL: Kind = Kind::Integer { bits: 64, signed: true, most: 100 };
/// 64 bits, whatever they hold.
pub(crate) const WHOLE: Kind = Kind::Integer { bits: 64, signed: true, most: 1 << 63 };

impl Kind {
    /// Returns the family.
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Integer { .. } => Family::Integer,
            Self::Double { .. } => Family::Double,
            Self::Decimal { .. } => Family::Decimal,
            Self::Text => Family::Text,
            Self::Boolean => Family::Boolean,
            Self::Date => Family::Date,
            Self::Timestamp => Family::Timestamp,
            Self::Instant => Family::Instant,
        }
    }

    /// Returns whether SQLite can hold such values.
    pub(crate) fn is_of_sqlite(self) -> bool {
        match self {
            Self::Integer { bits, signed, .. } => signed || bits < 64,
            Self::Double { plain } => plain,
            Self::Decimal { .. } | Self::Instant => false,
            Self::Text | Self::Boolean | Self::Date | Self::Timestamp => true,
        }
    }

    /// Returns the name of the type in SQL.
    pub(crate) fn name(self, engine: Engine) -> String {
        if engine == Engine::Sqlite {
            return match self {
                Self::Integer { .. } | Self::Boolean => "integer".to_owned(),
                Self::Double { .. } => "real".to_owned(),
                _ => "text".to_owned(),
            };
        }
        match self {
            Self::Integer { bits: 8, signed: true, .. } => "tinyint".to_owned(),
            Self::Integer { bits: 16, signed: true, .. } => "smallint".to_owned(),
            Self::Integer { bits: 32, signed: true, .. } => "integer".to_owned(),
            Self::Integer { bits: 8, .. } => "utinyint".to_owned(),
            Self::Integer { bits: 16, .. } => "usmallint".to_owned(),
            Self::Integer { bits: 32, signed: false, .. } => "uinteger".to_owned(),
            Self::Integer { signed: false, .. } => "ubigint".to_owned(),
            Self::Integer { .. } => "bigint".to_owned(),
            Self::Double { .. } => "double".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
            Self::Text => "varchar".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::Instant => "timestamptz".to_owned(),
        }
    }
}

/// A value; a null is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(i128),
    Double(f64),
    /// Without the point.
    Decimal(i128),
    Text(String),
    Boolean(bool),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970, with a zone or without.
    Time(i64),
}

/// Returns the literal of a value in an engine.
pub(crate) fn literal(value: Option<&Value>, kind: Kind, engine: Engine) -> String {
    let name = kind.name(engine);
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match (value, kind) {
        (None, _) => format!("cast(null as {name})"),
        // A literal of DuckDB is as narrow as what it meets; Mason's has 64 bits.
        (Some(Value::Integer(value)), _) if engine == Engine::DuckDb => {
            format!("cast({value} as {name})")
        }
        (Some(Value::Integer(value)), _) if *value < 0 => format!("({value})"),
        (Some(Value::Integer(value)), _) => value.to_string(),
        (Some(Value::Double(value)), _) if value.is_finite() => format!("({value:e})"),
        (Some(Value::Double(value)), _) => format!("cast('{value}' as double)"),
        (Some(Value::Decimal(value)), Kind::Decimal { scale, .. }) => {
            format!("cast('{}' as {name})", decimal(*value, scale))
        }
        (Some(Value::Text(value)), _) => text(value),
        (Some(Value::Boolean(value)), _) => value.to_string(),
        (Some(value @ (Value::Date(_) | Value::Time(_))), _) => {
            let shown = text(&shown(value));
            let sqlite = engine == Engine::Sqlite;
            if sqlite { shown } else { format!("cast({shown} as {name})") }
        }
        (Some(value), kind) => panic!("{value:?} is no {kind:?}"),
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let scale = usize::from(scale.unsigned_abs());
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Date(days) => date(1970, 1, 1).saturating_add(days.days()).to_string(),
        Value::Time(micros) => {
            let time = date(1970, 1, 1).at(0, 0, 0, 0).saturating_add(micros.microseconds());
            time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
        }
        other => format!("{other:?}"),
    }
}

/// Returns the values of a column as Arrow has them.
pub(crate) fn array(kind: Kind, values: &[Option<Value>]) -> ArrayRef {
    macro_rules! integers {
        ($array:ty, $native:ty) => {
            Arc::new(<$array>::from_iter(values.iter().map(|value| {
                let Some(Value::Integer(value)) = value else { return None };
                Some(<$native>::try_from(*value).expect("should fit"))
            })))
        };
    }
    macro_rules! others {
        ($array:ty, $pattern:pat => $value:expr) => {
            values
                .iter()
                .map(|value| match value {
                    Some($pattern) => Some($value),
                    _ => None,
                })
                .collect::<$array>()
        };
    }
    match kind {
        Kind::Integer { bits: 8, signed: true, .. } => integers!(Int8Array, i8),
        Kind::Integer { bits: 16, signed: true, .. } => integers!(Int16Array, i16),
        Kind::Integer { bits: 32, signed: true, .. } => integers!(Int32Array, i32),
        Kind::Integer { signed: true, .. } => integers!(Int64Array, i64),
        Kind::Integer { bits: 8, .. } => integers!(UInt8Array, u8),
        Kind::Integer { bits: 16, .. } => integers!(UInt16Array, u16),
        Kind::Integer { bits: 32, .. } => integers!(UInt32Array, u32),
        Kind::Integer { .. } => integers!(UInt64Array, u64),
        Kind::Double { .. } => Arc::new(others!(Float64Array, Value::Double(value) => *value)),
        Kind::Decimal { precision, scale } => Arc::new(
            others!(Decimal128Array, Value::Decimal(value) => *value)
                .with_precision_and_scale(precision, scale)
                .expect("should be a decimal"),
        ),
        Kind::Text => Arc::new(others!(StringArray, Value::Text(value) => value.as_str())),
        Kind::Boolean => Arc::new(others!(BooleanArray, Value::Boolean(value) => *value)),
        Kind::Date => Arc::new(others!(Date32Array, Value::Date(value) => *value)),
        Kind::Timestamp => {
            Arc::new(others!(TimestampMicrosecondArray, Value::Time(value) => *value))
        }
        Kind::Instant => Arc::new(
            others!(TimestampMicrosecondArray, Value::Time(value) => *value).with_timezone("UTC"),
        ),
    }
}
