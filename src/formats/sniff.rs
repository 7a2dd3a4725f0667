//! Finds format, compression and dialect by content and name.

use serde::de::IgnoredAny;

use super::bytes::read_prefix;
use super::compression;
use super::csv::dialect::{self, Stated};
use super::csv::header::Header;
use super::csv::sample::Beginning;
use super::error::FormatError;
use super::text_detection::{self, Detected};
use super::{endings, text_encoding};
use crate::engines::files::ByteSource;
use crate::engines::reading::{Concerns, NAMES_DETECTED, Reading};
use crate::engines::table::{Compression, CsvDialect, FileFormat, Format, TextEncoding};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// Format and dialect.
    pub format: FileFormat,
    /// Compression around it.
    pub compression: Compression,
    /// What a reader should know: a detected header, a converted encoding.
    pub notes: Vec<String>,
    /// Why it cannot be told whether delimited text has a header. It is then read without one, which
    /// is right only if other files of its table show it.
    pub unsure: Option<String>,
    /// Whether the encoding of its text is stated.
    pub encoding_is_stated: bool,
}

/// Bytes of the beginning, decompressed, that are looked at.
const BEGINNING: usize = 256 * 1024;

/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// What the content shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// By its magic number.
    Binary(Format),
    /// An Excel workbook or another zip archive.
    Zip,
    /// One JSON document.
    Json,
    /// JSON objects, one after the other.
    JsonLines,
    /// Text that is not JSON.
    Text,
    /// None of these.
    Unknown,
}

/// What the name states.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named<'a> {
    format: Option<Format>,
    ending: &'a str,
    delimiter: Option<&'static str>,
    compression: Option<Compression>,
    /// Whether the format is that of `input_format`, whatever the name says.
    is_given: bool,
}

impl Named<'_> {
    /// Returns who states the format, for messages.
    fn states(&self) -> String {
        if self.is_given {
            return "`input_format` states".to_owned();
        }
        format!("its name ends with `.{}` and states", self.ending)
    }
}

fn named(path: &str) -> Named<'_> {
    let file = path.rsplit('/').next().unwrap_or_default();
    let mut parts = file.rsplit('.');
    let mut named = Named::default();
    let last = parts.next().unwrap_or_default();
    named.compression = compression::by_ending(&last.to_ascii_lowercase());
    named.ending =
        if named.compression.is_some() { parts.next().unwrap_or_default() } else { last };
    if named.ending.len() == file.len() {
        // A name without a dot has no ending.
        named.ending = "";
    }
    if let Some((format, delimiter)) = endings::format_of(named.ending) {
        (named.format, named.delimiter) = (Some(format), delimiter);
    }
    named
}

/// Returns what a file is, where each part of `reading` that is given is used as it is; `None` for a
/// file without content (0 bytes, or only white space or a byte order mark).
///
/// # Errors
/// `Unrecognised` when the content is of no known format or its name says another; both are named.
pub fn sniff(source: &dyn ByteSource, reading: &Reading) -> Result<Option<Sniffed>, FormatError> {
    if source.size() == 0 {
        return Ok(None);
    }
    let path = source.path();
    let named = match reading.format {
        None => named(path),
        Some(_) => Named { format: reading.format, is_given: true, ..named(path) },
    };
    // Of many files the footers are read, and little else: their first bytes say enough.
    if read_prefix(source, PARQUET.len())? == PARQUET {
        let start = Start { bytes: PARQUET, whole: false };
        let content = Content::Binary(Format::Parquet);
        let looked = Looked { content, start, text: "" };
        let format = FileFormat::of(agree(path, &looked, &named, reading)?);
        let notes = notes(Format::Parquet, &named, Compression::None);
        let compression = Compression::None;
        let unsure = None;
        let encoding_is_stated = false;
        return Ok(Some(Sniffed { format, compression, notes, unsure, encoding_is_stated }));
    }
    let (compression, mut reader) = compression::open(source)?;
    let mut beginning = vec![0; BEGINNING];
    let count = text_encoding::fill(&mut reader, &mut beginning)
        .map_err(|source| FormatError::reading(path, source))?;
    beginning.truncate(count);
    let beginning = Start { bytes: &beginning, whole: count < BEGINNING };
    let encoding = encoding(source, beginning, &named, reading)?;
    let text = encoding.map(|encoding| beginning.text(encoding));
    if beginning.bytes.is_empty() || text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let content = content(beginning, text.as_deref());
    let looked = Looked { content, start: beginning, text: text.as_deref().unwrap_or_default() };
    let format = agree(path, &looked, &named, reading)?;
    let mut sniffed = Sniffed {
        format: FileFormat::of(format),
        compression,
        notes: notes(format, &named, compression),
        unsure: None,
        encoding_is_stated: reading.encoding.is_some(),
    };
    match (format, encoding, text) {
        (Format::Csv, Some(encoding), Some(text)) => {
            let text = Beginning { text: &text, whole: beginning.whole };
            sniffed.notes.extend(text_encoding::note(encoding));
            delimited(&mut sniffed, path, text, encoding, (reading, &named))?;
        }
        (Format::Json | Format::Jsonl, Some(encoding), _) => {
            sniffed.notes.extend(text_encoding::note(encoding));
        }
        (Format::Parquet | Format::Orc, ..) if compression != Compression::None => {
            let message = format!(
                "{format} files are read at random places and must not be compressed as a whole"
            );
            return Err(unrecognised(path, message));
        }
        _ => {}
    }
    if Concerns::WithoutTypes.includes(format) {
        sniffed.format.types.clone_from(&reading.types);
    }
    Ok(Some(sniffed))
}

fn unrecognised(path: &str, message: impl Into<String>) -> FormatError {
    FormatError::Unrecognised { path: path.to_owned(), message: message.into() }
}

#[derive(Clone, Copy)]
struct Start<'a> {
    bytes: &'a [u8],
    whole: bool,
}

/// Returns the encoding of text; `None` when it is none, or in one that has to be stated. Where the
/// beginning is not UTF-8, all of the file decides.
fn encoding(
    source: &dyn ByteSource,
    start: Start<'_>,
    named: &Named<'_>,
    reading: &Reading,
) -> Result<Option<TextEncoding>, FormatError> {
    // A mark goes before what is stated, and that before everything else.
    if let Some(stated) = reading.encoding.filter(|stated| *stated != TextEncoding::PerFile) {
        if let Some(why) = text_encoding::contradiction(stated, start.bytes) {
            return Err(FormatError::broken(source.path(), "text", why));
        }
        let by_mark = text_encoding::by_mark(start.bytes).map(|(encoding, _)| encoding);
        return Ok(by_mark.or(Some(stated)));
    }
    let is_text = named.format == Some(Format::Csv) || reading.states_delimited_text();
    let detected = match text_detection::detect(start.bytes, start.whole, is_text) {
        Detected::Text(TextEncoding::Latin1) | Detected::Other if !start.whole => {
            text_detection::of_file(source)?
        }
        detected => detected,
    };
    Ok(match detected {
        Detected::Text(encoding) => Some(encoding),
        Detected::Other | Detected::Binary => None,
    })
}

impl Start<'_> {
    /// Returns the text; a character cut at the end is left out.
    fn text(self, encoding: TextEncoding) -> String {
        let skipped = text_encoding::by_mark(self.bytes).map_or(0, |(_, length)| length);
        let bytes = &self.bytes[skipped..];
        let text = match encoding {
            TextEncoding::Utf8 | TextEncoding::PerFile => {
                let cut = match std::str::from_utf8(bytes) {
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    _ => bytes.len(),
                };
                String::from_utf8_lossy(&bytes[..cut]).into_owned()
            }
            other => other.as_encoding().decode_without_bom_handling(bytes).0.into_owned(),
        };
        match text.strip_suffix(char::from(text_encoding::END_MARK)) {
            Some(_) if self.whole => {
                text.trim_end_matches(char::from(text_encoding::END_MARK)).to_owned()
            }
            _ => text,
        }
    }
}

fn content(start: Start<'_>, text: Option<&str>) -> Content {
    match start.bytes {
        [b'P', b'A', b'R', b'1', ..] => return Content::Binary(Format::Parquet),
        [b'O', b'b', b'j', 1, ..] => return Content::Binary(Format::Avro),
        [b'O', b'R', b'C', rest @ ..] if text.is_none() || rest.is_empty() => {
            return Content::Binary(Format::Orc);
        }
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..]
        | [0xff, 0xff, 0xff, 0xff, _, _, _, _, ..] => return Content::Binary(Format::Arrow),
        [b'P', b'K', 3, 4, ..] => return Content::Zip,
        _ => {}
    }
    match text {
        Some(text) => json(text, start.whole).unwrap_or_else(|| {
            // Text in Latin-1 may also be MessagePack.
            let plausible = start.bytes.first().is_some_and(|byte| *byte >= 0x80)
                && std::str::from_utf8(start.bytes).is_err()
                && super::msgpack::is_rows(start.bytes, start.whole);
            if plausible { Content::Binary(Format::Msgpack) } else { Content::Text }
        }),
        None if super::msgpack::is_rows(start.bytes, start.whole) => {
            Content::Binary(Format::Msgpack)
        }
        None => Content::Unknown,
    }
}

/// Returns how a text is JSON, if it is.
fn json(text: &str, whole: bool) -> Option<Content> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(trimmed).into_iter::<IgnoredAny>();
    match values.next()? {
        Err(error) if error.is_eof() && !whole => Some(Content::Json),
        Err(_) => None,
        Ok(_) => {
            let rest = trimmed.get(values.byte_offset()..).unwrap_or_default();
            let alone = rest.trim().is_empty();
            if alone || trimmed.starts_with('[') {
                return Some(Content::Json);
            }
            Some(Content::JsonLines)
        }
    }
}

/// What was seen of a file.
struct Looked<'a> {
    content: Content,
    start: Start<'a>,
    /// Its beginning as text; empty when it is none.
    text: &'a str,
}

/// Returns the format if content and name agree on it.
fn agree(
    path: &str,
    looked: &Looked<'_>,
    named: &Named<'_>,
    reading: &Reading,
) -> Result<Format, FormatError> {
    let disagree = |found: &str| {
        let stated = named
            .format
            .map_or_else(String::new, |format| format!("{} {format}, but ", named.states()));
        Err(unrecognised(path, format!("{stated}its content is {found}")))
    };
    let json = matches!(named.format, None | Some(Format::Json | Format::Jsonl));
    match looked.content {
        Content::Zip if named.format == Some(Format::Xlsx) || is_workbook(looked.start.bytes) => {
            Err(unrecognised(path, "Excel workbooks are written, but not read: save it as CSV"))
        }
        Content::Zip if named.format.is_none() => {
            let message = "its content is a zip archive, which may hold many files: unpack it, or \
                           compress the file with gzip, zstd, bzip2 or xz";
            Err(unrecognised(path, message))
        }
        Content::Zip => disagree("a zip archive"),
        Content::Binary(found) if named.format.is_none_or(|stated| stated == found) => Ok(found),
        Content::Binary(found) => disagree(found.as_str()),
        Content::JsonLines if named.is_given && named.format == Some(Format::Json) => {
            disagree("several JSON objects one after the other, which is jsonl")
        }
        Content::Json
            if named.is_given
                && named.format == Some(Format::Jsonl)
                && !is_one_line(looked.text) =>
        {
            disagree("one JSON document")
        }
        // One line of JSON lines is a JSON document, too.
        Content::Json if json => Ok(match named.format {
            Some(Format::Jsonl) if is_one_line(looked.text) => Format::Jsonl,
            _ => Format::Json,
        }),
        Content::JsonLines if json => Ok(Format::Jsonl),
        Content::Json | Content::JsonLines => disagree("json"),
        Content::Text => plain_text(path, looked, named, reading),
        Content::Unknown if named.format == Some(Format::Msgpack) => Ok(Format::Msgpack),
        Content::Unknown => disagree(&unknown(looked.start)),
    }
}

/// Whether a zip archive begins with a part of an Excel workbook.
fn is_workbook(bytes: &[u8]) -> bool {
    let name = bytes.get(30..).unwrap_or_default();
    [b"[Content_Types].xml".as_slice(), b"xl/", b"_rels/", b"docProps/"]
        .iter()
        .any(|part| name.starts_with(part))
}

/// Returns what bytes are that are no text and of no known format.
fn unknown(start: Start<'_>) -> String {
    let zero = memchr::memchr(0, start.bytes);
    let Some(zero) = zero else {
        let detected = text_detection::detect(start.bytes, start.whole, true);
        let is_text = detected == Detected::Other;
        let other = format!("text in an unknown encoding ({})", text_detection::NEITHER);
        return if is_text { other } else { "binary and of no known format".to_owned() };
    };
    let line = memchr::memchr_iter(b'\n', &start.bytes[..zero]).count() + 1;
    format!("binary and of no known format: its byte {} (in line {line}) is zero", zero + 1)
}

/// Whether a JSON document is an object in one line, as JSON lines are.
fn is_one_line(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('{') && !text.contains(['\r', '\n'])
}

/// Returns the format of text that is not JSON, or not whole JSON.
fn plain_text(
    path: &str,
    looked: &Looked<'_>,
    named: &Named<'_>,
    reading: &Reading,
) -> Result<Format, FormatError> {
    let begins_as_json = looked.text.trim_start().starts_with(['{', '[']);
    match named.format {
        Some(Format::Csv) => Ok(Format::Csv),
        // Reading it will say where it is broken.
        Some(format @ (Format::Json | Format::Jsonl)) if begins_as_json => Ok(format),
        Some(stated) => Err(unrecognised(
            path,
            format!("{} {stated}, but its content is text that is not {stated}", named.states()),
        )),
        // How its cells are told apart is stated, so it has cells.
        None if reading.states_delimited_text() => Ok(Format::Csv),
        None => {
            let beginning = Beginning { text: looked.text, whole: looked.start.whole };
            let found = dialect::find(beginning, stated(reading, named));
            if found.rows.len() > 1 && found.cells.is_some_and(|cells| cells > 1) {
                return Ok(Format::Csv);
            }
            if let Some(problem) = found.problem {
                return Err(not_delimited(path, problem));
            }
            let (what, hint) = if begins_as_json {
                ("broken JSON", "")
            } else {
                ("text without regular cells", "; state the delimiter if it has some")
            };
            let message = format!("its content is {what} and its name states no format{hint}");
            Err(unrecognised(path, message))
        }
    }
}

fn notes(format: Format, named: &Named<'_>, compression: Compression) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(stated) = named.format
        && stated != format
        && !named.is_given
    {
        notes.push(format!("format: {format}, by content; the name states {stated}"));
    }
    if named.compression.is_some_and(|stated| stated != compression) {
        notes.push("compression: by content; the name states another".to_owned());
    }
    notes
}

/// Returns what is stated of delimited text.
fn stated<'a>(reading: &'a Reading, named: &Named<'_>) -> Stated<'a> {
    Stated {
        delimiter: reading.delimiter.as_deref(),
        quote: reading.quote.as_ref(),
        escape: reading.escape.as_ref(),
        comment: reading.comment.as_ref(),
        skip_rows: reading.skip_rows.unwrap_or(0),
        decimal_comma: reading.decimal == Some(','),
        by_name: named.delimiter,
    }
}

fn not_delimited(path: &str, message: String) -> FormatError {
    FormatError::Broken { path: path.to_owned(), format: Format::Csv.to_string(), message }
}

/// Finds how text is delimited, where it is not stated.
fn delimited(
    sniffed: &mut Sniffed,
    path: &str,
    beginning: Beginning<'_>,
    encoding: TextEncoding,
    (reading, named): (&Reading, &Named<'_>),
) -> Result<(), FormatError> {
    let found = dialect::find(beginning, stated(reading, named));
    if let Some(problem) = found.problem {
        return Err(not_delimited(path, problem));
    }
    let header = reading.header.map_or_else(|| found.header(), Header::stated);
    sniffed.notes.extend(found.notes);
    sniffed.unsure = header.why();
    if reading.header.is_none() && sniffed.unsure.is_none() {
        let note = if header == Header::Found { NAMES_DETECTED } else { "header: detected none" };
        sniffed.notes.push(note.to_owned());
    }
    sniffed.format.csv = Some(CsvDialect {
        delimiter: found.delimiter,
        header: header == Header::Found,
        quote: found.quote,
        escape: found.escape,
        comment: found.comment,
        skip_rows: found.skip_rows,
        encoding,
        null_tokens: reading.null_tokens.clone(),
        decimal: reading.decimal.unwrap_or(CsvDialect::default().decimal),
        columns: Vec::new(),
    });
    Ok(())
}

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
