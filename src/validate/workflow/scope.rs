//! What a reference or a condition of one step can look up: the run's parameters and what the steps
//! before it came to.
//!
//! A caller fills a [`Scope`] from statuses and results; [`Scope::look_up`] is the only way to a value,
//! so that `${…}` and `when` agree on what has a value and why something has none. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// The names that can begin a path.
pub(super) const ROOTS: [&str; 5] = ["parameters", "steps", "schedule", "item", "run"];
/// What is known of the schedule.
pub(super) const PLANNED_AT: &str = "plannedAt";

/// What references and conditions of one step can look up.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The run's parameters, defaults filled in.
    pub parameters: BTreeMap<String, Value>,
    /// What each step that is settled came to, by its id.
    pub steps: BTreeMap<String, StepOutcome>,
    /// The planned time that the run is for, as RFC 3339 in UTC; only in runs of a schedule.
    pub planned_at: Option<Value>,
    /// The item of `forEach` that a run of the step is for.
    pub item: Option<Value>,
    /// The phase that the run ends in; only for `finally` steps.
    pub run_phase: Option<String>,
}

/// What a step came to.
#[derive(Debug, Clone, Default)]
pub struct StepOutcome {
    /// Its phase, `Succeeded`.
    pub phase: String,
    /// Why, as one word; empty when there is none.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u64,
    /// The rows it answered or wrote, if it counts any.
    pub rows: Option<u64>,
    /// Whether the result holds less than there was.
    pub truncated: bool,
    /// The data of its result; `None` when there is none, or no more.
    pub result: Option<Value>,
    /// Whether there was a result that is not kept any more.
    pub pruned: bool,
}

/// A field of a step's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepField {
    /// Its phase, `Succeeded`.
    Phase,
    /// Why, as one word.
    Reason,
    /// How often it was tried.
    Attempts,
    /// The rows it answered or wrote.
    Rows,
    /// Whether the result holds less than there was.
    Truncated,
    /// The data of its result.
    Result,
}

impl StepField {
    /// All fields, in the order in which messages name them.
    pub const ALL: [Self; 6] =
        [Self::Phase, Self::Reason, Self::Attempts, Self::Rows, Self::Truncated, Self::Result];

    /// Returns the field's name in a path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Reason => "reason",
            Self::Attempts => "attempts",
            Self::Rows => "rows",
            Self::Truncated => "truncated",
            Self::Result => "result",
        }
    }

    /// Returns the field with a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// What a path begins with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// `parameters.NAME`.
    Parameter(String),
    /// `steps.ID.FIELD`.
    Step {
        /// The step's id.
        id: String,
        /// The field of its outcome.
        field: StepField,
    },
    /// `schedule.plannedAt`.
    PlannedAt,
    /// `item`.
    Item,
}

/// One look-up within a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A field of an object.
    Field(String),
    /// An item of a list, counted from 0.
    Index(usize),
}

/// The way from a scope to one value, `steps.infer.result.table.name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// What it begins with.
    pub root: Root,
    /// The look-ups after the root; none after a step's field other than `result`.
    pub segments: Vec<Segment>,
}

/// Why a path leads to no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentKind {
    /// There is none.
    Missing,
    /// The result holds less than there was, so that what is in it says nothing.
    Truncated,
    /// There was a result, and it is not kept any more.
    Pruned,
}

/// That a path leads to no value, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Why, as one word.
    pub kind: AbsentKind,
    /// Why, in words.
    pub message: String,
}

impl Absent {
    fn missing(message: String) -> Self {
        Self { kind: AbsentKind::Missing, message }
    }
}

impl Scope {
    /// Returns the value that a path leads to. JSON `null` is a value, except as a step's whole result,
    /// where it means that there is none.
    ///
    /// # Errors
    /// `Missing` when a name, field or item is not there; `Truncated` and `Pruned` for every path to
    /// such a result or into it.
    pub fn look_up(&self, path: &Path) -> Result<Cow<'_, Value>, Absent> {
        match &path.root {
            Root::Parameter(name) => {
                let value = self.parameters.get(name);
                let value = value
                    .ok_or_else(|| Absent::missing(format!("parameter `{name}` has no value")))?;
                walk(value, path).map(Cow::Borrowed)
            }
            Root::Step { id, field } => {
                let step = self
                    .steps
                    .get(id)
                    .ok_or_else(|| Absent::missing(format!("step `{id}` has no outcome here")))?;
                match field {
                    StepField::Result => walk(step.result_of(id)?, path).map(Cow::Borrowed),
                    field => step.plain(id, *field).map(Cow::Owned),
                }
            }
            Root::PlannedAt => {
                let absent = || Absent::missing("the run is not one of a schedule".to_owned());
                self.planned_at.as_ref().map(Cow::Borrowed).ok_or_else(absent)
            }
            Root::Item => {
                let absent = || Absent::missing("there is no item here".to_owned());
                walk(self.item.as_ref().ok_or_else(absent)?, path).map(Cow::Borrowed)
            }
        }
    }
}

impl StepOutcome {
    fn result_of(&self, id: &str) -> Result<&Value, Absent> {
        let (kind, why) = match &self.result {
            _ if self.pruned => (AbsentKind::Pruned, "is not kept any more"),
            _ if self.truncated => (AbsentKind::Truncated, "is truncated"),
            Some(result) if !result.is_null() => return Ok(result),
            _ => return Err(self.without(id, "result")),
        };
        Err(Absent { kind, message: format!("the result of step `{id}` {why}") })
    }

    fn plain(&self, id: &str, field: StepField) -> Result<Value, Absent> {
        Ok(match field {
            StepField::Phase => Value::from(self.phase.as_str()),
            StepField::Reason => Value::from(self.reason.as_str()),
            StepField::Attempts => Value::from(self.attempts),
            StepField::Rows => Value::from(self.rows.ok_or_else(|| self.without_rows(id))?),
            StepField::Truncated => Value::from(self.truncated),
            StepField::Result => self.result_of(id)?.clone(),
        })
    }

    /// Of an answer that was cut it may not be known how many rows it had.
    fn without_rows(&self, id: &str) -> Absent {
        if !self.truncated {
            return self.without(id, "rows");
        }
        let message = format!(
            "how many rows step `{id}` has is not known: its answer was cut, as `steps.{id}.truncated` says"
        );
        Absent { kind: AbsentKind::Truncated, message }
    }

    fn without(&self, id: &str, what: &str) -> Absent {
        let verb = match self.phase.as_str() {
            "Succeeded" | "Failed" => "",
            _ => "was ",
        };
        Absent::missing(format!("step `{id}` {verb}{} and has no {what}", self.phase))
    }
}

/// Follows a path's segments within the value of its root.
fn walk<'a>(value: &'a Value, path: &Path) -> Result<&'a Value, Absent> {
    let mut value = value;
    for (depth, segment) in path.segments.iter().enumerate() {
        let next = match (segment, value) {
            (Segment::Field(name), Value::Object(fields)) => fields.get(name),
            (Segment::Index(index), Value::Array(items)) => items.get(*index),
            _ => None,
        };
        value = next.ok_or_else(|| {
            let before =
                Path { root: path.root.clone(), segments: path.segments[..depth].to_vec() };
            Absent::missing(nothing_there(&before, value, segment))
        })?;
    }
    Ok(value)
}

fn nothing_there(before: &Path, value: &Value, segment: &Segment) -> String {
    match (segment, value) {
        (Segment::Field(name), Value::Object(_)) => format!("`{before}` has no field `{name}`"),
        (Segment::Index(index), Value::Array(items)) => {
            format!("`{before}` has no item {index}, only {} of them", items.len())
        }
        (Segment::Field(name), other) => {
            format!("`{before}` is {} and has no field `{name}`", kind_of(other))
        }
        (Segment::Index(_), other) => format!("`{before}` is {} and has no items", kind_of(other)),
    }
}

/// Returns what a value is, with its article.
#[must_use]
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Returns whether a text can be a step's id or a parameter's name: `[a-z][a-z0-9_]*`.
#[must_use]
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

/// Returns whether a text can follow a dot in a path: `[A-Za-z_][A-Za-z0-9_]*`.
#[must_use]
pub(super) fn is_field_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
}

impl fmt::Display for Root {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(formatter, "parameters.{name}"),
            Self::Step { id, field } => write!(formatter, "steps.{id}.{}", field.as_str()),
            Self::PlannedAt => write!(formatter, "schedule.{PLANNED_AT}"),
            Self::Item => formatter.write_str("item"),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) if is_field_name(name) => write!(formatter, ".{name}"),
            Self::Field(name) => write!(formatter, "[{}]", Value::from(name.as_str())),
            Self::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(formatter)?;
        self.segments.iter().try_for_each(|segment| segment.fmt(formatter))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result_path(segments: Vec<Segment>) -> Path {
        let root = Root::Step { id: "a".to_owned(), field: StepField::Result };
        Path { root, segments }
    }

    fn why(outcome: StepOutcome, path: &Path) -> String {
        let steps = BTreeMap::from([("a".to_owned(), outcome)]);
        let scope = Scope { steps, ..Scope::default() };
        scope.look_up(path).expect_err("should lead to no value").message
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_ended() {
        let outcome = StepOutcome {
            phase: "Succeeded".to_owned(),
            result: Some(json!({"items": [1], "name": "x"})),
            ..StepOutcome::default()
        };
        let field = |name: &str| Segment::Field(name.to_owned());
        let item = result_path(vec![field("items"), Segment::Index(3)]);
        assert_eq!(
            why(outcome.clone(), &item),
            "`steps.a.result.items` has no item 3, only 1 of them"
        );
        let other = result_path(vec![field("other")]);
        assert_eq!(why(outcome.clone(), &other), "`steps.a.result` has no field `other`");
        let within = result_path(vec![field("name"), field("x y")]);
        assert_eq!(why(outcome, &within), "`steps.a.result.name` is a text and has no field `x y`");
        assert_eq!(within.to_string(), "steps.a.result.name[\"x y\"]");
    }

    #[test]
    fn a_step_without_result_says_why() {
        let path = result_path(Vec::new());
        let phase = |phase: &str| StepOutcome { phase: phase.to_owned(), ..StepOutcome::default() };
        assert_eq!(why(phase("Skipped"), &path), "step `a` was Skipped and has no result");
        assert_eq!(why(phase("Failed"), &path), "step `a` Failed and has no result");
        let null = StepOutcome { result: Some(Value::Null), ..phase("Succeeded") };
        assert_eq!(why(null, &path), "step `a` Succeeded and has no result");
        let pruned = StepOutcome { pruned: true, ..phase("Succeeded") };
        assert_eq!(why(pruned, &path), "the result of step `a` is not kept any more");
        let truncated = StepOutcome { truncated: true, result: Some(json!([])), ..phase("Failed") };
        assert_eq!(why(truncated, &path), "the result of step `a` is truncated");
        let rows = Path {
            root: Root::Step { id: "a".to_owned(), field: StepField::Rows },
            segments: Vec::new(),
        };
        assert_eq!(why(phase("Skipped"), &rows), "step `a` was Skipped and has no rows");
    }
}
