//! The readiness of a config.

use jiff::Timestamp;

use super::{Readiness, set_readiness};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{ClientStatus, ConfigColumns, MasonConfig, MasonConfigStatus};
use crate::engines::{ByRole, EngineError};
use crate::validate::Problems;

/// Most characters of a client's message.
const MESSAGE: usize = 1_024;

/// What a look at a client found.
#[derive(Debug)]
pub enum ClientProbe {
    /// It answers.
    Ready {
        /// The version of its Secret, if it has one.
        credentials: Option<String>,
    },
    /// Its Secret is not there, or cannot be read; in words.
    CredentialsMissing(String),
    /// It does not answer, or cannot be used here.
    Failed(EngineError),
}

impl ClientProbe {
    /// Returns the reason and the message.
    fn reason(&self) -> (Reason, String) {
        match self {
            Self::Ready { .. } => (Reason::Checked, String::new()),
            Self::CredentialsMissing(message) => (Reason::CredentialsMissing, message.clone()),
            Self::Failed(error) => {
                let hint = error.hint.as_ref().map(|hint| format!(" (hint: {hint})"));
                let message = format!("{}{}", error.message, hint.unwrap_or_default());
                (error.reason.unwrap_or(Reason::ClientNotReady), message)
            }
        }
    }
}

/// Returns the status of a config. `probes` belong to its first clients, in their order.
#[must_use]
pub fn config_readiness(
    config: &MasonConfig,
    checked: Result<(), Problems>,
    probes: &[ClientProbe],
    now: Timestamp,
) -> MasonConfigStatus {
    let mut status = config.status.clone().unwrap_or_default();
    let engines = &config.spec.engines;
    status.observed_generation = config.metadata.generation;
    status.columns = Some(ConfigColumns {
        metastore: engines.metastore.join(","),
        storage: engines.storage.join(","),
        execution: engines.execution.join(","),
    });
    status.clients = clients(config, probes, now);
    let (readiness, message) = match checked {
        Err(problems) => ((Readiness::Stalled, Reason::Invalid), problems.to_string()),
        Ok(()) => overall(&status.clients),
    };
    let generation = config.metadata.generation;
    set_readiness(&mut status.conditions, readiness, &message, generation, now);
    status
}

fn clients(config: &MasonConfig, probes: &[ClientProbe], now: Timestamp) -> Vec<ClientStatus> {
    let found = config.spec.clients.iter().zip(probes);
    let statuses = found.filter_map(|(client, probe)| {
        let (reason, message) = probe.reason();
        Some(ClientStatus {
            name: client.name.clone(),
            kind: client.kind()?,
            roles: roles(config, &client.name),
            ready: matches!(probe, ClientProbe::Ready { .. }),
            reason: Some(reason),
            message: message.chars().take(MESSAGE).collect(),
            checked_at: Some(now),
            credentials_version: match probe {
                ClientProbe::Ready { credentials } => credentials.clone(),
                _ => None,
            },
        })
    });
    statuses.collect()
}

/// Returns the roles that the config gives a client, in the order of the docs.
fn roles(config: &MasonConfig, name: &str) -> Vec<String> {
    let engines = ByRole::from(&config.spec.engines);
    let given = engines.iter().filter(|(_, names)| names.iter().any(|given| given == name));
    given.map(|(role, _)| role.as_str().to_owned()).collect()
}

fn is_lasting(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::RootNotAllowed | Reason::PlacementNotAllowed | Reason::EndpointNotAllowed
    )
}

fn overall(clients: &[ClientStatus]) -> ((Readiness, Reason), String) {
    let failing: Vec<&ClientStatus> = clients.iter().filter(|client| !client.ready).collect();
    let readiness = match failing.as_slice() {
        [] => (Readiness::Ready, Reason::Checked),
        // What only a person can change comes before what may pass.
        some => match some.iter().find_map(|client| client.reason.filter(|one| is_lasting(*one))) {
            Some(reason) => (Readiness::Stalled, reason),
            None if some.iter().all(|client| client.reason == Some(Reason::CredentialsMissing)) => {
                (Readiness::Waiting, Reason::CredentialsMissing)
            }
            None => (Readiness::Waiting, Reason::ClientNotReady),
        },
    };
    let messages = failing.iter().map(|client| format!("{}: {}", client.name, client.message));
    (readiness, messages.collect::<Vec<_>>().join("; "))
}
