//! The standing of configs and definitions, which on a cluster a controller keeps in their status:
//! what `get` shows, whether they can be used, and the definition's digest.

use std::path::Path;

use jiff::Timestamp;

use super::context::Context;
use crate::api::conditions::{ConditionType, Reason, Truth, set_condition};
use crate::api::resource::Resource;
use crate::api::v1alpha1::{
    ClientConfig, ClientKind, ClientStatus, ConfigColumns, MasonConfig, MasonConfigStatus,
    OperatorDefinition, OperatorDefinitionStatus,
};
use crate::store::StoreError;
use crate::validate;

/// Looks at a config or definition that was just applied and keeps its standing as its status. When
/// another process changes it meanwhile, that process keeps its own.
///
/// # Errors
/// When the store cannot be written to.
pub(crate) async fn record(context: &Context, resource: Resource) -> Result<Resource, StoreError> {
    let Some(changed) = with_standing(&resource, context.now) else { return Ok(resource) };
    match context.store.replace_status(&changed).await {
        Ok(stored) => Ok(stored),
        Err(StoreError::Conflict { .. }) => Ok(resource),
        Err(error) => Err(error),
    }
}

/// Returns the resource with its standing, if that is not yet what its status says.
fn with_standing(resource: &Resource, now: Timestamp) -> Option<Resource> {
    let changed = match resource.clone() {
        Resource::MasonConfig(mut config) => {
            config.status = Some(standing_of_config(&config, now));
            Resource::MasonConfig(config)
        }
        Resource::OperatorDefinition(mut definition) => {
            definition.status = Some(standing_of_definition(&definition, now));
            Resource::OperatorDefinition(definition)
        }
        Resource::OperatorRun(_) => return None,
    };
    (changed != *resource).then_some(changed)
}

/// Returns a definition of the library with its standing, which no store keeps.
pub(crate) fn built_in(definition: &OperatorDefinition, now: Timestamp) -> Resource {
    let mut definition = definition.clone();
    definition.status = Some(standing_of_definition(&definition, now));
    Resource::OperatorDefinition(Box::new(definition))
}

fn standing_of_config(config: &MasonConfig, now: Timestamp) -> MasonConfigStatus {
    let mut status = config.status.clone().unwrap_or_default();
    let engines = &config.spec.engines;
    status.observed_generation = config.metadata.generation;
    status.columns = Some(ConfigColumns {
        metastore: engines.metastore.join(","),
        storage: engines.storage.join(","),
        execution: engines.execution.join(","),
    });
    status.clients = config.spec.clients.iter().filter_map(probe).collect();
    let failing: Vec<String> = status
        .clients
        .iter()
        .filter(|client| !client.ready)
        .map(|client| format!("{}: {}", client.name, client.message))
        .collect();
    let standing = if failing.is_empty() {
        (ConditionType::Ready, Truth::True, Reason::Checked)
    } else {
        (ConditionType::Ready, Truth::False, Reason::ClientNotReady)
    };
    set_condition(
        &mut status.conditions,
        standing,
        &failing.join("; "),
        config.metadata.generation,
        now,
    );
    status
}

/// Looks whether a client can be used at all, cheaply and without changing anything.
fn probe(client: &ClientConfig) -> Option<ClientStatus> {
    let local = client.local.as_ref()?;
    let message = match std::fs::read_dir(Path::new(&local.root)) {
        Ok(_) => String::new(),
        Err(error) => format!("`{}` cannot be read: {error}", local.root),
    };
    Some(ClientStatus {
        name: client.name.clone(),
        kind: ClientKind::Local,
        ready: message.is_empty(),
        message: message.chars().take(1_024).collect(),
    })
}

fn standing_of_definition(
    definition: &OperatorDefinition,
    now: Timestamp,
) -> OperatorDefinitionStatus {
    let mut status = definition.status.clone().unwrap_or_default();
    status.observed_generation = definition.metadata.generation;
    status.digest = validate::digest(definition);
    set_condition(
        &mut status.conditions,
        (ConditionType::Ready, Truth::True, Reason::Checked),
        "",
        definition.metadata.generation,
        now,
    );
    status
}
