//! A folder of resources on this machine: writable, readable, with configs whose clients answer.

use std::path::Path;

use super::checks::{Check, configs_of};
use super::cluster::failure;
use crate::api::resource::Resource;
use crate::api::v1alpha1::{ClientConfig, MasonConfig};
use crate::cli::commands::is_left;
use crate::cli::failure::{hints_of, messages_of};
use crate::cli::runs::probe;
use crate::cli::settings::Place;
use crate::cli::verb_context::VerbContext;
use crate::cli::words::first_of;
use crate::engines::EngineError;
use crate::store::Kind;

pub(super) async fn checks(context: &VerbContext) -> Vec<Check> {
    let Place::Folder(folder) = &context.settings.place else { return Vec::new() };
    let mut checks = vec![writable(folder)];
    let mut configs = Vec::new();
    for kind in Kind::ALL {
        let (resources, check) = readable(context, kind).await;
        checks.push(check);
        match kind {
            Kind::MasonConfig => configs = configs_of(resources),
            Kind::OperatorDefinition | Kind::Workflow => {}
            Kind::OperatorRun | Kind::WorkflowRun => checks.extend(undriven(&resources)),
        }
    }
    if configs.is_empty() {
        let hint = "`mason init` makes one for the files below this folder";
        checks.push(Check::warning("configs", "there is none", hint));
    }
    for config in &configs {
        checks.extend(clients_of(context, config).await);
    }
    checks
}

fn writable(folder: &Path) -> Check {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    let tried = existing.map_or_else(
        || Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        |existing| tempfile::Builder::new().prefix(".mason-doctor-").tempfile_in(existing),
    );
    let place = folder.display();
    match tried {
        Ok(_) if folder.exists() => Check::ok("store", format!("{place} is writable")),
        Ok(_) => Check::ok("store", format!("{place} is made with the first resource")),
        Err(error) => Check::failed(
            "store",
            format!("{place} is not writable: {error}"),
            "make the folder writable, or name another with --store",
        ),
    }
}

async fn readable(context: &VerbContext, kind: Kind) -> (Vec<Resource>, Check) {
    let listed = match context.store.list(kind, None).await {
        Ok(listed) => listed,
        Err(error) => return (Vec::new(), failure(kind.plural(), error)),
    };
    let (mut resources, mut unreadable) = (Vec::new(), Vec::new());
    for entry in listed {
        match entry {
            Ok(resource) => resources.push(resource),
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let check = if unreadable.is_empty() {
        Check::ok(kind.plural(), format!("{} readable", resources.len()))
    } else {
        let hint = "put the files right, or remove them; the others are not affected";
        Check::failed(kind.plural(), unreadable.join("; "), hint)
    };
    (resources, check)
}

/// Returns a warning when runs wait for a process that drives them.
fn undriven(resources: &[Resource]) -> Option<Check> {
    let unfinished = resources.iter().filter(|resource| is_left(resource));
    let names: Vec<String> = unfinished.map(|resource| resource.key().name).collect();
    let message = format!("not ended: {}", first_of(&names));
    let hint = "`mason resume` drives those on whose process has died";
    (!names.is_empty()).then(|| Check::warning("unfinished runs", message, hint))
}

async fn clients_of(context: &VerbContext, config: &MasonConfig) -> Vec<Check> {
    let name = config.metadata.name.as_deref().unwrap_or_default();
    let probed = probe(context, config).await.into_iter();
    let checks = probed.map(|(client, found)| {
        client_of(&format!("config {name}, client {}", client.name), &client, found)
    });
    checks.collect()
}

fn client_of(name: &str, client: &ClientConfig, found: Result<(), EngineError>) -> Check {
    match found {
        Ok(()) => match client.folder().map(Path::new) {
            Some(root) => root_of(name, root),
            None => Check::ok(name, "answers"),
        },
        Err(error) => {
            let error = anyhow::Error::from(error);
            let hint = hints_of(&error).join("; ");
            Check::failed(name, messages_of(&error).join(": "), hint)
        }
    }
}

/// Looks whether a root can be written to: jobs keep their records below it.
fn root_of(name: &str, root: &Path) -> Check {
    let place = root.display();
    match tempfile::Builder::new().prefix(".mason-doctor-").tempfile_in(root) {
        Ok(_) => Check::ok(name, format!("{place} can be read and written")),
        Err(error) => Check::warning(
            name,
            format!("{place} can be read, but not written: {error}"),
            "only runs without a job work there, such as `table/list`: a query keeps its job below `.mason` there too",
        ),
    }
}
