//! A resource of any kind, its key, and the words by which people name its kind.

use kube::core::{ObjectMeta, Resource as _};
use serde_json::Value;

use super::v1alpha1::{MasonConfig, OperatorDefinition, OperatorRun};

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
}

impl Kind {
    /// Every kind, in the order of the docs.
    pub const ALL: [Self; 3] = [Self::MasonConfig, Self::OperatorDefinition, Self::OperatorRun];

    /// Returns the kind as it stands in a document, `OperatorRun`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MasonConfig => "MasonConfig",
            Self::OperatorDefinition => "OperatorDefinition",
            Self::OperatorRun => "OperatorRun",
        }
    }

    /// Returns the plural in lower case, `operatorruns`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::MasonConfig => "masonconfigs",
            Self::OperatorDefinition => "operatordefinitions",
            Self::OperatorRun => "operatorruns",
        }
    }

    /// Returns the plural that people use, `runs`.
    #[must_use]
    pub fn plain_plural(self) -> &'static str {
        match self {
            Self::MasonConfig => "configs",
            Self::OperatorDefinition => "operators",
            Self::OperatorRun => "runs",
        }
    }

    /// Returns the short name, `oprun`.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        match self {
            Self::MasonConfig => "mcfg",
            Self::OperatorDefinition => "opdef",
            Self::OperatorRun => "oprun",
        }
    }

    /// Returns the kind that a word of the command line means, in any case: `OperatorRun`,
    /// `operatorruns`, `oprun`, or the plain `run`, `config`, `operator` and their plurals.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| {
            let plain = match kind {
                Self::MasonConfig => ["config", "configs"],
                Self::OperatorDefinition => ["operator", "operators"],
                Self::OperatorRun => ["run", "runs"],
            };
            word == kind.as_str().to_ascii_lowercase()
                || word == kind.plural()
                || word == kind.short_name()
                || plain.contains(&word.as_str())
        })
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
        })
    }

    /// Returns the whole resource as JSON, with `apiVersion` and `kind`.
    ///
    /// # Panics
    /// Never: no map of a resource has keys other than texts.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let document = match self {
            Self::MasonConfig(resource) => serde_json::to_value(resource),
            Self::OperatorDefinition(resource) => serde_json::to_value(resource),
            Self::OperatorRun(resource) => serde_json::to_value(resource),
        };
        document.expect("should be JSON: no map of a resource has keys other than texts")
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::MasonConfig(_) => Kind::MasonConfig,
            Self::OperatorDefinition(_) => Kind::OperatorDefinition,
            Self::OperatorRun(_) => Kind::OperatorRun,
        }
    }

    /// Returns its metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::MasonConfig(resource) => resource.meta(),
            Self::OperatorDefinition(resource) => resource.meta(),
            Self::OperatorRun(resource) => resource.meta(),
        }
    }

    /// Returns its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::MasonConfig(resource) => resource.meta_mut(),
            Self::OperatorDefinition(resource) => resource.meta_mut(),
            Self::OperatorRun(resource) => resource.meta_mut(),
        }
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
        assert_eq!(Kind::from_word("pod"), None);
    }
}
