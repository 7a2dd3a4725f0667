//! Workflows that are wrong, each with all of its problems.

use serde_json::json;

use super::validate_workflow;
use crate::api::v1alpha1::WorkflowSpec;

/// Returns the problems of a workflow with these steps, one on each line, without what its operators want.
#[expect(clippy::needless_pass_by_value, reason = "a test makes them for this call")]
fn problems(steps: serde_json::Value, more: serde_json::Value) -> String {
    let mut spec = json!({
        "workflow": "a/flow", "description": "d", "steps": steps,
        "parameters": [
            {"name": "day", "type": "string", "required": true},
            {"name": "note", "type": "string"},
        ],
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let spec: WorkflowSpec = serde_json::from_value(spec).expect("should be a workflow");
    validate_workflow(&spec, &[]).err().map(|found| found.to_string()).unwrap_or_default()
}

#[test]
fn a_workflow_whose_look_ups_all_have_values_is_valid() {
    let steps = json!([
        {"id": "a", "operator": "x/y", "parameters": {"day": "${parameters.day}"}},
        {"id": "b", "operator": "x/y", "dependencies": ["a"],
         "parameters": {"n": "${steps.a.result.n}", "note": "at ${parameters.note ?? 'none'}"}},
        {"id": "c", "operator": "x/y", "dependencies": ["b"], "when": "steps.a.rows > 0",
         "parameters": {"n": "${steps.b.result.n ?? 0}"}},
        {"id": "d", "operator": "x/y", "finally": true,
         "parameters": {"phase": "${steps.c.phase}", "n": "${steps.b.rows ?? 0}"}},
    ]);
    let outputs = json!({"outputs": {"n": "${steps.b.result.n}", "c": "${steps.c.rows ?? 0}"}});
    assert_eq!(problems(steps, outputs), "");
}

#[test]
fn a_look_up_that_may_have_no_value_needs_one_that_stands_for_it() {
    let steps = json!([
        {"id": "a", "operator": "x/y"},
        {"id": "b", "operator": "x/y", "dependencies": ["a"], "when": "true",
         "parameters": {"n": "${steps.a.result.n}", "note": "${parameters.note}"}},
    ]);
    let found = problems(steps, json!({"outputs": {"n": "${steps.b.rows}"}}));
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 3, "{found}");
    for (line, begins) in lines.iter().zip([
        "spec.steps[1].parameters.n: `${steps.a.result.n}` may have no value: its step can be",
        "spec.steps[1].parameters.note: `${parameters.note}` may have no value: a run need not",
        "spec.outputs.n: `${steps.b.rows}` may have no value: its step can be skipped or fail",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
}

#[test]
fn a_look_up_of_what_is_not_there_or_not_settled_is_refused() {
    let steps = json!([
        {"id": "a", "operator": "x/y", "parameters": {"n": "${steps.b.phase}"}},
        {"id": "b", "operator": "x/y", "when": "steps.c.phase == 'x' && parameters.dy == 'x'"},
        {"id": "d", "operator": "x/y", "parameters": {"n": "${parameters.dya}", "m": "${steps.x"}},
    ]);
    let found = problems(steps, json!({}));
    for part in [
        "spec.steps[0].parameters.n: step `b` need not be settled before `a` \
         (hint: add `b` to its dependencies)",
        "spec.steps[1].when: there is no step `c`",
        "spec.steps[1].when: the workflow has no parameter `dy` (hint: did you mean `day`?)",
        "spec.steps[2].parameters.n: the workflow has no parameter `dya`",
        "spec.steps[2].parameters.m: ",
    ] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
    assert_eq!(found.lines().count(), 5, "{found}");
}

#[test]
fn graph_conditions_and_times_are_checked_at_once() {
    let steps = json!([
        {"id": "a", "operator": "x/y", "dependencies": ["b"]},
        {"id": "b", "operator": "x/y", "dependencies": ["a", "nowhere"], "when": "1 +"},
        {"id": "c", "operator": "x/y", "dependencies": ["c"], "when": "steps.a.rows"},
    ]);
    let found = problems(steps, json!({"timeout": "0s"}));
    for part in [
        "a -> b -> a",
        "nowhere",
        "spec.steps[1].when: ",
        "spec.steps[2].dependencies[0]: ",
        "spec.steps[2].when: ",
        "spec.timeout: must be longer than nothing",
    ] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
}

#[test]
fn the_parameters_of_a_workflow_are_checked_as_those_of_a_definition() {
    let steps = json!([{"id": "a", "operator": "x/y"}]);
    let parameters = json!({"parameters": [
        {"name": "many", "type": "integer", "default": "lots"},
        {"name": "most", "type": "integer", "aliases": ["many"], "pattern": "[0-9]+"},
    ]});
    let found = problems(steps, parameters);
    for part in [
        "spec.parameters[0].default: ",
        "spec.parameters[1].aliases[0]: `many` stands twice; first in spec.parameters[0].name",
        "spec.parameters[1].pattern: is for texts and lists only",
    ] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
}
