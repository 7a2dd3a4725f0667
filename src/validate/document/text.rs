//! Texts to values, remembering the line of every field.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Options, Spanned};

use crate::validate::problem::{Problem, Problems};

/// Most levels of maps and lists within each other.
const MAX_DEPTH: usize = 64;
/// Most nodes that all aliases of a document may stand for.
const MAX_ALIASED_NODES: usize = 10_000;

/// One document of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    text: &'a str,
    /// How many lines of the whole text stand before it.
    lines_before: u32,
}

/// Splits a text at the markers of documents and leaves out those without content.
///
/// A line that begins with `---` and white space ends a document wherever it stands, also within
/// quotes and blocks, so no reader of YAML is needed to find it.
///
/// # Source
/// <https://yaml.org/spec/1.2.2/#913-document-markers>
pub(super) fn split(text: &str) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    let (mut start, mut start_line) = (0, 0);
    let mut offset = 0;
    for (line, content) in (0_u32..).zip(text.split_inclusive('\n')) {
        if is_marker(content) {
            texts.push(Text { text: &text[start..offset], lines_before: start_line });
            (start, start_line) = (offset, line);
        }
        offset += content.len();
    }
    texts.push(Text { text: &text[start..], lines_before: start_line });
    texts.retain(|text| has_content(text.text));
    texts
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn has_content(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.strip_prefix("---").unwrap_or(line).trim();
        !line.is_empty() && !line.starts_with('#') && line != "..."
    })
}

/// Where a document stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The file, or `stdin`.
    pub(super) source: &'a str,
    /// Its number, when there are several.
    pub(super) document: Option<usize>,
    /// Its text.
    pub(super) text: &'a Text<'a>,
}

impl Place<'_> {
    /// Puts a place on a problem; `line` counts within the document from 1.
    pub(super) fn put(&self, mut problem: Problem, line: Option<u32>) -> Problems {
        let line = line.map(|line| self.text.lines_before + line);
        problem.place = Some(in_words(self.source, line, self.document));
        problem.into()
    }
}

/// Returns a place as people read it: `run.yaml:7 (document 2)`.
fn in_words(source: &str, line: Option<u32>, document: Option<usize>) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let document = document.map(|document| format!(" (document {document})"));
    format!("{source}{line}{}", document.unwrap_or_default())
}

/// Where a document and its fields stand, for what is found wrong with it only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    source: String,
    document: Option<usize>,
    lines_before: u32,
    lines: Lines,
}

impl Origin {
    pub(super) fn new(place: &Place<'_>, lines: Lines) -> Self {
        Self {
            source: place.source.to_owned(),
            document: place.document,
            lines_before: place.text.lines_before,
            lines,
        }
    }

    /// Puts a place on every problem that has none.
    #[must_use]
    pub fn place(&self, mut problems: Problems) -> Problems {
        for problem in problems.0.iter_mut().filter(|problem| problem.place.is_none()) {
            let line = self.lines.of(&problem.path).map(|line| self.lines_before + line);
            problem.place = Some(in_words(&self.source, line, self.document));
        }
        problems
    }
}

/// The line of every field of a document, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines(HashMap<String, u32>);

impl Lines {
    /// Returns the line of a field, or of the nearest field above it that is there.
    pub(super) fn of(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// Reads one document.
///
/// # Errors
/// What is wrong with its syntax, and in which line.
pub(super) fn read(text: &Text<'_>) -> Result<(Value, Lines), (Problem, Option<u32>)> {
    let node: Node = serde_saphyr::from_str_with_options(text.text, options())
        .map_err(|error| explain(&error))?;
    let mut lines = Lines::default();
    let value = node.into_value(&mut String::new(), &mut lines);
    Ok((value, lines))
}

fn options() -> Options {
    let limits = serde_saphyr::options::AliasLimits::default();
    let mut options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
        strict_booleans: true,
        with_snippet: false,
        alias_limits: limits,
    };
    options.alias_limits.max_total_replayed_events = MAX_ALIASED_NODES;
    options
}

fn explain(error: &Error) -> (Problem, Option<u32>) {
    let mut inner = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = inner {
        inner = error;
    }
    let line =
        error.location().or_else(|| inner.location()).and_then(|at| u32::try_from(at.line()).ok());
    let problem = match inner {
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(),
        // The scanner has a limit of its own for brackets and gives it no kind.
        other if other.to_string().starts_with("recursion limit") => too_deep(),
        Error::Budget { .. } => Problem::new("", format!("is too large: {inner}")),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            let message =
                format!("has aliases that stand for more than {MAX_ALIASED_NODES} values");
            Problem::new("", message).hint("write the values out, or in several documents")
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            Problem::new("", format!("has the key `{key}` twice in one map"))
                .hint("remove one of the two")
        }
        other => Problem::new("", format!("is not valid YAML: {}", first_line(&other.to_string()))),
    };
    (problem, line.filter(|line| *line > 0))
}

fn too_deep() -> Problem {
    Problem::new("", format!("is nested deeper than {MAX_DEPTH} levels"))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(400).collect()
}

/// A value with the lines of its parts.
enum Node {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    /// The line of a map's first key. Only keys know their line: a value that did would need several
    /// times the stack.
    fn first_line(&self) -> Option<u32> {
        let Self::Map(entries) = self else { return None };
        entries.first().and_then(|(key, _)| u32::try_from(key.referenced.line()).ok())
    }

    fn into_value(self, path: &mut String, lines: &mut Lines) -> Value {
        match self {
            Self::Scalar(value) => value,
            Self::List(items) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    below(path, &format!("[{index}]"), item.first_line(), lines, item)
                });
                Value::Array(items.collect())
            }
            Self::Map(entries) => {
                let entries = entries.into_iter().map(|(key, node)| {
                    let dot = if path.is_empty() { "" } else { "." };
                    let step = format!("{dot}{}", key.value);
                    let line = u32::try_from(key.referenced.line()).ok();
                    (key.value, below(path, &step, line, lines, node))
                });
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

fn below(path: &mut String, step: &str, line: Option<u32>, lines: &mut Lines, node: Node) -> Value {
    let length = path.len();
    path.push_str(step);
    if let Some(line) = line {
        lines.0.insert(path.clone(), line);
    }
    let value = node.into_value(path, lines);
    path.truncate(length);
    value
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map, a list, a text, a number, true, false or null")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value);
        let number = number.ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value)))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Node, E> {
        Err(E::custom("binary values are not supported"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(Spanned<String>, Node)> = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Node>()? {
            if entries.iter().any(|(known, _)| known.value == key.value) {
                return Err(A::Error::custom(format!("the key `{}` stands twice", key.value)));
            }
            entries.push((key, node));
        }
        Ok(Node::Map(entries))
    }
}
