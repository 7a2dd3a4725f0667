//! `mason run`: checks a run, stores it, drives it to its end, and prints its result.

use std::sync::Arc;

use super::run_workflow;
use crate::api::names::OperatorName;
use crate::api::resource::{Kind, Resource};
use crate::api::v1alpha1::{
    Backoff, ConfigRef, FreeForm, OperatorRun, OperatorRunSpec, Retry, WorkflowRun,
};
use crate::cli::args::{Output, RunArgs, WaitingArgs, read_parameters};
use crate::cli::documents;
use crate::cli::documents::{check_run, resources};
use crate::cli::failure::{Exit, Failure, Finding};
use crate::cli::print::{ProgressView, run_report};
use crate::cli::runs::{Followed, follow, leave_name_free, say_created, store_run};
use crate::cli::verb_context::VerbContext;
use crate::cli::words::first_of;
use crate::validate::Origin;

/// What is said when what was asked for is wrong.
const UPSHOT: &str = "nothing was run";

/// Checks a run, stores it, drives it to its end, and prints its result.
///
/// # Errors
/// Every problem, and then nothing is stored; or when the run cannot be driven. A run that fails is no
/// error here: its own messages are printed.
pub(crate) async fn run(context: &VerbContext, args: &RunArgs) -> anyhow::Result<Exit> {
    refuse_to_detach(context, args.waiting)?;
    if let [word, workflow @ ..] = args.operator.as_slice()
        && word == "workflow"
        && !workflow.is_empty()
    {
        return run_workflow::run(context, args, &workflow.join("/")).await;
    }
    let (wanted, origin) = match &args.file {
        Some(_) => match run_of_file(context, args)? {
            Asked::Workflow(run, origin) => {
                return run_workflow::run_document(context, args, *run, &origin).await;
            }
            Asked::Operator(run, origin) => (*run, Some(*origin)),
        },
        None => (run_of_arguments(context, args).await?, None),
    };
    check(context, &wanted, origin.as_ref()).await?;
    let stored = store(context, wanted).await?;
    finish(context, (args.output, args.waiting), &stored).await
}

/// Refuses to leave a run that no process would drive.
pub(super) fn refuse_to_detach(context: &VerbContext, waiting: WaitingArgs) -> anyhow::Result<()> {
    if waiting.detach && context.cluster.is_none() {
        let hint = "`mason apply -f` stores a run that `mason resume` drives later; on a cluster \
                    (--context) its controller drives it";
        return Err(
            Failure::usage("--detach leaves a run that no process would drive", hint).into()
        );
    }
    Ok(())
}

/// Checks a run with its definition and config, before it is stored.
///
/// # Errors
/// Every problem; or what it is checked with cannot be read.
pub(super) async fn check(
    context: &VerbContext,
    wanted: &OperatorRun,
    origin: Option<&Origin>,
) -> anyhow::Result<()> {
    let Some(resources) = resources(context, wanted).await? else { return Ok(()) };
    check_run(wanted, &resources).map_err(|problems| {
        let problems = match origin {
            Some(origin) => origin.place(problems),
            None => problems,
        };
        documents::invalid(UPSHOT, documents::findings_of(problems, ""))
    })?;
    Ok(())
}

/// Follows a stored run to its end and prints its result; or says only its name when it is left to a
/// controller.
///
/// # Errors
/// When the run cannot be driven or watched.
pub(super) async fn finish(
    context: &VerbContext,
    (output, waiting): (Output, WaitingArgs),
    stored: &OperatorRun,
) -> anyhow::Result<Exit> {
    let key = Resource::OperatorRun(Box::new(stored.clone())).key();
    if waiting.detach {
        say_created(context, output, &Resource::OperatorRun(Box::new(stored.clone())))?;
        return Ok(Exit::Success);
    }
    let view = Arc::new(ProgressView::new(context.printer.clone(), waiting.quiet));
    match follow(context, &key, view).await? {
        Followed::Run(run) => run_report::print(context, (output, waiting.quiet), &run),
        Followed::Left => Ok(Exit::Failed),
    }
}

/// What a file asks for, and where its fields stand.
enum Asked {
    Operator(Box<OperatorRun>, Box<Origin>),
    Workflow(Box<WorkflowRun>, Box<Origin>),
}

/// Returns the one run of a file.
fn run_of_file(context: &VerbContext, args: &RunArgs) -> anyhow::Result<Asked> {
    let file = args.file.clone().unwrap_or_default();
    let source = file.display().to_string();
    let documents = documents::read(context, &[file], UPSHOT)?;
    let refuse = |message: String, hint: &str| {
        let finding = Finding { place: source.clone(), message, hint: Some(hint.to_owned()) };
        Err(documents::invalid(UPSHOT, vec![finding]).into())
    };
    let [document] = documents.as_slice() else {
        let message = format!("it holds {} resources, and `run` takes one run", documents.len());
        return refuse(message, "`mason apply -f` stores them all, `mason resume` drives the runs");
    };
    let origin = Box::new(document.origin.clone());
    let mut run = match &document.resource {
        Resource::OperatorRun(run) => (**run).clone(),
        Resource::WorkflowRun(run) => return Ok(Asked::Workflow(run.clone(), origin)),
        other => {
            let message = format!("it holds a {}, not a run", other.kind());
            return refuse(message, "`mason apply -f` stores it");
        }
    };
    run.status = None;
    if args.dry_run && !run.spec.dry_run {
        run.spec.dry_run = true;
        leave_name_free(&mut run.metadata);
    }
    if args.name.is_some() {
        run.metadata.name.clone_from(&args.name);
    }
    Ok(Asked::Operator(Box::new(run), origin))
}

async fn run_of_arguments(context: &VerbContext, args: &RunArgs) -> anyhow::Result<OperatorRun> {
    let operator = operator_of(&args.operator)?;
    let parameters = read_parameters(&args.parameters);
    let config = match &args.config {
        Some(config) => config.clone(),
        None => return Err(config_missing(context).await.into()),
    };
    let parameters = parameters.map_err(|findings| documents::invalid(UPSHOT, findings))?;
    let spec = OperatorRunSpec {
        operator: operator.as_str().to_owned(),
        operator_digest: None,
        config_ref: ConfigRef { name: config, namespace: None },
        parameters: FreeForm(parameters),
        dry_run: args.dry_run,
        timeout: args.timeout.clone(),
        retry: args.retry.map(|limit| Retry { limit, backoff: Backoff::default() }),
        ttl: None,
        suspend: false,
        cancel: false,
        resolution: None,
    };
    let mut run = OperatorRun::new(args.name.as_deref().unwrap_or_default(), spec);
    if args.name.is_none() {
        run.metadata.name = None;
    }
    run.metadata.namespace = Some(context.settings.namespace().to_owned());
    Ok(run)
}

/// Returns the operator of `table/query`, `table query`, or either after the word `operator`.
fn operator_of(words: &[String]) -> Result<OperatorName, Failure> {
    let words = match words {
        [first, rest @ ..] if first == "operator" && !rest.is_empty() => rest,
        all => all,
    };
    words.join("/").parse().map_err(|error| {
        let hint = "write `mason run table/query`; `mason get operators` lists what there is";
        Failure::usage(format!("{error}"), hint)
    })
}

async fn config_missing(context: &VerbContext) -> Failure {
    let names = context.names(Kind::MasonConfig).await;
    let hint = match names.as_slice() {
        [] => "`mason init` makes a first config".to_owned(),
        names => format!("add --config with one of: {}", first_of(names)),
    };
    Failure::usage("no config is named", hint)
}

async fn store(context: &VerbContext, run: OperatorRun) -> anyhow::Result<OperatorRun> {
    let word = run.spec.operator.clone();
    match store_run(context, Resource::OperatorRun(Box::new(run)), &word).await? {
        Resource::OperatorRun(run) => Ok(*run),
        other => anyhow::bail!("{} is not a run", other.key()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_one_word_or_two() {
        let name = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            operator_of(&words).map(|name| name.as_str().to_owned()).ok()
        };
        assert_eq!(name(&["table/query"]).as_deref(), Some("table/query"));
        assert_eq!(name(&["table", "query"]).as_deref(), Some("table/query"));
        assert_eq!(name(&["operator", "table", "query"]).as_deref(), Some("table/query"));
        assert_eq!(name(&["operator", "table/query"]).as_deref(), Some("table/query"));
        assert_eq!(name(&["operator"]).as_deref(), Some("operator"));
        assert_eq!(name(&["table", "query", "now"]), None);
        assert_eq!(name(&["Table"]), None);
    }
}
