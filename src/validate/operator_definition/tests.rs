use serde_json::json;

use super::*;
use crate::api::v1alpha1::ClientKind;
use crate::engines::reading;

const ACTIONS: &[ActionDescription] = &[ActionDescription {
    name: "table.query",
    needs: &[Capability::Query],
    uses: &[],
    result_schema: None,
}];

const NO_QUERIES: &[ClientType] = &[ClientType::uniform(ClientDescription {
    kind: ClientKind::Local,
    summary: "files",
    roles: &[Role::Metastore, Role::Execution],
    capabilities: &[],
    reads: &[],
    writes: &[],
})];

fn problems(parameters: &serde_json::Value, rest: &serde_json::Value) -> Vec<String> {
    let mut document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition", "metadata": {"name": "d"},
        "spec": {
            "operator": "table/query", "description": "Query", "parameters": parameters,
            "action": {"builtin": {"name": "table.query"}},
        },
    });
    for (key, value) in rest.as_object().expect("should be an object") {
        document["spec"][key] = value.clone();
    }
    let definition: OperatorDefinition =
        serde_json::from_value(document).expect("should be a definition");
    match validate_definition(&definition, ACTIONS, NO_QUERIES) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.to_string()).collect(),
    }
}

#[test]
fn a_definition_that_can_be_run_has_no_problem() {
    let parameters = json!([
        {"name": "a", "type": "string", "pattern": "[a-z]+", "default": "x", "aliases": ["b"]},
        {"name": "n", "type": "number", "minimum": 0, "maximum": 1, "default": "0.5", "enum": ["0.5", "1"]},
        {"name": "l", "type": "list", "enum": ["x", "y"], "default": ["x"]},
    ]);
    let schema =
        json!({"resultSchema": {"type": "object", "properties": {"rows": {"type": "integer"}}}});
    assert_eq!(problems(&parameters, &schema), Vec::<String>::new());
}

#[test]
fn every_problem_of_a_definition_comes_at_once() {
    let parameters = json!([
        {"name": "a", "type": "string", "pattern": "[a-z", "default": 5, "aliases": ["b", "a"]},
        {"name": "b", "type": "integer", "default": "x", "pattern": "x", "enum": ["1", "two"]},
        {"name": "c", "type": "string", "minimum": 1},
        {"name": "d", "type": "json", "enum": ["1"], "default": {"x": 1}},
        {"name": "e", "type": "string", "required": true, "default": "x"},
    ]);
    let rest = json!({
        "action": {"builtin": {"name": "table.qury"}}, "resultSchema": {"type": "objekt"},
    });
    let found = problems(&parameters, &rest);
    let expect = [
        "spec.parameters[0].aliases[1]: `a` stands twice; first in spec.parameters[0].name",
        "spec.parameters[1].name: `b` stands twice; first in spec.parameters[0].aliases[0]",
        "spec.parameters[0].pattern: `[a-z` is no regular expression: unclosed character class",
        "spec.parameters[0].default: must be a text, but is the number 5",
        "spec.parameters[1].pattern: is for texts and lists only",
        "spec.parameters[1].default: must be a whole number within 64 bits, but is the text \"x\"",
        "spec.parameters[1].enum[1]: must be a whole number within 64 bits, but is the text \"two\"",
        "spec.parameters[2].minimum: is for integers and numbers only",
        "spec.parameters[3].enum: is not for json",
        "spec.parameters[4].default: a required parameter has no default (hint: leave out either `required` or `default`)",
        "spec.action.builtin.name: there is no built-in action `table.qury` (hint: did you mean `table.query`?)",
        "spec.resultSchema.type: is no JSON schema: ",
    ];
    assert_eq!(found.len(), expect.len(), "{found:#?}");
    for (problem, expect) in found.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn a_set_of_clients_that_cannot_do_the_work_is_named() {
    let sets = json!({"supportedConfigurations": [{"metastore": "local"}, {"execution": "local", "storage": "local"}]});
    let expect = [
        "spec.supportedConfigurations[1].storage: local cannot fill the role storage",
        "spec.supportedConfigurations[1].execution: local cannot `query`, which the action needs",
    ];
    assert_eq!(problems(&json!([]), &sets), expect);
}

#[test]
fn amounts_of_a_container_that_kubernetes_would_refuse_are_named() {
    let container = json!({
        "image": "i", "command": ["c"],
        "resources": {
            "requests": {"cpu": "lots", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "512Mi"},
        },
    });
    let found = problems(&json!([]), &json!({"action": {"container": container}}));
    let path = "spec.action.container.resources.requests";
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with(&format!("{path}.cpu: \"lots\" is not a quantity")), "{found:#?}");
    assert_eq!(found[1], format!("{path}.memory: `2Gi` is more than the limit `512Mi`"));
}

fn statement_problems(statement: &str, parameters: &serde_json::Value) -> Vec<String> {
    problems(parameters, &json!({"action": {"sql": {"statement": statement}}}))
}

#[test]
fn a_statement_with_a_parameter_for_each_placeholder_has_no_problem() {
    let parameters = json!([
        {"name": "table_name", "type": "identifier", "required": true},
        {"name": "city", "type": "string"}, {"name": "cities", "type": "list"},
        {"name": "since", "type": "timestamp"}, {"name": "within", "type": "duration"},
        {"name": "least", "type": "number"}, {"name": "most", "type": "integer"},
        {"name": "open", "type": "boolean"}, {"name": "like", "type": "json"},
        {"name": "limit", "type": "integer"},
    ]);
    let statement = "select * from sales.$table_name where (city = $city or city in ($cities)) \
        and at > $since - $within and amount >= $least and open = $open and note = $like limit $most";
    assert_eq!(statement_problems(statement, &parameters), Vec::<String>::new());
}

#[test]
fn every_problem_of_a_statement_comes_at_once() {
    let parameters = json!([
        {"name": "city", "type": "string"}, {"name": "query", "type": "sql"},
        {"name": "column", "type": "identifier"}, {"name": "unused", "type": "integer"},
    ]);
    let found = statement_problems(
        "select $column, $query, $citty from sales.orders where city = $city for update",
        &parameters,
    );
    let expect = [
        "spec.parameters[1].type: `query` cannot be bound: a statement or path is no value",
        "spec.parameters[2]: `column` is an identifier and needs a value in every run",
        "spec.parameters[3]: `unused` is not used by the statement",
        "spec.action.sql.statement: `$citty` is no parameter of the definition (hint: did you mean `city`?)",
        "spec.action.sql.statement: `FOR UPDATE` or `FOR SHARE` is not allowed",
    ];
    assert_eq!(found.len(), expect.len(), "{found:#?}");
    for (problem, expect) in found.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn what_is_no_parameter_at_all_is_told_in_the_definition() {
    let found = statement_problems("select * from sales.orders where city = ?", &json!([]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("spec.action.sql.statement: the placeholder `?`"), "{found:?}");
    let found = statement_problems("select * from $table", &json!([]));
    assert_eq!(found[0], "spec.action.sql.statement: `$table` is no parameter of the definition");
}

#[test]
fn a_parameter_may_be_called_table() {
    let identifier = json!([{"name": "table", "type": "identifier", "required": true}]);
    assert!(statement_problems("select * from sales.$table", &identifier).is_empty());
    let text = json!([{"name": "table", "type": "string"}]);
    assert!(statement_problems("select * from sales.orders where name = $table", &text).is_empty());
}

#[test]
fn what_goes_into_a_table_is_said_as_the_query_operator_does() {
    let library = crate::store::library::definitions();
    let query = library.iter().find(|one| one.spec.operator.as_str() == "table/query");
    let known: Vec<&str> =
        query.unwrap().spec.parameters.iter().map(|one| one.name.as_str()).collect();
    for name in crate::validate::action::OF_THE_OUTCOME.into_iter().chain(reading::PARAMETERS) {
        assert!(known.contains(&name), "`{name}` is none of {known:?}");
    }
}

#[test]
fn a_statement_that_changes_data_is_refused() {
    let found = statement_problems("delete from sales.orders", &json!([]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`DELETE` is not allowed"), "{found:?}");
}
