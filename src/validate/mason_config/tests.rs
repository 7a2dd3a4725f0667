use serde_json::json;

use super::*;
use crate::api::v1alpha1::ClientKind;

const CLIENTS: &[ClientType] = &[ClientType::uniform(ClientDescription {
    kind: ClientKind::Local,
    summary: "files",
    roles: &[Role::Metastore, Role::Storage],
    capabilities: &[],
    reads: &[],
    writes: &[],
})];

fn problems(spec: &serde_json::Value, clients: &[ClientType]) -> Vec<String> {
    let document = json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig", "metadata": {"name": "c"}, "spec": spec,
    });
    let config: MasonConfig = serde_json::from_value(document).expect("should be a config");
    match validate_config(&config, clients, &Rules::default()) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.to_string()).collect(),
    }
}

#[test]
fn a_config_that_can_be_used_has_no_problem() {
    let spec = json!({
        "engines": {"metastore": ["here"], "storage": ["here"]},
        "clients": [{"name": "here", "local": {"root": "./data", "memoryLimit": "64Mi"}}],
    });
    assert_eq!(problems(&spec, CLIENTS), Vec::<String>::new());
}

#[test]
fn every_problem_of_a_config_comes_at_once() {
    let spec = json!({
        "engines": {"metastore": ["her", "here", "here"], "execution": ["here"]},
        "clients": [
            {"name": "here", "local": {"root": "a\nb", "memoryLimit": "63Mi", "diskLimit": "0"}},
            {"name": "here", "local": {"root": "s3://bucket", "memoryLimit": "lots"}},
            {"name": "home", "local": {"root": "~/data"}},
            {"name": "empty", "local": {"root": " "}},
            {"name": "none"},
        ],
    });
    let expect = [
        "spec.clients[0].local.root: must not have control characters",
        "spec.clients[0].local.memoryLimit: `63Mi` is less than 64Mi",
        "spec.clients[0].local.diskLimit: `0` is less than 1 byte",
        "spec.clients[1].name: `here` stands twice; first in spec.clients[0]",
        "spec.clients[1].local.root: `s3://bucket` is an address, not a folder",
        "spec.clients[1].local.memoryLimit: \"lots\" is not an amount",
        "spec.clients[2].local.root: `~` is not replaced by anything",
        "spec.clients[3].local.root: must not be empty",
        "spec.clients[4]: exactly one client type is needed: local, s3, glue or athena",
        "spec.engines.metastore[0]: there is no client `her` (hint: did you mean `here`?)",
        "spec.engines.metastore[2]: `here` stands twice",
        "spec.engines.execution[0]: `here` (local) cannot fill the role execution",
    ];
    let found = problems(&spec, CLIENTS);
    assert_eq!(found.len(), expect.len(), "{found:#?}");
    for (problem, expect) in found.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn the_clients_that_come_first_are_of_one_lake() {
    let both = |storage: &str| {
        json!({
            "engines": {"metastore": ["a"], "storage": [storage]},
            "clients": [{"name": "a", "local": {"root": "x"}}, {"name": "b", "local": {"root": "y"}}],
        })
    };
    assert_eq!(problems(&both("a"), CLIENTS), Vec::<String>::new());
    let told = problems(&both("b"), CLIENTS);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("spec.engines: tables would be those of `a` and files those of `b`")
    );
}

#[test]
fn a_bucket_stands_in_no_host_that_is_a_number() {
    let bucket = |endpoint: &str| {
        let s3 = json!({"root": "s3://lake/", "endpoint": endpoint, "pathStyle": false});
        let spec = json!({"engines": {}, "clients": [{"name": "a", "s3": s3}]});
        let told = problems(&spec, CLIENTS);
        told.iter().any(|problem| problem.starts_with("spec.clients[0].s3.pathStyle: "))
    };
    for number in ["http://127.0.0.1:9000", "https://10.0.0.1/", "http://[::1]:9000"] {
        assert!(bucket(number), "{number}");
    }
    assert!(!bucket("http://minio.storage:9000"));
}

#[test]
fn a_client_that_the_program_was_built_without_is_named() {
    let spec = json!({
        "engines": {"storage": ["here"]}, "clients": [{"name": "here", "local": {"root": "x"}}],
    });
    assert_eq!(
        problems(&spec, &[]),
        ["spec.clients[0]: this program was built without the client local"]
    );
}
