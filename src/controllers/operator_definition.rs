//! Definitions: whether they can be used, their digest, and which of two of one operator counts.

use std::sync::Arc;

use kube::ResourceExt;

use super::clock::now;
use super::context::Context;
use super::control_loop::{Action, Error, Neighbours, Pass, Reconcile, store_status};
use super::scope::Scope;
use crate::api::resource::Resource;
use crate::api::v1alpha1::OperatorDefinition;
use crate::readiness::{Usability, definition_readiness};
use crate::runs::action_descriptions;
use crate::store::kubernetes::KubernetesStore;
use crate::validate::validate_definition;
use crate::{clients, operators};

/// The controller of definitions.
pub(super) struct OperatorDefinitions {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
}

impl OperatorDefinitions {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self { store: context.store("operator-definition"), context: Arc::clone(context) }
    }
}

impl Reconcile for OperatorDefinitions {
    type Kind = OperatorDefinition;

    async fn reconcile(
        &self,
        definition: &OperatorDefinition,
        pass: Pass<'_, OperatorDefinition>,
    ) -> Result<Action, Error> {
        let others = pass.cache.state(); // from the watch
        let others: Vec<_> = others.iter().filter_map(|other| other.0.as_ref().ok()).collect();
        let actions = action_descriptions(operators::all());
        let usability = match validate_definition(definition, &actions, clients::types()) {
            Err(problems) => Usability::Wrong(problems),
            Ok(()) => match oldest(definition, &others) {
                Some(older) => Usability::Duplicate(older),
                None => Usability::Usable,
            },
        }; // pure
        let status = definition_readiness(definition, &usability, now()); // pure
        if definition.status.as_ref() == Some(&status) {
            return Ok(Action::await_change());
        }
        let changed = OperatorDefinition { status: Some(status), ..definition.clone() };
        let [before, changed] =
            [definition.clone(), changed].map(|one| Resource::OperatorDefinition(Box::new(one)));
        let rest = Action::await_change();
        store_status((&self.context, &self.store), &before, changed, rest).await
    }

    /// Watches the library's namespace as well: every namespace may use its definitions.
    fn scopes(&self, namespaces: &[String]) -> Vec<Scope> {
        let shared = self.context.settings.admission.library_namespace.as_ref();
        let more = shared.filter(|shared| !namespaces.is_empty() && !namespaces.contains(shared));
        let mut scopes = Scope::of(namespaces);
        scopes.extend(more.cloned().map(Scope::Namespace));
        scopes
    }

    /// Wakes the runs that wait for an operator when a definition of it changes.
    fn seen(&self, definition: &OperatorDefinition) {
        self.context.look_ups.forget();
        let status = definition.status.as_ref();
        let is_known = status.and_then(|status| status.observed_generation);
        if is_known.is_none() || is_known != definition.metadata.generation {
            let namespace = definition.namespace().unwrap_or_default();
            self.context.queue.definition_changed(&namespace, &definition.spec.operator);
        }
    }

    fn forget(&self, _: &str) {
        self.context.look_ups.forget();
    }

    /// A definition that is gone or changed makes way for the younger ones of its operator, the old
    /// one and the new.
    fn neighbours() -> Option<Neighbours> {
        Some(|one, other| one.namespace == other.namespace)
    }
}

/// Returns the name of the definition of the same operator that counts instead, as runs look it up:
/// the oldest of the namespace.
fn oldest(definition: &OperatorDefinition, others: &[&OperatorDefinition]) -> Option<String> {
    let age = |one: &OperatorDefinition| {
        (one.metadata.creation_timestamp.as_ref().map(|time| time.0), one.metadata.name.clone())
    };
    let rivals = others.iter().filter(|other| {
        other.namespace() == definition.namespace()
            && other.spec.operator == definition.spec.operator
            && age(other) < age(definition)
    });
    rivals.min_by_key(|other| age(other)).map(|older| older.name_any())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(namespace: &str, name: &str, second: u8) -> OperatorDefinition {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorDefinition",
            "metadata": {
                "name": name, "namespace": namespace,
                "creationTimestamp": format!("2026-01-01T00:00:0{second}Z"),
            },
            "spec": {
                "operator": "table/query", "description": "d",
                "action": {"builtin": {"name": "table.query"}},
            },
        }))
        .expect("should be a definition")
    }

    #[test]
    fn the_oldest_of_a_namespace_counts_and_names_break_ties() {
        let all = [
            definition("n", "c", 2),
            definition("n", "b", 1),
            definition("n", "a", 2),
            definition("m", "x", 0),
        ];
        let all: Vec<_> = all.iter().collect();
        let counts = |index: usize| oldest(all[index], &all);
        assert_eq!(counts(0).as_deref(), Some("b"));
        assert_eq!(counts(1), None);
        assert_eq!(counts(2).as_deref(), Some("b"));
        assert_eq!(counts(3), None);
        assert_eq!(oldest(all[0], &[all[0], all[2]]).as_deref(), Some("a"));
    }
}
