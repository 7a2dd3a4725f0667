//! Messages of the engine that need nothing of the query, in plain words: each is known by what it always
//! says, and what it says of this query stands between.

use super::error::failed;
use crate::engines::{EngineError, ErrorKind};

/// A message: what it looks like, and what is said instead. `{}` is any text; in the words and the hint
/// `{0}` is the first of them as it stands, `{0:name}` it without what qualifies a column, and `{0:type}`
/// the words of the type that it names.
struct Phrase {
    pattern: &'static str,
    words: &'static str,
    hint: &'static str,
}

const fn phrase(pattern: &'static str, words: &'static str, hint: &'static str) -> Phrase {
    Phrase { pattern, words, hint }
}

const CAST: &str = "cast one side to the type of the other: `cast(… as …)`";
const AS_TEXT: &str = "cast it: `cast(… as varchar)`";
const COMPARE: &str = "compare it with something, such as `{0:name} = …` or `{0:name} is not null`";
const FROM_ZERO: &str = "give a whole number, 0 or more";

const PHRASES: &[Phrase] = &[
    phrase(
        "Aggregate functions are not allowed in the WHERE clause",
        "an aggregate stands in `where`, which is asked of rows before they are grouped",
        "write the condition in `having`; in a subquery within `having`, compute the aggregate in a `with`, and \
         join that",
    ),
    phrase(
        "Aggregate function calls cannot be nested",
        "an aggregate stands within another",
        "compute the inner one in a subquery in `from`, and the outer one of its column",
    ),
    phrase(
        "Aggregate function calls cannot contain window function calls",
        "a window function stands within an aggregate",
        "compute the window function in a subquery in `from`, and the aggregate of its column",
    ),
    phrase(
        "Too many columns! The subquery should only return one column: {}",
        "a subquery whose value is compared has several columns: {0:names}",
        "select one column there; to compare several, write `exists (select 1 from … where … and …)`",
    ),
    phrase(
        "Scalar subquery returned more than one row",
        "a subquery of one value has several rows",
        "add `limit 1`, or take an aggregate such as `max(…)`; to compare with any of its rows, write `in (…)`",
    ),
    phrase(
        "HAVING clause references: {} must appear in the GROUP BY",
        "`having` is asked of groups, and uses what is neither a key of `group by` nor an aggregate",
        "write `where` for a condition on rows, or add `group by`",
    ),
    phrase(
        "must be in GROUP BY or an aggregate function: While expanding wildcard, column \"{}\" must appear",
        "the column `{0:name}` is neither a key of `group by` nor within an aggregate",
        "add it to `group by`, or take one of its values: `min({0:name})`",
    ),
    phrase(
        "Cannot find column with position {} in SELECT clause. Valid columns: 1 to {}",
        "`group by {0}` names no column of the select list, which has {1}",
        "give the name of a column, or a number from 1 to {1}",
    ),
    phrase(
        "Order by column out of bounds, specified: {}, max: {}",
        "`order by {0}` names no column of the select list, which has {1}",
        "give the name of a column, or a number from 1 to {1}",
    ),
    phrase(
        "queries have different number of columns",
        "the queries of a `union`, `intersect` or `except` have different numbers of columns",
        "select as many columns in each, `null` where one has none",
    ),
    phrase(
        "Previous inputs were of type {}, but got incompatible type {} on column '{}'",
        "the column `{2:name}` is {0:type} in one query of the `union`, and {1:type} in another",
        "cast it in one of the two: `cast({2:name} as …)`",
    ),
    phrase(
        "There isn't a common type to coerce {} and {} in LIKE expression",
        "`like` compares texts, and is given {0:type} and {1:type}",
        AS_TEXT,
    ),
    phrase(
        "Invalid escape character in LIKE expression",
        "`escape` needs one character",
        "leave `escape` out, and write `\\%` and `\\_` for the characters themselves",
    ),
    phrase(
        "LIKE does not support escape_char other than the backslash",
        "`like` knows no `escape` but the backslash",
        "leave `escape` out, and write `\\%` and `\\_` for the characters themselves",
    ),
    phrase(
        "Unable to build regex from",
        "a pattern of `like` is too long",
        "split it in several conditions joined by `and`, or look for a text with `strpos(…, '…') > 0`",
    ),
    phrase(
        "Invalid function '{}'",
        "there is no function `{0}`",
        "https://datafusion.apache.org/user-guide/sql lists the functions; window functions need `over (…)`",
    ),
    phrase(
        "Substring without for/from is not valid",
        "`substr` is not told where to begin",
        "give the place of the first character, from 1: `substr(…, 1)`",
    ),
    phrase(
        "Function '{}' expects {} arguments but received {}. No",
        "the number of arguments of `{0}` is {2}, and should be {1}",
        "https://datafusion.apache.org/user-guide/sql says what they are",
    ),
    phrase(
        "Unsupported date_trunc granularity: '{}'. Supported values are: {}",
        "`date_trunc` knows no '{0}'",
        "give one of {1}",
    ),
    phrase(
        "Date part '{}' not supported",
        "a date or time has no part called '{0}'",
        "give one of year, quarter, month, week, day, doy, dow, hour, minute, second, epoch",
    ),
    phrase(
        "Invalid input syntax for type interval: \"{}\"",
        "the text '{0}' is no interval",
        "write for example `interval '1 day'` or `interval '2 hours'`",
    ),
    phrase(
        "Cannot create filter with non-boolean predicate '{}' returning {}",
        "the condition `{0:name}` is {1:type}, not a boolean",
        COMPARE,
    ),
    phrase(
        "Unary operator 'NOT' requires a boolean expression, got {}",
        "`not` needs a boolean, and is given {0:type}",
        "compare it with something: `not (… = …)`",
    ),
    phrase(
        "Unary operator '-' only supports",
        "a minus stands before what is no number, interval or timestamp",
        "cast it: `-cast(… as double)`",
    ),
    phrase(
        "Cannot infer common string type for string concat operation {} || {}",
        "`||` joins texts, and is given {0:type} and {1:type}",
        AS_TEXT,
    ),
    phrase(
        "Ambiguous reference to unqualified field {}",
        "several tables have a column `{0:name}`",
        "write the table or its alias before it: `t.{0:name}`",
    ),
    phrase("LIMIT must be >= 0, '{}' was", "`limit` is {0}, below zero", FROM_ZERO),
    phrase("OFFSET must be >=0, '{}' was", "`offset` is {0}, below zero", FROM_ZERO),
    phrase(
        "Expected {} to be an integer or null, but got {}",
        "`limit` and `offset` need a whole number, and one is given {1:type}",
        FROM_ZERO,
    ),
    phrase(
        "NTILE requires",
        "`ntile` needs a number of parts, 1 or more",
        "for example `ntile(4) over (…)`",
    ),
    phrase(
        "Expected an integer value",
        "a window function needs a whole number, and is given something else",
        "for example `lag(…, 1)`, `nth_value(…, 2)` or `ntile(4)`",
    ),
    phrase(
        "Invalid window frame: start bound ({}) cannot be larger than end bound ({})",
        "a frame begins behind its end: from `{0:lower}` to `{1:lower}`",
        "write the earlier one first: `rows between 1 preceding and 1 following`",
    ),
    phrase(
        "RANGE requires exactly one ORDER BY column",
        "a frame by `range` needs exactly one column in `order by`",
        "order by one column, or write `rows` or `groups` instead of `range`",
    ),
    phrase(
        "The window {} is not defined",
        "there is no window called `{0}`",
        "define it behind `where`, `group by` and `having`: `window {0} as (order by …)`",
    ),
    phrase(
        "unnest() can only be applied to array",
        "`unnest` needs a list or an object",
        "give it a list, such as `[1, 2]` or `string_to_array(…, ',')`",
    ),
    phrase(
        "Argument #{} must be an INTEGER, TIMESTAMP, DATE or NULL, got {}",
        "argument {0} of `generate_series` or `range` is {1:type}, not an integer or a time",
        "for example `generate_series(1, 10)`",
    ),
    phrase(
        "Step cannot be zero",
        "the step of `generate_series` or `range` is 0",
        "give another step",
    ),
    phrase(
        "Divide by zero error",
        "an integer is divided by zero",
        "write `nullif(…, 0)` for the divisor, which makes null of it, or cast it to `double`",
    ),
    phrase(
        "Can't cast value {} to type {}",
        "the value {0} is too large for {1:type} of {1:bits} bits",
        "cast it to a larger type, such as `bigint`; `try_cast(… as …)` makes null of what does not fit",
    ),
    phrase(
        "Overflow converting {} to Nanosecond",
        "the timestamp {0} is outside of the years 1678 to 2261",
        "keep it as a date or a text",
    ),
    phrase(
        "For SELECT DISTINCT, ORDER BY expressions {} must appear in select list",
        "`select distinct` is ordered by `{0:name}`, which is not in its list",
        "add it to the list, or order by a column of the list",
    ),
    phrase(
        "Argument {} to grouping function is not in grouping columns",
        "`grouping({0:name})` asks for what is no key of `group by`",
        "give it a key of `group by rollup (…)`, `cube (…)` or `grouping sets (…)`",
    ),
    phrase(
        "Dot access not supported for non-string expr",
        "a field is taken with `.` of what is no column",
        "write it in brackets: `(…)['field']`",
    ),
    phrase(
        "Cannot access field at argument {}: type {} is not",
        "a field is taken of {1:type}, which has none",
        "only objects have fields; write a column alone, or the alias of a table before it",
    ),
    phrase(
        "Percentile value must be between 0.0 and 1.0 inclusive, {} is invalid",
        "the share of a percentile is {0}, not between 0 and 1",
        "for example `percentile_cont(0.5) within group (order by …)`",
    ),
    phrase(
        "In an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
        "an aggregate of distinct values is ordered by something else than its values",
        "order by its argument, or leave `distinct` or `order by` out",
    ),
    phrase(
        "got {} values in row {} but expected {}",
        "a row of `values` has {0} values, and the first one {2}",
        "give each row as many values, `null` where it has none",
    ),
    phrase(
        "Invalid qualifier {}",
        "`from` has no table `{0}`",
        "write the name or the alias of a table of this `select` before `.*`",
    ),
    phrase(
        "Cannot infer common argument type for comparison operation {} {} {}",
        "{0:type} and {2:type} cannot be compared",
        CAST,
    ),
];

/// Returns a message in plain words, if it is known.
pub(super) fn plain(message: &str) -> Option<EngineError> {
    if let Some(error) = of_pattern(message).or_else(|| of_place(message)) {
        return Some(error);
    }
    PHRASES.iter().find_map(|phrase| {
        let parts = captured(message, phrase.pattern)?;
        let said = |template: &str| filled(template, &parts);
        Some(invalid(said(phrase.words)).with_hint(said(phrase.hint)))
    })
}

/// A regular expression that is none.
fn of_pattern(message: &str) -> Option<EngineError> {
    let is_it = message.contains("regex parse error")
        || message.contains("Regular expression did not compile");
    let why = match message.rsplit_once("error: ") {
        Some((_, why)) if is_it && message.contains('\n') => format!(": {}", why.trim()),
        _ if is_it => String::new(),
        _ => return None,
    };
    let hint = "put a backslash before a character that stands for itself, such as `\\(`; `strpos(…, '…') > 0` \
                looks for a text as it is";
    Some(invalid(format!("a pattern is no regular expression{why}")).with_hint(hint))
}

/// What stands where it cannot be computed, and what has one name twice.
fn of_place(message: &str) -> Option<EngineError> {
    if message.contains("Physical plan does not support logical expression")
        || message.contains("can only be used in Projection")
    {
        let error = unsupported("a subquery stands where it cannot be computed".to_owned());
        return Some(error.with_hint("compute it in a `with`, and join that"));
    }
    if message.contains("sliding accumulator") {
        let (_, name) = message.rsplit_once(": ")?;
        let error = unsupported(format!("`{name}` over a frame that moves is not supported"));
        return Some(error.with_hint("let the frame begin with `unbounded preceding`"));
    }
    if message.contains("duplicate qualified field name") {
        let (_, name) = message.rsplit_once("name ")?;
        let error = invalid(format!("`{name}` stands twice among the keys or columns"));
        return Some(
            error.with_hint("name it once, or give one of the two another name: `… as a`"),
        );
    }
    if message.contains("require unique expression names") {
        let (_, name) = message.split_once("expression \"")?;
        let (name, _) = name.split_once('"')?;
        let name = name.rsplit_once(" AS ").map_or(name, |(_, alias)| alias);
        let error = invalid(format!("two columns of one select are called `{name}`"));
        return Some(error.with_hint("give each a name of its own: `… as a`"));
    }
    None
}

fn invalid(message: String) -> EngineError {
    failed(ErrorKind::InvalidInput, "run the query", message)
}

fn unsupported(message: String) -> EngineError {
    failed(ErrorKind::Unsupported, "run the query", message)
}

/// Returns what stands for each `{}` of a pattern; the last one goes on to the end of the message.
fn captured<'a>(message: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let (_, mut rest) = message.split_once(pieces.next()?)?;
    let mut parts = Vec::new();
    for piece in pieces {
        if piece.is_empty() {
            parts.push(rest.trim_end());
            break;
        }
        let (part, behind) = rest.split_once(piece)?;
        parts.push(part);
        rest = behind;
    }
    Some(parts)
}

fn filled(template: &str, parts: &[&str]) -> String {
    let mut filled = template.to_owned();
    for (at, part) in parts.iter().enumerate() {
        for (form, text) in [
            ("", (*part).to_owned()),
            (":name", unqualified(part).to_owned()),
            (
                ":names",
                part.split(", ")
                    .map(|one| format!("`{}`", unqualified(one)))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            (":type", type_in_words(part).to_owned()),
            (":lower", part.to_lowercase()),
            (":bits", part.trim_start_matches(|one: char| !one.is_ascii_digit()).to_owned()),
        ] {
            filled = filled.replace(&format!("{{{at}{form}}}"), &text);
        }
    }
    filled
}

/// A column without its table; other expressions as they are.
fn unqualified(name: &str) -> &str {
    let is_column = !name.is_empty()
        && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '.'));
    match name.rsplit_once('.') {
        Some((_, last)) if is_column => last,
        _ => name,
    }
}

/// The words of a type as Arrow writes it.
pub(super) fn type_in_words(name: &str) -> &str {
    const WORDS: &[(&str, &str)] = &[
        ("Utf8", "text"),
        ("LargeUtf8", "text"),
        ("Int", "an integer"),
        ("UInt", "an integer"),
        ("Float", "a float"),
        ("Decimal", "a decimal"),
        ("Boolean", "a boolean"),
        ("Date", "a date"),
        ("Timestamp", "a timestamp"),
        ("Interval", "an interval"),
        ("Duration", "a duration"),
        ("Time", "a time"),
        ("Binary", "bytes"),
        ("LargeBinary", "bytes"),
        ("FixedSizeBinary", "bytes"),
        ("List", "a list"),
        ("LargeList", "a list"),
        ("FixedSizeList", "a list"),
        ("Struct", "an object"),
        ("Map", "a map"),
        ("Null", "null"),
    ];
    let is_interval = name.starts_with("Interval");
    let found = WORDS
        .iter()
        .find(|(arrow, _)| name.starts_with(arrow) && (*arrow != "Int" || !is_interval));
    found.map_or(name, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_filled_with_what_they_say_of_the_query() {
        let said = |message: &str| {
            let error = plain(message).expect("should be known");
            (error.message, error.hint.unwrap_or_default())
        };
        let (message, hint) = said("Order by column out of bounds, specified: 5, max: 1");
        assert_eq!(message, "`order by 5` names no column of the select list, which has 1");
        assert_eq!(hint, "give the name of a column, or a number from 1 to 1");
        let long = "Column in SELECT must be in GROUP BY or an aggregate function: While expanding wildcard, \
                    column \"shop.t.i\" must appear in the GROUP BY clause";
        assert_eq!(said(long).1, "add it to `group by`, or take one of its values: `min(i)`");
        assert!(plain("something else").is_none());
    }

    #[test]
    fn every_phrase_is_filled_whole() {
        for Phrase { pattern, words, hint } in PHRASES {
            let message = pattern.replace("{}", "Int64");
            let error = plain(&message).expect(pattern);
            let hint_said = error.hint.unwrap_or_default();
            assert!(!error.message.contains('{') && !hint_said.contains('{'), "{words} {hint}");
            assert!(!hint_said.is_empty(), "{pattern}");
        }
    }

    #[test]
    fn types_have_words() {
        for (name, words) in [
            ("Int64", "an integer"),
            ("Interval(MonthDayNano)", "an interval"),
            ("Utf8View", "text"),
            ("Struct(\"a\": Int64)", "an object"),
            ("Timestamp(ns)", "a timestamp"),
            ("Time64(us)", "a time"),
        ] {
            assert_eq!(type_in_words(name), words);
        }
    }
}
