//! The command line: arguments become settings once, a verb does its work through the same
//! `validate`, `plan` and engines as every other door, and the printer says what came of it.
//!
//! One file per verb under `commands`. May import everything below; nothing imports it.

mod args;
mod cluster;
mod commands;
mod doctor;
mod documents;
mod failure;
mod print;
mod readiness;
mod runs;
mod settings;
mod verb_context;
mod words;

use std::ffi::OsString;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use args::{Called, Cli, Command};
use failure::{Exit, exit_of};
use print::Printer;
use settings::{Settings, Style};
use verb_context::VerbContext;

use crate::api::resource::DEFAULT_NAMESPACE;
use crate::config::Environment;
use crate::telemetry;

/// Does what the arguments ask for and returns how the process ends: 0 when it is done, 1 when it
/// failed, 2 when what was asked for is wrong and nothing was done.
pub fn run(arguments: impl Iterator<Item = OsString>, environment: &Environment) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let called = Called::by(arguments.first());
    let cli = match called.parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return u8::try_from(error.exit_code()).map_or(ExitCode::from(2), ExitCode::from);
        }
    };
    match &cli.command {
        Command::Worker { job, supervise: false, .. } => {
            take_small_pages();
            // What it prints is the job's log. Without one the work is the same.
            drop(telemetry::start(
                &telemetry::Logging::Level(tracing_subscriber::filter::LevelFilter::INFO),
                false,
            ));
            return work(job.as_deref());
        }
        // What it starts is the user's, and so is how that takes its memory.
        Command::Exec(args) => return commands::exec(args),
        Command::Controller(_) => take_small_pages(),
        _ => {}
    }
    let style = Style::resolve(cli.global.color, environment.no_color);
    let printer = Printer::new(style).repeating(&settings::chosen(&cli.global));
    let exit = dispatch(cli, (environment, called), &printer).unwrap_or_else(|error| {
        printer.error(&error);
        exit_of(&error)
    });
    exit.into()
}

/// Has the system give this process memory by pages of 4 KiB only: of a huge one (2 MiB) all counts
/// against a limit, also where little of it is used. The allocator asks for none, but some systems give
/// them unasked.
///
/// # Source
/// `PR_SET_THP_DISABLE`, <https://man7.org/linux/man-pages/man2/PR_SET_THP_DISABLE.2const.html>
fn take_small_pages() {
    // Where it cannot be had, more memory is taken than need be.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Works on one job, the given one or one to be told, before anything else of the process exists: its
/// memory is limited, and a failure of the job is written down where whoever started it looks.
#[cfg(feature = "local")]
fn work(job: Option<&Path>) -> ExitCode {
    use crate::clients::local::worker;
    let planner = &crate::operators::Operators;
    let done = match job {
        Some(job) => worker::run(job, planner),
        None => worker::run_when_told(planner),
    };
    done.unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "error: {error}"));
        ExitCode::FAILURE
    })
}

/// Refuses to work: there is nothing that could.
#[cfg(not(feature = "local"))]
fn work(_: Option<&Path>) -> ExitCode {
    drop(writeln!(std::io::stderr(), "error: this program was built without the local client"));
    ExitCode::FAILURE
}

fn dispatch(
    cli: Cli,
    (environment, called): (&Environment, Called),
    printer: &Printer,
) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Crds => commands::crds(printer),
        Command::Worker { job, .. } => Ok(commands::supervise(&job.unwrap_or_default())),
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
    let drives = matches!(command, Command::Run(_) | Command::Resume(_) | Command::Retry(_));
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
