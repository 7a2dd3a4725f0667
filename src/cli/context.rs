//! What every verb works with: settings, printer, and the store of resources.

use std::sync::Arc;

use jiff::Timestamp;

use super::failure::Failure;
use super::kinds;
use super::printer::Printer;
use super::settings::Settings;
use crate::store::directory::DirectoryStore;
use crate::store::{Key, Kind, Resource, Store};

/// What every verb works with.
#[derive(Clone)]
pub(crate) struct Context {
    /// Arguments and environment, resolved.
    pub settings: Settings,
    /// Where results and messages go.
    pub printer: Printer,
    /// Where resources are kept.
    pub store: Arc<dyn Store>,
    /// When the verb began.
    pub now: Timestamp,
}

impl Context {
    /// Opens the store; a folder that does not exist yet is made with the first write.
    #[expect(clippy::disallowed_methods, reason = "here a verb learns when it began")]
    #[must_use]
    pub(crate) fn open(settings: Settings) -> Self {
        let store = DirectoryStore::new(settings.store());
        Self {
            printer: Printer::new(settings.style),
            store: Arc::new(store),
            now: Timestamp::now(),
            settings,
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
        let names = self.names(kind).await;
        let hint = match names.as_slice() {
            [] => format!(
                "there is none at all; is --store {} right?",
                self.settings.store().display()
            ),
            names => format!("there are: {}", first_of(names)),
        };
        let resource = kinds::qualified(kind, name);
        let message = format!("{resource} does not exist in namespace `{}`", key.namespace);
        Err(Failure::impossible(message, hint).into())
    }

    /// Returns the names of a kind in the namespace that was asked for, as far as they can be read.
    pub(crate) async fn names(&self, kind: Kind) -> Vec<String> {
        let listed = self.store.list(kind, Some(self.settings.namespace())).await;
        let readable = listed.unwrap_or_default().into_iter().filter_map(Result::ok);
        readable.map(|resource| resource.key().name).collect()
    }
}

/// Returns the first ten names, and how many more there are.
#[must_use]
pub(crate) fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(10) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
