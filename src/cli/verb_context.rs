//! What every verb works with: settings, printer, and the store of resources.

use std::sync::Arc;

use jiff::Timestamp;

use super::cluster::{self, Cluster};
use super::failure::Failure;
use super::print::Printer;
use super::settings::{Place, Settings};
use super::words::{first_of, kinds};
use crate::clients::Connections;
use crate::runs::{Clock as _, SystemClock};
use crate::store::directory::DirectoryStore;
use crate::store::{Key, Kind, Resource, Store, StoreError};

/// What every verb works with.
#[derive(Clone)]
pub(crate) struct VerbContext {
    /// Arguments and environment, resolved.
    pub settings: Settings,
    /// Where results and messages go.
    pub printer: Printer,
    /// Where resources are kept.
    pub store: Arc<dyn Store>,
    /// The cluster that keeps them; nothing when it is a folder.
    pub cluster: Option<Cluster>,
    /// The clients of configs that are open.
    pub connections: Arc<Connections>,
    /// When the verb began.
    pub now: Timestamp,
}

impl VerbContext {
    /// Opens the store: a folder that does not exist yet is made with the first write; to a cluster
    /// nothing is sent yet.
    ///
    /// # Errors
    /// When there is no such cluster or context, or its settings cannot be used.
    pub(crate) async fn open(mut settings: Settings) -> anyhow::Result<Self> {
        let (store, cluster): (Arc<dyn Store>, _) = match &settings.place {
            Place::Folder(folder) => (Arc::new(DirectoryStore::new(folder)), None),
            Place::Cluster(choice) => {
                let cluster = Cluster::connect(choice).await?;
                let of_context = || cluster.connection.namespace.clone();
                settings.default_namespace.get_or_insert_with(of_context);
                (Arc::new(cluster.store.clone()), Some(cluster))
            }
        };
        let printer = Printer::new(settings.style).repeating(&settings.chosen);
        let connections = Arc::default();
        Ok(Self { settings, printer, store, cluster, connections, now: SystemClock.now() })
    }

    /// Returns where resources are kept, for people: a folder, or a context.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        match (&self.cluster, &self.settings.place) {
            (Some(cluster), _) => format!("context `{}`", cluster.connection.context),
            (None, Place::Folder(folder)) => folder.display().to_string(),
            (None, Place::Cluster(_)) => String::new(),
        }
    }

    /// Returns the key of a resource in the namespace that was asked for.
    #[must_use]
    pub(crate) fn key(&self, kind: Kind, name: &str) -> Key {
        Key { kind, namespace: self.settings.namespace().to_owned(), name: name.to_owned() }
    }

    /// Returns a resource that has to exist.
    ///
    /// # Errors
    /// When it does not exist, with the names that do, or cannot be read.
    pub(crate) async fn existing(&self, kind: Kind, name: &str) -> anyhow::Result<Resource> {
        let key = self.key(kind, name);
        if let Some(resource) = self.store.get(&key).await? {
            return Ok(resource);
        }
        // On a cluster without CRDs, or without rights, this says so.
        let names = self.listed_names(kind).await?;
        let hint = match (names.as_slice(), &self.cluster) {
            ([], Some(_)) => format!("there is none at all; is {} right?", self.place()),
            ([], None) => format!("there is none at all; is --store {} right?", self.place()),
            (names, _) => format!("there are: {}", first_of(names)),
        };
        let resource = kinds::qualified(kind, name);
        let message = format!("{resource} does not exist in namespace `{}`", key.namespace);
        Err(Failure::impossible(message, hint).into())
    }

    /// Returns the names of a kind in the namespace that was asked for, as far as they can be read.
    pub(crate) async fn names(&self, kind: Kind) -> Vec<String> {
        self.listed_names(kind).await.unwrap_or_default()
    }

    async fn listed_names(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        let listed = self.store.list(kind, Some(self.settings.namespace())).await;
        let listed = match listed {
            // A person who may read one resource need not see the others.
            Err(error) if cluster::is_forbidden(&error) => Vec::new(),
            listed => listed?,
        };
        let readable = listed.into_iter().filter_map(Result::ok);
        Ok(readable.map(|resource| resource.key().name).collect())
    }
}
