//! A store in memory with the rules of the real ones: compare-and-swap, and the schema's own rules.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::world::{SharedWorld, World};
use crate::api::resource::{Key, Kind, Resource};
use crate::api::rules::broken_rules;
use crate::api::v1alpha1::OperatorRun;
use crate::store::{Applied, Store, StoreError};

/// A store in memory.
pub struct FakeStore {
    world: SharedWorld,
    resources: Mutex<BTreeMap<Key, Resource>>,
}

impl FakeStore {
    /// Returns an empty store.
    #[must_use]
    pub fn new(world: SharedWorld) -> Self {
        Self { world, resources: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Key, Resource>) -> T) -> T {
        work(
            &mut self
                .resources
                .lock()
                .expect("should be unpoisoned: no test goes on after a panic"),
        )
    }

    /// Changes a run's spec, as a person does.
    pub fn edit(&self, key: &Key, change: impl FnOnce(&mut OperatorRun)) {
        self.with(|resources| {
            if let Some(Resource::OperatorRun(run)) = resources.get_mut(key) {
                change(run);
                run.metadata.generation = run.metadata.generation.map(|number| number + 1);
                bump(&mut run.metadata.resource_version);
            }
        });
    }

    fn check(new: &Resource, old: &Resource) -> Result<(), StoreError> {
        let (new_document, old_document) = (new.to_document(), old.to_document());
        let broken = broken_rules(new.kind(), &new_document, Some(&old_document));
        let problems: Vec<String> =
            broken.into_iter().map(|rule| format!("{}: {}", rule.path, rule.message)).collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(StoreError::Refused { what: new.key().to_string(), problems })
    }
}

fn bump(version: &mut Option<String>) {
    let number: u64 = version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default();
    *version = Some((number + 1).to_string());
}

#[async_trait]
impl Store for FakeStore {
    /// Lets others go first, as a real read does: whoever drives the same run gets a turn in between.
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError> {
        tokio::task::yield_now().await;
        Ok(self.with(|resources| resources.get(key).cloned()))
    }

    async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        Ok(self.with(|resources| {
            let wanted = |key: &Key| {
                key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
            };
            let found = resources.iter().filter(|(key, _)| wanted(key));
            found.map(|(_, resource)| Ok(resource.clone())).collect()
        }))
    }

    async fn apply(&self, resource: &Resource) -> Result<(Resource, Applied), StoreError> {
        self.create(resource).await.map(|created| (created, Applied::Created))
    }

    async fn create(&self, resource: &Resource) -> Result<Resource, StoreError> {
        let mut resource = resource.clone();
        let key = resource.key();
        let metadata = resource.metadata_mut();
        metadata.uid.get_or_insert_with(|| format!("uid-of-{}", key.name));
        metadata.generation = Some(1);
        metadata.resource_version = Some("1".to_owned());
        metadata.namespace = Some(key.namespace.clone());
        self.with(|resources| {
            if resources.contains_key(&key) {
                return Err(StoreError::Conflict { what: key.to_string() });
            }
            resources.insert(key, resource.clone());
            Ok(resource)
        })
    }

    async fn replace_status(&self, resource: &Resource) -> Result<Resource, StoreError> {
        tokio::task::yield_now().await;
        let compare = World::of(&self.world).rules.compare_and_swap;
        let (key, Resource::OperatorRun(new)) = (resource.key(), resource) else {
            return Ok(resource.clone());
        };
        self.with(|resources| {
            let Some(Resource::OperatorRun(old)) = resources.get(&key) else {
                return Err(StoreError::Conflict { what: key.to_string() });
            };
            if compare && old.metadata.resource_version != new.metadata.resource_version {
                return Err(StoreError::Conflict { what: key.to_string() });
            }
            let mut stored = OperatorRun { status: new.status.clone(), ..(**old).clone() };
            bump(&mut stored.metadata.resource_version);
            let stored = Resource::OperatorRun(Box::new(stored));
            if compare {
                Self::check(&stored, &Resource::OperatorRun(old.clone()))?;
            }
            resources.insert(key, stored.clone());
            Ok(stored)
        })
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.with(|resources| resources.remove(key).is_some()))
    }
}
