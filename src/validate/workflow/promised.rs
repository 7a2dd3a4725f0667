//! Look-ups into results, held against the JSON schemas that promise them: of a built-in action, and `resultSchema` of a
//! definition.
//!
//! Only what a schema rules out for certain is a problem: a field that is none of `properties` where
//! `additionalProperties` is false, a field of what is no object, an item of what is no list. Where a schema is silent, or
//! leads elsewhere with `$ref`, nothing is said. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::kinds::Kinds;
use super::scope::{Path, Root, Segment, StepField};
use super::steps::Steps;
use crate::api::v1alpha1::Workflow;
use crate::engines::nearest::nearest;
use crate::validate::action::result_schema_of;
use crate::validate::problem::{Problem, did_you_mean};
use crate::validate::valid_run::Inputs;

/// What the results of the steps are promised to be.
#[derive(Clone, Copy)]
pub(super) struct Promised<'a> {
    pub(super) steps: &'a Steps<'a>,
    /// What each step is checked with, in the order of the steps.
    pub(super) inputs: &'a [Inputs<'a>],
}

impl Promised<'_> {
    /// Returns which kinds of value a path can lead to; any where it leads into no result.
    ///
    /// # Errors
    /// What is wrong with the path, where it can lead to no value.
    pub(super) fn kinds(&self, path: &Path) -> Result<Kinds, Problem> {
        let mut kinds = Kinds::ANY;
        for schema in self.schemas(path) {
            let found = walk(&schema, &path.segments).map_err(|wrong| wrong.problem(path))?;
            kinds = kinds.and(found);
        }
        Ok(kinds)
    }

    /// Returns the schema of a step's result, given that of one run.
    fn of_step(&self, index: usize, schema: Value) -> Value {
        if self.steps.step(index).for_each.is_some() { of_items(&schema) } else { schema }
    }

    /// Returns the schemas of the result that a path leads into.
    fn schemas(&self, path: &Path) -> Vec<Cow<'_, Value>> {
        let Root::Step { id, field: StepField::Result } = &path.root else { return Vec::new() };
        let Some(index) = self.steps.index(id) else { return Vec::new() };
        if self.steps.step(index).approval.is_some() {
            return vec![Cow::Owned(decision_schema())];
        }
        let inputs = self.inputs.get(index);
        if let Some(workflow) = inputs.and_then(|inputs| inputs.nested?.workflow()) {
            return vec![Cow::Owned(self.of_step(index, outputs_schema(workflow)))];
        }
        let Some((inputs, definition)) = inputs.and_then(|one| Some((one, one.definition?))) else {
            return Vec::new();
        };
        let own = definition.spec.result_schema.as_ref();
        let own = own.map(|own| Cow::Owned(Value::Object(own.0.clone().into_iter().collect())));
        let of_action =
            result_schema_of(&definition.spec.action, inputs.actions).map(Cow::Borrowed);
        let of_run = own.into_iter().chain(of_action);
        of_run.map(|schema| Cow::Owned(self.of_step(index, schema.into_owned()))).collect()
    }
}

/// Returns the schema of the answer to a step that waits for a person.
fn decision_schema() -> Value {
    let properties = serde_json::json!({
        "decision": {"type": "string"}, "by": {"type": "string"}, "comment": {"type": ["string", "null"]},
    });
    serde_json::json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// Returns the schema of what a run of a workflow answers.
fn outputs_schema(workflow: &Workflow) -> Value {
    let names = workflow.spec.outputs.0.keys().map(|name| (name.clone(), Value::Bool(true)));
    let properties: serde_json::Map<String, Value> = names.collect();
    serde_json::json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// Returns the schema of the results of all items of a step, given that of one.
fn of_items(schema: &Value) -> Value {
    serde_json::json!({"type": "array", "items": {"anyOf": [schema, {"type": "null"}]}})
}

/// Why a path can lead to no value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wrong {
    /// How many look-ups lead to something.
    depth: usize,
    /// What stands there.
    there: There,
}

/// What stands where a look-up can lead no further.
#[derive(Debug, Clone, PartialEq, Eq)]
enum There {
    /// An object with these fields and no others; whether one of them may be meant.
    Fields { known: Vec<String>, is_near: bool },
    /// A value of these kinds, which have no such look-up.
    Other(Kinds),
}

/// Returns which kinds of value look-ups can lead to within what a schema describes.
fn walk(schema: &Value, segments: &[Segment]) -> Result<Kinds, Wrong> {
    let here = step_in(schema, segments)?;
    let parts =
        |word: &str| schema.get(word).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut kinds = here;
    for part in parts("allOf") {
        kinds = kinds.and(walk(part, segments)?);
    }
    for word in ["anyOf", "oneOf"] {
        kinds = kinds.and(any_of(parts(word), segments)?);
    }
    Ok(kinds)
}

/// Returns the kinds of the alternatives that look-ups can lead into.
fn any_of(alternatives: &[Value], segments: &[Segment]) -> Result<Kinds, Wrong> {
    let (mut kinds, mut deepest) = (None, None::<Wrong>);
    for alternative in alternatives {
        match walk(alternative, segments) {
            Ok(found) => kinds = Some(kinds.map_or(found, |kinds: Kinds| kinds.or(found))),
            Err(wrong) if deepest.as_ref().is_none_or(|known| known.rank() < wrong.rank()) => {
                deepest = Some(wrong);
            }
            Err(_) => {}
        }
    }
    match (kinds, deepest) {
        (None, Some(wrong)) => Err(wrong),
        (kinds, _) => Ok(kinds.unwrap_or(Kinds::ANY)),
    }
}

/// Does what [`walk`] does, without the schema's alternatives and further parts.
fn step_in(schema: &Value, segments: &[Segment]) -> Result<Kinds, Wrong> {
    let kinds = Kinds::of_schema(schema);
    let Some((segment, rest)) = segments.split_first() else { return Ok(kinds) };
    let wanted = match segment {
        Segment::Field(_) => Kinds::OBJECT,
        Segment::Index(_) => Kinds::LIST,
    };
    if kinds.and(wanted).is_none() {
        return Err(Wrong { depth: 0, there: There::Other(kinds) });
    }
    let below = match segment {
        Segment::Field(name) => field(schema, name)?,
        Segment::Index(index) => item(schema, *index),
    };
    below.map_or(Ok(Kinds::ANY), |below| walk(below, rest)).map_err(Wrong::below)
}

/// Returns the schema of a field, if there is one.
fn field<'a>(schema: &'a Value, name: &str) -> Result<Option<&'a Value>, Wrong> {
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some(found) = properties.and_then(|properties| properties.get(name)) {
        return Ok(Some(found));
    }
    if schema.get("patternProperties").is_some() {
        return Ok(None);
    }
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            let known = properties.map(|known| known.keys().cloned().collect());
            let known: Vec<String> = known.unwrap_or_default();
            let is_near = nearest(name, known.iter().map(String::as_str)).is_some();
            Err(Wrong { depth: 0, there: There::Fields { known, is_near } })
        }
        other => Ok(other),
    }
}

/// Returns the schema of an item, if there is one.
fn item(schema: &Value, index: usize) -> Option<&Value> {
    let first = schema.get("prefixItems").and_then(|items| items.get(index));
    first.or_else(|| schema.get("items"))
}

impl Wrong {
    /// Returns it as seen from one look-up before.
    fn below(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    /// Returns how much it tells, of several alternatives.
    fn rank(&self) -> (usize, bool) {
        (self.depth, matches!(self.there, There::Fields { is_near: true, .. }))
    }

    fn problem(self, path: &Path) -> Problem {
        let before =
            Path { root: path.root.clone(), segments: path.segments[..self.depth].to_vec() };
        match (self.there, &path.segments[self.depth]) {
            (There::Fields { known, .. }, Segment::Field(name)) => {
                let problem = Problem::new("", format!("`{before}` has no field `{name}`"));
                problem.hint_if(did_you_mean(name, known.iter().map(String::as_str)))
            }
            (There::Other(Kinds::LIST), Segment::Field(name)) => {
                let message = format!("`{before}` is a list and has no field `{name}`");
                Problem::new("", message).hint(format!("its first item is `{before}[0]`"))
            }
            (There::Other(kinds), Segment::Field(name)) => {
                Problem::new("", format!("`{before}` is {kinds} and has no field `{name}`"))
            }
            (There::Other(kinds), Segment::Index(_)) => {
                Problem::new("", format!("`{before}` is {kinds} and has no items"))
            }
            (There::Fields { .. }, Segment::Index(_)) => {
                Problem::new("", format!("`{before}` is an object and has no items"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the kinds that a path gives, or why it gives none.
    fn told(schema: &Value, path: &str) -> String {
        let path = match super::super::references::parse(&format!("${{steps.a.result{path}}}")) {
            Ok(template) => template.references().next().expect("should be one").path().clone(),
            Err(message) => panic!("{message}"),
        };
        match walk(schema, &path.segments) {
            Ok(kinds) => kinds.to_string(),
            Err(wrong) => wrong.problem(&path).to_string().trim_start_matches(": ").to_owned(),
        }
    }

    #[test]
    fn a_field_that_a_closed_schema_does_not_list_is_refused() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "table": {"type": "object"}, "files": {"type": "integer"},
        }});
        assert_eq!(told(&schema, ".files"), "a number");
        assert_eq!(told(&schema, ".table.name.x[3]"), Kinds::ANY.to_string());
        assert_eq!(
            told(&schema, ".file"),
            "`steps.a.result` has no field `file` (hint: did you mean `files`?)"
        );
        assert_eq!(told(&schema, "[0]"), "`steps.a.result` is an object and has no items");
        assert_eq!(
            told(&schema, ".files.x"),
            "`steps.a.result.files` is a number and has no field `x`"
        );
        assert_eq!(
            told(&schema, ".files[0]"),
            "`steps.a.result.files` is a number and has no items"
        );
    }

    #[test]
    fn the_results_of_items_are_a_list_in_which_some_may_be_null() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "files": {"type": "integer"},
        }});
        let all = of_items(&schema);
        assert_eq!(told(&all, ""), "a list");
        assert_eq!(told(&all, "[3].files"), "a number");
        assert!(told(&all, ".files").starts_with("`steps.a.result` is a list and has no field"));
        assert!(told(&all, "[0].file").starts_with("`steps.a.result[0]` has no field `file`"));
    }

    #[test]
    fn what_a_schema_does_not_say_is_not_refused() {
        let any = Kinds::ANY.to_string();
        for schema in [
            json!({}),
            json!(true),
            json!({"type": "object", "properties": {"a": {"type": "integer"}}}),
            json!({"type": ["object", "array", "null"]}),
            json!({"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}),
            json!({"additionalProperties": false, "patternProperties": {"^x": {}}}),
            json!({"additionalProperties": {"description": "anything"}}),
            json!({"if": {"type": "object"}, "then": false}),
        ] {
            assert_eq!(told(&schema, ".x"), any, "{schema}");
            assert_eq!(told(&schema, ".x.y[1]"), any, "{schema}");
        }
    }

    #[test]
    fn of_alternatives_each_must_rule_a_look_up_out() {
        let schema = json!({"oneOf": [
            {"type": "array", "items": {"type": "object"}},
            {"type": "object", "additionalProperties": false, "properties": {"rows": {"type": "integer"}}},
        ]});
        assert_eq!(told(&schema, "[0].anything"), Kinds::ANY.to_string());
        assert_eq!(told(&schema, ".rows"), "a number");
        assert_eq!(told(&schema, ""), "a list or an object");
        assert_eq!(
            told(&schema, ".row"),
            "`steps.a.result` has no field `row` (hint: did you mean `rows`?)"
        );
        assert_eq!(
            told(&schema, ".n"),
            "`steps.a.result` is a list and has no field `n` (hint: its first item is `steps.a.result[0]`)"
        );
        assert_eq!(told(&schema, "[0][1]"), "`steps.a.result[0]` is an object and has no items");
    }

    #[test]
    fn all_parts_of_a_schema_hold_at_once() {
        let schema = json!({"properties": {"a": {"type": ["string", "null"]}}, "allOf": [
            {"properties": {"a": {"type": ["string", "integer"]}}},
            {"type": "object"},
        ]});
        assert_eq!(told(&schema, ".a"), "a text");
        assert_eq!(told(&schema, ""), "an object");
        let list = json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "boolean"}});
        assert_eq!(told(&list, "[0]"), "a text");
        assert_eq!(told(&list, "[7]"), "a boolean");
        assert_eq!(
            told(&list, ".n"),
            "`steps.a.result` is a list and has no field `n` (hint: its first item is `steps.a.result[0]`)"
        );
    }
}
