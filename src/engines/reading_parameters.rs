//! The parameters of a run that say how files are read, as a [`Reading`]. Pure.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reading::{Mark, ParameterProblem, Reading};
use super::schema::ColumnType;
use super::table::TextEncoding;
use super::type_words::type_of;
use crate::api::parameters::Parameters;

/// Returns what parameters say of how files are read. Names other than
/// [`PARAMETERS`](super::reading::PARAMETERS) are not looked at.
///
/// # Errors
/// Everything that no file can be read with.
pub fn reading_of(parameters: &Parameters) -> Result<Reading, Vec<ParameterProblem>> {
    let mut given = Given { parameters, problems: Vec::new() };
    let reading = given.reading();
    given.problems.extend(reading.problems());
    if given.problems.is_empty() { Ok(reading) } else { Err(given.problems) }
}

/// What a run gives, with all that is wrong with it.
struct Given<'a> {
    parameters: &'a Parameters,
    problems: Vec<ParameterProblem>,
}

impl Given<'_> {
    fn reading(&mut self) -> Reading {
        Reading {
            format: self.word("input_format"),
            header: self.json("read_headers").and_then(Value::as_bool),
            delimiter: self.delimiter(),
            quote: self.character("quote"),
            escape: self.character("escape"),
            comment: self.marks("comment").map(|text| match text.as_str() {
                NONE => Mark::None,
                _ => Mark::Is(text),
            }),
            skip_rows: self.skip_rows(),
            encoding: self.encoding(),
            decimal: self.character("decimal").and_then(|mark| mark.as_option().copied()),
            null_tokens: self.parameters.list("null_tokens"),
            types: self.types(),
            bad_rows: self.word("bad_rows").unwrap_or_default(),
        }
    }

    fn json(&self, name: &str) -> Option<&Value> {
        let given = self.parameters.json(name);
        given.filter(|value| !value.is_null())
    }

    /// Returns a text in which `\t` is a tab and `\x01` the character of that number.
    fn text(&self, name: &str) -> Option<String> {
        self.json(name)?.as_str().map(unescaped)
    }

    fn problem(&mut self, parameter: &str, message: String, hint: Option<&str>) {
        let (parameter, hint) = (parameter.to_owned(), hint.map(str::to_owned));
        self.problems.push(ParameterProblem { parameter, message, hint });
    }

    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let word = self.parameters.text(name).filter(|word| !word.is_empty())?;
        let meant = serde_json::from_value(Value::String(word.to_owned())).ok();
        if meant.is_none() {
            let hint = match name {
                "bad_rows" => "give fail, reject, skip or null",
                _ => "give csv, json, jsonl, parquet, avro, orc, msgpack or arrow",
            };
            self.problem(name, format!("parameter `{name}` cannot be `{word}`"), Some(hint));
        }
        meant
    }

    /// Returns a text of one or several marks.
    fn marks(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if let Some(escape) = unknown_escape(&text) {
            let message = format!("`{escape}` in the {name} means no character");
            let hint = r"write the character itself, `\t` for a tab, or `\x` with the two digits of an ASCII character: `\x01`";
            self.problem(name, message, Some(hint));
            return None;
        }
        Some(text)
    }

    fn delimiter(&mut self) -> Option<String> {
        let delimiter = self.marks("delimiter")?;
        let is_word = delimiter.chars().count() > 1 && delimiter.chars().all(char::is_alphanumeric);
        if !is_word {
            return Some(delimiter);
        }
        let meant = match delimiter.to_lowercase().as_str() {
            "comma" => "give the character itself: `,`",
            "semicolon" => "give the character itself: `;`",
            "tab" | "tabulator" => r"write `\t`",
            "pipe" | "bar" => "give the character itself: `|`",
            "colon" => "give the character itself: `:`",
            "space" | "blank" => "give the character itself: ` `",
            _ => r"give the character itself, such as `;`, or leave it out: it is detected",
        };
        let message = format!("the delimiter {delimiter:?} is a word, which separates no cells");
        self.problem("delimiter", message, Some(meant));
        None
    }

    fn character(&mut self, name: &str) -> Option<Mark<char>> {
        let text = self.text(name)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Some(Mark::Is(one)),
            _ if text == NONE && name != "decimal" => Some(Mark::None),
            _ => {
                let none = if name == "decimal" { "" } else { ", nor `none`" };
                let message = format!("the {name} {text:?} is not one character{none}");
                let hint = match name {
                    "decimal" => "give `.` or `,`",
                    "quote" => r#"for example `"` or `'`"#,
                    _ => r"for example `\`",
                };
                self.problem(name, message, Some(hint));
                None
            }
        }
    }

    fn skip_rows(&mut self) -> Option<u64> {
        let number = self.parameters.integer("skip_rows")?;
        let lines = u64::try_from(number).ok();
        if lines.is_none() {
            let message = format!("parameter `skip_rows` is {number}, below zero");
            self.problem("skip_rows", message, Some("give the number of lines to leave out"));
        }
        lines
    }

    fn encoding(&mut self) -> Option<TextEncoding> {
        let label = self.text("encoding")?;
        let encoding = TextEncoding::from_label(&label);
        if encoding.is_none() {
            let hint = "for example utf-8, utf-16le, latin1, windows-1252, shift_jis, gbk";
            self.problem("encoding", format!("the encoding {label:?} is not known"), Some(hint));
        }
        encoding
    }

    fn types(&mut self) -> BTreeMap<String, ColumnType> {
        let wanted = match self.json("types") {
            None => return BTreeMap::new(),
            Some(Value::Object(wanted)) => wanted.clone(),
            Some(_) => {
                let message = "parameter `types` is no object from column to type".to_owned();
                self.problem("types", message, Some(r#"for example {"lat": "double"}"#));
                return BTreeMap::new();
            }
        };
        let mut types = BTreeMap::new();
        for (column, word) in wanted {
            let Some(word) = word.as_str() else {
                let message = format!("the type of column `{column}` is not a text");
                self.problem("types", message, Some(r#"for example {"lat": "double"}"#));
                continue;
            };
            match type_of(word) {
                Ok(found) => drop(types.insert(column, found)),
                Err(wrong) => {
                    let message = format!("column `{column}`: {wrong}");
                    self.problem("types", message, wrong.hint());
                }
            }
        }
        types
    }
}

/// The word for a mark that the text does without.
const NONE: &str = "none";

/// Returns a backslash with the letter behind it that no character was put in place of.
fn unknown_escape(text: &str) -> Option<String> {
    let (_, behind) = text.split_once('\\')?;
    let letter = behind.chars().next()?;
    if letter.is_ascii_alphanumeric() {
        let length = if letter == 'x' { 3 } else { 1 };
        return Some(format!("\\{}", behind.chars().take(length).collect::<String>()));
    }
    unknown_escape(behind)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(parameters: &serde_json::Value) -> Vec<ParameterProblem> {
        let parameters = serde_json::from_value(parameters.clone()).expect("should be parameters");
        reading_of(&parameters).err().unwrap_or_default()
    }

    #[test]
    fn a_word_or_an_escape_that_is_none_separates_no_cells() {
        for (delimiter, message, hint) in [
            ("semicolon", "the delimiter \"semicolon\" is a word", "`;`"),
            ("TAB", "the delimiter \"TAB\" is a word", r"`\t`"),
            ("xx", "the delimiter \"xx\" is a word", "detected"),
            (r"\n", r"`\n` in the delimiter means no character", r"`\t` for a tab"),
            (r"\xZZ", r"`\xZZ` in the delimiter means no character", r"`\x01`"),
            (r"\xff", r"`\xff` in the delimiter means no character", "ASCII"),
            (r"|\0", r"`\0` in the delimiter means no character", "ASCII"),
        ] {
            let problems = wrong(&serde_json::json!({"delimiter": delimiter}));
            let [problem] = problems.as_slice() else { panic!("{delimiter}: {problems:?}") };
            assert_eq!(problem.parameter, "delimiter");
            assert!(problem.message.contains(message), "{problem:?}");
            assert!(problem.hint.as_ref().is_some_and(|one| one.contains(hint)), "{problem:?}");
        }
        for delimiter in [r"\", r"\|", r"\\", "x", "||", "a|", "::", r"\x01\t", "é"] {
            assert_eq!(wrong(&serde_json::json!({"delimiter": delimiter})), [], "{delimiter}");
        }
        let problems = wrong(&serde_json::json!({"comment": r"\n"}));
        assert_eq!(problems.first().map(|one| one.parameter.as_str()), Some("comment"));
    }

    #[test]
    fn every_problem_names_its_parameter_and_says_what_to_write() {
        let problems = wrong(&serde_json::json!({
            "input_format": "csv", "delimiter": ",", "quote": ",", "escape": "ab", "decimal": "x",
            "null_tokens": ["a,b"], "comment": ",", "skip_rows": -1, "encoding": "klingon",
            "types": {"a": "what", "b": 1, "c": "Decimal128(99, 0)"}, "bad_rows": "what",
        }));
        assert_eq!(problems.len(), 11, "{problems:?}");
        for problem in problems {
            assert!(problem.hint.is_some(), "{problem:?}");
        }
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
