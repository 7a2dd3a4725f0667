//! `mason delete`: removes resources from the store. Files and tables stay.

use crate::cli::args::DeleteArgs;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::{documents, kinds};
use crate::store::{Key, Kind, Resource};

/// Removes the resources that are named, or that files hold.
///
/// # Errors
/// When one does not exist, or is a run that has not ended.
pub(crate) async fn delete(context: &Context, args: &DeleteArgs) -> anyhow::Result<Exit> {
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

fn keys_of(context: &Context, args: &DeleteArgs) -> anyhow::Result<Vec<Key>> {
    let Some(word) = &args.kind else {
        let resources = documents::read(context, &args.files, "nothing was deleted")?;
        return Ok(resources.iter().map(|read| read.resource.key()).collect());
    };
    let (of_all, first) = match word.split_once('/') {
        Some(_) => (None, Some(word)),
        None => (Some(kinds::resolve_one(word)?), None),
    };
    let named = first.into_iter().chain(&args.names);
    let keys = named.map(|name| key_of(context, of_all, name)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        let message = format!("no {word} is named");
        return Err(Failure::usage(message, "write `mason delete KIND NAME`").into());
    }
    Ok(keys)
}

/// Returns what a word names: `KIND/NAME`, as `-o name` prints it, or a name of the kind that stands before all.
fn key_of(context: &Context, of_all: Option<Kind>, word: &str) -> anyhow::Result<Key> {
    match (word.split_once('/'), of_all) {
        (Some((kind, name)), None) => Ok(context.key(kinds::resolve_one(kind)?, name)),
        (Some((kind, name)), Some(of_all)) if kinds::resolve_one(kind)? == of_all => {
            Ok(context.key(of_all, name))
        }
        (None, Some(kind)) => Ok(context.key(kind, word)),
        (Some(_), Some(of_all)) => {
            let message = format!("`{word}` is no {of_all}");
            Err(Failure::usage(message, "leave the kind before it out").into())
        }
        (None, None) => {
            let message = format!("`{word}` has no kind");
            Err(Failure::usage(message, "write KIND/NAME for each, or `mason delete KIND NAME…`")
                .into())
        }
    }
}

/// Refuses to delete a run whose work may still go on.
async fn refuse_unfinished(context: &Context, key: &Key) -> anyhow::Result<()> {
    let Ok(Some(Resource::OperatorRun(run))) = context.store.get(key).await else { return Ok(()) };
    let has_begun = run.status.as_ref().filter(|status| !status.attempts.is_empty());
    let Some(status) = has_begun.filter(|status| !status.phase.is_terminal()) else {
        return Ok(());
    };
    let message = format!("run `{}` has not ended ({})", key.name, status.phase.as_str());
    let hint = format!(
        "`mason cancel {}` stops it; --force deletes the record while its work may go on",
        key.name
    );
    Err(Failure::usage(message, hint).into())
}
