//! What a request asks for: its path, its query and its body.

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::objects::Address;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Of the object; with an empty name, of all of them; with an empty namespace, of all namespaces.
    pub(super) address: Address,
    /// Whether the status alone is meant.
    pub(super) is_status: bool,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Asked {
    /// Reads a request; nothing when the path is none of an API server's.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let mut path = parts.uri.path().trim_matches('/').split('/').collect::<Vec<_>>();
        let group = match *path.first()? {
            "api" => path.drain(..2).collect::<Vec<_>>()[1..].join("/"),
            "apis" if path.len() > 3 => path.drain(..3).collect::<Vec<_>>()[1..].join("/"),
            _ => return None,
        };
        let namespace = match path.as_slice() {
            ["namespaces", namespace, _, ..] => {
                let namespace = (*namespace).to_owned();
                path.drain(..2);
                namespace
            }
            _ => String::new(),
        };
        let plural = path.first()?;
        Some(Self {
            method: parts.method.clone(),
            address: Address {
                resource: format!("{group}/{plural}"),
                namespace,
                name: path.get(1).copied().unwrap_or_default().to_owned(),
            },
            is_status: path.get(2) == Some(&"status"),
            query: query_of(parts.uri.query().unwrap_or_default()),
            body: serde_json::from_slice(body).unwrap_or_default(),
        })
    }

    /// Returns it in a line, `PUT operatorruns/x/status`.
    pub(super) fn line(&self) -> String {
        let Address { resource, name, .. } = &self.address;
        let plural = resource.rsplit('/').next().unwrap_or_default();
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        let status = if self.is_status { "/status" } else { "" };
        format!("{} {plural}{name}{status}", self.method)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.query.get(name)?.parse().ok()
    }

    pub(super) fn is_watch(&self) -> bool {
        self.query.get("watch").is_some_and(|value| value == "true" || value == "1")
    }
}

fn query_of(query: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
