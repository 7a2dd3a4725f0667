//! Writes the generated files of the project.

use std::path::Path;

use super::error::GenerateError;
use super::files::files;

/// Writes every generated file below the project's folder whose content changed, and returns the paths of
/// those below that folder.
///
/// # Errors
/// When a file cannot be read or written, or lacks the marks around its generated parts.
pub fn write(root: &Path) -> Result<Vec<String>, GenerateError> {
    let mut written = Vec::new();
    for (name, text) in files(root)? {
        let path = root.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, &text))
            .map_err(|source| GenerateError::Write { path, source })?;
        written.push(name);
    }
    Ok(written)
}
