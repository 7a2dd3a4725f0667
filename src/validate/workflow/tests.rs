//! Workflows that are wrong, each with all of its problems.

use serde_json::json;

use super::validate_workflow;
use crate::api::v1alpha1::{ActionKind, OperatorDefinition, WorkflowSpec};
use crate::validate::{Inputs, Rules};

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

/// What the operator of a step promises to answer.
const PROMISED: &str = r#"{
    "type": "object", "additionalProperties": false,
    "properties": {
        "count": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}},
        "table": {"type": "object"}
    }
}"#;

/// Returns the problems of a workflow whose first step, `a`, has a `resultSchema`, and whose steps take what they are given
/// as parameters of these types: `n` integer, `s` string, `l` list, `j` json.
#[expect(clippy::needless_pass_by_value, reason = "a test makes them for this call")]
fn promised(steps: serde_json::Value, more: serde_json::Value) -> Vec<String> {
    let mut spec = json!({"workflow": "a/flow", "description": "d", "steps": steps});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let spec: WorkflowSpec = serde_json::from_value(spec).expect("should be a workflow");
    let schema: serde_json::Value = serde_json::from_str(PROMISED).expect("should be a schema");
    let types = [("n", "integer"), ("s", "string"), ("l", "list"), ("j", "json")];
    let parameters = types.map(|(name, word)| json!({"name": name, "type": word}));
    let definition: OperatorDefinition = serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition", "metadata": {"name": "d"},
        "spec": {
            "operator": "x/y", "description": "d", "parameters": parameters, "resultSchema": schema,
            "action": {"container": {"image": "i", "command": ["c"]}},
        },
    }))
    .expect("should be a definition");
    let rules = Rules::default();
    let inputs = Inputs {
        definition: Some(&definition),
        config: None,
        actions: &[],
        clients: &[],
        kinds: &[ActionKind::Container],
        rules: &rules,
        namespace_labels: None,
        known_operators: &[],
        known_configs: &[],
        nested: None,
    };
    let inputs = vec![inputs; spec.steps.len()];
    let found = validate_workflow(&spec, &inputs).err().unwrap_or_default();
    found.into_iter().map(|problem| problem.to_string()).collect()
}

#[test]
fn a_look_up_that_a_result_is_promised_to_have_is_no_problem() {
    let steps = json!([
        {"id": "a", "operator": "x/y"},
        {"id": "b", "operator": "x/y", "dependencies": ["a"], "parameters": {
            "n": "${steps.a.result.count}", "l": "${steps.a.result.names}", "s": "${steps.a.result.names[2]}",
            "j": ["${steps.a.result.table.location}", "${steps.a.result}", "${steps.a.result.table}"],
        }},
        {"id": "c", "operator": "x/y", "dependencies": ["b"], "parameters": {
            "n": "${steps.a.result.table.anything}", "s": "${steps.a.result.count} of ${steps.a.result.names[0]}",
            "j": "${steps.a.result.names}",
        }, "when": "steps.a.phase == 'Succeeded' && steps.a.result.names[0] != '' && has(steps.a.result.table.x)"},
    ]);
    let found = promised(steps, json!({"outputs": {"n": "${steps.a.result.count}"}}));
    let found: Vec<_> = found.iter().filter(|line| !line.contains("may have no value")).collect();
    assert_eq!(found, Vec::<&String>::new());
}

#[test]
fn a_look_up_that_a_result_never_has_is_refused_wherever_it_stands() {
    let steps = json!([
        {"id": "a", "operator": "x/y"},
        {"id": "b", "operator": "x/y", "dependencies": ["a"], "parameters": {
            "j": ["${steps.a.result.cuont}"], "s": "${steps.a.result.count.x ?? 'none'}",
        }},
        {"id": "c", "operator": "x/y", "dependencies": ["a"],
         "when": "steps.a.result.names.first == '' || has(steps.a.result.tabel) || steps.a.result.tabel == 1"},
    ]);
    let found = promised(
        steps,
        json!({"outputs": {"n": "${steps.a.result[0]}", "m": "${steps.b.result.m ?? 0}"}}),
    );
    assert_eq!(
        found,
        [
            "spec.steps[1].parameters.j[0]: `steps.a.result` has no field `cuont` (hint: did you mean `count`?)",
            "spec.steps[1].parameters.s: `steps.a.result.count` is a number and has no field `x`",
            "spec.steps[2].when: `steps.a.result.names` is a list and has no field `first` (hint: its first \
             item is `steps.a.result.names[0]`)",
            "spec.steps[2].when: `steps.a.result` has no field `tabel` (hint: did you mean `table`?)",
            "spec.outputs.m: `steps.b.result` has no field `m` (hint: known: count, names, table)",
            "spec.outputs.n: `steps.a.result` is an object and has no items",
        ]
    );
}

#[test]
fn a_value_of_a_kind_that_its_parameter_never_takes_is_refused() {
    let steps = json!([
        {"id": "a", "operator": "x/y"},
        {"id": "b", "operator": "x/y", "dependencies": ["a"], "parameters": {
            "n": "${steps.a.result.table}", "l": "${steps.a.result.count}", "s": "at ${steps.a.result.names}",
        }},
        {"id": "c", "operator": "x/y", "dependencies": ["a"], "parameters": {
            "n": "${steps.a.result.table ?? 1}", "s": "${steps.a.result.count}",
        }},
    ]);
    assert_eq!(
        promised(steps, json!({})),
        [
            "spec.steps[1].parameters.l: `${steps.a.result.count}` is a number, and `l` takes a text or a list",
            "spec.steps[1].parameters.n: `${steps.a.result.table}` is an object, and `n` takes a number or a text",
            "spec.steps[1].parameters.s: `${steps.a.result.names}` is a list and cannot stand within text",
            "spec.steps[2].parameters.s: `${steps.a.result.count}` is a number, and `s` takes a text",
        ]
    );
}
