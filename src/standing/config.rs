//! The standing of a config.

use jiff::Timestamp;

use super::{Stand, set_stand};
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
    fn told(&self) -> (Reason, String) {
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

/// Returns the status of a config, of whose clients as many were probed as there are probes.
#[must_use]
pub fn standing_of_config(
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
    let (stand, message) = match checked {
        Err(problems) => ((Stand::Stalled, Reason::Invalid), problems.to_string()),
        Ok(()) => overall(&status.clients),
    };
    let generation = config.metadata.generation;
    set_stand(&mut status.conditions, stand, &message, generation, now);
    status
}

fn clients(config: &MasonConfig, probes: &[ClientProbe], now: Timestamp) -> Vec<ClientStatus> {
    let found = config.spec.clients.iter().zip(probes);
    let statuses = found.filter_map(|(client, probe)| {
        let (reason, message) = probe.told();
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
    matches!(reason, Reason::RootNotAllowed | Reason::PlacementNotAllowed)
}

fn overall(clients: &[ClientStatus]) -> ((Stand, Reason), String) {
    let failing: Vec<&ClientStatus> = clients.iter().filter(|client| !client.ready).collect();
    let stand = match failing.as_slice() {
        [] => (Stand::Ready, Reason::Checked),
        // What only a person can change comes before what may pass.
        some => match some.iter().find_map(|client| client.reason.filter(|one| is_lasting(*one))) {
            Some(reason) => (Stand::Stalled, reason),
            None if some.iter().all(|client| client.reason == Some(Reason::CredentialsMissing)) => {
                (Stand::Waiting, Reason::CredentialsMissing)
            }
            None => (Stand::Waiting, Reason::ClientNotReady),
        },
    };
    let told = failing.iter().map(|client| format!("{}: {}", client.name, client.message));
    (stand, told.collect::<Vec<_>>().join("; "))
}
