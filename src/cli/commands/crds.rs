//! `mason crds`: prints the CRDs of all kinds.

use crate::api::crds as definitions;
use crate::cli::failure::Exit;
use crate::cli::print::Printer;

/// Prints the CRDs of all kinds as YAML, for `kubectl apply -f -`.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn crds(printer: &Printer) -> anyhow::Result<Exit> {
    printer.out(&definitions::crds_yaml())?;
    Ok(Exit::Success)
}
