//! The trait of every place for resources.

use async_trait::async_trait;
use serde_json::Value;

use super::error::StoreError;
use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::Phase;

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It did not exist.
    Created,
    /// Its spec, labels or annotations changed.
    Configured,
    /// Nothing changed.
    Unchanged,
}

/// A place for resources. Every write is atomic, and safe with several processes at once.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns a resource, or nothing.
    async fn get(&self, key: &Key) -> Result<Option<Resource>, StoreError>;

    /// Returns every resource of a kind, by namespace and name; of one namespace, or of all.
    /// A resource that cannot be read is an entry of its own and does not hide the others.
    async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError>;

    /// Returns the definitions of one operator in a namespace. One that cannot be read, and so might be
    /// of the operator, is an entry of its own.
    async fn list_definitions(
        &self,
        namespace: &str,
        operator: &str,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let mut listed = self.list(Kind::OperatorDefinition, Some(namespace)).await?;
        listed.retain(|entry| match entry {
            Ok(Resource::OperatorDefinition(definition)) => definition.spec.operator == operator,
            Ok(_) => false,
            Err(_) => true,
        });
        Ok(listed)
    }

    /// Returns the runs of a kind in a namespace that have not ended. One that cannot be read is an entry of its own.
    async fn list_unfinished(
        &self,
        kind: Kind,
        namespace: &str,
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let mut listed = self.list(kind, Some(namespace)).await?;
        let has_ended = |resource: &Resource| resource.phase().is_some_and(Phase::is_terminal);
        listed.retain(|entry| entry.as_ref().map_or(true, |resource| !has_ended(resource)));
        Ok(listed)
    }

    /// Returns the resources of a kind in a namespace that have a label of this value.
    async fn list_labelled(
        &self,
        kind: Kind,
        namespace: &str,
        (label, value): (&str, &str),
    ) -> Result<Vec<Result<Resource, StoreError>>, StoreError> {
        let mut listed = self.list(kind, Some(namespace)).await?;
        let has_label = |resource: &Resource| {
            let labels = resource.metadata().labels.as_ref();
            labels.and_then(|labels| labels.get(label)).is_some_and(|found| found == value)
        };
        listed.retain(|entry| entry.as_ref().is_ok_and(has_label));
        Ok(listed)
    }

    /// Creates a resource, or changes the spec, labels and annotations of an existing one under the
    /// transition rules of its schema. The given status is ignored. Sets uid, generation,
    /// resourceVersion and creationTimestamp.
    async fn apply(&self, resource: &Resource) -> Result<(Resource, Applied), StoreError>;

    /// Creates a resource that must not exist.
    async fn create(&self, resource: &Resource) -> Result<Resource, StoreError>;

    /// Replaces the status, if the given resourceVersion is still the newest, under the transition
    /// rules of the status' schema. Returns the resource with its new resourceVersion.
    async fn replace_status(&self, resource: &Resource) -> Result<Resource, StoreError>;

    /// Deletes a resource; returns whether it existed.
    async fn delete(&self, key: &Key) -> Result<bool, StoreError>;

    /// Replaces the finalizers, if the given resourceVersion is still the newest. A store without
    /// finalizers returns the resource as it is.
    async fn replace_finalizers(&self, resource: &Resource) -> Result<Resource, StoreError> {
        Ok(resource.clone())
    }

    /// Deletes a resource, if the given uid and resourceVersion are still the newest.
    async fn remove(&self, resource: &Resource) -> Result<(), StoreError> {
        self.delete(&resource.key()).await.map(|_| ())
    }
}

/// A document as it is kept and printed: a resource as JSON.
pub type Document = Value;
