//! Configs: whether their clients answer, by a cheap look that changes nothing, again and again.

mod credentials;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::ResourceExt;

use super::again::Action;
use super::clock::now;
use super::context::Context;
use super::error::Error;
use super::pods::check_placement;
use super::reconcile::{Cache, Reconcile};
use super::status::store_status;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{ClientConfig, MasonConfig};
use crate::clients;
use crate::engines::{EngineError, ErrorKind};
use crate::standing::{ClientProbe, standing_of_config};
use crate::store::kubernetes::KubernetesStore;
use crate::validate::validate_config;

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon a client that does not answer is looked at again, at most.
const NOT_READY: Duration = Duration::from_secs(15);

/// The controller of configs.
pub(super) struct MasonConfigs {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
    /// What runs that wait for a config wait for, by its uid.
    told: Mutex<HashMap<String, Told>>,
}

/// What may let a run begin that waits for a config.
type Told = (Option<i64>, Option<(String, String)>);

impl MasonConfigs {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("mason-config"),
            context: Arc::clone(context),
            told: Mutex::default(),
        }
    }

    async fn probe(&self, namespace: &str, client: &ClientConfig) -> ClientProbe {
        if let Some(folder) = client.folder()
            && let Err(message) = self.context.roots.check(namespace, folder)
        {
            return ClientProbe::RootNotAllowed(message);
        }
        if let Err(refused) = check_placement(client, self.context.settings.pods.as_ref()) {
            return ClientProbe::Failed(refused);
        }
        let credentials = match client.secret().map(|secret| &secret.name) {
            None => None,
            Some(name) => {
                match credentials::version_of(&self.context.client, namespace, name).await {
                    Ok(version) => Some(version),
                    Err(message) => return ClientProbe::CredentialsMissing(message),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, clients::probe(client)).await {
            Ok(Ok(())) => ClientProbe::Ready { credentials },
            Ok(Err(error)) => ClientProbe::Failed(error),
            Err(_) => {
                let message = format!("it did not answer within {} s", PATIENCE.as_secs());
                let kind = ErrorKind::Timeout;
                ClientProbe::Failed(EngineError::new(
                    kind,
                    &client.name,
                    "look at a client",
                    message,
                ))
            }
        }
    }
}

impl Reconcile for MasonConfigs {
    type Kind = MasonConfig;

    async fn reconcile(
        &self,
        config: &MasonConfig,
        _: &Cache<MasonConfig>,
    ) -> Result<Action, Error> {
        let checked = validate_config(config, clients::types(), &self.context.rules); // pure
        let mut probes = Vec::new();
        if checked.is_ok() {
            let namespace = config.namespace().unwrap_or_default();
            for client in &config.spec.clients {
                probes.push(self.probe(&namespace, client).await); // calls the engines
            }
        }
        let interval = self.context.settings.probe_interval;
        let is_ready = probes.iter().all(|probe| matches!(probe, ClientProbe::Ready { .. }));
        let status = standing_of_config(config, checked, &probes, now()); // pure
        let changed = MasonConfig { status: Some(status), ..config.clone() };
        let again = Action::requeue(if is_ready { interval } else { interval.min(NOT_READY) });
        let [before, changed] =
            [config.clone(), changed].map(|one| Resource::MasonConfig(Box::new(one)));
        store_status((&self.context, &self.store), &before, changed, again).await
    }

    /// Whoever waits for a config is woken by a change of it, and when it becomes ready or does not.
    fn seen(&self, config: &MasonConfig) {
        self.context.look_ups.forget();
        let told = (config.metadata.generation, readiness(config));
        let uid = config.uid().unwrap_or_default();
        let mut known = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&uid) != Some(&told) {
            known.insert(uid, told);
            drop(known);
            self.context.turns.config_changed(config);
        }
    }

    fn forget(&self, uid: &str) {
        self.context.look_ups.forget();
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Returns whether a config is ready, and why.
fn readiness(config: &MasonConfig) -> Option<(String, String)> {
    let conditions = &config.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((ready.status.clone(), ready.reason.clone()))
}
