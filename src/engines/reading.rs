//! How a run says that files are read; what it does not say is detected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bad_rows::BadRows;
use super::schema::ColumnType;
use super::table::{FileFormat, Format, TextEncoding};

/// The parameters of a run that say it, the same for every operator that reads tables. `bad_rows`
/// belongs to them, and is the only one that speaks of every table: it says what a run does, not how
/// a table is read.
pub const PARAMETERS: [&str; 12] = [
    "input_format",
    "read_headers",
    "delimiter",
    "quote",
    "escape",
    "comment",
    "skip_rows",
    "encoding",
    "decimal",
    "null_tokens",
    "types",
    "bad_rows",
];

/// How notes begin of what is detected of nearly every file of delimited text: they are told of a table, and not
/// again of each run that reads it.
pub const ORDINARY_NOTES: [&str; 2] = [NAMES_DETECTED, DELIMITER_DETECTED];
/// The note that the first record holds the names.
pub const NAMES_DETECTED: &str = "header: detected one";
/// How the note begins that says what separates cells.
pub const DELIMITER_DETECTED: &str = "delimiter: detected ";

/// What is known of files before they are read; each part is detected when it is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reading {
    /// The format.
    pub format: Option<Format>,
    /// Whether the first record of delimited text holds the column names.
    pub header: Option<bool>,
    /// What separates cells; one character or several.
    pub delimiter: Option<String>,
    /// What quotes cells.
    pub quote: Option<Mark<char>>,
    /// What takes its meaning from the character behind it.
    pub escape: Option<Mark<char>>,
    /// How lines begin that are left out.
    pub comment: Option<Mark<String>>,
    /// How many lines are left out before the first record.
    pub skip_rows: Option<u64>,
    /// The encoding of the text.
    pub encoding: Option<TextEncoding>,
    /// What stands before the fraction of a number, `.` or `,`.
    pub decimal: Option<char>,
    /// Unquoted cells that mean null, besides the empty cell.
    pub null_tokens: Vec<String>,
    /// Types of columns, by name.
    pub types: BTreeMap<String, ColumnType>,
    /// What happens to rows that cannot be read. It is no part of how a table is declared: every run
    /// says it anew.
    pub bad_rows: BadRows,
}

/// What is wrong with the value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterProblem {
    /// The parameter.
    pub parameter: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ParameterProblem {
    /// Makes a problem that says what to write instead.
    pub(crate) fn new(parameter: &str, message: impl Into<String>, hint: &str) -> Self {
        let hint = Some(hint.to_owned());
        Self { parameter: parameter.to_owned(), message: message.into(), hint }
    }
}

/// A mark that delimited text may do without.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mark<T> {
    /// There is none.
    None,
    /// It is this.
    Is(T),
}

impl<T> Mark<T> {
    /// Returns the mark, if there is one.
    #[must_use]
    pub fn as_option(&self) -> Option<&T> {
        match self {
            Self::None => None,
            Self::Is(mark) => Some(mark),
        }
    }
}

impl<T> From<Option<T>> for Mark<T> {
    fn from(mark: Option<T>) -> Self {
        mark.map_or(Self::None, Self::Is)
    }
}

/// Which files something that is stated speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// Files of every format.
    Every,
    /// Files whose columns have no types of their own.
    WithoutTypes,
    /// Delimited text.
    DelimitedText,
}

impl Concerns {
    /// Returns whether files of a format are among them.
    #[must_use]
    pub fn includes(self, format: Format) -> bool {
        match self {
            Self::Every => true,
            Self::WithoutTypes => {
                matches!(format, Format::Csv | Format::Json | Format::Jsonl | Format::Msgpack)
            }
            Self::DelimitedText => format == Format::Csv,
        }
    }

    /// Returns what the files are, in words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Every => "files",
            Self::WithoutTypes => "delimited text, JSON or MessagePack",
            Self::DelimitedText => "delimited text",
        }
    }
}

impl Reading {
    /// Returns how files of this format are read again. Of the formats that only their content tells
    /// apart from others, the format itself is stated too.
    #[must_use]
    pub fn of(format: &FileFormat) -> Self {
        let is_text = matches!(format.format, Format::Csv | Format::Json | Format::Jsonl);
        let mut reading = Self {
            format: is_text.then_some(format.format),
            types: format.types.clone(),
            ..Self::default()
        };
        if let Some(csv) = &format.csv {
            reading.header = Some(csv.header);
            reading.delimiter = Some(csv.delimiter.clone());
            reading.quote = Some(csv.quote.into());
            reading.escape = Some(csv.escape.into());
            reading.comment = Some(csv.comment.clone().into());
            reading.skip_rows = Some(csv.skip_rows);
            // Text that is UTF-8 shows it, and so does each file where they differ.
            let shows = [TextEncoding::Utf8, TextEncoding::PerFile].contains(&csv.encoding);
            reading.encoding = (!shows).then_some(csv.encoding);
            reading.decimal = Some(csv.decimal);
            reading.null_tokens.clone_from(&csv.null_tokens);
        }
        reading
    }

    /// Returns whether anything is stated of how files are read.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        !self.stated().is_empty()
    }

    /// Returns the parameters that are stated, each with the files that it speaks of.
    #[must_use]
    pub fn stated(&self) -> Vec<(&'static str, Concerns)> {
        use Concerns::{DelimitedText, Every, WithoutTypes};
        let parameters = [
            ("input_format", Every, self.format.is_some()),
            ("read_headers", DelimitedText, self.header.is_some()),
            ("delimiter", DelimitedText, self.delimiter.is_some()),
            ("quote", DelimitedText, self.quote.is_some()),
            ("escape", DelimitedText, self.escape.is_some()),
            ("comment", DelimitedText, self.comment.is_some()),
            ("skip_rows", DelimitedText, self.skip_rows.is_some()),
            ("encoding", DelimitedText, self.encoding.is_some()),
            ("decimal", DelimitedText, self.decimal.is_some()),
            ("null_tokens", DelimitedText, !self.null_tokens.is_empty()),
            ("types", WithoutTypes, !self.types.is_empty()),
        ];
        let stated = parameters.into_iter().filter(|(_, _, is_stated)| *is_stated);
        stated.map(|(name, concerns, _)| (name, concerns)).collect()
    }

    /// Returns whether something is stated that only delimited text has.
    #[must_use]
    pub fn states_delimited_text(&self) -> bool {
        self.stated().iter().any(|(_, concerns)| *concerns == Concerns::DelimitedText)
    }

    /// Returns everything that no file can be read with; empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<ParameterProblem> {
        let mut problems = self.format_problems();
        problems.extend(self.mark_problems());
        problems.extend(self.delimiter_problem());
        problems.extend(self.quote_problem());
        problems.extend(self.comment_problem());
        problems.extend(self.decimal_problem());
        problems.extend(self.null_tokens.iter().filter_map(|token| self.token_problem(token)));
        problems
    }

    /// What is stated of delimited text, of files that are stated to be something else.
    fn format_problems(&self) -> Vec<ParameterProblem> {
        let Some(format) = self.format else { return Vec::new() };
        let without_effect = |(name, concerns): (&str, Concerns)| {
            let of = concerns.in_words();
            let message = format!("`{name}` speaks of {of}, but `input_format` is {format}");
            let hint = format!("leave out `{name}` or `input_format`");
            (!concerns.includes(format)).then(|| ParameterProblem::new(name, message, &hint))
        };
        self.stated().into_iter().filter_map(without_effect).collect()
    }

    /// Returns what quotes cells as far as it is stated; `"` is usual.
    fn quote(&self) -> Option<char> {
        self.quote.as_ref().map_or(Some('"'), |quote| quote.as_option().copied())
    }

    fn escape(&self) -> Option<char> {
        self.escape.as_ref().and_then(|escape| escape.as_option().copied())
    }

    /// What a text holds that no unquoted cell begins with, in words.
    fn special(&self, character: char) -> Option<String> {
        if ends_line(character) {
            return Some("a line end".to_owned());
        }
        let marks = [("quote", self.quote()), ("escape", self.escape())];
        let found = marks.into_iter().find(|(_, mark)| *mark == Some(character));
        found.map(|(name, mark)| format!("the {name} {:?}", mark.unwrap_or_default()))
    }

    fn mark_problems(&self) -> Vec<ParameterProblem> {
        let quote = self.quote.as_ref().and_then(Mark::as_option);
        let marks = [("quote", quote.copied()), ("escape", self.escape())];
        let problem = |(name, mark): (&str, Option<char>)| {
            let mark = mark.filter(|mark| !mark.is_ascii() || ends_line(*mark))?;
            let message = format!("the {name} {mark:?} is not one ASCII character within a line");
            Some(ParameterProblem::new(name, message, "give another character, or `none`"))
        };
        marks.into_iter().filter_map(problem).collect()
    }

    fn delimiter_problem(&self) -> Option<ParameterProblem> {
        let delimiter = self.delimiter.as_ref()?;
        if delimiter.is_empty() {
            let hint = r"for example `;`, or `\t` for a tab";
            return Some(ParameterProblem::new("delimiter", "the delimiter is empty", hint));
        }
        let special = delimiter.chars().find_map(|one| self.special(one))?;
        let message = format!("the delimiter {delimiter:?} holds {special}");
        let hint = if delimiter.contains(ends_line) {
            "give what separates the cells of a line"
        } else {
            "give another delimiter, or another `quote` or `escape`, or `none` for it"
        };
        Some(ParameterProblem::new("delimiter", message, hint))
    }

    /// What usually separates cells quotes none.
    fn quote_problem(&self) -> Option<ParameterProblem> {
        let quote = *self.quote.as_ref()?.as_option()?;
        (self.delimiter.is_none() && matches!(quote, ',' | ';' | '\t' | '|')).then(|| {
            let message = format!("the quote {quote:?} is what usually separates cells");
            let hint = "give what quotes cells, such as `\"`, or `none`; if it is meant, state the `delimiter` too";
            ParameterProblem::new("quote", message, hint)
        })
    }

    fn comment_problem(&self) -> Option<ParameterProblem> {
        let comment = self.comment.as_ref()?.as_option()?;
        let delimiter = self.delimiter.as_deref().filter(|text| !text.is_empty());
        let special = comment.chars().next().map(|first| self.special(first));
        let why = match special {
            None => "is empty".to_owned(),
            Some(Some(special)) => format!("begins with {special}"),
            _ if comment.contains(ends_line) => "holds a line end".to_owned(),
            _ if delimiter.is_some_and(|delimiter| comment.starts_with(delimiter)) => {
                "begins as a line whose first cell is empty".to_owned()
            }
            _ => return None,
        };
        let message = format!("the beginning of comments {comment:?} {why}");
        Some(ParameterProblem::new("comment", message, "for example `#`, or `none`"))
    }

    fn decimal_problem(&self) -> Option<ParameterProblem> {
        let decimal = self.decimal?;
        if !matches!(decimal, '.' | ',') {
            let message = format!("the decimal mark {decimal:?} is neither `.` nor `,`");
            return Some(ParameterProblem::new("decimal", message, "give `.` or `,`"));
        }
        let separates = self.delimiter.as_deref() == Some(decimal.to_string().as_str());
        (separates && self.quote().is_none()).then(|| {
            let message =
                format!("{decimal:?} separates cells and cannot be within one: nothing quotes");
            let hint = "give another `decimal` or `delimiter`, or a `quote`";
            ParameterProblem::new("decimal", message, hint)
        })
    }

    fn token_problem(&self, token: &str) -> Option<ParameterProblem> {
        let delimiter = self.delimiter.as_deref().filter(|text| !text.is_empty());
        let why = if token.contains(ends_line) {
            "holds a line end"
        } else if self.quote().is_some_and(|quote| token.starts_with(quote)) {
            "begins with a quote"
        } else if delimiter.is_some_and(|delimiter| token.contains(delimiter)) {
            "holds the delimiter"
        } else {
            return None;
        };
        let message = format!("the null token {token:?} {why}, as no unquoted cell does");
        Some(ParameterProblem::new("null_tokens", message, "leave it out"))
    }
}

fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    fn delimited(delimiter: &str) -> Reading {
        Reading { delimiter: Some(delimiter.to_owned()), ..Reading::default() }
    }

    fn said(reading: &Reading, parts: &[&str]) {
        let problems = reading.problems();
        assert_eq!(problems.len(), parts.len(), "{problems:?}");
        for part in parts {
            let is_it = |problem: &ParameterProblem| problem.message.contains(part);
            assert!(problems.iter().any(is_it), "{problems:?}: {part}");
        }
    }

    #[test]
    fn every_problem_is_told() {
        let tokens = |tokens: &[&str]| Reading {
            null_tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
            ..delimited(";")
        };
        said(&tokens(&["NA", "-", "n/a"]), &[]);
        let parts = ["\"a;b\" holds the delimiter", "begins with a quote", "holds a line end"];
        said(&tokens(&["a;b", "\"x\"", "ok", "a\nb"]), &parts);
        said(&delimited(""), &["the delimiter is empty"]);
        said(&delimited("\""), &["holds the quote '\"'"]);
    }

    #[test]
    fn marks_are_single_and_different_from_one_another() {
        let quoted = |quote| Reading { quote: Some(quote), ..delimited("\"") };
        said(&quoted(Mark::None), &[]);
        said(&quoted(Mark::Is('\'')), &[]);
        said(&quoted(Mark::Is('"')), &["the delimiter"]);
        let comma = |delimiter: Option<&str>| Reading {
            quote: Some(Mark::Is(',')),
            delimiter: delimiter.map(str::to_owned),
            ..Reading::default()
        };
        said(&comma(Some(";")), &[]);
        said(&comma(Some(",")), &["the delimiter \",\" holds the quote ','"]);
        said(&comma(None), &["the quote ',' is what usually separates cells"]);
        said(&quoted(Mark::Is('„')), &["the quote '„' is not one ASCII character"]);
        let escaped = Reading { escape: Some(Mark::Is(';')), ..delimited(";") };
        said(&escaped, &["the delimiter \";\" holds the escape ';'"]);
        let comment = |comment: &str| Reading {
            comment: Some(Mark::Is(comment.to_owned())),
            ..delimited("#")
        };
        said(&comment("//"), &[]);
        said(&comment(""), &["is empty"]);
        said(&comment("\"x"), &["begins with the quote '\"'"]);
        said(&comment("##"), &["whose first cell is empty"]);
    }

    #[test]
    fn a_decimal_comma_needs_quotes_where_commas_separate_cells() {
        let reading = Reading { decimal: Some(','), ..delimited(",") };
        said(&reading, &[]);
        said(&Reading { quote: Some(Mark::None), ..reading }, &["nothing quotes"]);
        said(&Reading { decimal: Some(';'), ..Reading::default() }, &["neither `.` nor `,`"]);
    }

    #[test]
    fn what_a_stated_format_has_no_use_for_is_a_problem() {
        let types = BTreeMap::from([("x".to_owned(), ColumnType(DataType::Int64))]);
        let stated =
            |format| Reading { format: Some(format), types: types.clone(), ..delimited(";") };
        said(&stated(Format::Csv), &[]);
        said(
            &stated(Format::Jsonl),
            &["`delimiter` speaks of delimited text, but `input_format` is jsonl"],
        );
        said(
            &stated(Format::Parquet),
            &["`delimiter` speaks of", "`types` speaks of delimited text, JSON"],
        );
    }

    #[test]
    fn nothing_is_stated_by_default() {
        assert!(!Reading::default().is_stated());
        assert!(!Reading { bad_rows: BadRows::Skip, ..Reading::default() }.is_stated());
        assert!(Reading { header: Some(false), ..Reading::default() }.states_delimited_text());
        let json = Reading { format: Some(Format::Json), ..Reading::default() };
        assert!(json.is_stated() && !json.states_delimited_text());
    }

    #[test]
    fn readings_of_older_jobs_are_read() {
        let old = r#"{"header":true,"delimiter":";","nullTokens":["NA"]}"#;
        let read: Reading = serde_json::from_str(old).expect("should be a reading");
        let null_tokens = vec!["NA".to_owned()];
        assert_eq!(read, Reading { header: Some(true), null_tokens, ..delimited(";") });
        let marks = Reading { quote: Some(Mark::None), escape: Some(Mark::Is('\\')), ..read };
        let text = serde_json::to_string(&marks).expect("should be JSON");
        assert_eq!(serde_json::from_str::<Reading>(&text).expect("should be read"), marks);
    }
}
