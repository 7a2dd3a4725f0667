//! Where logic is: a `mod.rs` holds none, and no file is too long to be read at once.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The most lines of a file.
const MOST_LINES: usize = 600;

#[test]
fn a_mod_rs_holds_docs_declarations_and_re_exports_only() {
    let logic = item_of_logic();
    let source = project().join("src");
    let modules: Vec<PathBuf> = rust_files(&source)
        .into_iter()
        .filter(|file| file.ends_with("mod.rs") && !is_of_tests(file, &source))
        .collect();
    let mut findings = Vec::new();
    for file in &modules {
        for (number, line) in lines_of(file).iter().enumerate() {
            if logic.is_match(line) {
                findings.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(modules.len() > 30, "the search should find the modules, it found {modules:?}");
    assert!(findings.is_empty(), "belongs into a file with a name:\n{}", findings.join("\n"));
}

#[test]
fn an_item_of_logic_is_told_from_docs_and_declarations() {
    let logic = item_of_logic();
    for line in [
        "fn run() {",
        "pub(super) fn run() {",
        "    pub async fn run() {",
        "pub(in crate::embedded) const fn run() {",
        "impl<T> Client for T {",
        "struct Client;",
        "pub enum Client {",
        "pub trait Client {",
    ] {
        assert!(logic.is_match(line), "{line}");
    }
    for line in [
        "//! A `struct` of its own.",
        "    // fn run() {",
        "mod traits;",
        "pub use run::{Run, run};",
        "pub const KIND: &str = \"fn\";",
        "    summary: \"struct\",",
    ] {
        assert!(!logic.is_match(line), "{line}");
    }
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let folders = [project().join("src"), project().join("tests")];
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| rust_files(folder)).collect();
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, lines_of(file).len()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(files.len() > 300, "the search should find the sources, it found {}", files.len());
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Matches a line on which an item with logic begins; a comment is no item.
fn item_of_logic() -> Regex {
    let visible = r"(?:pub(?:\([^)]*\))?\s+)?";
    let qualified = r#"(?:(?:default|const|async|unsafe|extern(?:\s+"[^"]*")?)\s+)*"#;
    Regex::new(&format!(r"^\s*{visible}{qualified}(?:fn|impl|struct|enum|trait)\b"))
        .expect("should be a pattern")
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn lines_of(file: &Path) -> Vec<String> {
    fs::read_to_string(file).expect("should be readable").lines().map(str::to_owned).collect()
}

/// Returns whether a source is below a folder of tests, whose `mod.rs` holds what they share.
fn is_of_tests(file: &Path, source: &Path) -> bool {
    let below = file.strip_prefix(source).expect("should be below src");
    below.components().any(|part| part.as_os_str() == "tests")
}

/// Returns all sources below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("should be a folder") {
        let path = entry.expect("should be an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
