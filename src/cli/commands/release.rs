//! `mason release`: takes Mason's hold off the runs of a cluster once its last controller is gone, so that
//! nothing waits for one. The chart calls it when it is uninstalled.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Client, ResourceExt as _};
use serde_json::json;

use crate::api::labels::FINALIZER;
use crate::cli::failure::Exit;
use crate::cli::print::Printer;
use crate::engines::counted::counted;
use crate::store::Kind;
use crate::store::kubernetes::{ClusterChoice, KubernetesStore, connect_to};

/// The field manager of the release.
const FIELD_MANAGER: &str = "mason-release";
/// How many runs one page of a list holds.
const PAGE: u32 = 500;
/// A controller that is still ending may take hold of a run once more: how long that is waited for.
const BETWEEN: Duration = Duration::from_secs(2);
/// How many looks in a row that find nothing are enough.
const LOOKS: u32 = 2;
/// How many looks there are at most.
const MOST_LOOKS: u32 = 30;

/// Takes Mason's finalizer off every run of the namespaces, or of all when none is named, and deletes the
/// Lease `NAMESPACE/NAME` when one is given.
///
/// # Errors
/// When the cluster cannot be reached, or refuses.
pub(crate) async fn release(
    namespaces: &[String],
    lease: Option<&str>,
    choice: &ClusterChoice,
    printer: &Printer,
) -> anyhow::Result<Exit> {
    let connection = connect_to(choice).await?;
    if let Some(lease) = lease {
        delete_lease(&connection.client, lease).await?;
    }
    let store = KubernetesStore::new(connection.client, FIELD_MANAGER);
    let scopes: Vec<Api<DynamicObject>> = if namespaces.is_empty() {
        vec![store.objects(Kind::OperatorRun, None)]
    } else {
        let of = |name: &String| store.objects(Kind::OperatorRun, Some(name));
        namespaces.iter().map(of).collect()
    };
    let (mut released, mut quiet) = (0, 0);
    for _ in 0..MOST_LOOKS {
        let mut found = 0;
        for runs in &scopes {
            found += release_all(&store, runs).await?;
        }
        released += found;
        quiet = if found == 0 { quiet + 1 } else { 0 };
        if quiet == LOOKS {
            printer.out(&format!("released {}", counted(released, "run")))?;
            return Ok(Exit::Success);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    anyhow::bail!("runs are held again and again: a controller is still there")
}

/// Deletes a Lease. The controller that held it is gone and could not give it back: its rights went first.
async fn delete_lease(client: &Client, lease: &str) -> anyhow::Result<()> {
    let (namespace, name) =
        lease.split_once('/').with_context(|| format!("`{lease}` is no NAMESPACE/NAME"))?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    match leases.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to delete the Lease `{lease}`")),
    }
}

/// Takes the finalizer off the runs of a scope and returns how many had it.
async fn release_all(store: &KubernetesStore, runs: &Api<DynamicObject>) -> anyhow::Result<usize> {
    let mut released = 0;
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let listed = match runs.list_metadata(&page).await {
            // Without the kind there are no runs either.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(released),
            listed => listed.context("failed to list the runs")?,
        };
        for run in &listed.items {
            let Some(index) = run.finalizers().iter().position(|found| found == FINALIZER) else {
                continue;
            };
            let of_run = store.objects(Kind::OperatorRun, run.namespace().as_deref());
            take_off(&of_run, &run.name_any(), index).await?;
            released += 1;
        }
        match listed.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(released),
        }
    }
}

/// Takes the finalizer off one run; one that changed meanwhile is met again at the next look.
async fn take_off(runs: &Api<DynamicObject>, name: &str, index: usize) -> anyhow::Result<()> {
    let place = format!("/metadata/finalizers/{index}");
    let steps = json!([
        {"op": "test", "path": place, "value": FINALIZER}, {"op": "remove", "path": place},
    ]);
    let patch = Patch::Json::<()>(serde_json::from_value(steps)?);
    match runs.patch_metadata(name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to release the run `{name}`")),
    }
}
