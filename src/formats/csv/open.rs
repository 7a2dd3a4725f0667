//! Opens delimited text: its encoding, the lines left out, and its first record.

use std::io::{self, Read};

use super::delimiters::OneByteDelimiter;
use super::records::RecordParser;
use super::tokens::Tokens;
use super::{lines, names};
use crate::engines::files::ByteSource;
use crate::engines::table::{CsvDialect, TextEncoding};
use crate::formats::blocks::{BlockCutter, MAX_ROW_BYTES, NEVER_CLOSED};
use crate::formats::error::FormatError;
use crate::formats::text_detection::{self, Detected};
use crate::formats::{compression, text_encoding};

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
    } else if dialect.columns.is_empty() || cells.is_empty() {
        Ok(names::numbered(cells.len()))
    } else {
        Ok(names::Names { names: dialect.columns.clone(), notes: Vec::new() })
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
