//! Types as Hive and its descendants write them, `array<struct<id:bigint,name:string>>`, and as Arrow has them. Pure.
//!
//! # Source
//! <https://docs.aws.amazon.com/athena/latest/ug/data-types.html>

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use regex::Regex;

use crate::engines::nesting::with_fields;
use crate::engines::table::Format;

/// Most types that stand within one another.
const MOST_DEEP: usize = 64;
/// Most digits of a decimal of Hive.
const MOST_DIGITS: u8 = 38;
/// The characters of a member's name.
static LETTERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}_.$ ]$").expect("should be a pattern"));
/// The digits of a `decimal` that says nothing of them.
const DIGITS: (u8, i8) = (10, 0);

/// A type that Hive does not have, or that its readers do not find in files as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// The type, or the name of a member, that it lacks.
    pub(super) what: String,
    /// Why it cannot be told, as the end of a sentence.
    pub(super) why: &'static str,
    /// What `table/cast` can make of it.
    pub(super) cast: Option<&'static str>,
}

impl Missing {
    const LACKS: &str = "which the catalogue lacks";
}

/// The files that a type is of, whose readers differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredAs {
    Parquet,
    Orc,
    Avro,
    /// Lines of text or JSON.
    Lines,
}

impl StoredAs {
    /// Returns whether instants are kept in UTC, so that engines without instants read the same time as a timestamp.
    fn has_instants(self) -> bool {
        self == Self::Parquet
    }

    /// Returns why a type that Hive has is read from such files as another value or not at all, and the cast that helps.
    /// Each was seen with Trino (`tests/trino`).
    fn misreads(self, data_type: &DataType) -> Option<(&'static str, Option<&'static str>)> {
        match (self, data_type) {
            (Self::Parquet, DataType::UInt32) => {
                Some(("which other engines read with a sign", Some("bigint")))
            }
            (Self::Avro, DataType::Timestamp(unit, None)) if *unit != TimeUnit::Millisecond => {
                Some(("which other engines take for milliseconds in Avro", None))
            }
            (Self::Avro, DataType::FixedSizeBinary(_)) => {
                Some(("which other engines do not read in Avro (fixed, uuid)", None))
            }
            (Self::Avro, DataType::Dictionary(..)) => {
                Some(("which other engines do not read in Avro (enum)", Some("varchar")))
            }
            _ => None,
        }
    }
}

/// Returns the word of Hive for a type of such files.
///
/// # Errors
/// What Hive lacks, or does not read from such files, also within a list, a struct or a map.
pub(super) fn written(data_type: &DataType, stored: StoredAs) -> Result<String, Missing> {
    let written = |data_type: &DataType| written(data_type, stored);
    let lacks = |cast| Err(Missing { what: data_type.to_string(), why: Missing::LACKS, cast });
    if let Some((why, cast)) = stored.misreads(data_type) {
        return Err(Missing { what: data_type.to_string(), why, cast });
    }
    Ok(match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "int".to_owned(),
        DataType::Int64 | DataType::UInt32 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(zone))
            if stored.has_instants() && matches!(&**zone, "UTC" | "+00:00" | "Z") =>
        {
            "timestamp".to_owned()
        }
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale) => {
            if *digits > MOST_DIGITS || *scale < 0 {
                return lacks(Some("decimal(38,10)"));
            }
            format!("decimal({digits},{scale})")
        }
        DataType::Dictionary(_, values) => written(values)?,
        DataType::RunEndEncoded(_, values) => written(values.data_type())?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("array<{}>", written(item.data_type())?),
        DataType::Struct(members) => {
            let member = |field: &Arc<Field>| {
                Ok(format!("{}:{}", member_name(field.name())?, written(field.data_type())?))
            };
            let members = members.iter().map(member).collect::<Result<Vec<_>, _>>()?;
            format!("struct<{}>", members.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map<{},{}>", written(pair[0].data_type())?, written(pair[1].data_type())?)
            }
            _ => return lacks(None),
        },
        DataType::UInt64 => return lacks(Some("decimal(20,0)")),
        DataType::Float16 => return lacks(Some("real")),
        DataType::Date64 => return lacks(Some("date")),
        DataType::Timestamp(_, Some(_)) => return lacks(Some("timestamp")),
        DataType::Time32(_) | DataType::Time64(_) | DataType::Null => {
            return lacks(Some("varchar"));
        }
        DataType::Duration(_) => return lacks(Some("bigint")),
        DataType::Interval(_) | DataType::Union(..) => return lacks(None),
    })
}

/// Returns the name of a member, unless the parsers of Hive's types break off at it: they take letters and digits of two
/// bytes in UTF-16, and few other characters.
fn member_name(name: &str) -> Result<&str, Missing> {
    let refused =
        |why| Missing { what: format!("a struct with a member named {name:?}"), why, cast: None };
    if name.is_empty() || name.trim() != name {
        return Err(refused(Missing::LACKS));
    }
    let lower = name.to_lowercase();
    let is_read = |c: char| c.len_utf16() == 1 && (LETTERS.is_match(c.encode_utf8(&mut [0; 4])));
    if name.chars().chain(lower.chars()).all(is_read) {
        Ok(name)
    } else {
        Err(refused("whose type other engines do not read"))
    }
}

/// Returns the type that a text of Hive means. Words are compared without regard to case.
///
/// # Errors
/// In words: what of the text means no type, or is one that no file is read as.
pub(super) fn read(text: &str) -> Result<DataType, String> {
    let mut reader = Reader { rest: text };
    let found = reader.data_type(0)?;
    match reader.rest.trim() {
        "" => Ok(found),
        rest => Err(format!("`{}` stands behind its end", cut(rest))),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Returns a type of Hive as files of a format have it: timestamps of ORC have nanoseconds, and those of Avro are instants
/// with milliseconds. In other files they have the microseconds of [`read`].
pub(super) fn in_files(data_type: &DataType, format: Format) -> DataType {
    match (data_type, format) {
        (DataType::Timestamp(..), Format::Orc) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        (DataType::Timestamp(..), Format::Avro) => {
            DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()))
        }
        (other, _) => with_fields(other, |field| {
            let found = in_files(field.data_type(), format);
            Arc::new(field.as_ref().clone().with_data_type(found))
        }),
    }
}

/// What is left of a text.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn data_type(&mut self, depth: usize) -> Result<DataType, String> {
        if depth > MOST_DEEP {
            return Err(format!("more than {MOST_DEEP} types stand within one another"));
        }
        let word = self.word(&['<', '>', '(', ',']).to_lowercase();
        match word.as_str() {
            "array" => {
                let item = self.within(|own| own.data_type(depth + 1))?;
                Ok(DataType::List(Arc::new(Field::new("item", item, true))))
            }
            "map" => self.within(|own| own.map(depth + 1)),
            "struct" => self.within(|own| own.members(depth + 1)),
            "decimal" | "dec" | "numeric" => self.decimal(),
            "char" | "varchar" | "character" => self.skip_length().map(|()| DataType::Utf8),
            word => plain(word),
        }
    }

    /// Takes what stands before one of some characters.
    fn word(&mut self, ends: &[char]) -> &str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.trim()
    }

    fn take(&mut self, wanted: char) -> Result<(), String> {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(wanted).ok_or_else(|| match rest {
            "" => format!("a `{wanted}` is missing at its end"),
            _ => format!("a `{wanted}` is missing before `{}`", cut(rest)),
        })?;
        Ok(())
    }

    fn is_next(&self, wanted: char) -> bool {
        self.rest.trim_start().starts_with(wanted)
    }

    fn within<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.take('<')?;
        let found = inner(self)?;
        self.take('>')?;
        Ok(found)
    }

    fn map(&mut self, depth: usize) -> Result<DataType, String> {
        let key = self.data_type(depth)?;
        self.take(',')?;
        let value = self.data_type(depth)?;
        let pair =
            Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
        let entries = Field::new("entries", DataType::Struct(pair), false);
        Ok(DataType::Map(Arc::new(entries), false))
    }

    fn members(&mut self, depth: usize) -> Result<DataType, String> {
        let mut members: Vec<Field> = Vec::new();
        loop {
            let name = self.word(&[':', '<', '>', ',']).trim_matches('`').to_owned();
            self.take(':')?;
            if name.is_empty() || members.iter().any(|member| *member.name() == name) {
                return Err(format!("a struct has the member {name:?} twice, or without a name"));
            }
            members.push(Field::new(name, self.data_type(depth)?, true));
            if !self.is_next(',') {
                return Ok(DataType::Struct(members.into()));
            }
            self.take(',')?;
        }
    }

    fn decimal(&mut self) -> Result<DataType, String> {
        if !self.is_next('(') {
            return Ok(DataType::Decimal128(DIGITS.0, DIGITS.1));
        }
        self.take('(')?;
        let inner = self.word(&[')']).to_owned();
        self.take(')')?;
        let (digits, scale) = inner.split_once(',').unwrap_or((&inner, "0"));
        let number = |text: &str| text.trim().parse::<u8>().ok();
        match (number(digits), number(scale)) {
            (Some(digits @ 1..=MOST_DIGITS), Some(scale)) if scale <= digits => {
                let scale = i8::try_from(scale).map_err(|_| "has too many digits".to_owned())?;
                Ok(DataType::Decimal128(digits, scale))
            }
            _ => Err(format!("`decimal({})` cannot be", cut(&inner))),
        }
    }

    fn skip_length(&mut self) -> Result<(), String> {
        if !self.is_next('(') {
            return Ok(());
        }
        self.take('(')?;
        let length = self.word(&[')']).to_owned();
        self.take(')')?;
        if length.parse::<u32>().is_ok() {
            Ok(())
        } else {
            Err(format!("`{}` is no length", cut(&length)))
        }
    }
}

fn plain(word: &str) -> Result<DataType, String> {
    Ok(match word {
        "boolean" => DataType::Boolean,
        "tinyint" | "byte" => DataType::Int8,
        "smallint" | "short" => DataType::Int16,
        "int" | "integer" => DataType::Int32,
        "bigint" | "long" => DataType::Int64,
        "float" | "real" => DataType::Float32,
        "double" | "double precision" => DataType::Float64,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "" => return Err("a type is missing".to_owned()),
        other => return Err(format!("`{}` is not read", cut(other))),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_hive() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("boolean".to_owned()),
            Just("tinyint".to_owned()),
            Just("smallint".to_owned()),
            Just("int".to_owned()),
            Just("bigint".to_owned()),
            Just("float".to_owned()),
            Just("double".to_owned()),
            Just("string".to_owned()),
            Just("binary".to_owned()),
            Just("date".to_owned()),
            Just("timestamp".to_owned()),
            (1_u8..=38, 0_u8..=38)
                .prop_filter("fits", |(digits, scale)| scale <= digits)
                .prop_map(|(digits, scale)| format!("decimal({digits},{scale})")),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|item| format!("array<{item}>")),
                (inner.clone(), inner.clone())
                    .prop_map(|(key, value)| format!("map<{key},{value}>")),
                prop::collection::btree_map("[a-z][a-zA-Z0-9_ ]{0,6}[a-z]", inner, 1..4).prop_map(
                    |members| {
                        let members: Vec<String> =
                            members.iter().map(|(name, of)| format!("{name}:{of}")).collect();
                        format!("struct<{}>", members.join(","))
                    }
                ),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_hive_writes_is_written_again(text in of_hive()) {
            let found = read(&text).expect("should be a type");
            prop_assert_eq!(written(&found, StoredAs::Orc).expect("should be written"), text);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[a-z<>:,()` 0-9]{0,40}") {
            let _ = read(&text);
        }
    }

    #[test]
    fn words_of_other_writers_are_read() {
        for (text, expected) in [
            ("INT", DataType::Int32),
            ("integer", DataType::Int32),
            ("varchar(10)", DataType::Utf8),
            ("char", DataType::Utf8),
            ("decimal", DataType::Decimal128(10, 0)),
            ("Decimal(5)", DataType::Decimal128(5, 0)),
            (" array< int > ", DataType::List(Arc::new(Field::new("item", DataType::Int32, true)))),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn timestamps_are_those_of_the_files() {
        let of =
            |text, format| in_files(&read(text).expect("should be a type"), format).to_string();
        assert_eq!(of("timestamp", Format::Parquet), "Timestamp(µs)");
        assert_eq!(of("timestamp", Format::Orc), "Timestamp(ns)");
        assert_eq!(of("array<timestamp>", Format::Orc), "List(Timestamp(ns))");
        assert_eq!(of("timestamp", Format::Avro), "Timestamp(ms, \"+00:00\")");
    }

    #[test]
    fn what_means_no_type_is_said() {
        let deep = format!("{}int{}", "array<".repeat(80), ">".repeat(80));
        for (text, why) in [
            ("", "a type is missing"),
            ("array<int", "a `>` is missing at its end"),
            ("array<int>>", "`>` stands behind its end"),
            ("struct<a:int,a:int>", "a struct has the member \"a\" twice"),
            ("decimal(39,0)", "`decimal(39,0)` cannot be"),
            ("decimal(2,3)", "`decimal(2,3)` cannot be"),
            ("uniontype<int,string>", "`uniontype` is not read"),
            ("interval_day_time", "`interval_day_time` is not read"),
            ("varchar(x)", "`x` is no length"),
            (&deep, "more than 64 types"),
        ] {
            let told = read(text).expect_err(text);
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn what_hive_lacks_names_the_cast_that_helps() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (data_type, cast) in [
            (DataType::UInt64, Some("decimal(20,0)")),
            (zoned.clone(), Some("timestamp")),
            (DataType::Time64(TimeUnit::Microsecond), Some("varchar")),
            (DataType::Null, Some("varchar")),
            (DataType::Decimal256(50, 2), Some("decimal(38,10)")),
        ] {
            assert_eq!(
                written(&data_type, StoredAs::Orc).map_err(|missing| missing.cast),
                Err(cast)
            );
        }
        let within = DataType::List(Arc::new(Field::new("item", zoned, true)));
        assert!(written(&within, StoredAs::Orc).is_err(), "also within a list");
        let of_parquet = written(&within, StoredAs::Parquet);
        assert_eq!(of_parquet, Ok("array<timestamp>".to_owned()), "they are in UTC there");
        for (name, is_read) in [("größe 1_$.x", true), ("a-b", false), ("a😀", false), ("İ", false)]
        {
            let of = DataType::Struct(vec![Field::new(name, DataType::Int8, true)].into());
            assert_eq!(written(&of, StoredAs::Orc).is_ok(), is_read, "{name}");
        }
        let odd = DataType::Struct(vec![Field::new("a:b", DataType::Int8, true)].into());
        assert_eq!(
            written(&odd, StoredAs::Orc).map_err(|lacks| lacks.what),
            Err("a struct with a member named \"a:b\"".into())
        );
    }
    #[test]
    fn what_readers_misread_in_files_is_refused() {
        use StoredAs::{Avro, Orc, Parquet};
        let at = |unit| DataType::Timestamp(unit, None);
        let word = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (data_type, misread_in) in [
            (DataType::UInt32, vec![Parquet]),
            (DataType::UInt16, vec![]),
            (at(TimeUnit::Millisecond), vec![]),
            (at(TimeUnit::Microsecond), vec![Avro]),
            (at(TimeUnit::Nanosecond), vec![Avro]),
            (DataType::FixedSizeBinary(4), vec![Avro]),
            (word, vec![Avro]),
        ] {
            let within = DataType::List(Arc::new(Field::new("item", data_type.clone(), true)));
            for of in [data_type, within] {
                let refused =
                    [Parquet, Orc, Avro].into_iter().filter(|one| written(&of, *one).is_err());
                assert_eq!(refused.collect::<Vec<_>>(), misread_in, "{of}");
            }
        }
    }
}
