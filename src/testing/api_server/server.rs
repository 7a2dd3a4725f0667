//! The server as a test sees it: its client, its script, and its objects from outside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kube::Client;
use kube::client::retry::RetryPolicy;
use serde_json::Value;
use tower::ServiceBuilder;
use tower::retry::RetryLayer;

use super::faults::{ApiFault, Disorder};
use super::objects::{Address, Objects};
use super::service::Connection;
use crate::api::resource::{Key, Resource};
use crate::store::kubernetes::REPEATS;

/// An API server in memory. Copies share their objects.
#[derive(Clone, Default)]
pub struct ApiServer {
    state: Arc<Mutex<State>>,
}

/// What an API server keeps and what is scripted for it.
#[derive(Default)]
pub(super) struct State {
    pub(super) objects: Objects,
    pub(super) faults: VecDeque<ApiFault>,
    pub(super) disorder: Disorder,
    /// Every request that arrived, `PUT operatorruns/x/status`, with the number it was answered with; 0
    /// when there was no answer.
    pub(super) requests: Vec<(String, u16)>,
}

impl ApiServer {
    /// Returns a client whose requests end here. It sends again what a connection to a cluster sends
    /// again, as often, after shorter pauses. Needs a tokio runtime.
    ///
    /// # Panics
    /// Never: the policy's numbers are constants.
    #[must_use]
    pub fn client(&self) -> Client {
        let (least, most) = (Duration::from_millis(1), Duration::from_millis(2));
        let policy = RetryPolicy::new(least, most, REPEATS, true).expect("should be a policy");
        let service =
            ServiceBuilder::new().layer(RetryLayer::new(policy)).service(Connection(self.clone()));
        Client::new(service, "default")
    }

    /// Puts a fault before those requests that come next, one for each.
    pub fn script(&self, fault: ApiFault) {
        self.state().faults.push_back(fault);
    }

    /// Takes back every fault that was not met yet.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Makes watches tell what they have to tell in disorder.
    pub fn disorder(&self, disorder: Disorder) {
        self.state().disorder = disorder;
    }

    /// Returns the requests so far, `PUT operatorruns/x/status`, each with its answer; 0 when there was
    /// none.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, u16)> {
        self.state().requests.clone()
    }

    /// Stores a resource as it is, with its uid, as if it had been there before.
    pub fn insert(&self, resource: &Resource) {
        let address = Address::of(&resource.key());
        self.state().objects.insert(address, resource.to_document());
    }

    /// Returns a resource's document as it is now; nothing when there is none.
    #[must_use]
    pub fn document(&self, key: &Key) -> Option<Value> {
        self.state().objects.get(&Address::of(key)).cloned()
    }

    /// Returns a resource's document after each of its changes, the first first.
    #[must_use]
    pub fn history(&self, key: &Key) -> Vec<Value> {
        let history = self.state().objects.since(&Address::of(key), 0);
        history.into_iter().map(|stored| stored.document).collect()
    }

    /// Changes a resource's spec, as a person does.
    pub fn edit(&self, key: &Key, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let address = Address::of(key);
        if let Some(mut document) = state.objects.get(&address).cloned() {
            change(&mut document["spec"]);
            state.objects.change(&address, document, true);
        }
    }

    /// Lets watches that know less than is known now begin anew, as after a compaction.
    pub fn compact(&self) {
        self.state().objects.compact();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("should be unpoisoned: no test goes on after a panic")
    }
}
