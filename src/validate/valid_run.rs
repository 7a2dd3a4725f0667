//! A run that has been found valid: everything that is frozen before its first launch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::Rules;
use super::workflow::Nested;
use crate::api::duration::DurationText;
use crate::api::names::OperatorName;
use crate::api::parameters::Parameters;
use crate::api::v1alpha1::{
    ActionKind, ClientConfig, ConfigRef, ConfigVersion, ContainerAction, EngineChoices, FreeForm,
    MasonConfig, OperatorDefinition, OperatorReference, OperatorRunStatus, ResolvedParameter,
    Results, Retry,
};
use crate::engines::capability::{Capability, ClientType};
use crate::engines::job_spec::BoundStatement;
use crate::engines::table_use::TableUse;

/// A built-in action, as `validate` needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionDescription {
    /// The name by which a definition refers to it, `table.query`.
    pub name: &'static str,
    /// What the clients of its roles must be able to do.
    pub needs: &'static [Capability],
    /// Which tables it reads and writes.
    pub uses: &'static [TableUse],
    /// The JSON schema (2020-12) of its answers; nothing when it promises none.
    pub result_schema: Option<&'static Value>,
}

/// What a run is validated against.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The definition of the run's operator, if there is one.
    pub definition: Option<&'a OperatorDefinition>,
    /// The config that the run names, if there is one.
    pub config: Option<&'a MasonConfig>,
    /// The built-in actions.
    pub actions: &'a [ActionDescription],
    /// The types of clients that this program has.
    pub clients: &'a [ClientType],
    /// The kinds of action that can be run here: a container needs a cluster.
    pub kinds: &'a [ActionKind],
    /// What the administrator allows.
    pub rules: &'a Rules,
    /// The labels of the run's namespace, where a config asks for them and they can be read.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
    /// Names of operators that do exist, for hints.
    pub known_operators: &'a [String],
    /// Names of configs that do exist, for hints.
    pub known_configs: &'a [String],
    /// The workflow that a step runs in place of an operator.
    pub nested: Option<&'a Nested>,
}

/// What a run does, as the definition said when the run was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ValidAction {
    /// The built-in action of this name, `table.query`.
    Builtin(String),
    /// A statement, with what its parameters stand for.
    Sql {
        /// The statement.
        sql: BoundStatement,
    },
    /// A container.
    Container {
        /// The container, as the definition has it.
        container: Box<ContainerAction>,
    },
}

impl ValidAction {
    /// Returns the kind of action.
    #[must_use]
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Builtin(_) => ActionKind::Builtin,
            Self::Sql { .. } => ActionKind::Sql,
            Self::Container { .. } => ActionKind::Container,
        }
    }

    /// Returns the name of what performs it: `table.query`, `sql`, `container`.
    #[must_use]
    pub fn performer(&self) -> &str {
        match self {
            Self::Builtin(name) => name,
            other => other.kind().as_str(),
        }
    }
}

/// A run with every question answered. It is frozen into `status.resolved` and never validated again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidRun {
    /// The operator, `table/query`.
    pub operator: OperatorName,
    /// The definition that was used.
    pub definition: OperatorReference,
    /// What is done.
    pub action: ValidAction,
    /// Whether the definition allows SQL that changes data.
    pub allow_writing_sql: bool,
    /// Every parameter that has a value, checked and converted.
    #[serde(default, skip_serializing)]
    pub parameters: Parameters,
    /// Every parameter that has a value, with where the value came from.
    #[serde(default, skip_serializing)]
    pub origins: Vec<ResolvedParameter>,
    /// The config that was used, always with its namespace.
    pub config: ConfigRef,
    /// Which version of that config it was; absent where the store gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_version: Option<ConfigVersion>,
    /// The concrete client that fills each role.
    pub engines: EngineChoices,
    /// The settings of those clients, each once.
    pub clients: Vec<ClientConfig>,
    /// The definition's own JSON schema of the result, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_schema: Option<FreeForm>,
    /// Where results go that do not stand in the status.
    #[serde(default)]
    pub results: Results,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
    /// How long the whole run may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// How often and when failed attempts are repeated.
    pub retry: Retry,
}

/// Returns the values of parameters by their names.
pub(super) fn values_of(resolved: &[ResolvedParameter]) -> Parameters {
    let value = |one: &ResolvedParameter| (one.name.clone(), one.value.clone());
    Parameters(resolved.iter().map(value).collect())
}

impl ValidRun {
    /// The field of a frozen run that holds `results`.
    const RESULTS: &str = "results";

    /// Returns the settings of a chosen client.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<&ClientConfig> {
        self.clients.iter().find(|client| client.name == name)
    }

    /// Returns the run as `status.resolved` holds it: without its parameters, which `status.parameters` has.
    #[must_use]
    pub fn freeze(&self) -> FreeForm {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => FreeForm(object.into_iter().collect()),
            _ => FreeForm::default(),
        }
    }

    /// Returns where results go of a run that is frozen, also by another version of Mason.
    #[must_use]
    pub fn frozen_results(frozen: &FreeForm) -> Results {
        let results = frozen.0.get(Self::RESULTS);
        results.and_then(|found| serde_json::from_value(found.clone()).ok()).unwrap_or_default()
    }

    /// Leaves of a run that is frozen what [`ValidRun::frozen_results`] reads.
    pub fn keep_results(frozen: &mut FreeForm) {
        frozen.0.retain(|field, _| field == Self::RESULTS);
    }

    /// Returns how long a run may take that is frozen, also by another version of Mason.
    #[must_use]
    pub fn frozen_timeout(frozen: &FreeForm) -> Option<DurationText> {
        frozen.0.get("timeout")?.as_str()?.parse().ok()
    }

    /// Returns whether a run is a container that is frozen, also by another version of Mason.
    #[must_use]
    pub fn is_frozen_container(frozen: &FreeForm) -> bool {
        frozen.0.get("action").is_some_and(|action| action.get("container").is_some())
    }

    /// Reads what [`ValidRun::freeze`] made and was recorded with the run's parameters; nothing when the run was not
    /// resolved. What a version before recorded holds its parameters itself.
    ///
    /// # Errors
    /// When it was made by a version of Mason that this one does not understand.
    pub fn thaw(status: &OperatorRunStatus) -> Result<Option<Self>, serde_json::Error> {
        let Some(frozen) = &status.resolved else { return Ok(None) };
        let object = frozen.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let frozen: Self = serde_json::from_value(Value::Object(object))?;
        if !frozen.parameters.0.is_empty() || status.parameters.is_empty() {
            return Ok(Some(frozen));
        }
        let origins = status.parameters.clone();
        Ok(Some(Self { parameters: values_of(&origins), origins, ..frozen }))
    }
}
