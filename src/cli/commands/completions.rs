//! `mason completions`: prints a completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::failure::Exit;
use crate::cli::print::Printer;

/// Prints the completion script of a shell.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn completions(shell: Shell, printer: &Printer) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mason", &mut script);
    printer.out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
