//! The resources that a run is validated against: its definition, its config, and what else there is.
//!
//! The one look-up of every door, before a run is stored and when it is driven.

use crate::api::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun};
use crate::store::{Key, Kind, Resource, Store, StoreError};

/// What a run is validated against.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// The definition of its operator.
    pub definition: Option<OperatorDefinition>,
    /// The config it names.
    pub config: Option<MasonConfig>,
    /// Operators that exist, for hints.
    pub known_operators: Vec<String>,
    /// Configs that exist where the run looks for its own, for hints; not read when its own was found.
    pub known_configs: Vec<String>,
}

impl Resources {
    /// Looks a run's resources up: definitions of its namespace before those of the library, the older
    /// first; the config by its name alone.
    ///
    /// # Errors
    /// When the store fails, when the config cannot be read, or when a definition of the namespace
    /// cannot: it might be the run's own, and another one must not be taken in its place.
    pub async fn read(
        store: &dyn Store,
        library: &[OperatorDefinition],
        run: &OperatorRun,
    ) -> Result<Self, StoreError> {
        let namespace = run.metadata.namespace.as_deref().unwrap_or("default");
        let mut found = Self::default();
        let own = definitions(store, namespace).await?;
        for definition in own.into_iter().chain(library.iter().cloned()) {
            found.known_operators.push(definition.spec.operator.clone());
            if found.definition.is_none() && definition.spec.operator == run.spec.operator {
                found.definition = Some(definition);
            }
        }
        let reference = &run.spec.config_ref;
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        found.config = config(store, namespace, &reference.name).await?;
        if found.config.is_none() {
            found.known_configs = config_names(store, namespace).await?;
        }
        Ok(found)
    }
}

/// Returns the definitions of a namespace, the oldest first.
async fn definitions(
    store: &dyn Store,
    namespace: &str,
) -> Result<Vec<OperatorDefinition>, StoreError> {
    let mut definitions = Vec::new();
    for entry in store.list(Kind::OperatorDefinition, Some(namespace)).await? {
        if let Resource::OperatorDefinition(definition) = entry? {
            definitions.push(*definition);
        }
    }
    definitions.sort_by_key(|definition| {
        let created = definition.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, definition.metadata.name.clone())
    });
    Ok(definitions)
}

async fn config(
    store: &dyn Store,
    namespace: &str,
    name: &str,
) -> Result<Option<MasonConfig>, StoreError> {
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    match store.get(&Key { kind: Kind::MasonConfig, namespace, name }).await? {
        Some(Resource::MasonConfig(config)) => Ok(Some(*config)),
        _ => Ok(None),
    }
}

async fn config_names(store: &dyn Store, namespace: &str) -> Result<Vec<String>, StoreError> {
    let listed = store.list(Kind::MasonConfig, Some(namespace)).await?;
    Ok(listed
        .into_iter()
        .filter_map(|entry| match entry {
            Ok(Resource::MasonConfig(config)) => config.metadata.name,
            _ => None,
        })
        .collect())
}
