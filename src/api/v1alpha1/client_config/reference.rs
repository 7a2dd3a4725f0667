//! Which config is meant, and which version of it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Which version of a config something belongs to. It changes with every change of the config's `spec`, and with a
/// new config of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConfigVersion {
    /// The config's uid.
    pub uid: String,
    /// The generation of its `spec`.
    pub generation: i64,
}

/// A config, by name and optionally namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigRef {
    /// The name of a MasonConfig.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The namespace of the MasonConfig. Default: the run's own. Another one only if that config allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}
