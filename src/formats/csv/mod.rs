//! Delimited text: tokenised by `csv_core`, in blocks that several threads work on.
//!
//! A block ends at a line feed with an even number of quotes before it: a guess. A block that does
//! not end with a record shows that the guess was wrong; what is left of it goes in front of the
//! next one, which is then parsed again. So the result is always that of one pass from the start.

pub(crate) mod cells;
pub(crate) mod columns;
pub(crate) mod decode;
pub(crate) mod delimiters;
pub(crate) mod dialect;
mod escaped;
pub(crate) mod header;
pub(crate) mod infer;
mod lines;
pub(crate) mod names;
pub(crate) mod records;
pub(crate) mod sample;
pub(crate) mod seen;
mod shapes;
mod sorts;
#[cfg(test)]
mod tests;
pub(crate) mod times;

use std::io::{self, Read};

use self::delimiters::OneByteDelimiter;
use self::records::RecordParser;
use super::blocks::{BlockCutter, MAX_ROW_BYTES, NEVER_CLOSED};
use super::compression;
use super::error::FormatError;
use super::text_detection::{self, Detected};
use super::text_encoding;
use crate::engines::files::ByteSource;
use crate::engines::table::{CsvDialect, TextEncoding};

/// The byte that stands for a delimiter of several bytes: ASCII's unit separator.
pub(crate) const UNIT_SEPARATOR: u8 = 0x1f;

/// The tokens of a dialect, as bytes.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) delimiter: u8,
    /// The first byte of the delimiter as the text has it: what an escape stands before.
    pub(crate) delimiter_begins: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<Vec<u8>>,
    pub(crate) nulls: Vec<Vec<u8>>,
    /// Whether a comma stands before the fraction of a number.
    pub(crate) decimal_comma: bool,
}

impl Tokens {
    fn new(dialect: &CsvDialect, path: &str) -> Result<Self, FormatError> {
        let refuse = |message: String| FormatError::Unrecognised { path: path.to_owned(), message };
        let ascii = |what: &str, given: Option<char>| match given {
            Some(one) if one.is_ascii() && !matches!(one, '\r' | '\n') => {
                Ok(u8::try_from(u32::from(one)).ok())
            }
            Some(one) => {
                Err(refuse(format!("the {what} {one:?} is not one ASCII character within a line")))
            }
            None => Ok(None),
        };
        let quote = ascii("quote", dialect.quote)?;
        // A quote that escapes itself is a doubled one.
        let escape = ascii("escape", dialect.escape)?.filter(|escape| Some(*escape) != quote);
        let special =
            |byte: &u8| matches!(byte, b'\r' | b'\n') || [quote, escape].contains(&Some(*byte));
        let (delimiter, delimiter_begins) = match dialect.delimiter.as_bytes() {
            [] => return Err(refuse("the delimiter is empty".to_owned())),
            several if several.iter().any(special) => {
                let what = "a line end, the quote or the escape character";
                return Err(refuse(format!("the delimiter {:?} holds {what}", dialect.delimiter)));
            }
            [one] => (*one, *one),
            [first, ..] => (UNIT_SEPARATOR, *first),
        };
        let comment = dialect.comment.as_ref().map(|comment| comment.clone().into_bytes());
        if let Some(comment) = &dialect.comment
            && (comment.as_bytes().first().is_none_or(special)
                || comment.contains(['\r', '\n'])
                || comment.starts_with(&dialect.delimiter))
        {
            let what = "is empty, holds a line end, or begins with the quote, escape or delimiter";
            return Err(refuse(format!("the beginning of comments {comment:?} {what}")));
        }
        let nulls = dialect.null_tokens.iter().map(|token| token.clone().into_bytes()).collect();
        let decimal_comma = dialect.decimal == ',';
        Ok(Self { delimiter, delimiter_begins, quote, escape, comment, nulls, decimal_comma })
    }

    /// Returns the tokens of plain text with one byte between cells.
    pub(crate) fn plain(delimiter: u8) -> Self {
        Self {
            delimiter,
            delimiter_begins: delimiter,
            quote: Some(b'"'),
            escape: None,
            comment: None,
            nulls: Vec::new(),
            decimal_comma: false,
        }
    }

    /// Returns a cell as numbers are read, with a point before the fraction. Where a comma stands there
    /// a point is no part of a number, and a comma is put for it: no number has one.
    #[inline]
    pub(crate) fn number<'c>(&self, cell: &'c [u8], changed: &'c mut Vec<u8>) -> &'c [u8] {
        let is_of_number = |byte: &u8| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b',' | b'e' | b'E')
        };
        if !self.decimal_comma || !cell.iter().all(is_of_number) {
            return cell;
        }
        changed.clear();
        changed.extend(cell.iter().map(|byte| match byte {
            b',' => b'.',
            b'.' => b',',
            other => *other,
        }));
        changed
    }

    /// Whether an unquoted cell means null.
    pub(crate) fn may_be_null(&self, cell: &[u8]) -> bool {
        cell.is_empty() || (!self.nulls.is_empty() && self.nulls.iter().any(|token| token == cell))
    }
}

/// Text with delimiters, opened: the header is read, the first block holds what follows it.
pub(crate) struct Opened<'a> {
    /// The names, or the first record's fault, in words.
    pub(crate) names: Result<names::Names, String>,
    pub(crate) tokens: Tokens,
    pub(crate) first: Vec<u8>,
    pub(crate) cutter: BlockCutter<'a>,
}

/// Bytes whose encoding is compared with the one that is stated.
const BEGINNING: usize = 4096;

/// Returns the text as UTF-8 with a delimiter of one byte, without the lines that are left out at its
/// beginning.
pub(crate) fn text<'a, S: ByteSource + 'a>(
    source: S,
    dialect: &CsvDialect,
    tokens: &Tokens,
) -> Result<Box<dyn Read + Send + 'a>, FormatError> {
    let path = source.path().to_owned();
    let encoding = match dialect.encoding {
        TextEncoding::PerFile => encoding_of(&source)?,
        encoding => encoding,
    };
    let (_, mut reader) = compression::open(source)?;
    let read = |source| FormatError::reading(&path, source);
    let mut beginning = vec![0; BEGINNING];
    let count = text_encoding::fill(&mut reader, &mut beginning).map_err(read)?;
    beginning.truncate(count);
    if let Some(why) = text_encoding::contradiction(encoding, &beginning) {
        return Err(broken(&path, why));
    }
    let whole = Box::new(io::Cursor::new(beginning).chain(reader));
    let text = text_encoding::to_utf8(whole, encoding).map_err(read)?;
    let text = if tokens.delimiter == text_encoding::END_MARK {
        text
    } else {
        Box::new(text_encoding::WithoutEndMark::new(text))
    };
    let text = match dialect.skip_rows {
        0 => text,
        lines => lines::skip(text, lines).map_err(read)?.map_err(|there| {
            broken(&path, format!("skip_rows leaves out {lines} lines, but it has {there}"))
        })?,
    };
    if dialect.delimiter.len() == 1 {
        return Ok(text);
    }
    Ok(Box::new(OneByteDelimiter::new(text, dialect.delimiter.as_bytes(), tokens)))
}

/// Returns the encoding of one file, by all of its bytes.
fn encoding_of(source: &dyn ByteSource) -> Result<TextEncoding, FormatError> {
    match text_detection::of_file(source)? {
        Detected::Text(encoding) => Ok(encoding),
        Detected::Other | Detected::Binary => {
            Err(broken(source.path(), text_detection::NEITHER.to_owned()))
        }
    }
}

/// Opens text and reads its first record.
pub(crate) fn open<'a, S: ByteSource + 'a>(
    source: S,
    dialect: &CsvDialect,
) -> Result<Opened<'a>, FormatError> {
    let path = source.path().to_owned();
    let tokens = Tokens::new(dialect, &path)?;
    let reader = text(source, dialect, &tokens)?;
    let mut cutter = BlockCutter::new(reader, tokens.quote, tokens.escape, path.clone());
    let mut parser = RecordParser::new(&tokens);
    let mut first = Vec::new();
    let (end, cells) = loop {
        let more = cutter.next_block()?;
        let ended = more.is_none();
        first.extend(more.unwrap_or_else(|| b"\n".to_vec()));
        first.drain(..parser.skip_between(&first, 0));
        if let Some(record) = parser.next(&first, 0) {
            if let Some(stray) = parser.text_behind_quote(&first, record) {
                return Err(broken(&path, format!("the first record {}", stray.why(&first))));
            }
            let cells = parser.cells().map(<[u8]>::to_vec).collect::<Vec<_>>();
            break (record.end, cells);
        }
        if ended && first.is_empty() {
            break (0, Vec::new());
        }
        if ended {
            let message = format!("a quote opened in the first record {NEVER_CLOSED}");
            return Err(broken(&path, message));
        }
        if first.len() > MAX_ROW_BYTES {
            return Err(broken(&path, "the first record is longer than 16 MiB"));
        }
    };
    let names = if dialect.header {
        let encoding = dialect.encoding.as_encoding().name();
        names::from_header(&cells).ok_or_else(|| format!("the first record is not {encoding}"))
    } else {
        Ok(names::numbered(cells.len()))
    };
    if dialect.header {
        first.drain(..end);
    }
    Ok(Opened { names, tokens, first, cutter })
}

/// Returns an error of the whole file.
pub(crate) fn broken(path: &str, message: impl Into<String>) -> FormatError {
    FormatError::Broken { path: path.to_owned(), format: "csv".to_owned(), message: message.into() }
}
