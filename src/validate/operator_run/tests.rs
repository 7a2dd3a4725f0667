use serde_json::json;

use super::*;
use crate::api::v1alpha1::{ActionKind, ClientKind, OperatorRunStatus, Results};
use crate::api::v1alpha1::{Parameter, ParameterOrigin};
use crate::engines::Role;
use crate::engines::capability::{Capability, ClientDescription, ClientType};
use crate::validate::{ActionDescription, Maxima, ValidAction};

const ACTIONS: &[ActionDescription] = &[
    ActionDescription {
        name: "table.query",
        needs: &[Capability::ReadTables, Capability::ReadFiles, Capability::Query],
        uses: &[],
        result_schema: None,
    },
    ActionDescription {
        name: "table.fake",
        needs: &[Capability::Fake],
        uses: &[],
        result_schema: None,
    },
];

const CLIENTS: &[ClientType] = &[ClientType::uniform(ClientDescription {
    kind: ClientKind::Local,
    summary: "files",
    roles: &[Role::Metastore, Role::Storage, Role::Execution],
    capabilities: &[Capability::ReadTables, Capability::ReadFiles, Capability::Query],
    reads: &[],
    writes: &[],
})];

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
            "engines": {"metastore": ["there"], "storage": ["there"], "execution": ["there", "here"]},
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
    let shown =
        |problems: Problems| problems.into_iter().map(|problem| problem.to_string()).collect();
    checked(run, definition, config, &Rules::default()).map_err(shown)
}

fn checked(
    run: &OperatorRun,
    definition: Option<&OperatorDefinition>,
    config: Option<&MasonConfig>,
    rules: &Rules,
) -> Result<ValidRun, Problems> {
    let operators = ["table/query".to_owned(), "table/get".to_owned()];
    let configs = ["lake".to_owned()];
    let inputs = Inputs {
        definition,
        config,
        actions: ACTIONS,
        clients: CLIENTS,
        kinds: &[ActionKind::Builtin, ActionKind::Sql, ActionKind::Container],
        rules,
        namespace_labels: None,
        known_operators: &operators,
        known_configs: &configs,
        nested: None,
    };
    validate(run, &inputs)
}

#[test]
fn a_run_records_which_version_of_its_config_it_was_resolved_with() {
    let (definition, mut config) = (definition(), config());
    let version = |config: &MasonConfig| {
        let valid = validated(&good(), Some(&definition), Some(config)).expect("should be valid");
        valid.freeze().0.get("configVersion").cloned()
    };
    assert_eq!(version(&config), None, "no store has given it an identity");
    config.metadata.uid = Some("u".to_owned());
    config.metadata.generation = Some(3);
    assert_eq!(version(&config), Some(json!({"uid": "u", "generation": 3})));
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
    assert_eq!(clients, ["there"]);
    assert_eq!(valid.config.namespace.as_deref(), Some("analytics"));
    assert_eq!(valid.retry.limit, 0);
    let frozen = valid.freeze();
    assert!(!frozen.0.contains_key("parameters") && !frozen.0.contains_key("origins"));
    let recorded = OperatorRunStatus {
        resolved: Some(frozen),
        parameters: valid.origins.clone(),
        ..OperatorRunStatus::default()
    };
    assert_eq!(ValidRun::thaw(&recorded).expect("should be read back"), Some(valid));
    assert_eq!(ValidRun::thaw(&OperatorRunStatus::default()).expect("nothing is there"), None);
}

#[test]
fn parameters_too_large_to_be_recorded_are_refused() {
    let parameters = |bytes| json!({"database_name": "a", "query_string": format!("select '{}'", "x".repeat(bytes))});
    let (definition, config) = (definition(), config());
    let check = |bytes| validated(&run(&parameters(bytes)), Some(&definition), Some(&config));
    assert!(check(200 * 1024).is_ok());
    let problems = check(300 * 1024).expect_err("should be refused").join("\n");
    let expect = "spec.parameters: have 301 KiB together, and at most 256 KiB can be recorded";
    assert!(problems.contains(expect), "{problems}");
}

#[test]
fn what_no_file_can_be_read_with_is_refused_with_every_problem() {
    let strings =
        ["encoding", "quote", "delimiter"].map(|name| json!({"name": name, "type": "string"}));
    let types = json!({"name": "types", "type": "json"});
    let mut definition = definition();
    let more = strings.into_iter().chain([types]).map(read::<Parameter>);
    definition.spec.parameters.extend(more);
    let given = json!({
        "database_name": "sales", "query_string": "select 1", "encoding": "utf-9", "quote": "ab",
        "types": {"lat": "number"},
    });
    let problems =
        validated(&run(&given), Some(&definition), Some(&config())).expect_err("problems");
    let words = problems.join("\n");
    for part in [
        "spec.parameters.encoding: the encoding \"utf-9\" is not known",
        "spec.parameters.quote: the quote \"ab\" is not one character",
        "spec.parameters.types: column `lat`: `number` is no type",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let marks = json!({
        "database_name": "sales", "query_string": "select 1", "delimiter": ";", "quote": ";",
    });
    let problems =
        validated(&run(&marks), Some(&definition), Some(&config())).expect_err("problems");
    assert!(problems[0].starts_with("spec.parameters.delimiter: "), "{problems:?}");
    assert!(problems.iter().all(|one| one.contains("(hint: ")), "{problems:?}");
    let path = json!({"name": "output_path", "type": "path"});
    definition.spec.parameters.push(read::<Parameter>(path));
    let file = json!({
        "database_name": "sales", "query_string": "select 1", "output_path": "out/sales.arrow",
    });
    let problems =
        validated(&run(&file), Some(&definition), Some(&config())).expect_err("problems");
    let expected = "spec.parameters.output_path: `output_path` \"out/sales.arrow\" ends in `.arrow`, \
                    as a file does (hint: output_path is a folder: give \"out/sales\" and format=arrow)";
    assert_eq!(problems, [expected]);
    definition.spec.action = read(json!({"sql": {"statement": "select $encoding as e"}}));
    let bound = json!({"database_name": "s", "query_string": "select 1", "encoding": "utf-9"});
    let problems = validated(&run(&bound), Some(&definition), Some(&config()));
    let words = problems.err().unwrap_or_default().join("\n");
    assert!(!words.contains("utf-9"), "a bound name says nothing of files: {words}");
}

#[test]
fn parts_of_what_is_frozen_are_found_by_their_names() {
    let (definition, config) = (definition(), config());
    let valid = validated(&good(), Some(&definition), Some(&config)).expect("should be valid");
    let results: Results = serde_json::from_value(json!({"location": "here:r/"})).unwrap();
    let timeout = Some("90s".parse().unwrap());
    let container = serde_json::from_value(json!({"image": "i", "command": ["c"]})).unwrap();
    let action = ValidAction::Container { container };
    let other = ValidRun { action, results, timeout, ..valid.clone() };
    for run in [valid, other] {
        let frozen = run.freeze();
        assert_eq!(ValidRun::frozen_results(&frozen), run.results);
        assert_eq!(ValidRun::frozen_timeout(&frozen), run.timeout);
        let is_container = matches!(run.action, ValidAction::Container { .. });
        assert_eq!(ValidRun::is_frozen_container(&frozen), is_container);
    }
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

fn foreign() -> OperatorRun {
    let mut run = good();
    run.spec.config_ref.namespace = Some("finance".to_owned());
    run
}

#[test]
fn a_config_of_another_namespace_that_is_not_shared_is_as_one_that_is_not_there() {
    let (definition, rules) = (definition(), Rules::default());
    let mut unshared = config();
    // Nothing of what is wrong with it is told either.
    unshared.spec.engines.execution.push("nobody".to_owned());
    unshared.spec.allowed_actions = vec![ActionKind::Container];
    let told = |config| checked(&foreign(), Some(&definition), config, &rules).expect_err("closed");
    let (closed, absent) = (told(Some(&unshared)), told(None));
    assert_eq!(closed, absent, "no stranger learns what there is");
    assert_eq!(
        closed.to_string(),
        "spec.configRef: there is no config `lake` in namespace `finance` that is open to \
         `analytics` (hint: its owner opens a config by `spec.allowedNamespaces`)"
    );
    assert_eq!(closed.reason(), Reason::ConfigNotShared);
}

#[test]
fn a_shared_config_is_used_under_its_own_namespace() {
    let mut shared = config();
    shared.spec.allowed_namespaces = read(json!({"from": "Names", "names": ["analytics"]}));
    let valid = validated(&foreign(), Some(&definition()), Some(&shared)).expect("is open");
    assert_eq!(valid.config.namespace.as_deref(), Some("finance"));
}

#[test]
fn a_config_is_open_to_built_in_actions_only_unless_it_says_more() {
    let (mut definition, mut config) = (definition(), config());
    definition.spec.action =
        read(json!({"container": {"image": "example.org/x:1", "command": ["x"]}}));
    let rules = Rules::default();
    let refused = checked(&good(), Some(&definition), Some(&config), &rules).expect_err("closed");
    assert_eq!(refused.reason(), Reason::ActionNotAllowed);
    assert_eq!(
        refused.to_string(),
        "spec.configRef: config `lake` is not open to actions of kind container, only to builtin \
         (hint: its owner opens it by `spec.allowedActions`)"
    );
    config.spec.allowed_actions = vec![ActionKind::Builtin, ActionKind::Container];
    let allowed = checked(&good(), Some(&definition), Some(&config), &rules);
    assert!(allowed.is_ok(), "{allowed:?}");
}

#[test]
fn a_secret_is_never_lent_to_a_container_of_another_namespace() {
    let (mut definition, mut config) = (definition(), config());
    definition.spec.action =
        read(json!({"container": {"image": "example.org/x:1", "command": ["x"]}}));
    config.spec.allowed_actions = vec![ActionKind::Builtin, ActionKind::Container];
    config.spec.allowed_namespaces = read(json!({"from": "All"}));
    let rules = Rules::default();
    let foreign = foreign();
    assert!(checked(&foreign, Some(&definition), Some(&config), &rules).is_ok(), "no Secret");
    let there = config.spec.clients[1].local.as_mut().expect("should be local");
    there.credentials = Some(read(json!({"secretRef": {"name": "key"}})));
    let refused = checked(&foreign, Some(&definition), Some(&config), &rules).expect_err("lent");
    assert_eq!(refused.reason(), Reason::CredentialsNotShareable);
    assert!(refused.to_string().contains("the Secret of `there`"), "{refused}");
    assert!(checked(&good(), Some(&definition), Some(&config), &rules).is_ok(), "its own");
    definition.spec.action = read(json!({"builtin": {"name": "table.query"}}));
    assert!(checked(&foreign, Some(&definition), Some(&config), &rules).is_ok(), "not needed");
}

#[test]
fn what_is_over_a_maximum_stands_beside_every_other_problem() {
    let maxima = Maxima {
        timeout: "1h".parse().ok(),
        memory_bytes: Some(512 << 20),
        parallelism: Some(2),
        ..Maxima::default()
    };
    let rules = Rules { maxima, ..Rules::default() };
    let (definition, mut config) = (definition(), config());
    let mut run = run(&json!({"database_name": "sales"}));
    run.spec.timeout = Some("2h".parse().expect("should be a duration"));
    let told = checked(&run, Some(&definition), Some(&config), &rules).expect_err("over");
    let told = told.to_string();
    for expect in [
        "spec.timeout: `2h` is more than the `1h` that the administrator allows",
        "spec.parameters.query_string: is required",
        "config `lake` is wrong: spec.clients[0].local.memoryLimit: `1Gi` is more than the `512Mi`",
    ] {
        assert!(told.contains(expect), "{told}");
    }
    for local in config.spec.clients.iter_mut().filter_map(|client| client.local.as_mut()) {
        local.memory_limit = "512Mi".to_owned();
    }
    let valid = checked(&good(), Some(&definition), Some(&config), &rules).expect("within");
    assert_eq!(valid.timeout.map(|timeout| timeout.to_string()).as_deref(), Some("1h"));
    let threads = valid.clients.iter().map(|client| client.local.as_ref()?.parallelism);
    assert_eq!(threads.collect::<Vec<_>>(), [Some(2)]);
}

#[test]
fn labels_cannot_be_asked_for_where_namespaces_cannot_be_read() {
    let mut config = config();
    config.spec.allowed_namespaces =
        read(json!({"from": "Selector", "selector": {"matchLabels": {"lake": "yes"}}}));
    let rules = Rules { is_namespaced: true, ..Rules::default() };
    let wrong = crate::validate::validate_config(&config, CLIENTS, &rules).expect_err("restricted");
    assert!(
        wrong.to_string().starts_with("spec.allowedNamespaces.from: `Selector` needs"),
        "{wrong}"
    );
    assert!(crate::validate::validate_config(&config, CLIENTS, &Rules::default()).is_ok());
}

#[test]
fn only_what_is_missing_may_pass() {
    let rules = Rules::default();
    let absent = checked(&good(), None, None, &rules).expect_err("should be refused");
    assert!(absent.may_pass(), "{absent}");
    assert_eq!(absent.reason(), Reason::NotFound);
    let wrong = run(&json!({"limit": "many"}));
    let wrong = checked(&wrong, Some(&definition()), None, &rules).expect_err("should be refused");
    assert!(!wrong.may_pass(), "{wrong}");
    assert_eq!(wrong.reason(), Reason::Invalid);
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
    let actions = [ActionDescription {
        name: "table.read",
        needs: &[Capability::ReadTables],
        uses: &[],
        result_schema: None,
    }];
    let mut config = config();
    config.spec.engines.execution.clear();
    let inputs = Inputs {
        definition: Some(&definition),
        config: Some(&config),
        actions: &actions,
        clients: CLIENTS,
        kinds: &[crate::api::v1alpha1::ActionKind::Builtin, crate::api::v1alpha1::ActionKind::Sql],
        rules: &Rules::default(),
        namespace_labels: None,
        known_operators: &[],
        known_configs: &[],
        nested: None,
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
