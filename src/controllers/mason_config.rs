//! Configs: probes their clients again and again, by cheap calls that change nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::ResourceExt;

use super::clock::now;
use super::context::Context;
use super::control_loop::{Action, Error, Pass, Reconcile, store_status};
use super::surroundings::Clients;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{ClientConfig, MasonConfig};
use crate::clients::{self, Asked, ConfigIdentity, Secrets as _};
use crate::engines::{EngineError, ErrorKind};
use crate::readiness::{ClientProbe, config_readiness};
use crate::store::kubernetes::KubernetesStore;
use crate::validate::validate_config;

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon a client that does not answer is probed again, at most.
const NOT_READY: Duration = Duration::from_secs(15);

/// The controller of configs.
pub(super) struct MasonConfigs {
    context: Arc<Context>,
    store: Arc<KubernetesStore>,
    /// The readiness of each config that waiting runs were woken for, by its uid.
    reported: Mutex<HashMap<String, Readiness>>,
}

/// What of a config may let waiting runs begin: its generation, and whether it is ready and why.
type Readiness = (Option<i64>, Option<(String, String)>);

impl MasonConfigs {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            store: context.store("mason-config"),
            context: Arc::clone(context),
            reported: Mutex::default(),
        }
    }

    async fn probe(&self, config: &ConfigIdentity, client: &ClientConfig) -> ClientProbe {
        let Clients { connections, secrets, .. } = &*self.context.clients;
        let surroundings = self.context.clients.surroundings(&self.context.pods);
        let asked = Asked { client, config, surroundings: &surroundings };
        if let Err(refused) = connections.check(&asked) {
            return ClientProbe::Failed(refused);
        }
        let namespace = config.namespace.as_deref().unwrap_or_default();
        let credentials = match client.secret() {
            None => None,
            Some(secret) => match secrets.version(namespace, &secret.name).await {
                Ok(version) => Some(version),
                Err(message) => return ClientProbe::CredentialsMissing(message),
            },
        };
        match tokio::time::timeout(PATIENCE, connections.probe(&asked)).await {
            Ok(Ok(())) => ClientProbe::Ready { credentials },
            Ok(Err(error)) => ClientProbe::Failed(error),
            Err(_) => {
                let message = format!("it did not answer within {} s", PATIENCE.as_secs());
                let (kind, operation) = (ErrorKind::Timeout, "look at a client");
                ClientProbe::Failed(EngineError::new(kind, &client.name, operation, message))
            }
        }
    }
}

impl Reconcile for MasonConfigs {
    type Kind = MasonConfig;

    async fn reconcile(
        &self,
        config: &MasonConfig,
        _: Pass<'_, MasonConfig>,
    ) -> Result<Action, Error> {
        let checked = validate_config(config, clients::types(), &self.context.rules); // pure
        let mut probes = Vec::new();
        if checked.is_ok() {
            let identity =
                ConfigIdentity { namespace: config.namespace(), version: config.version() };
            for client in &config.spec.clients {
                probes.push(self.probe(&identity, client).await); // calls the engines
            }
        }
        let interval = self.context.settings.probe_interval;
        let is_ready = probes.iter().all(|probe| matches!(probe, ClientProbe::Ready { .. }));
        let status = config_readiness(config, checked, &probes, now()); // pure
        let changed = MasonConfig { status: Some(status), ..config.clone() };
        let again = Action::requeue(if is_ready { interval } else { interval.min(NOT_READY) });
        let [before, changed] =
            [config.clone(), changed].map(|one| Resource::MasonConfig(Box::new(one)));
        store_status((&self.context, &self.store), &before, changed, again).await
    }

    /// Wakes the runs that wait for a config when it changes, and when its readiness changes.
    fn seen(&self, config: &MasonConfig) {
        self.context.look_ups.forget();
        let reported = (config.metadata.generation, readiness(config));
        let uid = config.uid().unwrap_or_default();
        let mut known = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&uid) != Some(&reported) {
            known.insert(uid, reported);
            drop(known);
            self.context.queue.config_changed(config);
        }
    }

    fn forget(&self, uid: &str) {
        self.context.look_ups.forget();
        self.context.clients.connections.forget(uid);
        self.reported.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Returns whether a config is ready, and why.
fn readiness(config: &MasonConfig) -> Option<(String, String)> {
    let conditions = &config.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((ready.status.clone(), ready.reason.clone()))
}
