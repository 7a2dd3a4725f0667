//! Where the process begins: arguments are read, and a worker begins its job before anything else exists.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::args::{Called, Command};
use super::commands;
use super::dispatch::dispatch;
use super::failure::exit_of;
use super::print::Printer;
use super::settings::{self, Style};
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
/// memory is limited, and a failure of the job is written down where the process that started it looks.
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
