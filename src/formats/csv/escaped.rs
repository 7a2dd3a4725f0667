//! One record at a time of a dialect with an escape character.
//!
//! The escape makes the quote, itself, the delimiter or a line end behind it a part of the cell, within
//! quotes and outside of them. Before any other character it stays what it is: `\d` is `\d`, and `\N`
//! may be a null token.

use super::records::Stray;
use super::tokens::Tokens;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote within quotes: it ends the cell or is the first of two.
    Closed,
}

/// What a record was found to hold.
pub(super) struct Escaped<'a> {
    /// The cells' text, one after the other.
    pub(super) text: &'a mut Vec<u8>,
    /// Where each cell ends in it.
    pub(super) ends: &'a mut Vec<usize>,
    /// Which cells are quoted.
    pub(super) quoted: &'a mut Vec<bool>,
    /// The first cell with text behind its closing quote.
    pub(super) stray: &'a mut Option<Stray>,
}

/// Reads the record that begins at `start` and returns where it ends; `None` when the block does not
/// end it.
pub(super) fn next_record(
    tokens: &Tokens,
    block: &[u8],
    start: usize,
    record: &mut Escaped<'_>,
) -> Option<usize> {
    record.text.clear();
    record.ends.clear();
    record.quoted.clear();
    *record.stray = None;
    let (mut at, mut state, mut cell) = (start, State::CellStart, start);
    while let Some(&byte) = block.get(at) {
        if state == State::CellStart {
            cell = at;
            record.quoted.push(Some(byte) == tokens.quote);
        }
        if state != State::Closed && Some(byte) == tokens.escape {
            let length = escaped(tokens, block.get(at + 1..)?)?;
            let kept = if length == 0 { &block[at..=at] } else { &block[at + 1..=at + length] };
            record.text.extend_from_slice(kept);
            at += 1 + length;
            state = if state == State::Quoted { state } else { State::Plain };
            continue;
        }
        at += 1;
        state = match state {
            State::Quoted if Some(byte) == tokens.quote => State::Closed,
            State::CellStart if Some(byte) == tokens.quote => State::Quoted,
            State::CellStart | State::Plain | State::Closed if byte == tokens.delimiter => {
                record.ends.push(record.text.len());
                State::CellStart
            }
            State::CellStart | State::Plain | State::Closed if matches!(byte, b'\r' | b'\n') => {
                record.ends.push(record.text.len());
                return Some(at);
            }
            State::Closed if Some(byte) == tokens.quote => {
                record.text.push(byte);
                State::Quoted
            }
            State::Quoted | State::CellStart | State::Plain | State::Closed => {
                if state == State::Closed {
                    let stray = Stray { cell: record.ends.len(), at: cell };
                    record.stray.get_or_insert(stray);
                }
                record.text.push(byte);
                if state == State::Quoted { State::Quoted } else { State::Plain }
            }
        };
    }
    None
}

/// Returns how many bytes behind an escape belong to the cell because of it; `None` when the block
/// does not say.
fn escaped(tokens: &Tokens, behind: &[u8]) -> Option<usize> {
    let next = Some(*behind.first()?);
    if next == Some(b'\r') {
        return Some(if *behind.get(1)? == b'\n' { 2 } else { 1 });
    }
    let special = [
        tokens.quote,
        tokens.escape,
        Some(tokens.delimiter),
        Some(tokens.delimiter_begins),
        Some(b'\n'),
    ];
    Some(usize::from(special.contains(&next)))
}

#[cfg(test)]
mod tests {
    use super::super::records::RecordParser;
    use super::*;

    fn cells(tokens: &Tokens, text: &str) -> Option<Vec<(String, bool)>> {
        let mut parser = RecordParser::new(tokens);
        let record = parser.next(text.as_bytes(), 0)?;
        assert!(parser.text_behind_quote(text.as_bytes(), record).is_none(), "{text:?}");
        let cell = |index| String::from_utf8_lossy(parser.cell(index)).into_owned();
        Some((0..parser.count()).map(|index| (cell(index), parser.is_quoted(index))).collect())
    }

    #[test]
    fn escapes_hold_within_quotes_and_outside() {
        let quoted = Tokens { escape: Some(b'\\'), ..Tokens::plain(b',') };
        let unquoted = Tokens { quote: None, ..quoted.clone() };
        for (tokens, text, expected) in [
            (&quoted, "1,\"say \\\"hi\\\" now\"\n", &[("1", false), ("say \"hi\" now", true)][..]),
            (&quoted, "\"a\\\\\",\"b\"\n", &[("a\\", true), ("b", true)]),
            (&quoted, "\"a\"\"b\\,\",\n", &[("a\"b,", true), ("", false)]),
            (&quoted, "\"\",C:\\dir,\\N\n", &[("", true), ("C:\\dir", false), ("\\N", false)]),
            (&quoted, "\"x\\\ny\",\\\"z\r\n", &[("x\ny", true), ("\"z", false)]),
            (&unquoted, "a\\,b,\"c\\\nd\n", &[("a,b", false), ("\"c\nd", false)]),
            (&unquoted, "a\\\r\nb,c\r\n", &[("a\r\nb", false), ("c", false)]),
        ] {
            let found = cells(tokens, text).expect("should be a record");
            let found: Vec<_> = found.iter().map(|(cell, is)| (cell.as_str(), *is)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn text_behind_a_closing_quote_is_found() {
        let tokens = Tokens { escape: Some(b'\\'), ..Tokens::plain(b',') };
        let mut parser = RecordParser::new(&tokens);
        let block = b"a,\"b\" c,\"d\"e\n\"\",\"\"\n";
        let record = parser.next(block, 0).expect("should be a record");
        assert_eq!(parser.text_behind_quote(block, record), Some(Stray { cell: 1, at: 2 }));
        let record = parser.next(block, record.end).expect("should be a record");
        assert_eq!(parser.text_behind_quote(block, record), None);
    }

    #[test]
    fn what_the_block_does_not_end_is_no_record() {
        let tokens = Tokens { escape: Some(b'\\'), ..Tokens::plain(b',') };
        for text in ["a,\"b\\\"\n", "a\\\n", "a\\", "a\\\r", "\"a\n"] {
            assert_eq!(cells(&tokens, text), None, "{text:?}");
        }
    }
}
