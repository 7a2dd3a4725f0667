//! The block of a `local` client.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Credentials;

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

fn default_memory_limit() -> String {
    "1Gi".to_owned()
}

fn default_disk_limit() -> String {
    "100Gi".to_owned()
}
