//! The objects of an API server and what has happened to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::API_VERSION;
use crate::api::resource::{Key, Kind};
use crate::api::rules::broken_rules;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    /// `mason.dev/v1alpha1/operatorruns`, `v1/pods`.
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Address {
    pub(super) fn of(key: &Key) -> Self {
        Self {
            resource: format!("{API_VERSION}/{}", key.kind.plural()),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }

    /// Returns the kind of Mason's own; nothing for others, which have no rules here.
    pub(super) fn kind(&self) -> Option<Kind> {
        let plural = self.resource.strip_prefix(API_VERSION)?.strip_prefix('/')?;
        Kind::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    /// Returns whether another address lies in this one, where an empty part means all.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let all = |part: &String, other: &String| part.is_empty() || part == other;
        self.resource == other.resource
            && all(&self.namespace, &other.namespace)
            && all(&self.name, &other.name)
    }
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) word: &'static str,
    /// The version that it made.
    pub(super) version: u64,
    /// The object after it; before it, for `DELETED`.
    pub(super) document: Value,
    pub(super) address: Address,
}

/// Every object, and every change since the beginning.
pub(super) struct Objects {
    version: watch::Sender<u64>,
    /// Watches from before this version are refused.
    oldest: u64,
    found: BTreeMap<Address, Value>,
    history: Vec<Stored>,
}

impl Default for Objects {
    fn default() -> Self {
        let (version, _) = watch::channel(1);
        Self { version, oldest: 0, found: BTreeMap::new(), history: Vec::new() }
    }
}

impl Objects {
    pub(super) fn version(&self) -> u64 {
        *self.version.borrow()
    }

    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    pub(super) fn compact(&mut self) {
        self.oldest = self.version();
    }

    /// Returns what tells when there is a newer version.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(super) fn get(&self, address: &Address) -> Option<&Value> {
        self.found.get(address)
    }

    /// Returns the object as it was so many changes ago.
    pub(super) fn former(&self, address: &Address, changes: usize) -> Option<&Value> {
        let mut former = self.history.iter().rev().filter(|stored| stored.address == *address);
        former.nth(changes).map(|stored| &stored.document)
    }

    pub(super) fn all(&self, of: &Address) -> Vec<&Value> {
        let found = self.found.iter().filter(|(address, _)| of.covers(address));
        found.map(|(_, document)| document).collect()
    }

    /// Returns what happened after a version.
    pub(super) fn since(&self, of: &Address, version: u64) -> Vec<Stored> {
        let newer = self.history.iter().filter(|stored| stored.version > version);
        newer.filter(|stored| of.covers(&stored.address)).cloned().collect()
    }

    /// Stores a new object, which gets what only an API server gives.
    pub(super) fn insert(&mut self, address: Address, mut document: Value) -> Value {
        let version = self.version() + 1;
        let metadata = &mut document["metadata"];
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(uuid::Uuid::new_v4().to_string());
        }
        metadata["generation"] = json!(1);
        metadata["name"] = json!(address.name);
        if !address.namespace.is_empty() {
            metadata["namespace"] = json!(address.namespace);
        }
        metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        self.keep("ADDED", address, document, version)
    }

    /// Stores another state of an object; the same state makes no version.
    pub(super) fn change(
        &mut self,
        address: &Address,
        mut document: Value,
        is_spec: bool,
    ) -> Value {
        let before = self.found.get(address).cloned().unwrap_or_default();
        document["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        if document == before {
            return before;
        }
        if is_spec && document["spec"] != before["spec"] {
            let generation = before["metadata"]["generation"].as_i64().unwrap_or(1);
            document["metadata"]["generation"] = json!(generation + 1);
        }
        self.keep("MODIFIED", address.clone(), document, self.version() + 1)
    }

    pub(super) fn remove(&mut self, address: &Address) -> Option<Value> {
        let document = self.found.remove(address)?;
        let version = self.version() + 1;
        let (address, told) = (address.clone(), document.clone());
        self.history.push(Stored { word: "DELETED", version, document: told, address });
        self.version.send_replace(version);
        Some(document)
    }

    fn keep(
        &mut self,
        word: &'static str,
        address: Address,
        mut document: Value,
        version: u64,
    ) -> Value {
        document["metadata"]["resourceVersion"] = json!(version.to_string());
        self.found.insert(address.clone(), document.clone());
        self.history.push(Stored { word, version, document: document.clone(), address });
        self.version.send_replace(version);
        document
    }
}

/// Returns the rules of the schema that a change breaks, each with its field.
pub(super) fn refusals(
    address: &Address,
    document: &Value,
    before: Option<&Value>,
) -> Vec<(String, String)> {
    let Some(kind) = address.kind() else { return Vec::new() };
    let broken = broken_rules(kind, document, before).into_iter();
    broken.map(|rule| (rule.path, rule.message)).collect()
}
