//! The functions and operators that statements are made of, with what each takes and gives.
//!
//! A spelling of its own for a peer is no tolerance: it says the same thing in another dialect, and why.

use crate::kinds::{Kind, WHOLE};
use crate::statement::Family;

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Any value of a family.
    Of(Family),
    /// A float that is a small multiple of an eighth.
    Plain,
    /// A whole number that no arithmetic of a few steps takes out of its type.
    Small,
    /// A decimal of few digits.
    Short,
}

/// A function or operator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) result: Kind,
    pub(crate) arguments: &'static [Argument],
    pub(crate) template: &'static str,
    /// What DuckDB is asked instead, and why.
    pub(crate) duckdb: Option<(&'static str, &'static str)>,
    /// What SQLite is asked; nothing when it does not have it or means something else by it.
    pub(crate) sqlite: Option<&'static str>,
}

const fn both(result: Kind, arguments: &'static [Argument], template: &'static str) -> Form {
    Form { result, arguments, template, duckdb: None, sqlite: None }
}

const fn all(result: Kind, arguments: &'static [Argument], template: &'static str) -> Form {
    Form { result, arguments, template, duckdb: None, sqlite: Some(template) }
}

impl Form {
    const fn duckdb(mut self, template: &'static str, why: &'static str) -> Self {
        self.duckdb = Some((template, why));
        self
    }

    const fn sqlite(mut self, template: &'static str) -> Self {
        self.sqlite = Some(template);
        self
    }
}

const TEXT: Argument = Argument::Of(Family::Text);
const WHOLE_NUMBER: Argument = Argument::Of(Family::Integer);
const DOUBLE: Argument = Argument::Of(Family::Double);
const BOOLEAN: Argument = Argument::Of(Family::Boolean);
const DATE: Argument = Argument::Of(Family::Date);
const TIMESTAMP: Argument = Argument::Of(Family::Timestamp);
const INSTANT: Argument = Argument::Of(Family::Instant);

/// Lengths, parts of dates and the like.
const FEW: Kind = Kind::Integer { bits: 64, signed: true, most: 10_000 };
const ANY_DOUBLE: Kind = Kind::Double { plain: false };
const PLAIN_DOUBLE: Kind = Kind::Double { plain: true };

const DATES_BECOME_TIMES: &str =
    "a date and an interval are a timestamp in DuckDB, and a date in Mason";
const TRUNCATES: &str = "a float becomes an integer by rounding in DuckDB, and by cutting in Mason";
const TRUNCATED_DATE: &str = "`date_trunc` of a date is a date in DuckDB, and a timestamp in Mason";

/// Every form but the comparisons, `case`, and integer and decimal arithmetic, whose types depend on
/// their arguments.
pub(crate) const FORMS: &[Form] = &[
    both(Kind::Text, &[TEXT], "upper({0})"),
    both(Kind::Text, &[TEXT], "lower({0})"),
    all(Kind::Text, &[TEXT], "trim({0})"),
    all(Kind::Text, &[TEXT], "ltrim({0})"),
    all(Kind::Text, &[TEXT], "rtrim({0})"),
    all(Kind::Text, &[TEXT, TEXT], "({0} || {1})"),
    all(Kind::Text, &[TEXT], "substr({0}, 2, 2)"),
    all(Kind::Text, &[TEXT], "substr({0}, 1, 1)"),
    all(Kind::Text, &[TEXT], "substr({0}, 3)"),
    all(Kind::Text, &[TEXT], "replace({0}, 'a', 'ö')"),
    both(Kind::Text, &[TEXT], "reverse({0})"),
    both(Kind::Text, &[TEXT], "left({0}, 2)"),
    both(Kind::Text, &[TEXT], "right({0}, 1)"),
    both(Kind::Text, &[TEXT], "left({0}, -1)"),
    both(Kind::Text, &[TEXT], "repeat({0}, 2)"),
    both(Kind::Text, &[TEXT], "lpad({0}, 4, '*')"),
    both(Kind::Text, &[TEXT], "rpad({0}, 3, 'ü')"),
    both(Kind::Text, &[TEXT, TEXT], "concat({0}, {1})"),
    both(Kind::Text, &[TEXT, TEXT], "concat_ws('-', {0}, {1})"),
    both(Kind::Text, &[TEXT], "split_part({0}, ' ', 1)"),
    both(Kind::Text, &[TEXT], "translate({0}, 'ab', 'xy')"),
    both(Kind::Text, &[TEXT, TEXT], "greatest({0}, {1})"),
    both(Kind::Text, &[TEXT, TEXT], "least({0}, {1})"),
    all(Kind::Text, &[WHOLE_NUMBER], "cast({0} as varchar)").sqlite("cast({0} as text)"),
    both(Kind::Text, &[BOOLEAN], "cast({0} as varchar)"),
    both(Kind::Text, &[DATE], "cast({0} as varchar)"),
    all(FEW, &[TEXT], "length({0})"),
    all(FEW, &[TEXT, TEXT], "strpos({0}, {1})").sqlite("instr({0}, {1})"),
    both(FEW, &[DATE], "extract(year from {0})"),
    both(FEW, &[DATE], "extract(month from {0})"),
    both(FEW, &[DATE], "extract(doy from {0})"),
    both(FEW, &[DATE], "extract(dow from {0})"),
    both(FEW, &[DATE], "extract(week from {0})"),
    both(FEW, &[DATE], "extract(quarter from {0})"),
    both(FEW, &[TIMESTAMP], "extract(day from {0})"),
    both(FEW, &[TIMESTAMP], "extract(hour from {0})"),
    both(FEW, &[TIMESTAMP], "extract(minute from {0})"),
    both(FEW, &[TIMESTAMP], "extract(second from {0})"),
    both(FEW, &[INSTANT], "extract(year from {0})"),
    both(FEW, &[INSTANT], "extract(hour from {0})"),
    all(FEW, &[BOOLEAN], "cast({0} as bigint)"),
    all(FEW, &[Argument::Plain], "cast({0} as bigint)")
        .duckdb("cast(trunc({0}) as bigint)", TRUNCATES),
    both(WHOLE, &[WHOLE_NUMBER, WHOLE_NUMBER], "greatest({0}, {1})"),
    both(WHOLE, &[WHOLE_NUMBER, WHOLE_NUMBER], "least({0}, {1})"),
    all(PLAIN_DOUBLE, &[Argument::Small], "cast({0} as double)"),
    all(PLAIN_DOUBLE, &[Argument::Plain], "abs({0})"),
    all(PLAIN_DOUBLE, &[Argument::Plain], "round({0})"),
    all(PLAIN_DOUBLE, &[Argument::Plain], "(-{0})"),
    both(ANY_DOUBLE, &[DOUBLE], "floor({0})"),
    both(ANY_DOUBLE, &[DOUBLE], "ceil({0})"),
    both(ANY_DOUBLE, &[DOUBLE], "abs({0})"),
    both(ANY_DOUBLE, &[DOUBLE], "sqrt(abs({0}))"),
    all(ANY_DOUBLE, &[DOUBLE, DOUBLE], "({0} + {1})"),
    all(ANY_DOUBLE, &[DOUBLE, DOUBLE], "({0} - {1})"),
    all(ANY_DOUBLE, &[Argument::Plain, Argument::Plain], "({0} * {1})"),
    both(ANY_DOUBLE, &[DOUBLE, DOUBLE], "({0} * {1})"),
    both(ANY_DOUBLE, &[DOUBLE, DOUBLE], "({0} / {1})"),
    all(ANY_DOUBLE, &[Argument::Plain, Argument::Plain], "({0} / nullif({1}, 0e0))"),
    both(ANY_DOUBLE, &[DOUBLE, DOUBLE], "greatest({0}, {1})"),
    both(ANY_DOUBLE, &[DOUBLE, DOUBLE], "least({0}, {1})"),
    both(ANY_DOUBLE, &[Argument::Short], "cast({0} as double)"),
    both(Kind::Date, &[DATE], "({0} + interval '3 days')")
        .duckdb("cast({0} + interval '3 days' as date)", DATES_BECOME_TIMES),
    both(Kind::Date, &[DATE], "({0} - interval '1 month')")
        .duckdb("cast({0} - interval '1 month' as date)", DATES_BECOME_TIMES),
    both(Kind::Date, &[TIMESTAMP], "cast({0} as date)"),
    both(Kind::Date, &[DATE, DATE], "greatest({0}, {1})"),
    both(Kind::Timestamp, &[DATE], "date_trunc('month', {0})")
        .duckdb("cast(date_trunc('month', {0}) as timestamp)", TRUNCATED_DATE),
    both(Kind::Timestamp, &[DATE], "cast({0} as timestamp)"),
    both(Kind::Timestamp, &[TIMESTAMP], "date_trunc('hour', {0})"),
    both(Kind::Timestamp, &[TIMESTAMP], "date_trunc('day', {0})"),
    both(Kind::Timestamp, &[TIMESTAMP], "date_trunc('week', {0})"),
    both(Kind::Timestamp, &[TIMESTAMP], "date_trunc('year', {0})"),
    both(Kind::Timestamp, &[TIMESTAMP], "({0} + interval '90 minutes')"),
    both(Kind::Timestamp, &[TIMESTAMP], "({0} - interval '1 month')"),
    both(Kind::Instant, &[INSTANT], "date_trunc('hour', {0})"),
    both(Kind::Instant, &[INSTANT], "date_trunc('month', {0})"),
    both(Kind::Instant, &[INSTANT], "({0} + interval '1 day')"),
];
