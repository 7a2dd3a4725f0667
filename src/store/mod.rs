//! Where resources are kept: a cluster, or a folder of files on a machine without one.
//!
//! May import `api` and `metrics` only.

pub mod directory;
pub mod kubernetes;
pub mod library;

use async_trait::async_trait;
use serde_json::Value;

pub use crate::api::resource::{Key, Kind, Resource};
use crate::api::v1alpha1::OperatorRun;

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

/// A text that is kept beside a run.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// The name of the object that holds it.
    pub name: &'a str,
    /// Its key in there.
    pub key: &'a str,
    /// The text.
    pub text: &'a str,
    /// The token of the attempt that it is of.
    pub token: &'a str,
    /// Whether it goes when the run goes.
    pub goes_with_run: bool,
}

/// Keeps texts beside runs, where a status has no room for them.
#[async_trait]
pub trait Attachments: Send + Sync {
    /// Stores a text under a name at which nothing is, and returns what is there then: the same, or
    /// what was stored under the same token before.
    ///
    /// # Errors
    /// `Conflict` when something else is there.
    async fn attach(
        &self,
        run: &OperatorRun,
        attached: &Attached<'_>,
    ) -> Result<String, StoreError>;

    /// Removes what stands under a name, if Mason made it.
    async fn detach(&self, run: &OperatorRun, name: &str) -> Result<(), StoreError>;
}

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The resourceVersion is not the newest, or a resource to create exists.
    #[error("{what} was changed by somebody else")]
    Conflict {
        /// `OperatorRun default/x`.
        what: String,
    },
    /// A rule of the schema refuses the change, or a name is none.
    #[error("{what} is refused: {}", .problems.join("; "))]
    Refused {
        /// `OperatorRun default/x`.
        what: String,
        /// Every rule that refuses it.
        problems: Vec<String>,
    },
    /// Other managers have applied other values to fields that an apply names.
    #[error("fields of {what} belong to others: {}", .fields.join("; "))]
    OwnedByOthers {
        /// `OperatorRun default/x`.
        what: String,
        /// Every field with its manager.
        fields: Vec<String>,
    },
    /// It exists, but cannot be read.
    #[error("{what} is not readable: {message}")]
    Unreadable {
        /// The file or object.
        what: String,
        /// Why.
        message: String,
    },
    /// The place itself fails.
    #[error("failed to {operation} `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The cluster's API server fails, refuses access, or cannot be reached.
    #[error("the API server failed to {operation} {what}")]
    ApiServer {
        /// What was tried.
        operation: &'static str,
        /// `OperatorRun default/x`.
        what: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// A document as it is kept and printed: a resource as JSON.
pub type Document = Value;
