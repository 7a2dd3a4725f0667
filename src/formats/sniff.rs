//! Finds format, compression and dialect by content and name.

use serde::de::IgnoredAny;

use super::bytes::{ByteSource, read_prefix};
use super::compression;
use super::csv::dialect::{Beginning, find_delimiter, has_header};
use super::error::FormatError;
use super::text_encoding;
use crate::engines::reading::Reading;
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
    let (format, delimiter) = match named.ending.to_ascii_lowercase().as_str() {
        "csv" => (Format::Csv, None),
        "tsv" | "tab" => (Format::Csv, Some("\t")),
        "psv" => (Format::Csv, Some("|")),
        "json" | "geojson" => (Format::Json, None),
        "jsonl" | "ndjson" => (Format::Jsonl, None),
        "parquet" | "parq" | "pq" => (Format::Parquet, None),
        "avro" => (Format::Avro, None),
        "orc" => (Format::Orc, None),
        "msgpack" | "mpk" => (Format::Msgpack, None),
        "arrow" | "arrows" | "ipc" | "feather" => (Format::Arrow, None),
        "xlsx" => (Format::Xlsx, None),
        _ => return named,
    };
    (named.format, named.delimiter) = (Some(format), delimiter);
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
    let named = named(path);
    // Of many files the footers are read, and little else: their first bytes say enough.
    if read_prefix(source, PARQUET.len())? == PARQUET {
        let start = Start { bytes: PARQUET, whole: false };
        let content = Content::Binary(Format::Parquet);
        let format = FileFormat::of(agree(path, content, &named, start, None)?);
        let notes = notes(Format::Parquet, &named, Compression::None);
        return Ok(Some(Sniffed { format, compression: Compression::None, notes }));
    }
    let (compression, mut reader) = compression::open(source)?;
    let mut beginning = vec![0; BEGINNING];
    let count = text_encoding::fill(&mut reader, &mut beginning)
        .map_err(|source| FormatError::reading(path, source))?;
    beginning.truncate(count);
    let beginning = Start { bytes: &beginning, whole: count < BEGINNING };
    let encoding = text_encoding::detect(beginning.bytes, beginning.whole);
    let text = encoding.map(|encoding| beginning.text(encoding));
    if beginning.bytes.is_empty() || text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let content = content(beginning, text.as_deref());
    let format = agree(path, content, &named, beginning, text.as_deref())?;
    let mut sniffed = Sniffed {
        format: FileFormat::of(format),
        compression,
        notes: notes(format, &named, compression),
    };
    match (format, encoding, text) {
        (Format::Csv, Some(encoding), Some(text)) => {
            let text = Beginning { text: &text, whole: beginning.whole };
            let (dialect, notes) = dialect(text, encoding, &named, reading);
            sniffed.format.csv = Some(dialect);
            sniffed.notes.extend(notes);
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

impl Start<'_> {
    /// Returns the text; a character cut at the end is left out.
    fn text(self, encoding: TextEncoding) -> String {
        let skipped = text_encoding::by_mark(self.bytes).map_or(0, |(_, length)| length);
        let bytes = &self.bytes[skipped..];
        match encoding {
            TextEncoding::Utf8 => {
                let valid = match std::str::from_utf8(bytes) {
                    Ok(_) => bytes.len(),
                    Err(error) => error.valid_up_to(),
                };
                String::from_utf8_lossy(&bytes[..valid]).into_owned()
            }
            other => other.as_encoding().decode_without_bom_handling(bytes).0.into_owned(),
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

/// Returns the format if content and name agree on it.
fn agree(
    path: &str,
    content: Content,
    named: &Named<'_>,
    start: Start<'_>,
    text: Option<&str>,
) -> Result<Format, FormatError> {
    let disagree = |found: &str| {
        let stated = named.format.map_or_else(String::new, |format| {
            format!("its name ends with `.{}` and states {format}, but ", named.ending)
        });
        Err(unrecognised(path, format!("{stated}its content is {found}")))
    };
    let json = matches!(named.format, None | Some(Format::Json | Format::Jsonl));
    match content {
        Content::Zip if named.format == Some(Format::Xlsx) || is_workbook(start.bytes) => {
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
        // One line of JSON lines is a JSON document, too.
        Content::Json if json => Ok(match named.format {
            Some(Format::Jsonl) if !text.unwrap_or_default().trim_start().starts_with('[') => {
                Format::Jsonl
            }
            _ => Format::Json,
        }),
        Content::JsonLines if json => Ok(Format::Jsonl),
        Content::Json | Content::JsonLines => disagree("json"),
        Content::Text => plain_text(path, named, start, text.unwrap_or_default()),
        Content::Unknown if named.format == Some(Format::Msgpack) => Ok(Format::Msgpack),
        Content::Unknown => disagree("binary and of no known format"),
    }
}

/// Whether a zip archive begins with a part of an Excel workbook.
fn is_workbook(bytes: &[u8]) -> bool {
    let name = bytes.get(30..).unwrap_or_default();
    [b"[Content_Types].xml".as_slice(), b"xl/", b"_rels/", b"docProps/"]
        .iter()
        .any(|part| name.starts_with(part))
}

/// Returns the format of text that is not JSON, or not whole JSON.
fn plain_text(
    path: &str,
    named: &Named<'_>,
    start: Start<'_>,
    text: &str,
) -> Result<Format, FormatError> {
    let begins_as_json = text.trim_start().starts_with(['{', '[']);
    match named.format {
        Some(Format::Csv) => Ok(Format::Csv),
        // Reading it will say where it is broken.
        Some(format @ (Format::Json | Format::Jsonl)) if begins_as_json => Ok(format),
        Some(stated) => Err(unrecognised(
            path,
            format!(
                "its name ends with `.{}` and states {stated}, but its content is text that is not {stated}",
                named.ending
            ),
        )),
        None => {
            let beginning = Beginning { text, whole: start.whole };
            let found = find_delimiter(beginning, None);
            if found.records > 1 && found.cells.is_some_and(|cells| cells > 1) {
                return Ok(Format::Csv);
            }
            let what = if begins_as_json { "broken JSON" } else { "text without regular cells" };
            Err(unrecognised(path, format!("its content is {what} and its name states no format")))
        }
    }
}

fn notes(format: Format, named: &Named<'_>, compression: Compression) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(stated) = named.format
        && stated != format
    {
        notes.push(format!("format: {format}, by content; the name states {stated}"));
    }
    if named.compression.is_some_and(|stated| stated != compression) {
        notes.push("compression: by content; the name states another".to_owned());
    }
    notes
}

fn dialect(
    beginning: Beginning<'_>,
    encoding: TextEncoding,
    named: &Named<'_>,
    reading: &Reading,
) -> (CsvDialect, Vec<String>) {
    let mut notes: Vec<String> = text_encoding::note(encoding).into_iter().collect();
    let delimiter = reading.delimiter.clone().unwrap_or_else(|| {
        let found = find_delimiter(beginning, named.delimiter).delimiter;
        if found != "," {
            notes.push(format!("delimiter: detected {found:?}"));
        }
        found
    });
    let header = reading.header.unwrap_or_else(|| {
        let header = has_header(beginning, &delimiter);
        notes.push(format!("header: detected {}", if header { "one" } else { "none" }));
        header
    });
    let null_tokens = reading.null_tokens.clone();
    (CsvDialect { delimiter, header, encoding, null_tokens, ..CsvDialect::default() }, notes)
}

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
