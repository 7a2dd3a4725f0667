//! `OperatorDefinition`: one operator, its typed parameters, what it needs, and its action.

#![expect(clippy::duplicated_attributes, reason = "printer columns repeat the same words")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client_config::ClientKind;
use super::free_form::any_value;
use super::free_form::{FreeForm, texts_by_name};
use super::mason_config::ActionKind;

/// One operator: its parameters, the client combinations it supports, and its action.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "mason.dev",
    version = "v1alpha1",
    kind = "OperatorDefinition",
    namespaced,
    cel,
    status = "OperatorDefinitionStatus",
    derive = "PartialEq",
    shortname = "opdef",
    category = "mason",
    doc = "One operator: its typed parameters, the client combinations it supports, and its action.",
    selectable = ".spec.operator",
    printcolumn(name = "Operator", type_ = "string", json_path = ".spec.operator"),
    printcolumn(name = "Description", type_ = "string", json_path = ".spec.description"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct OperatorDefinitionSpec {
    /// The operator's name in one or two parts, for example `table/query`.
    #[schemars(
        length(max = 65),
        regex(pattern = "^[a-z]([a-z0-9_-]{0,30}[a-z0-9])?(/[a-z]([a-z0-9_-]{0,30}[a-z0-9])?)?$")
    )]
    pub operator: String,
    /// What the operator does, in one sentence.
    #[schemars(length(min = 1, max = 256))]
    pub description: String,
    /// The parameters a run may give. Anything else in a run is refused.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub parameters: Vec<Parameter>,
    /// Which client types may fill the roles: any one of these sets. A role that a set leaves out does
    /// not matter. Default: whatever has the capabilities that the builtin action declares.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub supported_configurations: Vec<SupportedConfiguration>,
    /// JSON schema (2020-12) of the result. A run whose result does not fit fails with reason `UserError`; one that
    /// has written files says so in a warning. Default: the builtin action's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_schema: Option<FreeForm>,
    /// What is done. Exactly one kind of action must be given.
    pub action: Action,
}

/// One parameter of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum").message("minimum must not be above maximum"))]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// The name a run uses, for example `database_name`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub name: String,
    /// What values are accepted.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Whether a run must give it. Default: false.
    #[serde(default)]
    pub required: bool,
    /// The value when a run gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_value")]
    pub default: Option<Value>,
    /// The only values accepted.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 256)))]
    pub allowed: Vec<String>,
    /// A regular expression that the whole text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub pattern: Option<String>,
    /// The smallest number accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The largest number accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Other names for the same parameter. Giving two of them is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub aliases: Vec<String>,
    /// What the parameter means, with its unit.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub description: String,
}

/// What values a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// Any text.
    String,
    /// A whole number within 64 bits.
    Integer,
    /// A finite number. Whole numbers beyond 64 bits are refused, because they would be rounded; in
    /// quotes, `"1e30"` is the nearest number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// The name of a database, table or column: 1 to 255 characters, no `/`, NUL or control characters.
    Identifier,
    /// A path on the config's own storage: relative, or with a storage client's scheme.
    Path,
    /// A statement in the execution engine's dialect.
    Sql,
    /// An instant, RFC 3339: `2026-01-31T12:00:00Z`.
    Timestamp,
    /// A length of time: `30s`, `1h30m`, `7d`.
    Duration,
    /// A list of texts; a single text is split at commas.
    List,
    /// Any JSON value, with numbers as for `number`.
    Json,
}

/// One set of client types, by role. Roles left out do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportedConfiguration {
    /// The metastore client's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metastore: Option<ClientKind>,
    /// The storage client's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<ClientKind>,
    /// The execution client's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ClientKind>,
}

/// What is done. Exactly one kind of action is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("[has(self.builtin), has(self.sql), has(self.container)].filter(given, given).size() == 1").message("exactly one kind of action is needed: builtin, sql or container"))]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// An action that is part of Mason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<BuiltinAction>,
    /// A statement with bound parameters, run on the execution engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlAction>,
    /// One pod with a container of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerAction>,
}

impl Action {
    /// Returns which kind of action is given, if one is.
    #[must_use]
    pub fn kind(&self) -> Option<ActionKind> {
        let given = [
            (self.builtin.is_some(), ActionKind::Builtin),
            (self.sql.is_some(), ActionKind::Sql),
            (self.container.is_some(), ActionKind::Container),
        ];
        given.into_iter().find_map(|(is_given, kind)| is_given.then_some(kind))
    }
}

/// A statement with bound parameters, run on the execution engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SqlAction {
    /// The statement in the execution engine's dialect, for example
    /// `select * from sales.orders where city = $city and amount > $least`. `$name` stands for a parameter
    /// of the definition: its value is bound, never put into the text. A parameter of type `identifier`
    /// stands where a database, table or column is named, and one of type `list` in `in ($names)`.
    #[schemars(length(min = 1, max = 65536))]
    pub statement: String,
    /// Whether the statement may change data. Default: false, one read-only query.
    #[serde(default)]
    pub allow_writing: bool,
}

/// One pod with a container of your own. It gets the parameters as the environment's `MASON_PARAM_*` and
/// as a JSON file, and answers with a JSON file. Who may create definitions may create such pods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerAction {
    /// The image, for example `python:3.13-slim`.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
    /// When the image is pulled. Default: `IfNotPresent`.
    #[serde(default)]
    pub image_pull_policy: ImagePullPolicy,
    /// Secrets of the run's namespace with which the image is pulled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 253)))]
    pub image_pull_secrets: Vec<String>,
    /// The program and its first arguments. An image's own entrypoint is not used.
    #[schemars(length(min = 1, max = 64), inner(length(max = 65536)))]
    pub command: Vec<String>,
    /// Further arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 65536)))]
    pub args: Vec<String>,
    /// Further environment, by name. Names that begin with `MASON_` are Mason's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "texts_by_name")]
    pub env: BTreeMap<String, String>,
    /// What the container needs and may use.
    #[serde(default)]
    pub resources: ContainerResources,
    /// The service account of the run's namespace that the pod runs as. Its token is mounted only if one is
    /// named. Default: `default`, without a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// The user id that the container runs as, 1 to 4294967294. Default: that of the local engine's pods, which is
    /// 65532 unless the administrator says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_294_i64))]
    pub run_as_user: Option<i64>,
    /// Labels that the node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "texts_by_name")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pod tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub tolerations: Vec<Toleration>,
    /// Whether the pod sees the folder of the config's storage client, at `MASON_STORAGE`, and the files of
    /// its `credentials`, at `MASON_CREDENTIALS`. Default: `None`.
    #[serde(default)]
    pub storage: ContainerStorage,
}

impl ContainerAction {
    /// Returns the names of its environment that are Mason's own, which a definition may not set.
    pub fn reserved_names(&self) -> impl Iterator<Item = &str> {
        self.env.keys().map(String::as_str).filter(|name| name.starts_with("MASON_"))
    }
}

/// What a container sees of the config's storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ContainerStorage {
    /// Nothing.
    #[default]
    None,
    /// Its files, without changing them.
    ReadOnly,
    /// Its files.
    ReadWrite,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ImagePullPolicy {
    /// At every start.
    Always,
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// Not at all.
    Never,
}

/// What a container needs and may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerResources {
    /// What has to be free on a node, for example `{cpu: 500m, memory: 256Mi}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "texts_by_name")]
    pub requests: BTreeMap<String, String>,
    /// What the container may use at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "texts_by_name")]
    pub limits: BTreeMap<String, String>,
}

/// A taint of nodes that a pod tolerates.
///
/// # Source
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key; every taint when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 316))]
    pub key: Option<String>,
    /// `Equal` or `Exists`. Default: `Equal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub operator: Option<String>,
    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; every effect when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub effect: Option<String>,
}

/// An action that is part of Mason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuiltinAction {
    /// The action's name, for example `table.query`.
    #[schemars(length(min = 1, max = 65))]
    pub name: String,
    /// Whether the action may run SQL that changes data. Default: false, one read-only query.
    #[serde(default)]
    pub allow_writing_sql: bool,
}

/// What is known of a definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorDefinitionStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `sha256:` and the digest of the canonical spec; runs record the one they used.
    #[serde(default)]
    #[schemars(length(max = 80))]
    pub digest: String,
    /// `Ready`, `Reconciling` and `Stalled`.
    #[serde(default)]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
}
