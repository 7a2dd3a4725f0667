//! `mason delete`: removes resources from the store. Files and tables stay.

use crate::cli::args::DeleteArgs;
use crate::cli::documents;
use crate::cli::failure::{Exit, Failure};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::store::{Key, Kind, Resource};

/// Removes the resources that are named, or that files hold.
///
/// # Errors
/// When one does not exist, or is a run that has not ended.
pub(crate) async fn delete(context: &VerbContext, args: &DeleteArgs) -> anyhow::Result<Exit> {
    let keys = keys_of(context, args)?;
    let mut missing = Vec::new();
    for key in &keys {
        if !args.force {
            refuse_unfinished(context, key).await?;
        }
    }
    for key in keys {
        let name = kinds::qualified(key.kind, &key.name);
        if context.store.delete(&key).await? {
            context.printer.out(&format!("{name} deleted"))?;
        } else if !args.ignore_not_found {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(Exit::Success);
    }
    let message = format!("does not exist: {}", missing.join(", "));
    Err(Failure::impossible(message, "`mason get` lists what exists").into())
}

fn keys_of(context: &VerbContext, args: &DeleteArgs) -> anyhow::Result<Vec<Key>> {
    let Some(word) = &args.kind else {
        let resources = documents::read(context, &args.files, "nothing was deleted")?;
        return Ok(resources.iter().map(|read| read.resource.key()).collect());
    };
    let named = kinds::split(word, &args.names)?;
    if named.is_empty() {
        let message = format!("no {} is named", kinds::resolve_one(word)?);
        return Err(Failure::usage(message, "write `mason delete KIND NAME`").into());
    }
    named.iter().map(|(kind, name)| key_of(context, *kind, name)).collect()
}

/// Returns the key of what is named. Another verb also finds a definition by its operator, but to delete it, its own
/// name is needed: several may be of one operator.
fn key_of(context: &VerbContext, kind: Kind, name: &str) -> anyhow::Result<Key> {
    if name.contains('/') {
        let message = format!("`{name}` is not the name of a resource");
        let hint = format!("`mason get {}` lists the names", kind.plain_plural());
        return Err(Failure::usage(message, hint).into());
    }
    Ok(context.key(kind, name))
}

/// Refuses to delete a run whose work may still go on.
async fn refuse_unfinished(context: &VerbContext, key: &Key) -> anyhow::Result<()> {
    let Ok(Some(found)) = context.store.get(key).await else { return Ok(()) };
    let has_begun = match &found {
        Resource::OperatorRun(run) => {
            run.status.as_ref().is_some_and(|status| !status.attempts.is_empty())
        }
        Resource::WorkflowRun(run) => {
            run.status.as_ref().is_some_and(|status| !status.steps.is_empty())
        }
        _ => false,
    };
    let Some(phase) = found.phase().filter(|phase| has_begun && !phase.is_terminal()) else {
        return Ok(());
    };
    let message = format!("run `{}` has not ended ({})", key.name, phase.as_str());
    let hint = format!(
        "`mason cancel {}` stops it; --force deletes the record while its work may go on",
        key.name
    );
    Err(Failure::usage(message, hint).into())
}
