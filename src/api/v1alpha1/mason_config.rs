//! `MasonConfig`: which clients fill which engine roles here.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client_config::{ClientConfig, ClientKind, ConfigVersion};
use super::free_form::texts_by_name;

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
    /// Which namespaces' runs may use the config. Default: only those of its own namespace.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,
    /// Which kinds of action may use the config. Default: `builtin` only.
    #[serde(default = "builtin_only")]
    #[schemars(length(min = 1, max = 4))]
    pub allowed_actions: Vec<ActionKind>,
    /// Where results go that are too large for a status.
    #[serde(default)]
    pub results: Results,
    /// Bounds on what runs of this config may use at one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

impl MasonConfig {
    /// Returns which version of it this is; nothing before a store has given it an identity.
    #[must_use]
    pub fn version(&self) -> Option<ConfigVersion> {
        let (uid, generation) = (self.metadata.uid.clone()?, self.metadata.generation?);
        Some(ConfigVersion { uid, generation })
    }
}

fn builtin_only() -> Vec<ActionKind> {
    vec![ActionKind::Builtin]
}

/// Which namespaces' runs may use a config.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.from == 'Names') == (has(self.names) && self.names.size() > 0)").message("`names` belongs to `from: Names`, and needs at least one name"))]
#[x_kube(validation = Rule::new("(self.from == 'Selector') == has(self.selector)").message("`selector` belongs to `from: Selector`"))]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// `Same`, the config's own; `Names`, those listed and its own; `Selector`, those whose labels match
    /// and its own; `All`. Default: `Same`.
    #[serde(default)]
    pub from: NamespacesFrom,
    /// The names for `from: Names`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63)))]
    pub names: Vec<String>,
    /// The labels for `from: Selector`. Needs a controller that may read namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<NamespaceSelector>,
}

/// How the namespaces that may use a config are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// Only the config's own.
    #[default]
    Same,
    /// Those listed.
    Names,
    /// Those whose labels match.
    Selector,
    /// All.
    All,
}

/// Labels that a namespace must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.matchLabels.size() > 0").message("at least one label is needed; `from: All` opens the config to every namespace"))]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Every one of these labels must be there with this value; at least one.
    #[schemars(schema_with = "texts_by_name")]
    pub match_labels: BTreeMap<String, String>,
}

/// A kind of action.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Part of Mason.
    Builtin,
    /// A statement of the definition, with bound parameters.
    Sql,
    /// A container of the definition.
    Container,
}

impl ActionKind {
    /// Returns the word used in configs and definitions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Sql => "sql",
            Self::Container => "container",
        }
    }
}

/// Where results go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Which results stand in the status: `Small`, those up to 64 KiB and a preview of larger ones, or
    /// `Never`, so that no row enters the API server. Default: `Small`.
    #[serde(default)]
    pub inline: InlineResults,
    /// Where larger results are stored: a storage client of this config, `:`, and a folder, for example
    /// `files:results/`. Default: a `ConfigMap` beside the run, up to 900 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?:[^:]*$"))]
    pub location: Option<String>,
    /// `WithRun`: a stored result goes when its run goes; `Always`: it stays. Default: `WithRun`.
    #[serde(default)]
    pub retain: RetainResults,
}

/// Which results stand in the status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum InlineResults {
    /// Those up to 64 KiB, and a preview of larger ones.
    #[default]
    Small,
    /// None.
    Never,
}

/// How long a stored result stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RetainResults {
    /// As long as its run.
    #[default]
    WithRun,
    /// For ever.
    Always,
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
    /// The version of the client's Secret: it changes when the Secret does, and says nothing of what the
    /// Secret holds. Absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub credentials_version: Option<String>,
}
