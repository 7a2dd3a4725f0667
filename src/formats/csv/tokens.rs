//! The tokens of a dialect, as bytes.

use crate::engines::table::CsvDialect;
use crate::formats::error::FormatError;

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
    /// Returns the tokens of a dialect, or why it is none.
    pub(super) fn new(dialect: &CsvDialect, path: &str) -> Result<Self, FormatError> {
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
