//! Where the credentials of a client are found.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Where credentials are found. They are read when they are needed and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A Secret of the config's namespace. It is never lent to a pod of another namespace.
    pub secret_ref: SecretRef,
}

/// A Secret, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
