//! What sort of thing a cell is by its shape, to tell names from values. Wider than the forms that are
//! typed: `.5`, `1e-05`, `1.234,50 €`, `13/12/2024` and `Yes` are no names, whatever they are read as.

/// The sort of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing, or white space.
    Empty,
    /// A word for a value that is missing.
    Missing,
    /// A number, perhaps with a sign, a currency or a percent sign.
    Number,
    /// A date, a time, or both.
    Moment,
    /// A word for yes or no.
    Boolean,
    /// Anything else.
    Text,
}

/// Words for a value that is missing. `NaN` is a number.
const MISSING: [&str; 12] =
    ["na", "n/a", "#n/a", "null", "none", "nil", "\\n", "-", "--", "?", ".", ".."];

const BOOLEAN: [&str; 4] = ["true", "false", "yes", "no"];

/// Words within dates and times, besides months and days of the week.
const OF_TIMES: [&str; 8] = ["t", "z", "utc", "gmt", "am", "pm", "a", "p"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Shape {
    pub(super) fn of(cell: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(cell) else { return Self::Text };
        let text = text.trim();
        // Quotes that the dialect does not know.
        let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let text = quoted.unwrap_or(text);
        let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        if text.is_empty() {
            return Self::Empty;
        }
        if is_one_of(&MISSING) {
            return Self::Missing;
        }
        if is_one_of(&BOOLEAN) {
            return Self::Boolean;
        }
        if text.parse::<f64>().is_ok() {
            return Self::Number;
        }
        if is_moment(text) {
            return Self::Moment;
        }
        if is_decorated_number(text) { Self::Number } else { Self::Text }
    }

    /// Whether it is a value that names seldom are.
    pub(super) fn is_value(self) -> bool {
        matches!(self, Self::Number | Self::Moment | Self::Boolean)
    }
}

/// Whether it is a number with signs around it and groups of digits: `1,234.50`, `€ 5`, `(12)`, `5%`.
fn is_decorated_number(text: &str) -> bool {
    let signs =
        |one: char| matches!(one, '+' | '-' | '−' | '$' | '€' | '£' | '¥' | '%' | '(' | ')');
    let inner = text.trim_matches(|one: char| signs(one) || one.is_whitespace());
    let ends = |one: Option<char>| one.is_some_and(|one| one.is_ascii_digit());
    let within = |one: char| {
        one.is_ascii_digit() || one.is_whitespace() || matches!(one, '.' | ',' | '\'' | '’' | '_')
    };
    (ends(inner.chars().next()) || inner.starts_with(['.', ',']))
        && ends(inner.chars().next_back())
        && inner.chars().all(within)
}

/// A run of digits or of letters, or one other character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Digits(usize),
    Word(&'a str),
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(char) -> bool| rest.find(|one| !is(one)).unwrap_or(rest.len());
        let (token, length) = if first.is_ascii_digit() {
            let length = run(|one| one.is_ascii_digit());
            (Token::Digits(length), length)
        } else if first.is_alphabetic() {
            let length = run(char::is_alphabetic);
            (Token::Word(&rest[..length]), length)
        } else {
            (Token::Sign(first), first.len_utf8())
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

/// Whether a text is a date, a time, or both, in any usual form.
fn is_moment(text: &str) -> bool {
    if text.len() > 64 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let tokens = tokens(text);
    let mut months = 0;
    for token in &tokens {
        match token {
            Token::Word(word) if is_short_for(word, &MONTHS) => months += 1,
            Token::Word(word) => {
                let known = OF_TIMES.iter().any(|of| of.eq_ignore_ascii_case(word));
                if !known && !is_short_for(word, &WEEKDAYS) {
                    return false;
                }
            }
            Token::Sign(' ' | '-' | '/' | '.' | ':' | ',' | '+') => {}
            Token::Sign(_) => return false,
            Token::Digits(count) if *count > 9 => return false,
            Token::Digits(_) => {}
        }
    }
    months == 1 || has_date(&tokens) || has_time(&tokens)
}

/// Whether a word is one of others, or its first three letters.
fn is_short_for(word: &str, whole: &[&str]) -> bool {
    whole.iter().any(|one| one.eq_ignore_ascii_case(word) || one[..3].eq_ignore_ascii_case(word))
}

/// Whether there are day, month and year with one sign between them, year and month, or ISO 8601's
/// basic form.
fn has_date(tokens: &[Token<'_>]) -> bool {
    let three = tokens.windows(5).any(|five| match five {
        [
            Token::Digits(a),
            Token::Sign(one),
            Token::Digits(b),
            Token::Sign(two),
            Token::Digits(c),
        ] => {
            let parts = (*a == 4 && *c <= 2) || (*a <= 2 && matches!(c, 2 | 4));
            one == two && matches!(one, '-' | '/' | '.') && parts && *b <= 2
        }
        _ => false,
    });
    let month = [Token::Digits(4), Token::Sign('-'), Token::Digits(2)];
    let basic =
        matches!(tokens, [Token::Digits(8), Token::Word("T" | "t"), Token::Digits(4 | 6), ..]);
    three || basic || tokens == month
}

/// Whether there are hours and minutes.
fn has_time(tokens: &[Token<'_>]) -> bool {
    tokens
        .windows(3)
        .any(|three| matches!(three, [Token::Digits(1 | 2), Token::Sign(':'), Token::Digits(2)]))
}

/// Whether two cells differ in their digits only, and have some: `A-17` and `A-4`, `10.0.0.1` and
/// `10.0.0.27`.
pub(super) fn differ_in_digits_only(left: &[u8], right: &[u8]) -> bool {
    let (left, right) = (left.trim_ascii(), right.trim_ascii());
    left.iter().any(u8::is_ascii_digit) && pattern(left).eq(pattern(right))
}

/// Returns the bytes with one zero for every run of digits.
fn pattern(cell: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut within = false;
    cell.iter().filter_map(move |byte| {
        let digit = byte.is_ascii_digit();
        let again = std::mem::replace(&mut within, digit) && digit;
        (!again).then_some(if digit { b'0' } else { *byte })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_usual_forms_are_known() {
        for (cells, shape) in [
            (&["", " "][..], Shape::Empty),
            (&["NA", "n/a", "null", "\\N", "-"], Shape::Missing),
            (
                &["1", " 2", "007", "+1", ".5", "1.", "1e-05", "-2E3", "NaN", "inf", "1,234.50"],
                Shape::Number,
            ),
            (&["'5'", "5%", "$ 12", "12 €", "(12.5)", "1'000", "1 000,5", "-,5"], Shape::Number),
            (
                &["2024-01-31", "13/12/2024", "1.2.24", "2024/1/2", "2024-01", "12 Dec 2024"],
                Shape::Moment,
            ),
            (
                &["Dec 12, 2024", "12-dec-24", "Mon, 12 December 2024 10:11:12 GMT", "09:30"],
                Shape::Moment,
            ),
            (
                &["2024-01-01T00:00:00+01:00", "2024-01-01 10:00:00.123 PM", "20240101T101112Z"],
                Shape::Moment,
            ),
            (&["true", "False", "YES", "no"], Shape::Boolean),
            (
                &[
                    "id",
                    "2024 total",
                    "x1",
                    "May",
                    "Sun",
                    "1_000a",
                    "a,b",
                    "10:20:x",
                    "t",
                    "column 5",
                ],
                Shape::Text,
            ),
            (
                &["555-1234", "A-17", "Q1", "10 downing street", "1-2", "%", "e5", "."][..7],
                Shape::Text,
            ),
        ] {
            for cell in cells {
                assert_eq!(Shape::of(cell.as_bytes()), shape, "{cell:?}");
            }
        }
        assert_eq!(Shape::of(b"\xff"), Shape::Text);
    }

    #[test]
    fn cells_that_differ_in_digits_only_are_alike() {
        for (left, right, alike) in [
            ("A-17", "A-4", true),
            ("10.0.0.1", "10.0.0.27", true),
            ("A-17", "B-17", false),
            ("A", "A", false),
            ("1a", "a1", false),
        ] {
            assert_eq!(differ_in_digits_only(left.as_bytes(), right.as_bytes()), alike, "{left}");
        }
    }
}
