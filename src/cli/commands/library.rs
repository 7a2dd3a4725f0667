//! `mason library`: applies the operators that are part of the program as definitions of a namespace, where
//! people see and read them as any other. The chart calls it.

use std::time::Duration;

use anyhow::Context as _;

use crate::api::labels::{MANAGED_BY, MANAGER};
use crate::api::v1alpha1::OperatorDefinition;
use crate::cli::cluster::code_of;
use crate::cli::failure::Exit;
use crate::cli::print::Printer;
use crate::store::kubernetes::{ClusterChoice, KubernetesStore, connect_to};
use crate::store::{Resource, Store as _, library};

/// The field manager of the definitions.
const FIELD_MANAGER: &str = "mason-library";
/// How long is waited between two tries while the API server does not know the kind yet.
const BETWEEN: Duration = Duration::from_secs(1);
/// How often that is tried.
const TRIES: u32 = 60;

/// Applies every definition to a namespace; changes that a person made there are undone.
///
/// # Errors
/// When the cluster cannot be reached, or refuses, or does not get to know the kind within a minute.
pub(crate) async fn library(
    namespace: &str,
    choice: &ClusterChoice,
    printer: &Printer,
) -> anyhow::Result<Exit> {
    let connection = connect_to(choice).await?;
    let store = KubernetesStore::new(connection.client, FIELD_MANAGER);
    let definitions = library::definitions();
    for definition in definitions {
        apply(&store, &placed(definition, namespace)).await?;
    }
    printer.out(&format!("{} definitions are in namespace {namespace}", definitions.len()))?;
    Ok(Exit::Success)
}

fn placed(definition: &OperatorDefinition, namespace: &str) -> Resource {
    let mut definition = definition.clone();
    definition.metadata.namespace = Some(namespace.to_owned());
    let labels = definition.metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    Resource::OperatorDefinition(Box::new(definition))
}

/// Applies one definition, as soon as the API server knows what that is.
async fn apply(store: &KubernetesStore, definition: &Resource) -> anyhow::Result<()> {
    for _ in 1..TRIES {
        match store.apply(definition).await {
            Err(error) if code_of(&error) == Some(404) => tokio::time::sleep(BETWEEN).await,
            applied => return applied.map(drop).context("failed to apply the library"),
        }
    }
    store.apply(definition).await.map(drop).context("the CRDs are not there")
}
