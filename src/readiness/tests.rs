use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use super::{ClientProbe, Usability, config_readiness, definition_readiness};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{MasonConfig, OperatorDefinition};
use crate::engines::{EngineError, ErrorKind};
use crate::validate::{Problem, Problems};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const READY: ClientProbe = ClientProbe::Ready { credentials: None };

fn config() -> MasonConfig {
    serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "MasonConfig",
        "metadata": {"name": "lake", "generation": 3},
        "spec": {
            "engines": {"metastore": ["a"], "storage": ["a", "b"], "execution": ["b"]},
            "clients": [
                {"name": "a", "local": {"root": "/a"}}, {"name": "b", "local": {"root": "/b"}},
            ],
        },
    }))
    .expect("should be a config")
}

fn definition() -> OperatorDefinition {
    serde_json::from_value(json!({
        "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
        "metadata": {"name": "mine", "generation": 1},
        "spec": {
            "operator": "table/query", "description": "d", "action": {"builtin": {"name": "table.query"}},
        },
    }))
    .expect("should be a definition")
}

fn problems() -> Problems {
    let mut problems = Problems::default();
    problems.push(Problem::new("spec.x", "is wrong"));
    problems.push(Problem::new("spec.y", "is wrong too"));
    problems
}

/// The truths of `Ready`, `Reconciling` and `Stalled`, and the reason and message of `Ready`.
fn told(conditions: &[Condition]) -> (Vec<&str>, &str, &str) {
    let truths = ["Ready", "Reconciling", "Stalled"].map(|kind| {
        let found = conditions.iter().find(|condition| condition.type_ == kind);
        found.expect("should be set").status.as_str()
    });
    (truths.to_vec(), &conditions[0].reason, &conditions[0].message)
}

#[test]
fn a_config_whose_clients_answer_is_ready() {
    let probes = [READY, READY];
    let status = config_readiness(&config(), Ok(()), &probes, NOW);
    assert_eq!(told(&status.conditions), (vec!["True", "False", "False"], "Checked", ""));
    assert_eq!(status.observed_generation, Some(3));
    let roles: Vec<_> = status.clients.iter().map(|client| client.roles.join(",")).collect();
    assert_eq!(roles, ["metastore,storage", "storage,execution"]);
    assert!(status.clients.iter().all(|client| client.ready && client.checked_at == Some(NOW)));
}

#[test]
fn a_config_with_a_client_that_does_not_answer_waits_for_it() {
    let error =
        EngineError::new(ErrorKind::NotFound, "b", "open the root folder", "no such folder");
    let probes = [READY, ClientProbe::Failed(error.with_hint("make it"))];
    let status = config_readiness(&config(), Ok(()), &probes, NOW);
    let (truths, reason, message) = told(&status.conditions);
    assert_eq!((truths, reason), (vec!["False", "True", "False"], "ClientNotReady"));
    assert_eq!(message, "b: no such folder (hint: make it)");
    assert_eq!(status.clients[1].reason, Some(Reason::ClientNotReady));
    assert!(status.clients[0].ready && !status.clients[1].ready);
}

#[test]
fn a_config_without_its_secret_is_not_ready_and_with_it_tells_its_version() {
    let missing = ClientProbe::CredentialsMissing("there is no Secret `key`".to_owned());
    let status = config_readiness(&config(), Ok(()), &[READY, missing], NOW);
    let (truths, reason, message) = told(&status.conditions);
    assert_eq!((truths, reason), (vec!["False", "True", "False"], "CredentialsMissing"));
    assert_eq!(message, "b: there is no Secret `key`");
    let version = ClientProbe::Ready { credentials: Some("0f".to_owned()) };
    let status = config_readiness(&config(), Ok(()), &[READY, version], NOW);
    let versions = status.clients.iter().map(|client| client.credentials_version.as_deref());
    assert_eq!(versions.collect::<Vec<_>>(), [None, Some("0f")]);
}

#[test]
fn a_root_that_is_not_allowed_waits_for_a_person() {
    let error = EngineError::new(ErrorKind::PermissionDenied, "a", "open a client", "no")
        .with_reason(Reason::RootNotAllowed);
    let probes = [ClientProbe::Failed(error), READY];
    let status = config_readiness(&config(), Ok(()), &probes, NOW);
    let (truths, reason, message) = told(&status.conditions);
    assert_eq!(
        (truths, reason, message),
        (vec!["False", "False", "True"], "RootNotAllowed", "a: no")
    );
}

#[test]
fn a_wrong_config_lists_every_problem() {
    let status = config_readiness(&config(), Err(problems()), &[], NOW);
    let (truths, reason, message) = told(&status.conditions);
    assert_eq!((truths, reason), (vec!["False", "False", "True"], "Invalid"));
    assert!(message.contains("spec.x: is wrong") && message.contains("spec.y: is wrong too"));
    assert!(status.clients.is_empty());
}

#[test]
fn a_definition_stands_by_whether_it_can_be_used() {
    let told_of = |usability: Usability| {
        let status = definition_readiness(&definition(), &usability, NOW);
        assert!(status.digest.starts_with("sha256:"));
        let (truths, reason, message) = told(&status.conditions);
        (truths.join(","), reason.to_owned(), message.to_owned())
    };
    let (truths, reason, _) = told_of(Usability::Usable);
    assert_eq!((truths.as_str(), reason.as_str()), ("True,False,False", "Checked"));
    let (truths, reason, message) = told_of(Usability::Wrong(problems()));
    assert_eq!((truths.as_str(), reason.as_str()), ("False,False,True", "Invalid"));
    assert!(message.contains("spec.y: is wrong too"), "{message}");
    let (truths, reason, message) = told_of(Usability::Duplicate("theirs".to_owned()));
    assert_eq!((truths.as_str(), reason.as_str()), ("False,False,True", "DuplicateOperator"));
    assert_eq!(message, "`theirs` defines `table/query` already and is older");
}
