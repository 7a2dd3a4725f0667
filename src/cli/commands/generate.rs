//! `mason generate`: writes the generated files of the project. `make generate` calls it, and a test
//! fails when one is stale.

use std::path::Path;

use crate::cli::failure::Exit;
use crate::cli::print::Printer;
use crate::generated;

/// Writes every generated file below the project's folder whose content changed.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn generate(root: &Path, printer: &Printer) -> anyhow::Result<Exit> {
    for name in generated::write(root)? {
        printer.out(&format!("wrote {name}"))?;
    }
    Ok(Exit::Success)
}
