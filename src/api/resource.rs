//! A resource of any kind, its key, and the words by which people name its kind.

use std::sync::OnceLock;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource as _;
use kube::core::{CustomResourceExt as _, ObjectMeta};
use serde_json::Value;

use super::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun, Phase, Workflow, WorkflowRun};

/// The namespace of a resource that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`MasonConfig`].
    MasonConfig,
    /// [`OperatorDefinition`].
    OperatorDefinition,
    /// [`OperatorRun`].
    OperatorRun,
    /// [`Workflow`].
    Workflow,
    /// [`WorkflowRun`].
    WorkflowRun,
}

/// What is known of a kind besides its type. A new kind is a row here.
struct Facts {
    name: &'static str,
    plural: &'static str,
    short_name: &'static str,
    /// The words that people use: one, and several.
    plain: [&'static str; 2],
    /// The name under which its controller reports.
    controller: &'static str,
    crd: fn() -> CustomResourceDefinition,
}

impl Kind {
    /// Every kind, in the order of the docs.
    pub const ALL: [Self; 5] = [
        Self::MasonConfig,
        Self::OperatorDefinition,
        Self::OperatorRun,
        Self::Workflow,
        Self::WorkflowRun,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::MasonConfig => Facts {
                name: "MasonConfig",
                plural: "masonconfigs",
                short_name: "mcfg",
                plain: ["config", "configs"],
                controller: "mason-config",
                crd: MasonConfig::crd,
            },
            Self::OperatorDefinition => Facts {
                name: "OperatorDefinition",
                plural: "operatordefinitions",
                short_name: "opdef",
                plain: ["operator", "operators"],
                controller: "mason-operator-definition",
                crd: OperatorDefinition::crd,
            },
            Self::OperatorRun => Facts {
                name: "OperatorRun",
                plural: "operatorruns",
                short_name: "oprun",
                plain: ["run", "runs"],
                controller: "mason-operator-run",
                crd: OperatorRun::crd,
            },
            Self::Workflow => Facts {
                name: "Workflow",
                plural: "workflows",
                short_name: "mwf",
                plain: ["workflow", "workflows"],
                controller: "mason-workflow",
                crd: Workflow::crd,
            },
            Self::WorkflowRun => Facts {
                name: "WorkflowRun",
                plural: "workflowruns",
                short_name: "mwfr",
                plain: ["workflowrun", "workflowruns"],
                controller: "mason-workflow-run",
                crd: WorkflowRun::crd,
            },
        }
    }

    /// Returns the kind as it stands in a document, `OperatorRun`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// Returns the plural in lower case, `operatorruns`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.facts().plural
    }

    /// Returns the plural that people use, `runs`.
    #[must_use]
    pub fn plain_plural(self) -> &'static str {
        self.facts().plain[1]
    }

    /// Returns the short name, `oprun`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.facts().short_name
    }

    /// Returns the name under which the kind's controller reports, `mason-operator-run`.
    #[must_use]
    pub fn controller(self) -> &'static str {
        self.facts().controller
    }

    /// Returns the custom resource definition that is derived from the kind's type.
    pub(super) fn derived_crd(self) -> CustomResourceDefinition {
        (self.facts().crd)()
    }

    /// Returns the kind that a word of the command line means, in any case: `OperatorRun`,
    /// `operatorruns`, `oprun`, or the plain `run`, `config`, `operator` and their plurals.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| {
            let Facts { name, plural, short_name, plain, .. } = kind.facts();
            word == name.to_ascii_lowercase()
                || word == plural
                || word == short_name
                || plain.contains(&word.as_str())
        })
    }
}

/// One value of each kind, made when it is first asked for.
#[derive(Debug)]
pub struct PerKind<T> {
    values: [OnceLock<T>; Kind::ALL.len()],
    make: fn(Kind) -> T,
}

impl<T> PerKind<T> {
    /// Makes none yet.
    #[must_use]
    pub const fn new(make: fn(Kind) -> T) -> Self {
        Self { values: [const { OnceLock::new() }; Kind::ALL.len()], make }
    }

    /// Returns the value of a kind.
    pub fn of(&self, kind: Kind) -> &T {
        self.values[kind as usize].get_or_init(|| (self.make)(kind))
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The key of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// A resource of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Resource {
    /// A config.
    MasonConfig(Box<MasonConfig>),
    /// A definition.
    OperatorDefinition(Box<OperatorDefinition>),
    /// A run.
    OperatorRun(Box<OperatorRun>),
    /// A workflow.
    Workflow(Box<Workflow>),
    /// A run of a workflow.
    WorkflowRun(Box<WorkflowRun>),
}

/// Evaluates an expression with the resource of whatever kind.
macro_rules! of_any_kind {
    ($given:expr, $resource:ident => $body:expr) => {
        match $given {
            Resource::MasonConfig($resource) => $body,
            Resource::OperatorDefinition($resource) => $body,
            Resource::OperatorRun($resource) => $body,
            Resource::Workflow($resource) => $body,
            Resource::WorkflowRun($resource) => $body,
        }
    };
}

/// Evaluates an expression with two resources of one kind, and says whether they were of one.
macro_rules! of_one_kind {
    ($pair:expr, ($left:ident, $right:ident) => $body:expr) => {
        match $pair {
            (Resource::MasonConfig($left), Resource::MasonConfig($right)) => ($body, true).1,
            (Resource::OperatorDefinition($left), Resource::OperatorDefinition($right)) => {
                ($body, true).1
            }
            (Resource::OperatorRun($left), Resource::OperatorRun($right)) => ($body, true).1,
            (Resource::Workflow($left), Resource::Workflow($right)) => ($body, true).1,
            (Resource::WorkflowRun($left), Resource::WorkflowRun($right)) => ($body, true).1,
            _ => false,
        }
    };
}

impl Resource {
    /// Reads a document of a kind: the whole resource as JSON.
    ///
    /// # Errors
    /// When the document does not fit the kind's types; the message names the first misfit only.
    pub fn from_document(kind: Kind, document: Value) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::MasonConfig => Self::MasonConfig(serde_json::from_value(document)?),
            Kind::OperatorDefinition => Self::OperatorDefinition(serde_json::from_value(document)?),
            Kind::OperatorRun => Self::OperatorRun(serde_json::from_value(document)?),
            Kind::Workflow => Self::Workflow(serde_json::from_value(document)?),
            Kind::WorkflowRun => Self::WorkflowRun(serde_json::from_value(document)?),
        })
    }

    /// Returns the whole resource as JSON, with `apiVersion` and `kind`.
    ///
    /// # Panics
    /// Never: no map of a resource has keys other than texts.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let document = of_any_kind!(self, resource => serde_json::to_value(resource));
        document.expect("should be JSON: no map of a resource has keys other than texts")
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::MasonConfig(_) => Kind::MasonConfig,
            Self::OperatorDefinition(_) => Kind::OperatorDefinition,
            Self::OperatorRun(_) => Kind::OperatorRun,
            Self::Workflow(_) => Kind::Workflow,
            Self::WorkflowRun(_) => Kind::WorkflowRun,
        }
    }

    /// Returns the phase of a run; nothing for other kinds.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::OperatorRun(run) => {
                Some(run.status.as_ref().map(|status| status.phase).unwrap_or_default())
            }
            Self::WorkflowRun(run) => {
                Some(run.status.as_ref().map(|status| status.phase).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Returns its metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        of_any_kind!(self, resource => resource.meta())
    }

    /// Returns its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        of_any_kind!(self, resource => resource.meta_mut())
    }

    /// Returns a reference to it, as events have them.
    #[must_use]
    pub fn reference(&self) -> ObjectReference {
        of_any_kind!(self, resource => resource.object_ref(&()))
    }

    /// Returns the conditions of its status; none without a status.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        of_any_kind!(self, resource => {
            resource.status.as_ref().map_or(&[], |status| status.conditions.as_slice())
        })
    }

    /// Removes its status.
    pub fn clear_status(&mut self) {
        of_any_kind!(self, resource => resource.status = None);
    }

    /// Takes over the status of another resource; returns whether both are of one kind.
    pub fn take_status_of(&mut self, given: &Self) -> bool {
        of_one_kind!((self, given), (own, given) => own.status.clone_from(&given.status))
    }

    /// Takes over the spec of another resource; returns whether both are of one kind.
    pub fn take_spec_of(&mut self, given: Self) -> bool {
        of_one_kind!((self, given), (own, given) => own.spec = given.spec)
    }

    /// Returns its key; a resource that names no namespace is in [`DEFAULT_NAMESPACE`], and one that
    /// has no name yet has an empty one.
    #[must_use]
    pub fn key(&self) -> Key {
        let metadata = self.metadata();
        Key {
            kind: self.kind(),
            namespace: metadata
                .namespace
                .clone()
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_are_named_by_many_words() {
        for word in ["OperatorRun", "operatorruns", "oprun", "run", "RUNS"] {
            assert_eq!(Kind::from_word(word), Some(Kind::OperatorRun), "{word}");
        }
        assert_eq!(Kind::from_word("configs"), Some(Kind::MasonConfig));
        assert_eq!(Kind::from_word("operator"), Some(Kind::OperatorDefinition));
        for word in ["WorkflowRun", "workflowruns", "mwfr"] {
            assert_eq!(Kind::from_word(word), Some(Kind::WorkflowRun), "{word}");
        }
        assert_eq!(Kind::from_word("pod"), None);
    }
}
