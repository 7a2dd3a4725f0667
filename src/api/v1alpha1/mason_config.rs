//! `MasonConfig`: which clients fill which engine roles here.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::client_config::{ClientConfig, ClientKind};

/// Which clients fill which engine roles, with which settings.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "mason.dev",
    version = "v1alpha1",
    kind = "MasonConfig",
    namespaced,
    cel,
    status = "MasonConfigStatus",
    derive = "PartialEq",
    shortname = "mcfg",
    category = "mason",
    doc = "Which clients fill which engine roles here, with which settings.",
    printcolumn(name = "Metastore", type_ = "string", json_path = ".status.columns.metastore"),
    printcolumn(name = "Storage", type_ = "string", json_path = ".status.columns.storage"),
    printcolumn(name = "Execution", type_ = "string", json_path = ".status.columns.execution"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("[self.engines.metastore, self.engines.storage, self.engines.execution].all(role, role.all(n, self.clients.exists(c, c.name == n)))").message("every name in `engines` must be the name of a client in `clients`"))]
#[serde(rename_all = "camelCase")]
pub struct MasonConfigSpec {
    /// For each role the names of clients, in order of preference.
    pub engines: EngineClients,
    /// The clients, by name. Each has exactly one type block.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub clients: Vec<ClientConfig>,
    /// Bounds on what runs of this config may use at one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// For each role the names of clients, in order of preference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineClients {
    /// Who knows databases, tables, schemas and partitions.
    #[serde(default)]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub metastore: Vec<String>,
    /// Who keeps objects and files.
    #[serde(default)]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub storage: Vec<String>,
    /// Who runs queries and jobs.
    #[serde(default)]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub execution: Vec<String>,
}

/// Bounds on what runs of a config may use at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How many runs of this config work at one time, 1 to 10000. Others wait. Default: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub concurrent_runs: Option<u32>,
}

/// What is known of a config.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasonConfigStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling` and `Stalled`.
    #[serde(default)]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// What the last probe of each client found.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub clients: Vec<ClientStatus>,
    /// Texts for the columns of `get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ConfigColumns>,
}

/// Texts for the columns of `get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigColumns {
    /// Names of the metastore clients.
    #[schemars(length(max = 600))]
    pub metastore: String,
    /// Names of the storage clients.
    #[schemars(length(max = 600))]
    pub storage: String,
    /// Names of the execution clients.
    #[schemars(length(max = 600))]
    pub execution: String,
}

/// What the last probe of a client found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientStatus {
    /// The client's name.
    #[schemars(length(max = 63))]
    pub name: String,
    /// The client's type.
    #[serde(rename = "type")]
    pub kind: ClientKind,
    /// The roles that `engines` gives it: `metastore`, `storage`, `execution`.
    #[serde(default)]
    #[schemars(length(max = 8), inner(length(max = 16)))]
    pub roles: Vec<String>,
    /// Whether a cheap, read-only call to it succeeded.
    pub ready: bool,
    /// Why it is ready or not, as one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<crate::api::conditions::Reason>,
    /// Why it is not ready; empty when it is.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime>")]
    pub checked_at: Option<Timestamp>,
}
