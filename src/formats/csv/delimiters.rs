//! Text whose cells several bytes separate, as text with one unlikely byte between them.

use std::io::{self, Read};

use super::UNIT_SEPARATOR;
use crate::formats::text_encoding::fill;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Replaces a delimiter outside of quotes by ASCII's unit separator, which the text must not hold.
pub(crate) struct OneByteDelimiter<'a> {
    inner: Box<dyn Read + Send + 'a>,
    delimiter: Vec<u8>,
    quote: u8,
    state: State,
    input: Vec<u8>,
    output: Vec<u8>,
    start: usize,
    ended: bool,
}

impl<'a> OneByteDelimiter<'a> {
    const CHUNK: usize = 256 * 1024;

    pub(crate) fn new(inner: Box<dyn Read + Send + 'a>, delimiter: &[u8], quote: u8) -> Self {
        Self {
            inner,
            delimiter: delimiter.to_vec(),
            quote,
            state: State::CellStart,
            input: Vec::new(),
            output: Vec::new(),
            start: 0,
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let kept = self.input.len();
        self.input.resize(kept + Self::CHUNK, 0);
        let count = fill(&mut self.inner, &mut self.input[kept..])?;
        self.input.truncate(kept + count);
        self.ended = count < Self::CHUNK;
        if memchr::memchr(UNIT_SEPARATOR, &self.input[kept..]).is_some() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the text holds the byte 0x1F, which cannot be read together with a delimiter of several characters",
            ));
        }
        self.output.clear();
        self.start = 0;
        let done = self.rewrite();
        self.input.drain(..done);
        Ok(())
    }

    /// Rewrites what cannot be the beginning of a delimiter that the next bytes complete.
    fn rewrite(&mut self) -> usize {
        let mut at = 0;
        while at < self.input.len() {
            let outside = self.state != State::Quoted;
            let rest = &self.input[at..];
            if outside && rest.starts_with(&self.delimiter) {
                self.output.push(UNIT_SEPARATOR);
                self.state = State::CellStart;
                at += self.delimiter.len();
                continue;
            }
            if outside && !self.ended && self.delimiter.starts_with(rest) {
                break;
            }
            let byte = self.input[at];
            self.state = self.after(byte);
            self.output.push(byte);
            at += 1;
        }
        at
    }

    fn after(&self, byte: u8) -> State {
        match self.state {
            State::Quoted if byte == self.quote => State::QuoteInQuoted,
            State::CellStart | State::QuoteInQuoted if byte == self.quote => State::Quoted,
            State::Quoted => State::Quoted,
            _ if matches!(byte, b'\r' | b'\n') => State::CellStart,
            _ => State::Plain,
        }
    }
}

impl Read for OneByteDelimiter<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.start == self.output.len() && !(self.ended && self.input.is_empty()) {
            self.refill()?;
        }
        let count = out.len().min(self.output.len() - self.start);
        out[..count].copy_from_slice(&self.output[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str, delimiter: &str) -> io::Result<String> {
        let inner = Box::new(io::Cursor::new(text.to_owned().into_bytes()));
        let mut out = String::new();
        OneByteDelimiter::new(inner, delimiter.as_bytes(), b'"').read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn delimiters_outside_of_quotes_are_replaced() {
        let read = rewritten("a||b|c\n\"x||y\"\"||\"||z\n|||", "||").expect("should read");
        assert_eq!(read, "a\u{1f}b|c\n\"x||y\"\"||\"\u{1f}z\n\u{1f}|");
        assert_eq!(rewritten("a§b", "§").expect("should read"), "a\u{1f}b");
    }

    #[test]
    fn delimiter_across_chunks_is_found() {
        let cell = "x".repeat(OneByteDelimiter::CHUNK - 1);
        let read = rewritten(&format!("{cell}~|~{cell}~|~1"), "~|~").expect("should read");
        assert_eq!(read, format!("{cell}\u{1f}{cell}\u{1f}1"));
    }

    #[test]
    fn the_replacing_byte_in_the_text_is_refused() {
        assert!(rewritten("a||b\u{1f}", "||").is_err());
    }
}
