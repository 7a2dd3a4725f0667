//! What a cell is, and why a column that nearly has a type is text, in words.

use super::cells::{self, Spelling};
use super::times;
use crate::formats::kinds::{Kept, Kinds, Met, Most, NearlyTyped, Sort};

/// How many kinds of cells there are, besides words.
pub(crate) const KINDS: usize = 5;

const NUMBERS: usize = 0;
const DATES: usize = 1;
const TIMESTAMPS: usize = 2;
const BOOLEANS: usize = 3;
const TIMES: usize = 4;
const WORDS: usize = KINDS;

/// Whether a cell may be anything but words, by its first and last byte.
#[inline]
pub(crate) fn may_be_typed(cell: &[u8]) -> bool {
    let (Some(first), Some(last)) = (cell.first(), cell.last()) else { return false };
    match first {
        b'0'..=b'9' | b'.' => matches!(last, b'0'..=b'9' | b'.' | b'Z'),
        b'-' => matches!(last, b'0'..=b'9' | b'.' | b'f' | b'y'),
        b't' | b'f' | b'T' | b'F' => matches!(last, b'e' | b'E'),
        b'n' | b'N' | b'i' | b'I' => matches!(last, b'n' | b'N' | b'f' | b'y'),
        _ => false,
    }
}

/// Returns what a cell is. Cells that one type may hold are of one sort.
#[inline]
pub(crate) fn of(cell: &[u8]) -> Sort {
    let plain = |kind| Sort { kind, form: 0 };
    if !may_be_typed(cell) {
        return plain(WORDS);
    }
    match cell.first() {
        Some(b'0'..=b'9' | b'-' | b'.') if cells::is_number(cell) => plain(NUMBERS),
        Some(b'0'..=b'9') => {
            if times::date32(cell).is_some() {
                plain(DATES)
            } else if let Some(at) = times::timestamp(cell) {
                let form = u8::from(at.form.separator == b'T') + 2 * u8::from(at.form.zoned);
                Sort { kind: TIMESTAMPS, form }
            } else if times::time_of_day(cell).is_some() {
                plain(TIMES)
            } else {
                plain(WORDS)
            }
        }
        Some(b't' | b'f' | b'T' | b'F') => match cells::boolean(cell) {
            Some((_, Spelling::Lower)) => Sort { kind: BOOLEANS, form: 0 },
            Some((_, Spelling::Title)) => Sort { kind: BOOLEANS, form: 1 },
            Some((_, Spelling::Upper)) => Sort { kind: BOOLEANS, form: 2 },
            None => plain(WORDS),
        },
        Some(b'n' | b'N' | b'i' | b'I' | b'-') if cells::is_special_float(cell) => plain(NUMBERS),
        _ => plain(WORDS),
    }
}

/// Returns what kept the cells of a column of text from being all of the kind that most are of.
pub(super) fn nearly(kinds: &Kinds<KINDS>, values: u64, column: &str) -> Option<NearlyTyped> {
    let most = kinds.most(values)?;
    let value = format!("{:?} {}", most.met.text, reason(&most));
    Some(most.told(column, nouns(most.kind).1, value))
}

fn nouns(kind: usize) -> (&'static str, &'static str) {
    match kind {
        NUMBERS => ("number", "numbers"),
        DATES => ("date", "dates"),
        TIMESTAMPS => ("timestamp", "timestamps"),
        BOOLEANS => ("boolean", "booleans"),
        _ => ("time", "times"),
    }
}

fn reason(most: &Most<'_>) -> String {
    let text = most.met.text.as_str();
    let words = match (most.kept, most.kind) {
        (Kept::Unheld, TIMESTAMPS) => "is outside of the years of nanoseconds",
        (Kept::Unheld, _) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
            let fits = cells::int64(text.as_bytes()).is_some();
            if fits {
                "has more digits than a Float64 keeps"
            } else {
                "has more digits than 64 bits keep"
            }
        }
        (Kept::Unheld, _) => "has more digits than a Float64 keeps",
        (Kept::InAnotherForm, BOOLEANS) => "is spelled in another way than the first",
        (Kept::InAnotherForm, _) => "is written in another form than the first",
        (Kept::OfAnotherKind, NUMBERS) => no_number(most.met),
        (Kept::OfAnotherKind, kind) => return format!("is no {}", nouns(kind).0),
    };
    words.to_owned()
}

fn no_number(met: &Met) -> &'static str {
    let is_number = |text: &str| cells::is_number(text.as_bytes());
    let text = met.text.as_str();
    let unsigned = text.trim_start_matches('-');
    if text.trim() != text && is_number(text.trim()) {
        "has white space around it"
    } else if text.strip_prefix('+').is_some_and(is_number) {
        "begins with a plus sign"
    } else if unsigned.starts_with('0') && is_number(unsigned.trim_start_matches('0')) {
        "begins with a zero"
    } else if text.contains(',') && is_number(&text.replace(',', "")) {
        "has a comma"
    } else {
        "is no number"
    }
}
