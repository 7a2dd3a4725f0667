//! `mason init`: makes a first config for the files below a folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::api::v1alpha1::{ClientConfig, MasonConfig};
use crate::cli::args::InitArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::readiness;
use crate::cli::verb_context::VerbContext;
use crate::cli::words::shell_word;
use crate::store::{Kind, Resource, StoreError};

/// Makes a config with the client `here` for the files below a folder, and says what to type next. A
/// config that exists is never changed.
///
/// # Errors
/// When the folder does not exist, or a config of this name has another root.
pub(crate) async fn init(context: &VerbContext, args: &InitArgs) -> anyhow::Result<Exit> {
    if context.cluster.is_some() {
        let hint = "write a config for the cluster and apply it; docs/kubernetes.md shows one";
        let message = "`mason init` makes a config for folders of this machine, not of a cluster";
        return Err(Failure::usage(message, hint).into());
    }
    let root = root_of(args)?;
    let config = config_of(context, &args.name, &root)?;
    match context.store.create(&Resource::MasonConfig(Box::new(config))).await {
        Ok(created) => {
            readiness::record(context, created).await?;
            say_created(context, args, &root)?;
        }
        Err(StoreError::Conflict { .. }) => refuse_another_root(context, args, &root).await?,
        Err(error) => return Err(error.into()),
    }
    context.printer.out(&next_steps(context, args, &databases_below(&root)))?;
    Ok(Exit::Success)
}

fn root_of(args: &InitArgs) -> anyhow::Result<PathBuf> {
    let named = args.root.clone().unwrap_or_else(|| PathBuf::from("."));
    if named.to_str().is_some_and(|text| text.contains("://")) {
        let message =
            format!("`{}` is an address, and `mason init` is for folders", named.display());
        let hint = "docs/s3.md has a config for a bucket: `mason apply -f FILE` takes it";
        return Err(Failure::usage(message, hint).into());
    }
    let usable = named.canonicalize().ok().filter(|root| root.is_dir());
    let root = usable.ok_or_else(|| {
        let message = format!("`{}` is not a folder", named.display());
        Failure::usage(
            message,
            "make it first, or name the folder that holds your data with --root",
        )
    })?;
    if root.to_str().is_none() {
        let message = format!("the path of `{}` is not UTF-8", root.display());
        return Err(Failure::usage(message, "a config can only name a folder whose path is").into());
    }
    Ok(root)
}

fn config_of(context: &VerbContext, name: &str, root: &Path) -> anyhow::Result<MasonConfig> {
    let document = json!({
        "apiVersion": crate::api::API_VERSION,
        "kind": "MasonConfig",
        "metadata": {"name": name, "namespace": context.settings.namespace()},
        "spec": {
            "engines": {"metastore": ["here"], "storage": ["here"], "execution": ["here"]},
            "clients": [{"name": "here", "local": {"root": root.to_string_lossy()}}],
        },
    });
    serde_json::from_value(document).context("failed to make a config")
}

fn say_created(context: &VerbContext, args: &InitArgs, root: &Path) -> anyhow::Result<()> {
    let text = format!(
        "created config `{}` for the files below {}\nkept in {}",
        args.name,
        root.display(),
        context.place()
    );
    Ok(context.printer.out(&text)?)
}

/// Says that the config exists with the same root; refuses when it has another.
async fn refuse_another_root(
    context: &VerbContext,
    args: &InitArgs,
    root: &Path,
) -> anyhow::Result<()> {
    let resource = context.existing(Kind::MasonConfig, &args.name).await?;
    let Resource::MasonConfig(config) = resource else { return Ok(()) };
    let mut folders = config.spec.clients.iter().filter_map(ClientConfig::folder);
    if folders.any(|folder| Path::new(folder) == root) {
        let text = format!(
            "config `{}` for the files below {} exists already, nothing was changed",
            args.name,
            root.display()
        );
        return Ok(context.printer.out(&text)?);
    }
    let message = format!("config `{}` exists already, with another root", args.name);
    let hint =
        format!("choose another name with --name, or see `mason describe config {}`", args.name);
    Err(Failure::usage(message, hint).into())
}

/// Returns the names of the folders below a root that a person would call databases, sorted.
fn databases_below(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with(['.', '_'])).collect();
    names.sort();
    names
}

fn next_steps(context: &VerbContext, args: &InitArgs, databases: &[String]) -> String {
    let (mason, options) = (context.printer.mason(), format!("--config {}", args.name));
    let database = match databases.first() {
        Some(name) => {
            let parameter = shell_word(&format!("database_name={name}"));
            format!("{mason} run table/list {options} -p {parameter}")
        }
        None => format!("{mason} run database/create {options} -p database_name=sales"),
    };
    format!(
        "\nnext:\n  {mason} run database/list {options}\n  {database}\n  {mason} get operators\n  \
         {mason} explain operator table/query"
    )
}
