//! The commands that the README and the docs show, but for those that need a cluster.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shown::run_shown;

#[test]
fn every_shown_command_prints_what_is_shown() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut findings, mut commands) = (Vec::new(), 0);
    for document in documents(project) {
        let text = fs::read_to_string(&document).expect("should be readable");
        let (count, found) = run_shown(&text, "```console", &[]);
        commands += count;
        let name = document.strip_prefix(project).expect("should be ours").display();
        findings.extend(found.into_iter().map(|finding| format!("{name}{finding}")));
    }
    assert!(commands > 10, "the README and docs should show commands, found {commands}");
    assert!(findings.is_empty(), "\n{}", findings.join("\n\n"));
}

fn documents(project: &Path) -> Vec<PathBuf> {
    let mut found = vec![project.join("README.md")];
    let docs = fs::read_dir(project.join("docs")).expect("should have docs");
    found.extend(docs.map(|entry| entry.expect("should be an entry").path()));
    found.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    found.sort();
    found
}
