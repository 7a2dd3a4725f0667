//! A store in memory with the rules of the real ones: compare-and-swap, and the schema's own rules.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ObjectMeta;

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
        self.edit_any(key, |resource| {
            if let Resource::OperatorRun(run) = resource {
                change(run);
            }
        });
    }

    /// Changes a resource's spec, as a person does.
    pub fn edit_any(&self, key: &Key, change: impl FnOnce(&mut Resource)) {
        self.with(|resources| {
            let Some(resource) = resources.get_mut(key) else { return };
            change(resource);
            let metadata = resource.metadata_mut();
            metadata.generation = metadata.generation.map(|number| number + 1);
            bump(&mut metadata.resource_version);
        });
    }

    /// Deletes a run as a person does: it stays for as long as a finalizer holds it.
    pub fn delete_by_person(&self, key: &Key, now: Timestamp) {
        let held = |resource: &Resource| {
            resource.metadata().finalizers.as_ref().is_some_and(|all| !all.is_empty())
        };
        self.with(|resources| match resources.get_mut(key) {
            Some(resource) if held(resource) => {
                let metadata = resource.metadata_mut();
                if metadata.deletion_timestamp.is_none() {
                    metadata.deletion_timestamp = Some(Time(now));
                    metadata.generation = metadata.generation.map(|number| number + 1);
                    bump(&mut metadata.resource_version);
                }
            }
            _ => {
                resources.remove(key);
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
    /// Lets others go first, as a real read does: another process that drives the same run goes in between.
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
        let created = self.with(|resources| {
            if resources.contains_key(&key) {
                return Err(StoreError::Conflict { what: key.to_string() });
            }
            resources.insert(key, resource.clone());
            Ok(resource)
        });
        tokio::task::yield_now().await;
        created
    }

    async fn replace_status(&self, resource: &Resource) -> Result<Resource, StoreError> {
        tokio::task::yield_now().await;
        let compare = World::of(&self.world).rules.compare_and_swap;
        let key = resource.key();
        let conflict = || Err(StoreError::Conflict { what: key.to_string() });
        self.with(|resources| {
            let Some(old) = resources.get(&key).cloned() else { return conflict() };
            let is_old = old.metadata().resource_version != resource.metadata().resource_version;
            let mut stored = old.clone();
            if (compare && is_old) || !stored.take_status_of(resource) {
                return conflict();
            }
            bump(&mut stored.metadata_mut().resource_version);
            if compare {
                Self::check(&stored, &old)?;
            }
            resources.insert(key.clone(), stored.clone());
            Ok(stored)
        })
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.with(|resources| resources.remove(key).is_some()))
    }

    /// As an API server: nothing is held that is being deleted, and what nothing holds is gone.
    async fn replace_finalizers(&self, resource: &Resource) -> Result<Resource, StoreError> {
        tokio::task::yield_now().await;
        let (key, new) = (resource.key(), resource.metadata());
        let conflict = || Err(StoreError::Conflict { what: key.to_string() });
        self.with(|resources| {
            let Some(stored) = resources.get_mut(&key) else { return conflict() };
            let metadata = stored.metadata_mut();
            if metadata.resource_version != new.resource_version {
                return conflict();
            }
            let held =
                |metadata: &ObjectMeta| metadata.finalizers.as_ref().map_or(0, std::vec::Vec::len);
            if metadata.deletion_timestamp.is_some() && held(new) > held(metadata) {
                return conflict();
            }
            metadata.finalizers.clone_from(&new.finalizers);
            bump(&mut metadata.resource_version);
            let stored = stored.clone();
            let is_gone = stored.metadata().deletion_timestamp.is_some() && held(new) == 0;
            if is_gone {
                resources.remove(&key);
            }
            Ok(stored)
        })
    }
}
