use serde_json::json;

use super::*;
use crate::api::v1alpha1::ClientKind;
use crate::engines::capability::{Capability, ClientDescription, Role};
use crate::validate::ActionDescription;

const ACTIONS: &[ActionDescription] = &[
    ActionDescription {
        name: "table.query",
        needs: &[Capability::ReadTables, Capability::ReadFiles, Capability::Query],
    },
    ActionDescription { name: "table.fake", needs: &[Capability::Fake] },
];

const CLIENTS: &[ClientDescription] = &[ClientDescription {
    kind: ClientKind::Local,
    summary: "files",
    roles: &[Role::Metastore, Role::Storage, Role::Execution],
    capabilities: &[Capability::ReadTables, Capability::ReadFiles, Capability::Query],
    reads: &[],
    writes: &[],
}];

fn read<T: serde::de::DeserializeOwned>(document: serde_json::Value) -> T {
    serde_json::from_value(document).expect("should be a resource")
}

fn definition() -> OperatorDefinition {
    read(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
        "metadata": {"name": "table-query"},
        "spec": {
            "operator": "table/query", "description": "Query tables",
            "parameters": [
                {"name": "database_name", "type": "identifier", "required": true, "aliases": ["bucket_name"],
                 "description": "The database."},
                {"name": "query_string", "type": "sql", "required": true},
                {"name": "limit", "type": "integer", "default": 1000, "minimum": 1, "maximum": 100_000},
                {"name": "mode", "type": "string", "enum": ["error", "replace"]},
            ],
            "action": {"builtin": {"name": "table.query"}},
        },
    }))
}

fn config() -> MasonConfig {
    read(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig", "metadata": {"name": "lake"},
        "spec": {
            "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["there", "here"]},
            "clients": [
                {"name": "here", "local": {"root": "/a"}}, {"name": "there", "local": {"root": "/b"}},
            ],
        },
    }))
}

fn run(parameters: &serde_json::Value) -> OperatorRun {
    read(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
        "metadata": {"name": "r", "namespace": "analytics"},
        "spec": {
            "operator": "table/query", "configRef": {"name": "lake"}, "parameters": parameters,
        },
    }))
}

fn good() -> OperatorRun {
    run(&json!({"database_name": "sales", "query_string": "select 1", "limit": "5"}))
}

fn validated(
    run: &OperatorRun,
    definition: Option<&OperatorDefinition>,
    config: Option<&MasonConfig>,
) -> Result<ValidRun, Vec<String>> {
    let operators = ["table/query".to_owned(), "table/get".to_owned()];
    let configs = ["lake".to_owned()];
    let inputs = Inputs {
        definition,
        config,
        actions: ACTIONS,
        clients: CLIENTS,
        kinds: &[crate::api::v1alpha1::ActionKind::Builtin, crate::api::v1alpha1::ActionKind::Sql],
        known_operators: &operators,
        known_configs: &configs,
    };
    let shown =
        |problems: Problems| problems.into_iter().map(|problem| problem.to_string()).collect();
    validate(run, &inputs).map_err(shown)
}

#[test]
fn a_valid_run_has_every_question_answered() {
    let (definition, config) = (definition(), config());
    let valid = validated(&good(), Some(&definition), Some(&config)).expect("should be valid");
    assert_eq!(valid.action.performer(), "table.query");
    assert_eq!(valid.definition.name, "table-query");
    assert_eq!(valid.definition.digest, digest(&definition));
    assert_eq!(valid.parameters.integer("limit"), Some(5));
    assert_eq!(valid.parameters.text("database_name"), Some("sales"));
    assert_eq!(valid.parameters.text("mode"), None);
    let origins: Vec<_> = valid.origins.iter().map(|one| (one.name.as_str(), one.origin)).collect();
    assert!(origins.contains(&("limit", ParameterOrigin::Run)));
    let execution = valid.engines.execution.clone().expect("should be chosen");
    assert_eq!(execution.client, "there", "the config's order of preference");
    let clients: Vec<&str> = valid.clients.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(clients, ["here", "there"]);
    assert_eq!(valid.config.namespace.as_deref(), Some("analytics"));
    assert_eq!(valid.retry.limit, 0);
    assert_eq!(ValidRun::thaw(&valid.freeze()).expect("should be read back"), valid);
}

#[test]
fn defaults_are_recorded_as_such() {
    let parameters = json!({"bucket_name": "sales", "query_string": "select 1"});
    let valid = validated(&run(&parameters), Some(&definition()), Some(&config()));
    let valid = valid.expect("should be valid");
    let limit = valid.origins.iter().find(|one| one.name == "limit").expect("should be there");
    assert_eq!((&limit.value, limit.origin), (&json!(1000), ParameterOrigin::DefinitionDefault));
    assert_eq!(valid.parameters.text("database_name"), Some("sales"), "by its alias");
}

#[test]
fn run_without_required_parameter_lists_every_problem() {
    let mut run = run(&json!({
        "databse_name": "x", "limit": 0, "mode": "append", "bucket_name": "a", "database_name": "b/c",
    }));
    run.spec.timeout = Some("0s".parse().expect("should be a duration"));
    run.spec.operator_digest = Some(format!("sha256:{}", "0".repeat(64)));
    let problems = validated(&run, Some(&definition()), None).expect_err("should be refused");
    let expect = [
        "spec.timeout: must be longer than nothing",
        "spec.operatorDigest: definition `table-query` has the digest sha256:",
        "spec.parameters.database_name: is given twice: `bucket_name` is the same parameter",
        "spec.parameters.databse_name: `table/query` has no such parameter (hint: did you mean `database_name`?)",
        "spec.parameters.database_name: must not have a `/`",
        "spec.parameters.query_string: is required",
        "spec.parameters.limit: 0 is below the minimum 1",
        "spec.parameters.mode: \"append\" is none of `error`, `replace`",
        "spec.configRef.name: there is no config `lake` in namespace `analytics`",
    ];
    assert_eq!(problems.len(), expect.len(), "{problems:#?}");
    for (problem, expect) in problems.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn an_unknown_operator_or_config_is_never_replaced_by_another() {
    let mut run = good();
    run.spec.operator = "table/qurey".to_owned();
    run.spec.config_ref.name = "lak".to_owned();
    let problems = validated(&run, None, None).expect_err("should be refused");
    let expect = [
        "spec.operator: there is no operator `table/qurey` (hint: did you mean `table/query`?)",
        "spec.configRef.name: there is no config `lak` in namespace `analytics` (hint: did you mean `lake`?)",
    ];
    assert_eq!(problems, expect);
    run.spec.operator = "table/get".to_owned();
    let problems = validated(&run, Some(&definition()), Some(&config())).expect_err("other one");
    assert_eq!(
        problems[0],
        "spec.operator: definition `table-query` is of `table/query`, not `table/get`"
    );
}

#[test]
fn a_pinned_digest_must_be_the_one_there_is() {
    let mut run = good();
    let definition = definition();
    run.spec.operator_digest = Some(digest(&definition));
    assert!(validated(&run, Some(&definition), Some(&config())).is_ok());
}

#[test]
fn a_config_of_another_namespace_is_refused() {
    let mut run = good();
    run.spec.config_ref.namespace = Some("finance".to_owned());
    let problems = validated(&run, Some(&definition()), Some(&config())).expect_err("other");
    assert_eq!(
        problems,
        [
            "spec.configRef.namespace: runs of namespace `analytics` may not use configs of `finance`"
        ]
    );
}

#[test]
fn a_capability_that_no_client_has_is_named_with_every_client_that_lacks_it() {
    let mut definition = definition();
    definition.spec.action.builtin.as_mut().expect("should be there").name =
        "table.fake".to_owned();
    let problems = validated(&good(), Some(&definition), Some(&config())).expect_err("lacks");
    let expect = "spec.configRef: config `lake` cannot run `table/query`: execution: `there` (local) cannot `fake`, `here` (local) cannot `fake`";
    assert_eq!(problems, [expect]);
}

#[test]
fn every_set_that_was_tried_says_why_it_failed() {
    let mut definition = definition();
    let set = |set: serde_json::Value| read(set);
    definition.spec.supported_configurations = vec![
        set(json!({"metastore": "local", "execution": "local"})),
        set(json!({"storage": "local"})),
    ];
    let mut config = config();
    config.spec.engines.execution.clear();
    config.spec.engines.metastore.clear();
    let problems = validated(&good(), Some(&definition), Some(&config)).expect_err("none fits");
    let expect = [
        "spec.configRef: config `lake` does not fit supported configuration 1 of 2 (metastore: local, execution: local): metastore needs a client of type local, and the config names none; execution needs a client of type local, and the config names none",
        "spec.configRef: config `lake` does not fit supported configuration 2 of 2 (storage: local): metastore needs a client, and the config names none; execution needs a client, and the config names none",
    ];
    assert_eq!(problems, expect);
}

#[test]
fn a_role_that_nobody_asks_for_may_be_empty() {
    let mut definition = definition();
    definition.spec.action.builtin.as_mut().expect("should be there").name =
        "table.read".to_owned();
    let actions = [ActionDescription { name: "table.read", needs: &[Capability::ReadTables] }];
    let mut config = config();
    config.spec.engines.execution.clear();
    let inputs = Inputs {
        definition: Some(&definition),
        config: Some(&config),
        actions: &actions,
        clients: CLIENTS,
        kinds: &[crate::api::v1alpha1::ActionKind::Builtin, crate::api::v1alpha1::ActionKind::Sql],
        known_operators: &[],
        known_configs: &[],
    };
    let valid = validate(&good(), &inputs).expect("should be valid");
    assert_eq!(valid.engines.execution, None);
    assert!(valid.engines.storage.is_some(), "filled where it can be");
}

#[test]
fn a_wrong_config_or_definition_refuses_the_run_with_their_problems() {
    let (mut definition, mut config) = (definition(), config());
    definition.spec.parameters[2].default = Some(json!(0));
    config.spec.clients[0].local.as_mut().expect("should be there").memory_limit = "1Mi".to_owned();
    let problems = validated(&good(), Some(&definition), Some(&config)).expect_err("wrong");
    let expect = [
        "spec.operator: definition `table-query` is wrong: spec.parameters[2].default: 0 is below the minimum 1",
        "spec.configRef: config `lake` is wrong: spec.clients[0].local.memoryLimit: `1Mi` is less than 64Mi",
    ];
    assert_eq!(problems, expect);
}

#[test]
fn the_digest_does_not_depend_on_order_and_changes_with_content() {
    let definition = definition();
    let mut document = serde_json::to_value(&definition).expect("should be JSON");
    let spec = document["spec"].as_object_mut().expect("should be an object");
    let reversed: serde_json::Map<_, _> =
        spec.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect();
    *spec = reversed;
    let same: OperatorDefinition = read(document);
    assert_eq!(digest(&same), digest(&definition));
    let mut other = definition.clone();
    other.spec.description.push('!');
    assert_ne!(digest(&other), digest(&definition));
    let shape = regex::Regex::new("^sha256:[0-9a-f]{64}$").expect("should be a pattern");
    assert!(shape.is_match(&digest(&definition)));
}
