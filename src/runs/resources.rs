//! The resources that a run is validated against: its definition, its config, and what else there is.
//!
//! The one look-up of every door, before a run is stored and when it is driven.

use crate::api::resource::DEFAULT_NAMESPACE;
use crate::api::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun};
use crate::store::{Key, Kind, Resource, Store, StoreError};
use crate::validate::Nested;
use crate::validate::config_namespace;

/// What a run is validated against.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// The definition of its operator.
    pub definition: Option<OperatorDefinition>,
    /// The config it names.
    pub config: Option<MasonConfig>,
    /// Operators that exist, for hints; not read when the definition was found.
    pub known_operators: Vec<String>,
    /// Configs that exist where the run looks for its own, for hints; not read when its own was found.
    pub known_configs: Vec<String>,
    /// The workflow that a step of a workflow runs in place of an operator.
    pub nested: Option<Nested>,
}

/// Where definitions and configs are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Library<'a> {
    /// The definitions that come with Mason.
    pub built_in: &'a [OperatorDefinition],
    /// The namespace whose definitions every run may use.
    pub namespace: Option<&'a str>,
    /// The namespaces whose configs may be read; all when empty.
    pub reach: &'a [String],
}

impl<'a> Library<'a> {
    /// Returns what there is without a cluster.
    #[must_use]
    pub fn built_in(built_in: &'a [OperatorDefinition]) -> Self {
        Self { built_in, namespace: None, reach: &[] }
    }
}

impl Resources {
    /// Looks a run's resources up: definitions of its namespace before those of the library's namespace
    /// and those built in, the older first; the config by its name alone.
    ///
    /// # Errors
    /// When the store fails, when the config of the run's own namespace cannot be read, or when a
    /// definition cannot that might be the run's own: another one must not be taken in its place.
    pub async fn read(
        store: &dyn Store,
        library: &Library<'_>,
        run: &OperatorRun,
    ) -> Result<Self, StoreError> {
        let own = run.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let mut found = Self::default();
        let shared = library.namespace.filter(|shared| *shared != own);
        for namespace in [Some(own), shared].into_iter().flatten() {
            if found.definition.is_none() {
                let listed = store.list_definitions(namespace, &run.spec.operator).await?;
                found.definition = oldest(listed)?;
            }
        }
        let mut built_in = library.built_in.iter();
        if found.definition.is_none() {
            found.definition =
                built_in.find(|definition| definition.spec.operator == run.spec.operator).cloned();
        }
        if found.definition.is_none() {
            found.known_operators = known_operators(store, library, (own, shared)).await?;
        }
        found.find_config(store, library.reach, run).await?;
        Ok(found)
    }

    /// Looks for the config. What another namespace has is not told: neither names, nor that
    /// something is there and cannot be read.
    async fn find_config(
        &mut self,
        store: &dyn Store,
        reach: &[String],
        run: &OperatorRun,
    ) -> Result<(), StoreError> {
        let own = run.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let (namespace, name) = (config_namespace(run), &run.spec.config_ref.name);
        if name.is_empty() {
            return Ok(()); // the step of a workflow that leaves its config to each run
        }
        if namespace == own {
            self.config = config(store, namespace, name).await?;
            if self.config.is_none() {
                self.known_configs = config_names(store, namespace).await?;
            }
        } else if reach.is_empty() || reach.iter().any(|reached| reached == namespace) {
            self.config = match config(store, namespace, name).await {
                Err(StoreError::Unreadable { .. }) => None,
                read => read?,
            };
        }
        Ok(())
    }
}

/// Returns the oldest of the definitions of one operator, which is the one that counts.
fn oldest(
    listed: Vec<Result<Resource, StoreError>>,
) -> Result<Option<OperatorDefinition>, StoreError> {
    let mut definitions = Vec::new();
    for entry in listed {
        if let Resource::OperatorDefinition(definition) = entry? {
            definitions.push(*definition);
        }
    }
    Ok(definitions.into_iter().min_by_key(|definition| {
        let created = definition.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, definition.metadata.name.clone())
    }))
}

/// Returns the operators that exist; those that cannot be read are left out.
async fn known_operators(
    store: &dyn Store,
    library: &Library<'_>,
    (own, shared): (&str, Option<&str>),
) -> Result<Vec<String>, StoreError> {
    let mut known = Vec::new();
    for namespace in [Some(own), shared].into_iter().flatten() {
        let listed = store.list(Kind::OperatorDefinition, Some(namespace)).await?;
        known.extend(listed.into_iter().filter_map(|entry| match entry {
            Ok(Resource::OperatorDefinition(definition)) => Some(definition.spec.operator),
            _ => None,
        }));
    }
    known.extend(library.built_in.iter().map(|definition| definition.spec.operator.clone()));
    Ok(known)
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
