//! Finds delimiter and header from the beginning of a text.

use std::io::Read;

use super::delimiters::OneByteDelimiter;
use super::records::RecordParser;
use super::seen::Seen;
use super::{Tokens, UNIT_SEPARATOR, cells};

/// Delimiters of one character that are looked for.
const SINGLE: [&str; 4] = [",", "\t", ";", "|"];

/// Delimiters of several characters that are looked for.
const SEVERAL: [&str; 3] = ["~|~", "||", "::"];

/// Most records looked at.
const RECORDS: usize = 200;

/// The beginning of a text, in UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning<'a> {
    /// The text.
    pub(crate) text: &'a str,
    /// Whether it is the whole text.
    pub(crate) whole: bool,
}

/// What separates the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDelimiter {
    pub(crate) delimiter: String,
    /// Cells of every record, if all have the same number.
    pub(crate) cells: Option<usize>,
    pub(crate) records: usize,
}

type Records = Vec<Vec<Vec<u8>>>;

/// Returns the first complete records as a delimiter splits them; `None` when it cannot be used.
fn split(beginning: Beginning<'_>, delimiter: &str) -> Option<Records> {
    let mut text = beginning.text.as_bytes().to_vec();
    if beginning.whole {
        text.push(b'\n');
    }
    let byte = match delimiter.as_bytes() {
        [one] => *one,
        several => {
            let mut rewritten = Vec::new();
            let inner = Box::new(std::io::Cursor::new(text));
            let tokens = Tokens::plain(UNIT_SEPARATOR);
            OneByteDelimiter::new(inner, several, &tokens).read_to_end(&mut rewritten).ok()?;
            text = rewritten;
            UNIT_SEPARATOR
        }
    };
    let tokens = Tokens::plain(byte);
    let mut parser = RecordParser::new(&tokens);
    let mut records = Vec::new();
    let mut at = 0;
    while records.len() < RECORDS
        && let Some(record) = parser.next(&text, at)
    {
        records.push(parser.cells().map(<[u8]>::to_vec).collect());
        at = record.end;
    }
    Some(records)
}

fn same_count(records: &Records) -> Option<usize> {
    let count = records.first()?.len();
    records.iter().all(|record| record.len() == count).then_some(count)
}

/// Returns the delimiter that splits all records alike, the one with the most cells first; else the
/// one by which most records have as many cells as the first. `preferred` comes from the name.
pub(crate) fn find_delimiter(beginning: Beginning<'_>, preferred: Option<&str>) -> FoundDelimiter {
    let mut order: Vec<&str> = preferred.into_iter().collect();
    order.extend(SINGLE.iter().filter(|single| Some(**single) != preferred));
    let tried: Vec<(&str, Records)> = order
        .iter()
        .filter_map(|delimiter| Some((*delimiter, split(beginning, delimiter)?)))
        .collect();
    if let Some(found) = several_characters(beginning, &tried) {
        return found;
    }
    let alike = tried
        .iter()
        .filter_map(|(delimiter, records)| Some((*delimiter, records, same_count(records)?)))
        .filter(|(_, _, count)| *count > 1);
    // `max_by_key` takes the last of equals: reversed, the first in order wins.
    if let Some((delimiter, records, count)) = alike.rev().max_by_key(|(_, _, count)| *count) {
        return found(delimiter, records, Some(count));
    }
    let mostly = tried
        .iter()
        .filter(|(_, records)| records.first().is_some_and(|first| first.len() > 1))
        .rev()
        .max_by_key(|(_, records)| {
            records.iter().filter(|record| record.len() == records[0].len()).count()
        });
    if let Some((delimiter, records)) = mostly {
        return found(delimiter, records, None);
    }
    let (delimiter, records) = (order.first().copied().unwrap_or(","), tried.first());
    FoundDelimiter {
        delimiter: delimiter.to_owned(),
        cells: records.and_then(|(_, records)| same_count(records)),
        records: records.map_or(0, |(_, records)| records.len()),
    }
}

fn found(delimiter: &str, records: &Records, cells: Option<usize>) -> FoundDelimiter {
    FoundDelimiter { delimiter: delimiter.to_owned(), cells, records: records.len() }
}

/// Returns a delimiter of several characters if it explains every place where its characters occur.
fn several_characters(
    beginning: Beginning<'_>,
    tried: &[(&str, Records)],
) -> Option<FoundDelimiter> {
    for delimiter in SEVERAL {
        if !beginning.text.contains(delimiter) {
            continue;
        }
        let records = split(beginning, delimiter)?;
        let Some(count) = same_count(&records).filter(|count| *count > 1) else { continue };
        let explained = tried.iter().all(|(single, split)| {
            let within = delimiter.matches(single).count();
            match same_count(split) {
                Some(cells) if within > 0 => cells == (count - 1) * within + 1,
                Some(cells) => cells == 1,
                None => within == 0,
            }
        });
        if explained {
            return Some(found(delimiter, &records, Some(count)));
        }
    }
    None
}

/// Whether the first record looks like names: no cell of it is a number, a boolean, a date or a
/// time, and at least one is not empty.
pub(crate) fn has_header(beginning: Beginning<'_>, delimiter: &str) -> bool {
    let Some(records) = split(beginning, delimiter) else { return true };
    let Some(first) = records.first() else { return true };
    let typed = |cell: &Vec<u8>| {
        let mut seen = Seen::default();
        seen.value(cell);
        seen.data_type() != arrow::datatypes::DataType::Utf8 || cells::number(cell).is_some()
    };
    first.iter().any(|cell| !cell.is_empty()) && !first.iter().any(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> (String, Option<usize>) {
        let found = find_delimiter(Beginning { text, whole: true }, None);
        (found.delimiter, found.cells)
    }

    #[test]
    fn delimiters_are_found() {
        for (text, expected, cells) in [
            ("a,b\n1,2\n", ",", Some(2)),
            ("a\tb\tc\n1\t2,5\t3", "\t", Some(3)),
            ("a;b\n1,5;2,5\n", ";", Some(2)),
            ("a|b\n1|2\n", "|", Some(2)),
            ("a||b||c\n1||2||3\n", "||", Some(3)),
            ("a::b\n1::2\n", "::", Some(2)),
            ("a~|~b\n1~|~2\n", "~|~", Some(2)),
            ("a,b\n\"x|y;z\",2\n", ",", Some(2)),
            ("time,b\n10:20::x,2\n", ",", Some(2)),
            ("only\n1\n2\n", ",", Some(1)),
            ("a,b\n1,2\n3\n4,5\n", ",", None),
            ("a|b|c\n1||3\n4|5|6\n", "|", Some(3)),
        ] {
            assert_eq!(delimiter(text), (expected.to_owned(), cells), "{text:?}");
        }
    }

    #[test]
    fn header_is_told_from_values() {
        for (text, header) in [
            ("type,price\nwrench,20.0\n", true),
            ("wrench,20.0\nhammer,10.0\n", false),
            (",a,b\n0,1,2\n", true),
            ("2020-01-01,x\n", false),
            ("true,x\n", false),
            ("a,b\nc,d\n", true),
            ("+431234,x\n", true),
            ("007,x\n", true),
        ] {
            let beginning = Beginning { text, whole: true };
            assert_eq!(has_header(beginning, ","), header, "{text:?}");
        }
    }
}
