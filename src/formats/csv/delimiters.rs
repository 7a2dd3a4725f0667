//! Text whose cells several bytes separate, as text with one unlikely byte between them.

use std::io::{self, Read};

use super::tokens::{Tokens, UNIT_SEPARATOR};
use crate::formats::text_encoding::fill;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    Comment,
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Replaces a delimiter outside of quotes by ASCII's unit separator, which the text must not hold.
pub(crate) struct OneByteDelimiter<'a> {
    inner: Box<dyn Read + Send + 'a>,
    delimiter: Vec<u8>,
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<Vec<u8>>,
    state: State,
    input: Vec<u8>,
    output: Vec<u8>,
    start: usize,
    ended: bool,
}

impl<'a> OneByteDelimiter<'a> {
    const CHUNK: usize = 256 * 1024;

    pub(crate) fn new(inner: Box<dyn Read + Send + 'a>, delimiter: &[u8], tokens: &Tokens) -> Self {
        Self {
            inner,
            delimiter: delimiter.to_vec(),
            quote: tokens.quote,
            escape: tokens.escape,
            comment: tokens.comment.clone(),
            state: State::LineStart,
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
            let rest = &self.input[at..];
            if let (State::LineStart, Some(comment)) = (self.state, &self.comment) {
                if rest.starts_with(comment) {
                    self.state = State::Comment;
                } else if !self.ended && comment.starts_with(rest) {
                    break;
                }
            }
            let outside = !matches!(self.state, State::Quoted | State::Comment);
            let escapes = !matches!(self.state, State::QuoteInQuoted | State::Comment);
            if escapes && Some(rest[0]) == self.escape {
                if rest.len() == 1 && !self.ended {
                    break;
                }
                let both = rest.len().min(2);
                self.output.extend_from_slice(&rest[..both]);
                self.state = if outside { State::Plain } else { State::Quoted };
                at += both;
                continue;
            }
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
            State::Quoted if Some(byte) == self.quote => State::QuoteInQuoted,
            State::LineStart | State::CellStart | State::QuoteInQuoted
                if Some(byte) == self.quote =>
            {
                State::Quoted
            }
            State::Quoted => State::Quoted,
            _ if matches!(byte, b'\r' | b'\n') => State::LineStart,
            State::Comment => State::Comment,
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
        let tokens = Tokens::plain(UNIT_SEPARATOR);
        OneByteDelimiter::new(inner, delimiter.as_bytes(), &tokens).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn comments_escapes_and_texts_without_quotes_are_known() {
        let escaping = Tokens { escape: Some(b'\\'), ..Tokens::plain(UNIT_SEPARATOR) };
        let commented = Tokens { comment: Some(b"##".to_vec()), ..Tokens::plain(UNIT_SEPARATOR) };
        let unquoted = Tokens { quote: None, ..Tokens::plain(UNIT_SEPARATOR) };
        for (tokens, text, expected) in [
            (&escaping, "\"a\\\"||\"||b\\||c||\n", "\"a\\\"||\"\u{1f}b\\||c\u{1f}\n"),
            (&commented, "##\"a||\nb||\"c||\"\n#||#", "##\"a||\nb\u{1f}\"c||\"\n#\u{1f}#"),
            (&unquoted, "\"a||b\"\n", "\"a\u{1f}b\"\n"),
        ] {
            let inner = Box::new(io::Cursor::new(text.to_owned().into_bytes()));
            let mut out = String::new();
            let mut reader = OneByteDelimiter::new(inner, b"||", tokens);
            reader.read_to_string(&mut out).expect("should read");
            assert_eq!(out, expected, "{text:?}");
        }
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
