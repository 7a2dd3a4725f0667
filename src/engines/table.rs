//! Databases, tables, and the files a table is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::bad_rows::Bad;
use super::partitions::PartitionsRead;
use super::schema::{ColumnType, Schema, SchemaConflict, SchemaFound};

/// A database of a metastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Where its managed tables are kept.
    pub location: String,
    /// How many tables it has, if the metastore says so cheaply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<u64>,
}

/// A table's name within a metastore. Names are compared without regard to ASCII case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableName {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.database, self.table)
    }
}

/// A path on a storage client: UTF-8, relative to the client's root, parts separated by `/`; never
/// begins with `/`, never has an empty, `.` or `..` part. A trailing `/` is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoragePath(String);

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path below the root: {reason}")]
pub struct PathError {
    /// The text, cut to 120 characters.
    pub path: String,
    /// Why.
    pub reason: &'static str,
}

impl StoragePath {
    /// Most bytes a path may have.
    pub const MAX_BYTES: usize = 1024;

    /// Checks a text.
    ///
    /// # Errors
    /// When it is absolute, longer than 1024 bytes, has an empty, `.` or `..` part, or a control character.
    pub fn new(text: &str) -> Result<Self, PathError> {
        let refuse = |reason| Err(PathError { path: text.chars().take(120).collect(), reason });
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        if trimmed.is_empty() {
            return refuse("it is empty");
        }
        if trimmed.len() > Self::MAX_BYTES {
            return refuse("it is longer than 1024 bytes");
        }
        if trimmed.starts_with('/') {
            return refuse("it is absolute");
        }
        if trimmed.chars().any(char::is_control) {
            return refuse("it has a control character");
        }
        for part in trimmed.split('/') {
            match part {
                "" => return refuse("it has an empty part"),
                "." | ".." => return refuse("it has a `.` or `..` part"),
                part if part.len() > 255 => return refuse("a part is longer than 255 bytes"),
                _ => {}
            }
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the path with one more part or more below it.
    ///
    /// # Errors
    /// As [`StoragePath::new`].
    pub fn join(&self, below: &str) -> Result<Self, PathError> {
        Self::new(&format!("{}/{below}", self.0))
    }
}

impl TryFrom<String> for StoragePath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(&text)
    }
}

impl From<StoragePath> for String {
    fn from(path: StoragePath) -> Self {
        path.0
    }
}

impl fmt::Display for StoragePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A file as it was when it was looked at. Reading a file that is no longer so is an error naming it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedFile {
    /// Where it is.
    pub path: StoragePath,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last modified, nanoseconds since 1970.
    pub modified_ns: i64,
    /// What the storage says identifies this content (etag, inode); compared when present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Values of the partition keys from the path, in the order of the keys; `None` is a null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_values: Vec<Option<String>>,
}

/// The formats Mason knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Text with delimiters.
    Csv,
    /// One JSON document per file: an object, or an array of objects.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// Apache Avro object container files.
    Avro,
    /// Apache ORC.
    Orc,
    /// A sequence of MessagePack maps, or one array of maps.
    Msgpack,
    /// Arrow IPC, file or stream.
    Arrow,
    /// Excel workbook (written only).
    Xlsx,
}

impl Format {
    /// Every format, in the order of the docs.
    pub const ALL: [Self; 9] = [
        Self::Parquet,
        Self::Csv,
        Self::Json,
        Self::Jsonl,
        Self::Avro,
        Self::Orc,
        Self::Msgpack,
        Self::Arrow,
        Self::Xlsx,
    ];

    /// Returns the word used in parameters and as file ending.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Avro => "avro",
            Self::Orc => "orc",
            Self::Msgpack => "msgpack",
            Self::Arrow => "arrow",
            Self::Xlsx => "xlsx",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How the bytes of a table's files become rows. Everything execution needs to read exactly as
/// inference did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileFormat {
    /// The format.
    pub format: Format,
    /// How delimited text is read; present for [`Format::Csv`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvDialect>,
    /// Types of columns that are stated; those of the other columns are found in their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, ColumnType>,
}

impl FileFormat {
    /// Returns how files of a format are read that needs no further words.
    #[must_use]
    pub fn of(format: Format) -> Self {
        Self { format, csv: None, types: BTreeMap::new() }
    }
}

/// Compression around a file's bytes; found by content, per file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// gzip, one member or many.
    Gzip,
    /// Zstandard, one frame or many.
    Zstd,
    /// bzip2, one stream or many.
    Bzip2,
    /// xz, one stream or many.
    Xz,
}

/// How delimited text is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CsvDialect {
    /// What separates cells; one character or several.
    pub delimiter: String,
    /// Whether the first record holds the column names.
    pub header: bool,
    /// What quotes a cell; doubled within it. `None`: quotes are characters like any other.
    #[serde(default = "double_quote")]
    pub quote: Option<char>,
    /// What makes a quote, itself, a delimiter or a line end behind it a part of the cell, within
    /// quotes and outside; before anything else it is a character like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    /// How lines begin that are left out; one character or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How many lines are left out before the first record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip_rows: u64,
    /// The bytes' encoding.
    pub encoding: TextEncoding,
    /// Unquoted cells that mean null, besides the empty cell.
    pub null_tokens: Vec<String>,
    /// What stands before the fraction of a number, `.` or `,`.
    #[serde(default = "point", skip_serializing_if = "is_point")]
    pub decimal: char,
    /// The names of the columns by their position, where a declaration and not a header gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

fn point() -> char {
    '.'
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_point(decimal: &char) -> bool {
    *decimal == point()
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field that it is the default of")]
fn double_quote() -> Option<char> {
    Some('"')
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Default for CsvDialect {
    /// Returns the dialect that Mason writes: commas, a header, double quotes, UTF-8.
    fn default() -> Self {
        Self {
            delimiter: ",".to_owned(),
            header: true,
            quote: double_quote(),
            escape: None,
            comment: None,
            skip_rows: 0,
            encoding: TextEncoding::Utf8,
            null_tokens: Vec::new(),
            decimal: point(),
            columns: Vec::new(),
        }
    }
}

/// Encodings of text. All but UTF-8 are converted, and the result says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// ISO 8859-1 (read as windows-1252, as the WHATWG encoding standard has it).
    Latin1,
    /// Found in the bytes of each file, since files of the table have other ones than UTF-8.
    PerFile,
    /// Another encoding of the WHATWG encoding standard.
    #[serde(untagged)]
    Other(OtherEncoding),
}

impl TextEncoding {
    /// Returns the encoding that a label of the WHATWG encoding standard means.
    ///
    /// # Source
    /// <https://encoding.spec.whatwg.org/#names-and-labels>
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let found = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?;
        Some(if found == encoding_rs::UTF_8 {
            Self::Utf8
        } else if found == encoding_rs::UTF_16LE {
            Self::Utf16Le
        } else if found == encoding_rs::UTF_16BE {
            Self::Utf16Be
        } else if found == encoding_rs::WINDOWS_1252 {
            Self::Latin1
        } else {
            Self::Other(OtherEncoding(found))
        })
    }

    /// Returns what converts it; that of UTF-8 where each file has its own.
    #[must_use]
    pub fn as_encoding(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 | Self::PerFile => encoding_rs::UTF_8,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Latin1 => encoding_rs::WINDOWS_1252,
            Self::Other(other) => other.0,
        }
    }
}

/// An encoding that is never detected, only stated. It is written as its name: `Shift_JIS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OtherEncoding(&'static encoding_rs::Encoding);

impl TryFrom<String> for OtherEncoding {
    type Error = String;

    fn try_from(label: String) -> Result<Self, Self::Error> {
        match TextEncoding::from_label(&label) {
            Some(TextEncoding::Other(other)) => Ok(other),
            _ => Err(format!("{label:?} is not the name of an encoding")),
        }
    }
}

impl From<OtherEncoding> for String {
    fn from(encoding: OtherEncoding) -> Self {
        encoding.0.name().to_owned()
    }
}

/// What sort of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TableKind {
    /// Written by Mason; its files go when it is deleted.
    Managed,
    /// Declared over files that Mason does not keep; they stay when it is deleted, unless asked for.
    External,
    /// Found in the storage without a declaration.
    Discovered,
}

/// A version of a table: grows with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableVersion(pub u64);

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// What sort of table it is.
    pub kind: TableKind,
    /// Where its files are: folders, files or globs below the storage's root.
    pub locations: Vec<String>,
    /// How its files are read.
    pub format: FileFormat,
    /// Its columns, partition keys last.
    pub schema: Schema,
    /// Names of the columns that come from the path, in the order of the path.
    pub partition_keys: Vec<String>,
    /// How the schema was found.
    pub found: SchemaFound,
    /// The version, where the metastore keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
    /// The files, as of the look-up.
    pub files: Vec<PinnedFile>,
    /// How many of its partitions `files` are of, where it has partition keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionsRead>,
    /// How many files are below its locations which the metastore counts among none of its partitions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unregistered: u64,
    /// How many rows, where it is known without reading the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// What was bad when the files of an undeclared table were looked at: null, or not a part of
    /// `files` and `rows`.
    #[serde(default, skip_serializing_if = "Bad::is_none")]
    pub bad: Bad,
    /// What a reader should know: conversions, skipped empty files, detected headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Columns of text with what kept each from the type that most of its values are of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub why_text: BTreeMap<String, String>,
}

impl Table {
    /// Returns the size of all files.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// What a look-up of a table found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TableLookup {
    /// A table that can be read.
    Table(Box<Table>),
    /// Its files disagree.
    Conflicting(Box<ConflictingTable>),
    /// Only a job can say more.
    Unread(UnreadTable),
}

/// A table that a job has to look at, where it reads: it is not declared, or it has more files than
/// [`Engines::MOST_FILES`](super::Engines::MOST_FILES).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadTable {
    /// Its name.
    pub name: TableName,
    /// What sort of table it is.
    pub kind: TableKind,
    /// Where its files are.
    pub locations: Vec<String>,
    /// The version, where the metastore keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TableVersion>,
}

/// A table whose files disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictingTable {
    /// Its name.
    pub name: TableName,
    /// Where its files are.
    pub locations: Vec<String>,
    /// How its files are read.
    pub format: FileFormat,
    /// How they disagree.
    pub conflict: SchemaConflict,
    /// Each file with the index of its schema in `conflict.schemas`.
    pub files: Vec<(PinnedFile, u32)>,
    /// Names of the columns that come from the path.
    pub partition_keys: Vec<String>,
    /// How the schemas were found.
    pub found: SchemaFound,
    /// What was bad when the files were looked at.
    #[serde(default, skip_serializing_if = "Bad::is_none")]
    pub bad: Bad,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{CsvDialect, StoragePath};

    #[test]
    fn dialects_of_older_declarations_are_read() {
        let read = |text| serde_json::from_str::<CsvDialect>(text).expect("should be a dialect");
        let old =
            r#"{"delimiter":",","header":true,"quote":"\"","encoding":"utf8","nullTokens":[]}"#;
        assert_eq!(read(old), CsvDialect::default());
        assert_eq!(serde_json::to_string(&CsvDialect::default()).expect("should be JSON"), old);
        let unquoted = CsvDialect { quote: None, skip_rows: 2, ..CsvDialect::default() };
        let text = serde_json::to_string(&unquoted).expect("should be JSON");
        assert_eq!(read(&text), unquoted, "{text}");
    }

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(StoragePath::new("a/b/").expect("should be a path").as_str(), "a/b");
        for bad in ["", "/", "/etc", "a//b", "../a", "a/../b", "a/.", "a\0b", "a\nb"] {
            assert!(StoragePath::new(bad).is_err(), "{bad:?} should be refused");
        }
        assert!(StoragePath::new(&"a/".repeat(600)).is_err());
    }
}
