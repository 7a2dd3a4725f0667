//! The grammar of references: a cursor over one text. Pure; [`super::references`] says what it means.
//!
//! `${ PATH [?? LITERAL] }`, where PATH is `parameters.NAME`, `steps.ID.FIELD` or `item`, followed by `.field`, `[n]` or
//! `["key"]`, or `schedule.plannedAt`, and LITERAL is JSON or a text in single quotes. Spaces may stand around PATH and LITERAL.

use serde_json::Value;

use super::references::{MOST_REFERENCES, Piece, Reference};
use super::scope::{PLANNED_AT, Path, Root, Segment, StepField, is_field_name, is_name};

/// Reads a text into its pieces; none for an empty text, and no two literals in a row.
pub(super) fn parse_pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut cursor = Cursor { text, at: 0 };
    let (mut pieces, mut literal, mut count) = (Vec::new(), String::new(), 0);
    while let Some(next) = cursor.rest().chars().next() {
        if cursor.eat("$${") {
            literal.push_str("${");
        } else if cursor.rest().starts_with("${") {
            count += 1;
            if count > MOST_REFERENCES {
                return Err(format!("has more than {MOST_REFERENCES} references"));
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Reference(cursor.reference()?));
        } else {
            cursor.at += next.len_utf8();
            literal.push(next);
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// A place in a text.
struct Cursor<'a> {
    text: &'a str,
    /// In bytes, always at the start of a character.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len();
        }
        is_there
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes what belongs to a name, which may be nothing.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let is_end = |one: char| !(one.is_alphanumeric() || one == '_' || one == '-');
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// Returns a message about the place at which the cursor stands.
    fn wrong(&self, message: &str) -> String {
        self.wrong_at(self.at, message)
    }

    fn wrong_at(&self, at: usize, message: &str) -> String {
        let character = self.text.get(..at).map_or(0, |before| before.chars().count()) + 1;
        format!("{message} at character {character}")
    }

    fn reference(&mut self) -> Result<Reference, String> {
        let start = self.at;
        self.eat("${");
        self.skip_spaces();
        let path = self.path()?;
        self.skip_spaces();
        let default = if self.eat("??") { Some(self.literal()?) } else { None };
        self.skip_spaces();
        if !self.eat("}") {
            let end = if default.is_some() { "`}`" } else { "`}` or `??`" };
            return Err(self.wrong(&format!("{end} is missing")));
        }
        Ok(Reference { text: self.text[start..self.at].to_owned(), path, default })
    }

    fn path(&mut self) -> Result<Path, String> {
        let start = self.at;
        let root = match self.word() {
            "parameters" => Root::Parameter(self.name("a parameter")?),
            "steps" => {
                let id = self.name("a step")?;
                Root::Step { id, field: self.step_field()? }
            }
            "schedule" => self.planned_at()?,
            "item" => Root::Item,
            _ => {
                let message = "a reference begins with `parameters.`, `steps.`, `schedule.` or `item`, expected";
                return Err(self.wrong_at(start, message));
            }
        };
        let mut segments = Vec::new();
        while let Some(segment) = self.segment()? {
            segments.push(segment);
        }
        match &root {
            Root::PlannedAt if !segments.is_empty() => {
                Err(self.wrong(&format!("`{root}` has no fields or items")))
            }
            Root::Step { field, .. } if *field != StepField::Result && !segments.is_empty() => {
                Err(self.wrong(&format!("`{}` of a step has no fields or items", field.as_str())))
            }
            _ => Ok(Path { root, segments }),
        }
    }

    /// Takes a dot and the name of a parameter or a step.
    fn name(&mut self, what: &str) -> Result<String, String> {
        if !self.eat(".") {
            return Err(self.wrong(&format!("a dot and the name of {what} are expected")));
        }
        let start = self.at;
        match self.word() {
            "" => Err(self.wrong(&format!("the name of {what} is expected"))),
            name if is_name(name) => Ok(name.to_owned()),
            name => {
                let message = format!(
                    "`{name}` cannot be the name of {what}, only lower-case letters, digits and `_`,"
                );
                Err(self.wrong_at(start, &message))
            }
        }
    }

    fn planned_at(&mut self) -> Result<Root, String> {
        let start = self.at;
        if self.eat(".") && self.word() == PLANNED_AT {
            return Ok(Root::PlannedAt);
        }
        Err(self.wrong_at(start, &format!("`.{PLANNED_AT}` is expected")))
    }

    fn step_field(&mut self) -> Result<StepField, String> {
        let names = StepField::ALL.map(StepField::as_str).join(", ");
        if !self.eat(".") {
            return Err(self.wrong(&format!("a dot and one of {names} are expected")));
        }
        let start = self.at;
        let name = self.word();
        StepField::of(name).ok_or_else(|| {
            self.wrong_at(start, &format!("a step has no field `{name}`, only {names},"))
        })
    }

    fn segment(&mut self) -> Result<Option<Segment>, String> {
        if self.eat(".") {
            let start = self.at;
            return match self.word() {
                name if is_field_name(name) => Ok(Some(Segment::Field(name.to_owned()))),
                "" => Err(self.wrong("the name of a field is expected")),
                name => {
                    let message = format!("field `{name}` must be written as `[\"{name}\"]`");
                    Err(self.wrong_at(start, &message))
                }
            };
        }
        if !self.eat("[") {
            return Ok(None);
        }
        self.skip_spaces();
        let segment = if self.rest().starts_with('"') {
            match self.json()? {
                Value::String(key) => Segment::Field(key),
                _ => return Err(self.wrong("a key in double quotes is expected")),
            }
        } else {
            let start = self.at;
            let index = Some(self.word()).filter(|word| word.len() < 10 && !word.starts_with('+'));
            let index = index.and_then(|word| word.parse().ok());
            let message = "an index or a key in double quotes is expected";
            Segment::Index(index.ok_or_else(|| self.wrong_at(start, message))?)
        };
        self.skip_spaces();
        if self.eat("]") { Ok(Some(segment)) } else { Err(self.wrong("`]` is missing")) }
    }

    fn literal(&mut self) -> Result<Value, String> {
        self.skip_spaces();
        if self.rest().starts_with('\'') { self.quoted() } else { self.json() }
    }

    /// Takes a text in single quotes; `\'` and `\\` are the only escapes.
    fn quoted(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.eat("'");
        let mut text = String::new();
        while let Some(next) = self.rest().chars().next() {
            if self.eat("'") {
                return Ok(Value::String(text));
            }
            if self.eat("\\'") {
                text.push('\'');
            } else if self.eat("\\\\") {
                text.push('\\');
            } else if next == '\\' {
                return Err(self.wrong("only `\\'` and `\\\\` can be escaped in single quotes"));
            } else {
                self.at += next.len_utf8();
                text.push(next);
            }
        }
        Err(self.wrong_at(start, "the text in single quotes does not end"))
    }

    fn json(&mut self) -> Result<Value, String> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            _ => Err(self.wrong("a JSON value or a text in single quotes is expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        parse_pieces(text).expect_err("should be refused")
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            (
                "é ${",
                "a reference begins with `parameters.`, `steps.`, `schedule.` or `item`, expected at character 5",
            ),
            (
                "${run.phase}",
                "a reference begins with `parameters.`, `steps.`, `schedule.` or `item`, expected at character 3",
            ),
            ("${parameters}", "a dot and the name of a parameter are expected at character 13"),
            ("${parameters.}", "the name of a parameter is expected at character 14"),
            (
                "${parameters.A}",
                "`A` cannot be the name of a parameter, only lower-case letters, digits and `_`, at character 14",
            ),
            (
                "${steps.a-b.rows}",
                "`a-b` cannot be the name of a step, only lower-case letters, digits and `_`, at character 9",
            ),
            (
                "${steps.a}",
                "a dot and one of phase, reason, attempts, rows, truncated, result are expected at character 10",
            ),
            (
                "${steps.a.row}",
                "a step has no field `row`, only phase, reason, attempts, rows, truncated, result, at character 11",
            ),
            ("${steps.a.rows.x}", "`rows` of a step has no fields or items at character 17"),
            ("${steps.a.result.x-y}", "field `x-y` must be written as `[\"x-y\"]` at character 18"),
            (
                "${steps.a.result[-1]}",
                "an index or a key in double quotes is expected at character 18",
            ),
            ("${steps.a.result[1}", "`]` is missing at character 19"),
            ("${parameters.a", "`}` or `??` is missing at character 15"),
            ("${parameters.a b}", "`}` or `??` is missing at character 16"),
            ("${parameters.a ?? 1 2}", "`}` is missing at character 21"),
            (
                "${parameters.a ?? }",
                "a JSON value or a text in single quotes is expected at character 19",
            ),
            ("${parameters.a ?? 'b}", "the text in single quotes does not end at character 19"),
            (
                "${parameters.a ?? '\\n'}",
                "only `\\'` and `\\\\` can be escaped in single quotes at character 20",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(wrong(text), message, "{text}");
        }
    }

    #[test]
    fn references_of_one_text_are_bounded() {
        assert!(parse_pieces(&"${parameters.a}".repeat(64)).is_ok());
        assert_eq!(wrong(&"${parameters.a}".repeat(65)), "has more than 64 references");
    }

    #[test]
    fn a_dollar_stands_for_itself_where_no_brace_follows() {
        assert_eq!(parse_pieces("$5 $ {}"), Ok(vec![Piece::Literal("$5 $ {}".to_owned())]));
        assert_eq!(parse_pieces("$${a}"), Ok(vec![Piece::Literal("${a}".to_owned())]));
        assert_eq!(parse_pieces(""), Ok(Vec::new()));
    }
}
