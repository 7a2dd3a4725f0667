//! `mason generate`: writes the generated files of the project. `make generate` calls it, and a test
//! fails when one is stale.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::failure::Exit;
use crate::cli::printer::Printer;
use crate::cli::reference;

/// Writes every generated file below the project's folder whose content changed.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn generate(root: &Path, printer: &Printer) -> anyhow::Result<Exit> {
    for (name, text) in reference::files(root)? {
        let path = root.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, &text))
            .with_context(|| format!("failed to write `{}`", path.display()))?;
        printer.out(&format!("wrote {name}"))?;
    }
    Ok(Exit::Success)
}
