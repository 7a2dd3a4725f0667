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
pub(crate) mod infer;
pub(crate) mod names;
pub(crate) mod records;
pub(crate) mod seen;

use std::io::Read;

use self::delimiters::OneByteDelimiter;
use self::records::RecordParser;
use super::blocks::{BlockCutter, MAX_ROW_BYTES};
use super::bytes::ByteSource;
use super::compression;
use super::error::FormatError;
use super::text_encoding;
use crate::engines::table::CsvDialect;

/// The byte that stands for a delimiter of several bytes: ASCII's unit separator.
pub(crate) const UNIT_SEPARATOR: u8 = 0x1f;

/// The tokens of a dialect, as bytes.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) nulls: Vec<Vec<u8>>,
}

impl Tokens {
    fn new(dialect: &CsvDialect, path: &str) -> Result<Self, FormatError> {
        let refuse = |message: &str| FormatError::Unrecognised {
            path: path.to_owned(),
            message: message.to_owned(),
        };
        let quote = u8::try_from(u32::from(dialect.quote))
            .ok()
            .filter(u8::is_ascii)
            .ok_or_else(|| refuse("the quote character is not ASCII"))?;
        let delimiter = match dialect.delimiter.as_bytes() {
            [] => return Err(refuse("the delimiter is empty")),
            [one] if matches!(one, b'\r' | b'\n') || *one == quote => {
                return Err(refuse("the delimiter is a line end or the quote character"));
            }
            [one] => *one,
            several
                if several.iter().any(|byte| matches!(byte, b'\r' | b'\n') || *byte == quote) =>
            {
                return Err(refuse("the delimiter holds a line end or the quote character"));
            }
            _ => UNIT_SEPARATOR,
        };
        let nulls = dialect.null_tokens.iter().map(|token| token.clone().into_bytes()).collect();
        Ok(Self { delimiter, quote, nulls })
    }

    /// Whether an unquoted cell means null.
    pub(crate) fn may_be_null(&self, cell: &[u8]) -> bool {
        cell.is_empty() || (!self.nulls.is_empty() && self.nulls.iter().any(|token| token == cell))
    }
}

/// Text with delimiters, opened: the header is read, the first block holds what follows it.
pub(crate) struct Opened<'a> {
    pub(crate) names: names::Names,
    pub(crate) tokens: Tokens,
    pub(crate) first: Vec<u8>,
    pub(crate) cutter: BlockCutter<'a>,
}

/// Returns the text as UTF-8 with a delimiter of one byte.
pub(crate) fn text<'a, S: ByteSource + 'a>(
    source: S,
    dialect: &CsvDialect,
    tokens: &Tokens,
) -> Result<Box<dyn Read + Send + 'a>, FormatError> {
    let path = source.path().to_owned();
    let (_, reader) = compression::open(source)?;
    let text = text_encoding::to_utf8(reader, dialect.encoding)
        .map_err(|source| FormatError::Read { path, source })?;
    if dialect.delimiter.len() == 1 {
        return Ok(text);
    }
    Ok(Box::new(OneByteDelimiter::new(text, dialect.delimiter.as_bytes(), tokens.quote)))
}

/// Opens text and reads its first record.
pub(crate) fn open<'a, S: ByteSource + 'a>(
    source: S,
    dialect: &CsvDialect,
) -> Result<Opened<'a>, FormatError> {
    let path = source.path().to_owned();
    let tokens = Tokens::new(dialect, &path)?;
    let reader = text(source, dialect, &tokens)?;
    let mut cutter = BlockCutter::new(reader, Some(tokens.quote), path.clone());
    let mut parser = RecordParser::new(&tokens);
    let mut first = Vec::new();
    let (end, cells) = loop {
        let more = cutter.next_block()?;
        let ended = more.is_none();
        first.extend(more.unwrap_or_else(|| b"\n".to_vec()));
        if let Some(record) = parser.next(&first, 0) {
            let cells = parser.cells().map(<[u8]>::to_vec).collect::<Vec<_>>();
            break (record.end, cells);
        }
        if ended && first.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            break (0, Vec::new());
        }
        if ended {
            return Err(broken(&path, "a quote opened in the first record is never closed"));
        }
        if first.len() > MAX_ROW_BYTES {
            return Err(broken(&path, "the first record is longer than 16 MiB"));
        }
    };
    let names = if dialect.header {
        names::from_header(&cells).map_err(|message| broken(&path, message))?
    } else {
        names::numbered(cells.len())
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
