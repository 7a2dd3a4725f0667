//! Cuts a text into blocks that probably end with a record, and puts their results in order.

use std::io::Read;

use super::error::FormatError;
use super::guard::broke_off;
use super::pipeline::{Ended, Results};
use super::text_encoding::fill;

/// Most bytes of one row of delimited text, JSON or `MessagePack`.
pub(crate) const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

/// What is wrong with a quote at the end of a text, and what to state.
pub(crate) const NEVER_CLOSED: &str =
    "is never closed; state quote=none if quotes are characters like any other";

/// Cuts a text at line feeds with an even number of quotes before them.
pub(crate) struct BlockCutter<'a> {
    reader: Box<dyn Read + Send + 'a>,
    quote: Option<u8>,
    escape: Option<u8>,
    path: String,
    rest: Vec<u8>,
    ended: bool,
}

impl<'a> BlockCutter<'a> {
    /// Bytes of a block, about.
    pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;

    /// A quote behind an escape is not counted.
    pub(crate) fn new(
        reader: Box<dyn Read + Send + 'a>,
        quote: Option<u8>,
        escape: Option<u8>,
        path: String,
    ) -> Self {
        Self { reader, quote, escape, path, rest: Vec::new(), ended: false }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the next block; `None` at the end.
    pub(crate) fn next_block(&mut self) -> Result<Option<Vec<u8>>, FormatError> {
        let mut block = std::mem::take(&mut self.rest);
        let start = block.len();
        block.resize(start + Self::BLOCK_BYTES, 0);
        let count = if self.ended {
            0
        } else {
            fill(&mut self.reader, &mut block[start..])
                .map_err(|source| FormatError::reading(&self.path, source))?
        };
        self.ended = count < Self::BLOCK_BYTES;
        block.truncate(start + count);
        if block.is_empty() {
            return Ok(None);
        }
        if !self.ended {
            let cut = cut_point(&block, self.quote, self.escape);
            self.rest = Vec::with_capacity(Self::BLOCK_BYTES + block.len() - cut);
            self.rest.extend_from_slice(&block[cut..]);
            block.truncate(cut);
        }
        Ok(Some(block))
    }
}

/// Returns where a block should end: after the last line feed with an even number of quotes before
/// it, else after the last line feed, else at its end.
fn cut_point(block: &[u8], quote: Option<u8>, escape: Option<u8>) -> usize {
    let Some(quote) = quote else {
        return memchr::memrchr(b'\n', block).map_or(block.len(), |at| at + 1);
    };
    let escaped = |at: usize| escape.is_some() && at > 0 && Some(block[at - 1]) == escape;
    let quotes = memchr::memchr_iter(quote, block);
    let count =
        if escape.is_none() { quotes.count() } else { quotes.filter(|at| !escaped(*at)).count() };
    let mut even = count.is_multiple_of(2);
    let mut last = None;
    for at in memchr::memrchr2_iter(quote, b'\n', block) {
        if block[at] == quote {
            even ^= !escaped(at);
            continue;
        }
        last = last.or(Some(at + 1));
        if even {
            return at + 1;
        }
    }
    last.unwrap_or(block.len())
}

/// What a worker made of a block.
pub(crate) struct Parsed<T> {
    /// The result.
    pub(crate) output: T,
    /// The block itself.
    pub(crate) block: Vec<u8>,
    /// Where the first record begins that the block does not end.
    pub(crate) tail: usize,
    /// Complete records before it.
    pub(crate) rows: u64,
}

/// Parses blocks from the beginning of a record.
pub(crate) trait ParseBlock {
    /// The result of one block.
    type Output;

    /// Parses the complete records of a block; errors are part of the output.
    fn parse(&mut self, block: Vec<u8>) -> Parsed<Self::Output>;
}

/// The results of blocks as if they had been parsed in one pass.
pub(crate) struct InOrder<P: ParseBlock> {
    results: Option<Results<Parsed<P::Output>>>,
    parser: P,
    carried: Vec<u8>,
    rows: u64,
    path: String,
    format: &'static str,
}

impl<P: ParseBlock> InOrder<P> {
    /// `path` and `format` are for messages.
    pub(crate) fn new(
        results: Results<Parsed<P::Output>>,
        parser: P,
        path: String,
        format: &'static str,
    ) -> Self {
        Self { results: Some(results), parser, carried: Vec::new(), rows: 0, path, format }
    }

    fn broken(&self, message: String) -> FormatError {
        FormatError::Broken { path: self.path.clone(), format: self.format.to_owned(), message }
    }

    /// Returns how many rows there were so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes over what a block left; returns its output with the number of rows before it.
    fn accept(&mut self, parsed: Parsed<P::Output>) -> Result<(P::Output, u64), FormatError> {
        self.carried = parsed.block.get(parsed.tail..).unwrap_or_default().to_vec();
        let before = self.rows;
        self.rows += parsed.rows;
        if self.carried.len() > MAX_ROW_BYTES + 2 * BlockCutter::BLOCK_BYTES {
            let row = self.rows + 1;
            return Err(self.broken(format!("row {row} is longer than 16 MiB")));
        }
        Ok((parsed.output, before))
    }

    /// Whether the rows so far are all there are; reads on to find out.
    pub(crate) fn nothing_left(&mut self) -> bool {
        let rest = self.results.as_mut().and_then(Iterator::next);
        rest.is_none() && self.carried.trim_ascii().is_empty()
    }

    fn finish(&mut self) -> Option<Result<(P::Output, u64), FormatError>> {
        if self.carried.is_empty() {
            return None;
        }
        let mut last = std::mem::take(&mut self.carried);
        last.push(b'\n');
        let parsed = self.parser.parse(last);
        if parsed.tail < parsed.block.len() {
            let row = self.rows + parsed.rows + 1;
            let message = format!("a quote opened in row {row} {NEVER_CLOSED}");
            return Some(Err(self.broken(message)));
        }
        Some(self.accept(parsed))
    }
}

impl<P: ParseBlock> Iterator for InOrder<P> {
    type Item = Result<(P::Output, u64), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let parsed = match self.results.as_mut()?.next() {
            None => {
                self.results = None;
                return self.finish();
            }
            Some(Err(ended)) => {
                self.results = None;
                return Some(Err(match ended {
                    Ended::Failed(error) => error,
                    Ended::BrokeOff(message) => broke_off(&self.path, self.format, &message),
                }));
            }
            Some(Ok(parsed)) => parsed,
        };
        if self.carried.is_empty() {
            return Some(self.accept(parsed));
        }
        let mut joined = std::mem::take(&mut self.carried);
        joined.extend_from_slice(&parsed.block);
        let again = self.parser.parse(joined);
        Some(self.accept(again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_is_cut_outside_quotes() {
        let block = b"a,b\n1,\"x\ny\"\n2,\"half\nand";
        assert_eq!(cut_point(block, Some(b'"'), None), b"a,b\n1,\"x\ny\"\n".len());
        assert_eq!(cut_point(b"no line end", Some(b'"'), None), 11);
        assert_eq!(cut_point(b"a\nb", Some(b'"'), None), 2);
        let escaped = b"1,\"5\\\" pipe\"\n2,\"half\nand";
        assert_eq!(cut_point(escaped, Some(b'"'), Some(b'\\')), b"1,\"5\\\" pipe\"\n".len());
    }
}
