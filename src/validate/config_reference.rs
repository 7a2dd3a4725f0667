//! The config that a run names: whether it is there, open to the run's namespace, and open to its action.
//!
//! To a stranger a config that is not shared and one that does not exist are the same: the same words,
//! the same reason, and nothing of what the config holds.

use std::collections::BTreeMap;

use super::problem::{Problem, Problems, did_you_mean};
use super::valid_run::Inputs;
use super::validate_config;
use crate::api::conditions::Reason;
use crate::api::resource::DEFAULT_NAMESPACE;
use crate::api::v1alpha1::{
    ActionKind, AllowedNamespaces, ClientConfig, ConfigRef, MasonConfig, NamespacesFrom,
    OperatorRun,
};

/// A config that a run may use.
#[derive(Debug, Clone)]
pub(super) struct UsableConfig<'a> {
    pub(super) config: &'a MasonConfig,
    /// Always with its namespace.
    pub(super) reference: ConfigRef,
    is_foreign: bool,
}

/// Returns the config that a run names, if it is there and open to the run's namespace.
pub(super) fn resolve_config<'a>(
    run: &OperatorRun,
    inputs: &Inputs<'a>,
    problems: &mut Problems,
) -> Option<UsableConfig<'a>> {
    let asked = &run.spec.config_ref;
    let (own, namespace) = (namespace_of(run), config_namespace(run));
    let is_foreign = own != namespace;
    let is_open = |config: &&MasonConfig| {
        !is_foreign || is_open_to(&config.spec.allowed_namespaces, own, inputs.namespace_labels)
    };
    let Some(config) = inputs.config.filter(is_open) else {
        problems.push(if is_foreign {
            not_shared(&asked.name, namespace, own)
        } else {
            missing(&asked.name, namespace, inputs.known_configs)
        });
        return None;
    };
    if let Err(wrong) = validate_config(config, inputs.clients, inputs.rules) {
        problems.extend(wrong.within("spec.configRef", &format!("config `{}`", asked.name)));
    }
    let kind = inputs.definition.and_then(|definition| definition.spec.action.kind());
    if let Some(kind) = kind.filter(|kind| !config.spec.allowed_actions.contains(kind)) {
        problems.push(not_allowed(&asked.name, kind, &config.spec.allowed_actions));
    }
    let reference = ConfigRef { name: asked.name.clone(), namespace: Some(namespace.to_owned()) };
    Some(UsableConfig { config, reference, is_foreign })
}

/// Adds what would have to be lent: a pod of another namespace never gets a config's Secret.
pub(super) fn check_lending(
    usable: &UsableConfig<'_>,
    kind: Option<ActionKind>,
    clients: &[ClientConfig],
    problems: &mut Problems,
) {
    if !usable.is_foreign || kind != Some(ActionKind::Container) {
        return;
    }
    let has_secret = |client: &&ClientConfig| {
        client.local.as_ref().is_some_and(|local| local.credentials.is_some())
    };
    let lending = clients.iter().filter(has_secret).map(|client| format!("`{}`", client.name));
    let lending: Vec<String> = lending.collect();
    if lending.is_empty() {
        return;
    }
    let message = format!(
        "a container would need the Secret of {}, which is never lent to another namespace",
        lending.join(", ")
    );
    let problem = Problem::new("spec.configRef", message).because(Reason::CredentialsNotShareable);
    problems.push(problem.hint("use a config of the run's own namespace"));
}

/// Returns a run's namespace.
pub(super) fn namespace_of(run: &OperatorRun) -> &str {
    run.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
}

/// Returns the namespace of the config that a run names.
#[must_use]
pub fn config_namespace(run: &OperatorRun) -> &str {
    run.spec.config_ref.namespace.as_deref().unwrap_or_else(|| namespace_of(run))
}

/// Returns whether a config is open to another namespace, whose labels are given where they are known.
fn is_open_to(
    allowed: &AllowedNamespaces,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> bool {
    match (allowed.from, &allowed.selector, labels) {
        (NamespacesFrom::All, ..) => true,
        (NamespacesFrom::Names, ..) => allowed.names.iter().any(|name| name == namespace),
        (NamespacesFrom::Selector, Some(selector), Some(labels)) => {
            let wanted = &selector.match_labels;
            // Without a label it would be open to all, which no person asked for.
            !wanted.is_empty()
                && wanted.iter().all(|(label, value)| labels.get(label) == Some(value))
        }
        (NamespacesFrom::Selector | NamespacesFrom::Same, ..) => false,
    }
}

fn not_shared(name: &str, namespace: &str, own: &str) -> Problem {
    let message =
        format!("there is no config `{name}` in namespace `{namespace}` that is open to `{own}`");
    let problem = Problem::new("spec.configRef", message).because(Reason::ConfigNotShared);
    problem.hint("its owner opens a config by `spec.allowedNamespaces`")
}

fn missing(name: &str, namespace: &str, known: &[String]) -> Problem {
    let hint = did_you_mean(name, known.iter().map(String::as_str));
    let hint = hint.unwrap_or_else(|| "there is none: `mason init` writes a first one".to_owned());
    let message = format!("there is no config `{name}` in namespace `{namespace}`");
    Problem::new("spec.configRef.name", message).because(Reason::NotFound).hint(hint)
}

fn not_allowed(name: &str, kind: ActionKind, allowed: &[ActionKind]) -> Problem {
    let allowed: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
    let message = format!(
        "config `{name}` is not open to actions of kind {}, only to {}",
        kind.as_str(),
        allowed.join(", ")
    );
    let problem = Problem::new("spec.configRef", message).because(Reason::ActionNotAllowed);
    problem.hint("its owner opens it by `spec.allowedActions`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(allowed: &serde_json::Value, labels: Option<&[(&str, &str)]>) -> bool {
        let allowed: AllowedNamespaces =
            serde_json::from_value(allowed.clone()).expect("should be allowed namespaces");
        let labels: Option<BTreeMap<String, String>> = labels.map(|labels| {
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        });
        is_open_to(&allowed, "team", labels.as_ref())
    }

    #[test]
    fn a_config_is_open_only_to_whom_it_says() {
        assert!(!open(&json!({}), None), "by default only to its own");
        assert!(open(&json!({"from": "All"}), None));
        assert!(open(&json!({"from": "Names", "names": ["a", "team"]}), None));
        assert!(!open(&json!({"from": "Names", "names": ["teams", "tea"]}), None));
        let selector =
            json!({"from": "Selector", "selector": {"matchLabels": {"lake": "yes", "x": "1"}}});
        assert!(open(&selector, Some(&[("lake", "yes"), ("x", "1"), ("more", "")])));
        assert!(!open(&selector, Some(&[("lake", "yes")])));
        assert!(!open(&selector, Some(&[("lake", "no"), ("x", "1")])));
        assert!(!open(&selector, None), "labels that cannot be read open nothing");
        assert!(!open(&json!({"from": "Selector", "selector": {"matchLabels": {}}}), Some(&[])));
    }
}
