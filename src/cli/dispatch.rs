//! Takes a command to its verb, with no more settings, connections and threads than it needs.

use std::future::Future;

use anyhow::Context as _;

use super::args::{Called, Cli, Command};
use super::commands;
use super::failure::Exit;
use super::print::Printer;
use super::settings::{self, Settings, Style};
use super::verb_context::VerbContext;
use crate::api::resource::DEFAULT_NAMESPACE;
use crate::config::Environment;
use crate::telemetry;

pub(super) fn dispatch(
    cli: Cli,
    (environment, called): (&Environment, Called),
    printer: &Printer,
) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Crds => commands::crds(printer),
        Command::Worker { job, credentials, .. } => {
            Ok(commands::supervise(&job.unwrap_or_default(), credentials.as_deref()))
        }
        Command::Completions { shell } => commands::completions(shell, printer),
        Command::Generate { root } => commands::generate(&root, printer),
        Command::Controller(args) => {
            let logging = settings::logging(cli.global.verbose, environment.log.as_deref());
            let style = Style::resolve(cli.global.color, environment.no_color);
            let telemetry = args.operation.telemetry(&logging, style.colour_error);
            let _reporting = telemetry::start_reporting(&telemetry)?;
            on_threads(commands::controller(*args, settings::cluster_of(&cli.global, environment)))
        }
        Command::Library => on_this_thread(async {
            let cluster = settings::cluster_of(&cli.global, environment);
            let namespace = cli.global.namespace.or_else(|| environment.namespace.clone());
            let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
            commands::library(&namespace, &cluster, printer).await
        }),
        Command::Release { watch_namespace, lease } => on_this_thread(async {
            let cluster = settings::cluster_of(&cli.global, environment);
            commands::release(&watch_namespace, lease.as_deref(), &cluster, printer).await
        }),
        command => {
            let settings = Settings::resolve(&cli.global, environment, called)?;
            telemetry::start(&settings.logging, settings.style.colour_error)?;
            with_store(command, settings)
        }
    }
}

/// Runs a verb that needs the store. Verbs that only look or ask need no more than this thread.
fn with_store(command: Command, settings: Settings) -> anyhow::Result<Exit> {
    let drives = matches!(
        command,
        Command::Run(_)
            | Command::Resume(_)
            | Command::Retry(_)
            | Command::Backfill(_)
            | Command::Scheduler(_)
    );
    let work = async {
        let context = VerbContext::open(settings).await?;
        verb(command, &context).await
    };
    if drives { on_threads(work) } else { on_this_thread(work) }
}

async fn verb(command: Command, context: &VerbContext) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => commands::init(context, &args).await,
        Command::Apply(args) => commands::apply(context, &args).await,
        Command::Get(args) => commands::get(context, &args).await,
        Command::Describe(args) => commands::describe(context, &args).await,
        Command::Delete(args) => commands::delete(context, &args).await,
        Command::Validate(args) => commands::validate(context, &args).await,
        Command::Explain(args) => commands::explain(context, &args).await,
        Command::Cancel(args) => commands::cancel(context, &args).await,
        Command::Run(args) => commands::run(context, &args).await,
        Command::Resume(args) => commands::resume(context, &args).await,
        Command::Retry(args) => commands::retry(context, &args).await,
        Command::Graph(args) => commands::graph(context, &args).await,
        Command::Approve(args) => commands::approve(context, &args).await,
        Command::Backfill(args) => commands::backfill(context, &args).await,
        Command::Scheduler(args) => commands::scheduler(context, &args).await,
        Command::Suspend(args) => commands::suspend(context, &args).await,
        Command::Logs(args) => commands::logs(context, &args).await,
        Command::Doctor(args) => commands::doctor(context, &args).await,
        // Handled by `dispatch`.
        Command::Worker { .. }
        | Command::Exec(_)
        | Command::Crds
        | Command::Controller(_)
        | Command::Library
        | Command::Release { .. }
        | Command::Completions { .. }
        | Command::Generate { .. } => Ok(Exit::Success),
    }
}

fn on_this_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("failed to start")?.block_on(work)
}

/// Runs a verb that drives work. Whatever still runs on other threads when it ends is left behind:
/// a person who interrupts twice does not wait for it.
fn on_threads<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("failed to start")?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}
