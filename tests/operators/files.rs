//! Files that other projects publish, read by Mason and by other engines: `make test-files` for a
//! fixed set. The program that compares is `tests/files`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::peer;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn python(arguments: &[&str]) -> Output {
    let python = peer::python();
    Command::new(&python)
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder("tests/files"))
        .output()
        .unwrap_or_else(|error| panic!("failed to start {python}: {error}"))
}

#[test]
fn public_files_are_read_as_other_engines_read_them() {
    let ended = python(&[".", "public", "--mason", env!("CARGO_BIN_EXE_mason")]);
    let printed = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{printed}{errors}");
    assert!(printed.contains("| **all** |  | 51 |"), "every file should be looked at: {printed}");
}

#[test]
fn the_comparison_of_files_tells_what_differs() {
    let ended = python(&["-m", "unittest", "--quiet", "test_compare"]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
