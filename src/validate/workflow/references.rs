//! References in the parameters of a step: `${PATH}` and `${PATH ?? DEFAULT}`.
//!
//! A reference is a typed look-up, never text that is put into code: a value that is exactly one reference
//! keeps the type of what it names. Within other text only texts, numbers and booleans can stand; `$${` is a
//! literal `${`. Keys of objects are never templates. This module knows no definitions and no schemas:
//! whether a reference fits where it stands is checked by its caller. Pure.

use std::fmt;

use serde_json::Value;

use super::reference_parser::parse_pieces;
use super::scope::{Absent, AbsentKind, Path, Root, Scope, Segment, kind_of};

/// References in one text, at most.
pub(super) const MOST_REFERENCES: usize = 64;

/// A look-up that a text asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub(super) text: String,
    pub(super) path: Path,
    pub(super) default: Option<Value>,
}

impl Reference {
    /// Returns what the path begins with.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.path.root
    }

    /// Returns the look-ups after the root, for a check against the schema of a parameter or a result.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.path.segments
    }

    /// Returns the whole path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the value that stands for one that is missing.
    #[must_use]
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Returns whether there is a value that stands for one that is missing.
    #[must_use]
    pub fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// Returns the reference as it is written, with `${` and `}`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// A look-up, whose value is put in as text.
    Reference(Reference),
}

/// A text, read for its references.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// No reference; `$${` is `${` already.
    Literal(String),
    /// Exactly one reference and nothing else, not even a space.
    Whole(Reference),
    /// References within text.
    Text(Vec<Piece>),
}

impl Template {
    /// Returns the references, in the order in which they stand.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let (whole, pieces): (Option<&Reference>, &[Piece]) = match self {
            Self::Literal(_) => (None, &[]),
            Self::Whole(reference) => (Some(reference), &[]),
            Self::Text(pieces) => (None, pieces),
        };
        whole.into_iter().chain(pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Literal(_) => None,
        }))
    }
}

/// Reads a text for its references. The caller bounds the text.
///
/// # Errors
/// The first thing that is wrong, with the character at which it is, counted from 1.
pub(super) fn parse(text: &str) -> Result<Template, String> {
    let mut pieces = parse_pieces(text)?;
    Ok(match (pieces.len(), pieces.pop()) {
        (_, None) => Template::Literal(String::new()),
        (1, Some(Piece::Reference(reference))) => Template::Whole(reference),
        (1, Some(Piece::Literal(literal))) => Template::Literal(literal),
        (_, Some(last)) => {
            pieces.push(last);
            Template::Text(pieces)
        }
    })
}

/// Returns every text within a value that has references or is wrong, with its path, `a.b[0]`; empty for the
/// value itself. In the order in which they stand.
#[must_use]
pub fn references_in(value: &Value) -> Vec<(String, Result<Template, String>)> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, path: String, found: &mut Vec<(String, Result<Template, String>)>) {
    match value {
        Value::String(text) => match parse(text) {
            Ok(Template::Literal(_)) => {}
            read => found.push((path, read)),
        },
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let segment = Segment::Field(name.clone()).to_string();
                let below = format!("{path}{segment}");
                let below = below.strip_prefix('.').filter(|_| path.is_empty()).unwrap_or(&below);
                collect(field, below.to_owned(), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Why a reference gives no value, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnresolvedKind {
    /// The text cannot be read.
    Malformed,
    /// There is no value and no default.
    Missing,
    /// The result it leads into is truncated; a default does not help.
    Truncated,
    /// The result it leads into is not kept any more; a default does not help.
    Pruned,
    /// The value is null, a list or an object, which cannot stand within text.
    NotAText,
}

/// That a reference gives no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The reference as it is written; the whole text if that cannot be read.
    pub reference: String,
    /// Why, as one word.
    pub kind: UnresolvedKind,
    /// Why, in words, with the reference.
    pub message: String,
}

impl Unresolved {
    fn new(reference: &Reference, kind: UnresolvedKind, why: &str) -> Self {
        let message = format!("`{}` has no value: {why}", reference.text);
        Self { reference: reference.text.clone(), kind, message }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Unresolved {}

/// Returns a value with every reference in it replaced by what it leads to.
///
/// A default stands for a value that is missing, and for `null`; a whole value without default may be `null`.
/// Values are never read for references again.
///
/// # Errors
/// The first reference that gives no value.
pub fn resolve(value: &Value, scope: &Scope) -> Result<Value, Unresolved> {
    Ok(match value {
        Value::String(text) => resolve_text(text, scope)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| resolve(item, scope)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(name, field)| Ok((name.clone(), resolve(field, scope)?)));
            Value::Object(fields.collect::<Result<_, _>>()?)
        }
        plain => plain.clone(),
    })
}

fn resolve_text(text: &str, scope: &Scope) -> Result<Value, Unresolved> {
    let malformed = |message| Unresolved {
        reference: text.to_owned(),
        kind: UnresolvedKind::Malformed,
        message,
    };
    let pieces = match parse(text).map_err(malformed)? {
        Template::Literal(literal) => return Ok(Value::String(literal)),
        Template::Whole(reference) => return value_of(&reference, scope),
        Template::Text(pieces) => pieces,
    };
    let mut text = String::new();
    for piece in &pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Reference(reference) => text.push_str(&text_of(reference, scope)?),
        }
    }
    Ok(Value::String(text))
}

fn value_of(reference: &Reference, scope: &Scope) -> Result<Value, Unresolved> {
    let default = reference.default.as_ref();
    match (scope.look_up(&reference.path), default) {
        (Ok(value), Some(default)) if value.is_null() => Ok(default.clone()),
        (Ok(value), _) => Ok(value.into_owned()),
        (Err(Absent { kind: AbsentKind::Missing, .. }), Some(default)) => Ok(default.clone()),
        (Err(Absent { kind, message }), _) => {
            let kind = match kind {
                AbsentKind::Missing => UnresolvedKind::Missing,
                AbsentKind::Truncated => UnresolvedKind::Truncated,
                AbsentKind::Pruned => UnresolvedKind::Pruned,
            };
            Err(Unresolved::new(reference, kind, &message))
        }
    }
}

fn text_of(reference: &Reference, scope: &Scope) -> Result<String, Unresolved> {
    match value_of(reference, scope)? {
        Value::String(text) => Ok(text),
        plain @ (Value::Number(_) | Value::Bool(_)) => Ok(plain.to_string()),
        other => {
            let (reference, kind) = (reference.text.clone(), UnresolvedKind::NotAText);
            let message =
                format!("`{reference}` is {} and cannot stand within text", kind_of(&other));
            Err(Unresolved { reference, kind, message })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::scope::StepOutcome;
    use super::*;

    fn scope() -> Scope {
        let outcome = |phase: &str, result: Option<Value>| StepOutcome {
            phase: phase.to_owned(),
            attempts: 2,
            rows: result.as_ref().map(|_| 7),
            result,
            ..StepOutcome::default()
        };
        let data = json!({"table": {"name": "orders"}, "items": [1, {"a b": true}], "none": null});
        let steps = [
            ("a", outcome("Succeeded", Some(data.clone()))),
            ("s", outcome("Skipped", None)),
            ("t", StepOutcome { truncated: true, ..outcome("Succeeded", Some(data.clone())) }),
            ("p", StepOutcome { pruned: true, ..outcome("Succeeded", None) }),
        ];
        let parameters = [
            ("limit", json!(10)),
            ("name", json!("x")),
            ("ratio", json!(0.5)),
            ("none", json!(null)),
            ("text", json!("${parameters.name}")),
        ];
        Scope {
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
            steps: steps.map(|(id, step)| (id.to_owned(), step)).into(),
            run_phase: None,
            planned_at: Some(json!("2026-12-01T02:00:00Z")),
            item: Some(json!({"city": "Graz"})),
        }
    }

    fn value(text: &str) -> Result<Value, (UnresolvedKind, String)> {
        resolve(&json!(text), &scope()).map_err(|error| (error.kind, error.message))
    }

    #[test]
    fn a_whole_value_keeps_its_type() {
        assert_eq!(value("${parameters.limit}"), Ok(json!(10)));
        assert_eq!(value("${ steps.a.result.items }"), Ok(json!([1, {"a b": true}])));
        assert_eq!(value("${steps.a.result.items[1][\"a b\"]}"), Ok(json!(true)));
        assert_eq!(value("${steps.a.rows}"), Ok(json!(7)));
        assert_eq!(value("${steps.t.truncated}"), Ok(json!(true)));
        assert_eq!(value("${steps.a.result.none}"), Ok(json!(null)));
        assert_eq!(value("${parameters.none}"), Ok(json!(null)));
        assert_eq!(value("${item.city}"), Ok(json!("Graz")));
        assert_eq!(value("${item}"), Ok(json!({"city": "Graz"})));
        assert_eq!(value("day ${schedule.plannedAt}"), Ok(json!("day 2026-12-01T02:00:00Z")));
    }

    #[test]
    fn a_value_within_text_is_written_and_never_read_again() {
        assert_eq!(value("s3://${parameters.name}/${steps.a.rows}"), Ok(json!("s3://x/7")));
        assert_eq!(
            value("$${parameters.name} $ } ${parameters.ratio}"),
            Ok(json!("${parameters.name} $ } 0.5"))
        );
        assert_eq!(value(" ${parameters.text}"), Ok(json!(" ${parameters.name}")));
        let (kind, message) = value("a ${steps.a.result.items}").unwrap_err();
        assert_eq!(kind, UnresolvedKind::NotAText);
        assert_eq!(message, "`${steps.a.result.items}` is a list and cannot stand within text");
        assert_eq!(value("a ${parameters.none}").unwrap_err().0, UnresolvedKind::NotAText);
        assert_eq!(value("a ${parameters.none ?? 'b'}"), Ok(json!("a b")));
    }

    #[test]
    fn a_default_stands_for_what_is_missing_or_null() {
        assert_eq!(value("${steps.s.rows ?? 0}"), Ok(json!(0)));
        assert_eq!(value("${steps.s.result.x ?? {\"a\": [\"}\"]} }"), Ok(json!({"a": ["}"]})));
        assert_eq!(value("${steps.a.result.none ?? 'it\\'s'}"), Ok(json!("it's")));
        assert_eq!(value("${parameters.other??null}"), Ok(json!(null)));
        assert_eq!(value("${steps.a.rows ?? 0}"), Ok(json!(7)));
    }

    #[test]
    fn a_reference_without_value_says_why() {
        let (kind, message) = value("${steps.s.result.x}").unwrap_err();
        assert_eq!(kind, UnresolvedKind::Missing);
        assert_eq!(
            message,
            "`${steps.s.result.x}` has no value: step `s` was Skipped and has no result"
        );
        assert_eq!(value("${parameters.other}").unwrap_err().0, UnresolvedKind::Missing);
        assert_eq!(value("${steps.t.result.x ?? 1}").unwrap_err().0, UnresolvedKind::Truncated);
        assert_eq!(value("${steps.p.result ?? 1}").unwrap_err().0, UnresolvedKind::Pruned);
        assert_eq!(value("${nothing}").unwrap_err().0, UnresolvedKind::Malformed);
    }

    #[test]
    fn references_are_found_with_their_paths_and_keys_are_none() {
        let value =
            json!({"a": {"${parameters.x}": ["plain", "${parameters.y}"]}, "b c": "${", "d": 1});
        let found = references_in(&value);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["a[\"${parameters.x}\"][1]", "[\"b c\"]"]);
        let Ok(Template::Whole(reference)) = &found[0].1 else { panic!("should be one reference") };
        assert_eq!(reference.root(), &Root::Parameter("y".to_owned()));
        assert!(!reference.has_default());
        assert!(found[1].1.is_err());
        assert_eq!(references_in(&json!("${steps.a.rows}x"))[0].0, "");
    }

    #[test]
    fn a_reference_gives_its_parts() {
        let text = "${ steps.a.result.items[0].x ?? [1] }";
        let Ok(Template::Whole(reference)) = parse(text) else { panic!("should be one reference") };
        assert_eq!(reference.as_str(), text);
        assert_eq!(reference.default(), Some(&json!([1])));
        assert_eq!(reference.path().to_string(), "steps.a.result.items[0].x");
        assert_eq!(reference.segments().len(), 3);
        let both = parse("${parameters.a}-${parameters.b}").expect("should be read");
        assert_eq!(both.references().count(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[$}{a-c.\\[\\]0-9\"'? é]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_text_can_be_escaped(text in "[a-z{} ]{0,10}[${}]{0,3}[a-z{} ]{0,10}") {
            let parameters = BTreeMap::from([("x".to_owned(), json!(text))]);
            let scope = Scope { parameters, ..Scope::default() };
            let resolved = resolve(&json!("${parameters.x}"), &scope);
            prop_assert_eq!(resolved, Ok(json!(text)));
        }
    }
}
