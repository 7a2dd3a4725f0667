//! Folders of processes that were killed before they could clear them away.

use std::path::Path;

/// Removes what is named `PREFIX`, the number of a process that is gone, and perhaps more.
pub(crate) fn sweep(folder: &Path, prefix: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Some(number) = name.strip_prefix(prefix) else { continue };
        let process = number.split(['-', '.']).next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            // Another process may sweep at the same time.
            drop(std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)));
        }
    }
}
