//! What a watch covers: a kind, and where.

use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun, Workflow, WorkflowRun};

/// Which namespaces one watch covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    Cluster,
    /// One.
    Namespace(String),
}

impl Scope {
    /// Returns one scope for each namespace, or one for all when none is named.
    pub(crate) fn of(namespaces: &[String]) -> Vec<Self> {
        if namespaces.is_empty() {
            return vec![Self::Cluster];
        }
        namespaces.iter().cloned().map(Self::Namespace).collect()
    }

    /// Returns whether it covers a namespace.
    pub(crate) fn covers(&self, namespace: &str) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespace(name) => name == namespace,
        }
    }

    /// Returns the objects of a kind that it covers.
    pub(crate) fn api<K>(&self, client: Client) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Cluster => Api::all(client),
            Self::Namespace(name) => Api::namespaced(client, name),
        }
    }
}

/// A kind that can be watched.
pub(crate) trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + std::fmt::Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl Watched for MasonConfig {}
impl Watched for OperatorDefinition {}
impl Watched for OperatorRun {}
impl Watched for Workflow {}
impl Watched for WorkflowRun {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_namespaces_the_whole_cluster_is_watched() {
        assert_eq!(Scope::of(&[]), [Scope::Cluster]);
        let two = Scope::of(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(two, [Scope::Namespace("a".to_owned()), Scope::Namespace("b".to_owned())]);
    }
}
