//! What decides, beside a run itself, whether and when it may begin here: the administrator's rules, what
//! may be read, and the places there are for runs that work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::api::v1alpha1::{MasonConfig, OperatorRun};
use crate::plan::Place;
use crate::validate::{Rules, ValidRun};

/// What decides whether and when a run may begin here. By default everything may, at once.
#[derive(Clone)]
pub struct Admission {
    /// What the administrator allows.
    pub rules: Rules,
    /// The namespaces whose configs may be read; all when empty.
    pub reach: Vec<String>,
    /// The namespace whose definitions every run may use, beside those built in.
    pub library_namespace: Option<String>,
    /// How long a run waits for what it names and is not there, or not ready; not at all when zero.
    pub patience: Duration,
    /// Who gives places to runs that are about to begin.
    pub places: Arc<dyn Places>,
    /// Who knows the labels of namespaces.
    pub namespaces: Arc<dyn Namespaces>,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            reach: Vec::new(),
            library_namespace: None,
            patience: Duration::ZERO,
            places: Arc::new(Unbounded),
            namespaces: Arc::new(Unbounded),
        }
    }
}

/// Gives places to runs that are about to begin an attempt.
pub trait Places: Send + Sync {
    /// Returns whether the run may begin now. One that has a place keeps it until its door takes it
    /// back; one that has none waits in line. The config is given with the first attempt only.
    fn ask(&self, run: &OperatorRun, valid: &ValidRun, config: Option<&MasonConfig>) -> Place;
}

/// Knows the labels of namespaces.
#[async_trait]
pub trait Namespaces: Send + Sync {
    /// Returns the labels of a namespace; nothing when they cannot be read.
    async fn labels(&self, namespace: &str) -> Option<BTreeMap<String, String>>;
}

/// No bounds, and no labels: a machine without a cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unbounded;

impl Places for Unbounded {
    fn ask(&self, _: &OperatorRun, _: &ValidRun, _: Option<&MasonConfig>) -> Place {
        Place::Free
    }
}

#[async_trait]
impl Namespaces for Unbounded {
    async fn labels(&self, _: &str) -> Option<BTreeMap<String, String>> {
        None
    }
}
