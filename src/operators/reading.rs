//! How a run says that files are read, and the tables that are read so.
//!
//! One rule for every operator: [`PARAMETERS`](crate::engines::reading::PARAMETERS) speak of tables that are not declared. A declared or
//! managed table is read as it was declared. A parameter that speaks of nothing that is read is
//! refused, so that none is without effect unnoticed.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Request;
use super::columns::column_type;
use super::inputs::agreeing;
use super::parameters::{choice, count, refused};
use crate::engines::reading::{Concerns, Mark, Reading};
use crate::engines::schema::ColumnType;
use crate::engines::table::{FileFormat, Table, TableKind, TableLookup, TableName, TextEncoding};
use crate::engines::{EngineError, Engines};

/// Returns what the run says of how files are read.
///
/// # Errors
/// `InvalidInput` with everything that no file can be read with.
pub(super) fn reading(operator: &str, request: &Request) -> Result<Reading, EngineError> {
    let mut given = Given { operator, request, problems: Vec::new(), hint: None };
    let reading = given.reading();
    given.problems.extend(reading.problems());
    if given.problems.is_empty() {
        return Ok(reading);
    }
    let error = refused(operator, given.problems.join("; "));
    Err(match given.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

/// What a run gives, with all that is wrong with it.
struct Given<'a> {
    operator: &'a str,
    request: &'a Request,
    problems: Vec<String>,
    hint: Option<String>,
}

impl Given<'_> {
    fn reading(&mut self) -> Reading {
        Reading {
            format: self.word("input_format"),
            header: self.json("read_headers").and_then(Value::as_bool),
            delimiter: self.text("delimiter"),
            quote: self.character("quote"),
            escape: self.character("escape"),
            comment: self.text("comment").map(|text| match text.as_str() {
                NONE => Mark::None,
                _ => Mark::Is(text),
            }),
            skip_rows: self.skip_rows(),
            encoding: self.encoding(),
            decimal: self.character("decimal").and_then(|mark| mark.as_option().copied()),
            null_tokens: self.request.parameters.list("null_tokens"),
            types: self.types(),
            bad_rows: self.word("bad_rows").unwrap_or_default(),
        }
    }

    fn json(&self, name: &str) -> Option<&Value> {
        let given = self.request.parameters.json(name);
        given.filter(|value| !value.is_null())
    }

    /// Returns a text in which `\t` is a tab and `\x01` the character of that number.
    fn text(&self, name: &str) -> Option<String> {
        self.json(name)?.as_str().map(unescaped)
    }

    fn problem(&mut self, problem: String, hint: Option<String>) {
        self.problems.push(problem);
        self.hint = self.hint.take().or(hint);
    }

    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        match choice(self.operator, self.request, name) {
            Ok(word) => word,
            Err(error) => {
                self.problem(error.message, None);
                None
            }
        }
    }

    fn character(&mut self, name: &str) -> Option<Mark<char>> {
        let text = self.text(name)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Some(Mark::Is(one)),
            _ if text == NONE && name != "decimal" => Some(Mark::None),
            _ => {
                let none = if name == "decimal" { "" } else { ", nor `none`" };
                self.problem(format!("the {name} {text:?} is not one character{none}"), None);
                None
            }
        }
    }

    fn skip_rows(&mut self) -> Option<u64> {
        self.json("skip_rows")?;
        match count(self.operator, self.request, "skip_rows") {
            Ok(lines) => lines,
            Err(error) => {
                self.problem(error.message, None);
                None
            }
        }
    }

    fn encoding(&mut self) -> Option<TextEncoding> {
        let label = self.text("encoding")?;
        let encoding = TextEncoding::from_label(&label);
        if encoding.is_none() {
            let hint = "for example utf-8, utf-16le, latin1, windows-1252, shift_jis, gbk";
            self.problem(format!("the encoding {label:?} is not known"), Some(hint.to_owned()));
        }
        encoding
    }

    fn types(&mut self) -> BTreeMap<String, ColumnType> {
        let wanted = match self.json("types") {
            None => return BTreeMap::new(),
            Some(Value::Object(wanted)) => wanted.clone(),
            Some(_) => {
                let problem = "parameter `types` is no object from column to type".to_owned();
                self.problem(problem, Some(r#"for example {"lat": "double"}"#.to_owned()));
                return BTreeMap::new();
            }
        };
        let mut types = BTreeMap::new();
        for (column, word) in wanted {
            let Some(word) = word.as_str() else {
                self.problem(format!("the type of column `{column}` is not a text"), None);
                continue;
            };
            match column_type(self.operator, word) {
                Ok(found) => drop(types.insert(column, found)),
                Err(error) => {
                    self.problem(format!("column `{column}`: {}", error.message), error.hint);
                }
            }
        }
        types
    }
}

/// The word for a mark that the text does without.
const NONE: &str = "none";

/// Returns a text in which `\t` is a tab and `\x` with two digits the ASCII character of that number.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let number = behind.strip_prefix(r"\x").and_then(|digits| digits.get(..2));
        let number = number.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match number.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                &behind[4..]
            }
            None if behind.starts_with(r"\t") => {
                out.push('\t');
                &behind[2..]
            }
            None => {
                out.push('\\');
                &behind[1..]
            }
        };
    }
    out.push_str(rest);
    out
}

/// Returns a table, or how its files disagree.
///
/// # Errors
/// As [`look_up_all`].
pub(super) async fn look_up(
    engines: &Engines,
    operator: &str,
    request: &Request,
    name: &TableName,
) -> Result<TableLookup, EngineError> {
    let found = look_up_all(engines, operator, request, std::slice::from_ref(name)).await?;
    found.into_iter().next().ok_or_else(|| refused(operator, "no table is named"))
}

/// Returns tables in the order of their names, as the run says that their text is read.
///
/// # Errors
/// `InvalidInput` when the run says how text is read and none of the tables is read so; whatever the
/// look-ups fail with.
async fn look_up_all(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
) -> Result<Vec<TableLookup>, EngineError> {
    let reading = reading(operator, request)?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.push(engines.metastore.get_table(name, &reading).await?);
    }
    let useless = |(_, concerns): &(&str, Concerns)| {
        found.iter().all(|table| not_read_so(table, *concerns).is_some())
    };
    let useless: Vec<_> = reading.stated().into_iter().filter(useless).collect();
    if useless.is_empty() {
        return Ok(found);
    }
    let mut reasons: Vec<String> = Vec::new();
    for (table, (_, concerns)) in
        found.iter().flat_map(|table| useless.iter().map(move |one| (table, one)))
    {
        reasons.extend(not_read_so(table, *concerns).filter(|reason| !reasons.contains(reason)));
    }
    Err(without_effect(operator, &useless, &reasons))
}

/// Returns tables whose files agree, in the order of their names.
///
/// # Errors
/// As [`look_up_all`], and `InvalidInput` that shows the first conflict.
pub(super) async fn read_tables(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
) -> Result<Vec<Table>, EngineError> {
    let found = look_up_all(engines, operator, request, names).await?;
    found.into_iter().map(|found| agreeing(operator, found)).collect()
}

/// Returns the one table that is read.
///
/// # Errors
/// As [`read_tables`].
pub(super) async fn read_table(
    engines: &Engines,
    operator: &str,
    request: &Request,
    name: &TableName,
) -> Result<Table, EngineError> {
    agreeing(operator, look_up(engines, operator, request, name).await?)
}

/// Refuses what the run says of files of another format.
///
/// # Errors
/// `InvalidInput` naming the parameters.
pub(super) fn check_format(
    operator: &str,
    request: &Request,
    format: &FileFormat,
) -> Result<(), EngineError> {
    let format = format.format;
    let mut useless = reading(operator, request)?.stated();
    useless.retain(|(_, concerns)| !concerns.includes(format));
    let Some((_, concerns)) = useless.first() else { return Ok(()) };
    let reason = format!("the files are {format}, not {}", concerns.in_words());
    Err(without_effect(operator, &useless, &[reason]))
}

/// Returns why a table is not read as a parameter says, if it is not.
fn not_read_so(found: &TableLookup, concerns: Concerns) -> Option<String> {
    let (name, kind, format) = match found {
        TableLookup::Table(table) => (&table.name, table.kind, table.format.format),
        TableLookup::Conflicting(table) => {
            (&table.name, TableKind::Discovered, table.format.format)
        }
    };
    match kind {
        TableKind::Discovered if concerns.includes(format) => None,
        TableKind::Discovered => {
            let other = concerns.in_words();
            Some(format!("the files of `{name}` are {format}, not {other}"))
        }
        TableKind::External => {
            Some(format!("`{name}` is declared, and is read as it was declared"))
        }
        TableKind::Managed => Some(format!("Mason wrote the files of `{name}`")),
    }
}

fn without_effect(
    operator: &str,
    useless: &[(&'static str, Concerns)],
    reasons: &[String],
) -> EngineError {
    let given: Vec<String> = useless.iter().map(|(name, _)| format!("`{name}`")).collect();
    let why = if reasons.is_empty() { "no table is read".to_owned() } else { reasons.join("; ") };
    let message = format!("{} would have no effect: {why}", given.join(", "));
    refused(operator, message)
        .with_hint("leave them out; table/infer with mode=replace declares a table anew")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engines::bad_rows::BadRows;
    use crate::engines::reading::PARAMETERS;
    use crate::engines::table::Format;

    fn request(parameters: Value) -> Request {
        Request {
            parameters: serde_json::from_value(parameters).expect("should be parameters"),
            allow_writing_sql: false,
            statement: None,
            answer_bytes: 0,
            container: None,
        }
    }

    #[test]
    fn everything_that_is_stated_is_taken() {
        let request = request(json!({
            "input_format": "csv", "read_headers": false, "delimiter": r"\x01", "quote": "'",
            "escape": "none", "comment": "#", "skip_rows": 2, "encoding": "sjis", "decimal": ",",
            "null_tokens": ["NA"], "types": {"lat": "double"}, "bad_rows": "skip",
        }));
        let lat = ColumnType(arrow::datatypes::DataType::Float64);
        let expected = Reading {
            format: Some(Format::Csv),
            header: Some(false),
            delimiter: Some("\u{1}".to_owned()),
            quote: Some(Mark::Is('\'')),
            escape: Some(Mark::None),
            comment: Some(Mark::Is("#".to_owned())),
            skip_rows: Some(2),
            encoding: TextEncoding::from_label("shift_jis"),
            decimal: Some(','),
            null_tokens: vec!["NA".to_owned()],
            types: BTreeMap::from([("lat".to_owned(), lat)]),
            bad_rows: BadRows::Skip,
        };
        assert_eq!(reading("table/test", &request).expect("should be taken"), expected);
        let stated: Vec<&str> = expected.stated().into_iter().map(|(name, _)| name).collect();
        assert_eq!(stated, PARAMETERS[..PARAMETERS.len() - 1], "all but `bad_rows` are stated");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let request = request(json!({
            "input_format": "jsonl", "delimiter": ";", "quote": "ab", "decimal": "none",
            "encoding": "klingon", "types": {"a": "what", "b": 1}, "skip_rows": -1,
        }));
        let error = reading("table/test", &request).expect_err("should be refused");
        for part in [
            "the quote \"ab\" is not one character, nor `none`",
            "the decimal \"none\" is not one character",
            "the encoding \"klingon\" is not known",
            "column `a`: `what` is no type",
            "the type of column `b` is not a text",
            "`skip_rows` is -1, below zero",
            "`delimiter` speaks of delimited text, but `input_format` is jsonl",
        ] {
            assert!(error.message.contains(part), "{part}: {error}");
        }
        assert!(error.hint.is_some_and(|hint| hint.contains("shift_jis")));
    }

    #[test]
    fn tabs_and_control_characters_can_be_written() {
        for (text, meant) in [
            (r"\t", "\t"),
            (r"\x01", "\u{1}"),
            (r"|\t|", "|\t|"),
            (r"\", r"\"),
            (r"\xff", r"\xff"),
            (r"\xé", r"\xé"),
            (r"\n", r"\n"),
            ("ä", "ä"),
        ] {
            assert_eq!(unescaped(text), meant, "{text}");
        }
    }
}
