//! Clients of a config: a name and exactly one block that says which technology it is.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A technology that fills one or more engine roles.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// Files below one folder of this machine, with an embedded SQL engine.
    Local,
}

impl ClientKind {
    /// Returns the word used in configs and definitions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
        }
    }
}

/// One client of a config. Exactly one type block must be given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.local)").message("exactly one client type is needed: local"))]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    /// The name by which `engines` refers to the client, for example `here`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Files below one folder of this machine. Fills metastore, storage and execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalClient>,
}

impl ClientConfig {
    /// Returns which technology the client is, if a type block is present.
    #[must_use]
    pub fn kind(&self) -> Option<ClientKind> {
        self.local.as_ref().map(|_| ClientKind::Local)
    }

    /// Returns the folder that the client works below, where it works on files of a machine.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.local.as_ref().map(|local| local.root.as_str())
    }

    /// Returns that folder to be changed.
    pub fn folder_mut(&mut self) -> Option<&mut String> {
        self.local.as_mut().map(|local| &mut local.root)
    }

    /// Returns the field that holds that folder, seen from the client.
    #[must_use]
    pub const fn folder_field() -> &'static str {
        "local.root"
    }

    /// Returns the Secret that holds the client's credentials.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretRef> {
        self.local.as_ref()?.credentials.as_ref().map(|credentials| &credentials.secret_ref)
    }

    /// Returns where the client asks that its work runs.
    #[must_use]
    pub fn placement(&self) -> Option<Placement> {
        self.local.as_ref()?.placement
    }
}

/// Files below one folder, queried by an embedded engine in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalClient {
    /// The folder that holds databases (folders) and tables. Nothing outside it can be reached. On a
    /// laptop a relative path is relative to the file that holds the config, or to the current folder.
    #[schemars(length(min = 1, max = 4096))]
    pub root: String,
    /// Memory that one job may use, for example `1Gi`; at least `64Mi`. Default `1Gi`.
    #[serde(default = "default_memory_limit")]
    #[schemars(length(max = 32), regex(pattern = "^[0-9]{1,12}(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub memory_limit: String,
    /// How many threads one job uses, 1 to 256. Default: in a pod 4, else the processors that the process may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub parallelism: Option<u32>,
    /// Disk that one job may use for spilling and for what it writes, for example `20Gi`. Default `100Gi`.
    #[serde(default = "default_disk_limit")]
    #[schemars(length(max = 32), regex(pattern = "^[0-9]{1,12}(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub disk_limit: String,
    /// Where the work runs on a cluster: `Pod`, in a pod of its own in the run's namespace, or
    /// `Controller`, in a process of the controller's, if the administrator allows it. Without a cluster
    /// the work is always a process of this machine. Default: what the administrator set, else `Pod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// A Secret of the config's namespace for the pods of `container` operators, whose keys stand there
    /// as files. The embedded engine itself needs no credentials. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

/// Where the local engine's work runs on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Placement {
    /// In a pod of Mason's own image in the run's namespace.
    Pod,
    /// In a worker process of the controller.
    Controller,
}

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

fn default_memory_limit() -> String {
    "1Gi".to_owned()
}

fn default_disk_limit() -> String {
    "100Gi".to_owned()
}

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
