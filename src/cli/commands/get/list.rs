//! Lists resources, or shows those named.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::watch::watch;
use crate::cli::args::{GetArgs, Output};
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Columns, tables, visible_on_one_line};
use crate::cli::readiness;
use crate::cli::verb_context::VerbContext;
use crate::cli::words::kinds;
use crate::store::{Kind, Resource, library};
use crate::validate::did_you_mean;

/// A resource as it is named: its kind, and its name.
type Named = (Kind, String);

/// Lists resources, or shows those named.
///
/// # Errors
/// When the kind or a name does not exist, or the store cannot be read.
pub(crate) async fn get(context: &VerbContext, args: &GetArgs) -> anyhow::Result<Exit> {
    let (kinds, named) = asked_for(args)?;
    if args.watch {
        let watched = named.into_iter().map(|(_, name)| name).collect();
        return watch(context, args, &kinds, watched).await;
    }
    let (resources, unreadable) = if named.is_empty() {
        listed(context, args, &kinds).await?
    } else {
        (found(context, &named).await?, 0)
    };
    let is_one = named.len() == 1;
    print(context, args, &resources, kinds.len() > 1, is_one)?;
    if resources.is_empty() && unreadable == 0 {
        say_nothing_found(context, args, &kinds);
    }
    Ok(if unreadable == 0 { Exit::Success } else { Exit::Failed })
}

/// Returns the kinds that are asked for, each once, and what is named of them; all of the kinds is asked for when
/// nothing is named.
fn asked_for(args: &GetArgs) -> anyhow::Result<(Vec<Kind>, Vec<Named>)> {
    let named = kinds::split(&args.kind, &args.names)?;
    if named.is_empty() {
        return Ok((kinds::resolve(&args.kind)?, named));
    }
    let is_named = |kind: &Kind| named.iter().any(|(of, _)| of == kind);
    Ok((Kind::ALL.into_iter().filter(is_named).collect(), named))
}

async fn found(context: &VerbContext, named: &[Named]) -> anyhow::Result<Vec<Resource>> {
    let mut found = Vec::with_capacity(named.len());
    for (kind, name) in named {
        found.push(one(context, *kind, name).await?);
    }
    Ok(found)
}

/// Returns a resource by name; a definition also by its operator, or from the library.
pub(crate) async fn one(context: &VerbContext, kind: Kind, name: &str) -> anyhow::Result<Resource> {
    if kind == Kind::OperatorDefinition {
        let stored = context.store.list(kind, Some(context.settings.namespace())).await?;
        let all: Vec<Resource> =
            stored.into_iter().filter_map(Result::ok).chain(built_in(context)).collect();
        let is_meant = |resource: &Resource| match resource {
            Resource::OperatorDefinition(definition) => {
                definition.spec.operator == name || resource.key().name == name
            }
            _ => false,
        };
        if let Some(found) = all.iter().find(|resource| is_meant(resource)) {
            return Ok(found.clone());
        }
        let operators = all.iter().filter_map(|resource| match resource {
            Resource::OperatorDefinition(definition) => Some(definition.spec.operator.as_str()),
            _ => None,
        });
        return Err(no_operator(name, &operators.collect::<Vec<_>>()).into());
    }
    context.existing(kind, name).await
}

/// Says that there is no such operator, and what there is: those of the namespace that was named, or the nearest one.
fn no_operator(name: &str, operators: &[&str]) -> Failure {
    let of_namespace = format!("{}/", name.trim_end_matches('/'));
    let mut those: Vec<&str> =
        operators.iter().copied().filter(|one| one.starts_with(&of_namespace)).collect();
    those.sort_unstable();
    those.dedup();
    let hint = match those.as_slice() {
        [] => did_you_mean(name, operators.iter().copied())
            .unwrap_or_else(|| "`mason get operators` lists them".to_owned()),
        some => format!("`{name}` has {}", some.join(", ")),
    };
    Failure::impossible(format!("there is no operator `{}`", visible_on_one_line(name)), hint)
}

/// Lists kinds; a resource that cannot be read is warned of, and counted.
async fn listed(
    context: &VerbContext,
    args: &GetArgs,
    kinds: &[Kind],
) -> anyhow::Result<(Vec<Resource>, usize)> {
    let namespace = (!args.all_namespaces).then(|| context.settings.namespace());
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for &kind in kinds {
        let entries = context.store.list(kind, namespace).await;
        let entries = entries.with_context(|| format!("failed to list {}", kind.plain_plural()))?;
        for entry in entries {
            match entry {
                Ok(resource) => found.push(resource),
                Err(error) => {
                    unreadable += 1;
                    context.printer.error(&error.into());
                }
            }
        }
    }
    if kinds == [Kind::OperatorDefinition] {
        found.extend(built_in(context));
    }
    Ok((found, unreadable))
}

fn built_in(context: &VerbContext) -> impl Iterator<Item = Resource> {
    let now = context.now;
    library::definitions().iter().map(move |definition| readiness::built_in(definition, now))
}

fn print(
    context: &VerbContext,
    args: &GetArgs,
    resources: &[Resource],
    several_kinds: bool,
    is_one: bool,
) -> anyhow::Result<()> {
    match args.output {
        Output::Json | Output::Yaml if is_one => {
            for resource in resources {
                print_document(context, args.output, &resource.to_document())?;
            }
        }
        Output::Json | Output::Yaml => print_documents(context, args.output, resources)?,
        Output::Name => print_names(context, resources)?,
        Output::Table | Output::Wide => {
            let mut texts = Vec::new();
            for kind in Kind::ALL {
                let of_kind: Vec<&Resource> =
                    resources.iter().filter(|resource| resource.key().kind == kind).collect();
                if !of_kind.is_empty() {
                    texts.push(table(context, args, &of_kind, several_kinds));
                }
            }
            if !texts.is_empty() {
                context.printer.out(&texts.join("\n\n"))?;
            }
        }
    }
    Ok(())
}

/// Prints resources as one list, as JSON or YAML.
pub(crate) fn print_documents(
    context: &VerbContext,
    output: Output,
    resources: &[Resource],
) -> anyhow::Result<()> {
    let items: Vec<Value> = resources.iter().map(Resource::to_document).collect();
    print_document(context, output, &json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// Prints a document as YAML when that is asked for, else as JSON.
pub(crate) fn print_document(
    context: &VerbContext,
    output: Output,
    document: &Value,
) -> anyhow::Result<()> {
    match output {
        Output::Yaml => context.printer.yaml(std::slice::from_ref(document))?,
        _ => context.printer.json(document)?,
    }
    Ok(())
}

/// Returns the headings of a table of a kind.
pub(super) fn headings(args: &GetArgs, columns: &Columns) -> Vec<String> {
    let mut headings = vec!["NAME".to_owned()];
    if args.all_namespaces {
        headings.insert(0, "NAMESPACE".to_owned());
    }
    headings.extend(columns.headings());
    headings
}

fn print_names(context: &VerbContext, resources: &[Resource]) -> anyhow::Result<()> {
    let name = |resource: &Resource| {
        let key = resource.key();
        kinds::qualified(key.kind, &key.name)
    };
    let names: Vec<String> = resources.iter().map(name).collect();
    if !names.is_empty() {
        context.printer.out(&names.join("\n"))?;
    }
    Ok(())
}

/// Returns resources of one kind as a table with the CRD's columns.
fn table(
    context: &VerbContext,
    args: &GetArgs,
    resources: &[&Resource],
    several_kinds: bool,
) -> String {
    let kind = resources.first().map_or(Kind::OperatorRun, |resource| resource.key().kind);
    let columns = Columns::of(kind, args.output == Output::Wide);
    let headings = headings(args, &columns);
    let mut rows = Vec::with_capacity(resources.len());
    for resource in resources {
        let key = resource.key();
        let name = if several_kinds { kinds::qualified(kind, &key.name) } else { key.name };
        let mut row = if args.all_namespaces { vec![key.namespace, name] } else { vec![name] };
        row.extend(columns.cells(&resource.to_document(), context.now));
        rows.push(row);
    }
    tables::plain(&headings, rows)
}

fn say_nothing_found(context: &VerbContext, args: &GetArgs, kinds: &[Kind]) {
    let what = match kinds {
        [kind] => kind.plain_plural().to_owned(),
        _ => "resources".to_owned(),
    };
    let place = if args.all_namespaces {
        "any namespace".to_owned()
    } else {
        format!("namespace `{}`", context.settings.namespace())
    };
    context.printer.note(&format!("no {what} in {place}"));
    let hint = match kinds {
        [Kind::OperatorRun] => "`mason run` makes one",
        [Kind::MasonConfig] if context.cluster.is_some() => "`mason apply -f` makes one",
        _ if context.cluster.is_some() => "`mason get operators` says what can be run",
        [Kind::MasonConfig] => "`mason init` makes one for the files below this folder",
        _ => "`mason init` makes a first config, `mason get operators` says what can be run",
    };
    context.printer.note(&context.printer.hint(hint));
}
