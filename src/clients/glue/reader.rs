//! How the files of a table are read: as Hive's descriptors say it, and as Mason does. Pure.
//!
//! # Source
//! <https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html>

use std::collections::HashMap;

use aws_sdk_glue::types::{SerDeInfo, StorageDescriptor};

use super::hive_type::StoredAs;
use crate::engines::table::{CsvDialect, FileFormat, Format, TextEncoding};

const PARQUET: [&str; 3] = [
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
];
const ORC: [&str; 3] = [
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
];
const AVRO: [&str; 3] = [
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
];
const TEXT: [&str; 2] = [
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
];
const JSON: &str = "org.openx.data.jsonserde.JsonSerDe";
const LAZY: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
const QUOTED: &str = "org.apache.hadoop.hive.serde2.OpenCSVSerde";

/// The parameter of a table that says how many lines of each file are left out.
const SKIPPED_LINES: &str = "skip.header.line.count";
/// How text means null unless the table says otherwise.
const NULL: &str = r"\N";
/// The escape of quoted text that has none: a character that no text has. With the quote itself, which doubles it, readers
/// take a backslash for the escape.
///
/// # Source
/// `newReader` of <https://github.com/apache/hive/blob/master/serde/src/java/org/apache/hadoop/hive/serde2/OpenCSVSerde.java>
const NO_ESCAPE: char = '\u{1}';
const USUAL_ESCAPE: char = '\\';

/// How the files of a table are read, for a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) input_format: &'static str,
    pub(super) output_format: &'static str,
    pub(super) library: &'static str,
    pub(super) library_parameters: Vec<(&'static str, String)>,
    /// Parameters of the table itself.
    pub(super) parameters: Vec<(&'static str, String)>,
    /// Whether the reader gives every column as text, whatever its type.
    pub(super) is_text: bool,
    /// How names may be spelled in the files, for a reader that knows them in lower case.
    pub(super) spelling: Spelling,
    /// What the files are, for the types that are read from them.
    pub(super) stored: StoredAs,
}

/// How names may be spelled in files whose reader knows them in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// In any way: case does not count, or there are no names.
    Any,
    /// In lower case.
    LowerCase,
    /// In any way where the reader is told of it, which it is of columns alone.
    Mapped,
}

impl Described {
    fn of(words: [&'static str; 3], stored: StoredAs) -> Self {
        let [input_format, output_format, library] = words;
        Self {
            input_format,
            output_format,
            library,
            library_parameters: vec![("serialization.format", "1".to_owned())],
            parameters: Vec::new(),
            is_text: false,
            spelling: Spelling::Any,
            stored,
        }
    }

    /// Returns the words of a reader.
    pub(super) fn info(&self) -> SerDeInfo {
        let pairs = self.library_parameters.iter();
        let parameters = pairs.map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        SerDeInfo::builder()
            .serialization_library(self.library)
            .set_parameters(Some(parameters))
            .build()
    }
}

/// Returns how engines that stand on Hive's descriptors read files of a format.
///
/// # Errors
/// In words: what no such engine reads. `table/format` writes such files anew.
pub(super) fn written(format: &FileFormat) -> Result<Described, String> {
    match format.format {
        Format::Parquet => Ok(Described::of(PARQUET, StoredAs::Parquet)),
        Format::Orc => {
            let mut described = Described::of(ORC, StoredAs::Orc);
            // Athena reads columns by position unless it is told that names count.
            described.library_parameters.push(("orc.column.index.access", "false".to_owned()));
            Ok(described)
        }
        Format::Avro => {
            Ok(Described { spelling: Spelling::LowerCase, ..Described::of(AVRO, StoredAs::Avro) })
        }
        Format::Jsonl => {
            let mut described = Described::of([TEXT[0], TEXT[1], JSON], StoredAs::Lines);
            described.library_parameters.push(("case.insensitive", "FALSE".to_owned()));
            described.spelling = Spelling::Mapped;
            Ok(described)
        }
        Format::Csv => delimited(format.csv.as_ref().unwrap_or(&CsvDialect::default())),
        other => Err(format!("files of {other} are read by no engine of the catalogue")),
    }
}

fn refuse(what: &str) -> Result<Described, String> {
    Err(format!("{what} is read by no engine of the catalogue"))
}

/// Text in which quotes hold cells together: its reader gives every column as text.
fn quoted(dialect: &CsvDialect, quote: char) -> Result<Described, String> {
    if !dialect.null_tokens.is_empty() {
        return refuse("quoted text in which a word means null");
    }
    Ok(Described {
        is_text: true,
        library_parameters: vec![
            ("separatorChar", dialect.delimiter.clone()),
            ("quoteChar", quote.to_string()),
            ("escapeChar", dialect.escape.unwrap_or(NO_ESCAPE).to_string()),
        ],
        ..Described::of([TEXT[0], TEXT[1], QUOTED], StoredAs::Lines)
    })
}

/// Text without quotes.
fn plain(dialect: &CsvDialect) -> Result<Described, String> {
    let null = match dialect.null_tokens.as_slice() {
        [] => NULL,
        [token] => token.as_str(),
        _ => return refuse("text in which several words mean null"),
    };
    let mut described = Described::of([TEXT[0], TEXT[1], LAZY], StoredAs::Lines);
    described.library_parameters.extend([
        ("field.delim", dialect.delimiter.clone()),
        ("serialization.null.format", null.to_owned()),
    ]);
    let escape = dialect.escape.map(|escape| ("escape.delim", escape.to_string()));
    described.library_parameters.extend(escape);
    Ok(described)
}

fn delimited(dialect: &CsvDialect) -> Result<Described, String> {
    let mut characters = dialect.delimiter.chars();
    let (Some(_), None) = (characters.next(), characters.next()) else {
        return refuse("a delimiter of several characters");
    };
    if dialect.encoding != TextEncoding::Utf8 {
        return refuse("text in another encoding than UTF-8");
    }
    if dialect.comment.is_some() {
        return refuse("text with lines of comments");
    }
    if dialect.decimal != '.' {
        return refuse("text with a comma in its numbers");
    }
    let mut described =
        dialect.quote.map_or_else(|| plain(dialect), |quote| quoted(dialect, quote))?;
    let skipped = dialect.skip_rows + u64::from(dialect.header);
    if skipped > 0 {
        described.parameters.push((SKIPPED_LINES, skipped.to_string()));
    }
    Ok(described)
}

/// Returns how the files of a table are read, and what a reader should know of it.
///
/// # Errors
/// In words: a reader that is not known here, or one whose settings no file can be read with.
pub(super) fn read(
    descriptor: &StorageDescriptor,
    parameters: Option<&HashMap<String, String>>,
    columns: &[String],
) -> Result<(FileFormat, Vec<String>), String> {
    let input = descriptor.input_format.as_deref().unwrap_or_default().to_ascii_lowercase();
    let info = descriptor.serde_info.as_ref();
    let library = info.and_then(|info| info.serialization_library.as_deref()).unwrap_or_default();
    let of = |format| Ok((FileFormat::of(format), Vec::new()));
    match library.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        _ if input.contains("parquet") => of(Format::Parquet),
        _ if input.contains("orcinputformat") => of(Format::Orc),
        _ if input.contains("avro") => of(Format::Avro),
        "parquethiveserde" => of(Format::Parquet),
        "orcserde" => of(Format::Orc),
        "avroserde" => of(Format::Avro),
        _ if !input.is_empty() && !input.ends_with("textinputformat") => {
            Err(format!("its files are read by `{input}`, which is not known"))
        }
        "jsonserde" if has_dots(info) => {
            Err("its reader takes `_` in names for dots (`dots.in.keys`), which is not done here".to_owned())
        }
        "jsonserde" if is_exact(info) => of(Format::Jsonl),
        "jsonserde" => Err(
            "its reader ignores the case of names (`case.insensitive` is not FALSE), and Mason does not; table/infer \
             with mode=replace registers the names as they are spelled"
                .to_owned(),
        ),
        "lazysimpleserde" => text(&Settings { info, parameters, columns }, Kind::Plain),
        "opencsvserde" => text(&Settings { info, parameters, columns }, Kind::Quoted),
        "" => Err("it does not say how its files are read".to_owned()),
        _ => Err(format!("its rows are read by `{library}`, which is not known")),
    }
}

/// Returns whether names count as they are spelled.
fn is_exact(info: Option<&SerDeInfo>) -> bool {
    let word = info.and_then(|info| info.parameters.as_ref()?.get("case.insensitive"));
    word.is_some_and(|word| word.eq_ignore_ascii_case("false"))
}

fn has_dots(info: Option<&SerDeInfo>) -> bool {
    let word = info.and_then(|info| info.parameters.as_ref()?.get("dots.in.keys"));
    word.is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

/// Returns the name that a column has in rows of JSON.
pub(super) fn spelled<'a>(info: Option<&'a SerDeInfo>, column: &'a str) -> &'a str {
    let parameters = info.and_then(|info| info.parameters.as_ref());
    let spelled = parameters.and_then(|all| all.get(&format!("mapping.{column}")));
    spelled.map_or(column, String::as_str)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Quoted,
}

/// What a table says of its text.
struct Settings<'a> {
    info: Option<&'a SerDeInfo>,
    parameters: Option<&'a HashMap<String, String>>,
    columns: &'a [String],
}

impl Settings<'_> {
    fn of_library(&self, key: &str) -> Option<&str> {
        Some(self.info?.parameters.as_ref()?.get(key)?.as_str())
    }

    fn of_table(&self, key: &str) -> Option<&str> {
        Some(self.parameters?.get(key)?.as_str())
    }
}

fn text(settings: &Settings<'_>, kind: Kind) -> Result<(FileFormat, Vec<String>), String> {
    let one = |key: &str, fallback: Option<char>| match settings.of_library(key) {
        None | Some("") => Ok(fallback),
        Some(text) => one_character(text)
            .map(Some)
            .ok_or_else(|| format!("its `{key}` {text:?} is not one character")),
    };
    for (key, usual) in
        [("serialization.encoding", ["utf-8", "utf8"]), ("line.delim", ["\n", "\\n"])]
    {
        if let Some(other) = settings.of_library(key)
            && !usual.contains(&other.to_ascii_lowercase().as_str())
        {
            return Err(format!("its `{key}` {other:?} is not read"));
        }
    }
    let skipped = settings.of_table(SKIPPED_LINES).unwrap_or("0");
    let skip_rows =
        skipped.parse().map_err(|_| format!("its `{SKIPPED_LINES}` {skipped:?} is no number"))?;
    if settings.of_table("skip.footer.line.count").is_some_and(|lines| lines != "0") {
        return Err("it leaves out the last lines of its files, which is not done here".to_owned());
    }
    let dialect = CsvDialect {
        header: false,
        skip_rows,
        columns: settings.columns.to_vec(),
        ..CsvDialect::default()
    };
    let dialect = match kind {
        Kind::Quoted => CsvDialect {
            delimiter: one("separatorChar", Some(','))?.map_or_else(String::new, String::from),
            quote: one("quoteChar", Some('"'))?,
            escape: one("escapeChar", Some(USUAL_ESCAPE))?
                .map(|escape| if escape == '"' { USUAL_ESCAPE } else { escape })
                .filter(|escape| *escape != NO_ESCAPE),
            ..dialect
        },
        Kind::Plain => {
            let format = one("serialization.format", Some('\u{1}'))?;
            CsvDialect {
                delimiter: one("field.delim", format)?.map_or_else(String::new, String::from),
                quote: None,
                escape: one("escape.delim", None)?,
                null_tokens: vec![
                    settings.of_library("serialization.null.format").unwrap_or(NULL).to_owned(),
                ],
                ..dialect
            }
        }
    };
    // A quote that escapes itself is doubled, as it is without an escape.
    let escape = dialect.escape.filter(|escape| Some(*escape) != dialect.quote);
    let csv = CsvDialect { escape, ..dialect };
    let notes = vec!["empty cells are read as null, also where the column is text".to_owned()];
    Ok((FileFormat { csv: Some(csv), ..FileFormat::of(Format::Csv) }, notes))
}

/// Returns the character that a setting names: itself, or its number as Hive writes it.
fn one_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) if !only.is_ascii_digit() => Some(only),
        _ => match text {
            "\\t" => Some('\t'),
            _ => text.parse::<u8>().ok().filter(u8::is_ascii).map(char::from),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(described: &Described) -> StorageDescriptor {
        StorageDescriptor::builder()
            .input_format(described.input_format)
            .output_format(described.output_format)
            .serde_info(described.info())
            .build()
    }

    fn again(format: &FileFormat) -> FileFormat {
        let described = written(format).expect("should be written");
        let pairs = described.parameters.iter();
        let parameters = pairs.map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let columns = ["a".to_owned(), "b".to_owned()];
        read(&descriptor(&described), Some(&parameters), &columns).expect("should be read").0
    }

    fn csv(dialect: CsvDialect) -> FileFormat {
        FileFormat { csv: Some(dialect), ..FileFormat::of(Format::Csv) }
    }

    #[test]
    fn what_is_written_is_read_so() {
        for format in [Format::Parquet, Format::Orc, Format::Avro, Format::Jsonl] {
            assert_eq!(again(&FileFormat::of(format)), FileFormat::of(format));
        }
        let quoted = CsvDialect { delimiter: ";".to_owned(), ..CsvDialect::default() };
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let by_position = CsvDialect { header: false, skip_rows: 1, columns, ..quoted.clone() };
        assert_eq!(again(&csv(quoted)), csv(by_position.clone()), "the header is a line like any");
        let plain = CsvDialect {
            header: false,
            quote: None,
            escape: Some('\\'),
            null_tokens: vec![NULL.to_owned()],
            ..CsvDialect::default()
        };
        let by_position = CsvDialect { columns: by_position.columns, ..plain.clone() };
        assert_eq!(again(&csv(plain)), csv(by_position));
    }

    #[test]
    fn what_no_engine_reads_is_refused_in_words() {
        let of = |dialect| written(&csv(dialect)).expect_err("should be refused");
        let usual = CsvDialect::default;
        assert!(
            of(CsvDialect { delimiter: "||".to_owned(), ..usual() })
                .starts_with("a delimiter of several")
        );
        assert!(
            of(CsvDialect { encoding: TextEncoding::Latin1, ..usual() })
                .starts_with("text in another encoding")
        );
        assert!(of(CsvDialect { decimal: ',', ..usual() }).starts_with("text with a comma"));
        let words = vec!["NA".to_owned(), "-".to_owned()];
        let several = CsvDialect { quote: None, null_tokens: words, ..usual() };
        assert!(of(several).starts_with("text in which several words mean null"));
        for format in [Format::Json, Format::Msgpack, Format::Arrow] {
            let told = written(&FileFormat::of(format)).expect_err("should be refused");
            assert!(told.contains("read by no engine"), "{told}");
        }
    }

    fn told(input: &str, library: &str, parameters: &[(&str, &str)]) -> Result<FileFormat, String> {
        let mut info = SerDeInfo::builder().serialization_library(library);
        for (key, value) in parameters {
            info = info.parameters(*key, *value);
        }
        let descriptor =
            StorageDescriptor::builder().input_format(input).serde_info(info.build()).build();
        read(&descriptor, None, &[]).map(|(format, _)| format)
    }

    #[test]
    fn tables_of_other_programs_are_read() {
        let delimiter = |found: Result<FileFormat, String>| {
            found.expect("should be read").csv.expect("is delimited").delimiter
        };
        assert_eq!(delimiter(told(TEXT[0], LAZY, &[])), "\u{1}");
        assert_eq!(delimiter(told(TEXT[0], LAZY, &[("serialization.format", "1")])), "\u{1}");
        let both = [("field.delim", "\t"), ("serialization.format", "\t")];
        assert_eq!(delimiter(told(TEXT[0], LAZY, &both)), "\t");
        assert_eq!(delimiter(told(TEXT[0], QUOTED, &[("separatorChar", "|")])), "|");
        let escape = |found: Result<FileFormat, String>| {
            found.expect("should be read").csv.expect("is delimited").escape
        };
        assert_eq!(escape(told(TEXT[0], QUOTED, &[])), Some('\\'));
        assert_eq!(escape(told(TEXT[0], QUOTED, &[("escapeChar", "\"")])), Some('\\'));
        assert_eq!(escape(told(TEXT[0], QUOTED, &[("escapeChar", "\u{1}")])), None);
        let odd = told("com.example.TextInputFormats", LAZY, &[]).expect_err("is not known");
        assert!(odd.contains("`com.example.textinputformats`"), "{odd}");
        let odd = told(TEXT[0], "org.apache.hadoop.hive.serde2.RegexSerDe", &[]);
        assert!(odd.expect_err("is not known").contains("RegexSerDe`, which is not known"));
        let odd = told(TEXT[0], LAZY, &[("field.delim", "||")]).expect_err("is not one");
        assert!(odd.contains("`field.delim` \"||\" is not one character"), "{odd}");
        assert!(told("", "", &[]).expect_err("says nothing").contains("does not say"));
    }
}
