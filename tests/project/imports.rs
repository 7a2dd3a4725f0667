//! Reads the `crate::` paths of every source file and holds them against the one-way rule.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Each module with the modules it may import; a module missing here is a finding.
const MAY_IMPORT: [(&str, &[&str]); 24] = [
    ("api", &[]),
    ("faults", &[]),
    ("engines", &["api"]),
    ("sql", &["engines"]),
    ("formats", &["engines"]),
    ("validate", &["api", "engines", "sql"]),
    ("plan", &["api", "engines", "validate"]),
    ("operators", &["api", "engines", "sql"]),
    ("transforms", &["engines", "formats"]),
    ("lake", &["engines", "faults", "formats"]),
    ("embedded", &["engines", "formats", "lake", "sql", "transforms"]),
    ("aws", &["engines"]),
    (
        "clients",
        &["api", "aws", "embedded", "engines", "faults", "formats", "lake", "metrics", "sql"],
    ),
    ("pods", &["api", "engines", "faults"]),
    ("store", &["api", "faults", "metrics"]),
    ("runs", &["api", "engines", "faults", "validate", "plan", "operators", "readiness", "store"]),
    ("config", &[]),
    ("telemetry", &[]),
    ("metrics", &[]),
    ("testing", &["api", "engines", "formats", "validate", "plan", "operators", "store", "runs"]),
    ("readiness", &["api", "engines", "validate"]),
    ("generated", &["api", "clients", "engines", "metrics", "operators", "store"]),
    (
        "controllers",
        &[
            "api",
            "engines",
            "validate",
            "plan",
            "operators",
            "clients",
            "pods",
            "store",
            "runs",
            "readiness",
            "metrics",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "controllers",
            "generated",
            "readiness",
            "api",
            "engines",
            "formats",
            "validate",
            "plan",
            "operators",
            "clients",
            "pods",
            "store",
            "runs",
            "sql",
            "config",
            "telemetry",
            "metrics",
        ],
    ),
];

#[test]
fn imports_go_one_way() {
    let rules: BTreeMap<_, _> = MAY_IMPORT.into_iter().collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let path_of_ours =
        Regex::new(r"\bcrate::(?:\{([^}]*)\}|([a-z_]+))").expect("should be a pattern");
    let client = Regex::new(r"\bcrate::clients::([a-z0-9_]+)").expect("should be a pattern");
    let (mut findings, mut seen) = (Vec::new(), 0);
    for file in rust_files(&source) {
        let below = file.strip_prefix(&source).expect("should be below src").to_path_buf();
        let mut parts =
            below.components().map(|part| part.as_os_str().to_string_lossy().replace(".rs", ""));
        let (module, folder) = (parts.next().expect("should have a part"), parts.next());
        if module == "main" || module == "lib" {
            continue;
        }
        let Some(allowed) = rules.get(module.as_str()) else {
            findings.push(format!("{}: module `{module}` has no rule", below.display()));
            continue;
        };
        let text = without_tests(&fs::read_to_string(&file).expect("should be readable"));
        for found in path_of_ours.captures_iter(&text) {
            let names = found.get(1).or(found.get(2)).expect("should have matched").as_str();
            for name in
                names.split(',').map(|name| name.trim().split("::").next().unwrap_or_default())
            {
                seen += 1;
                if !name.is_empty() && name != module && !allowed.contains(&name) {
                    findings
                        .push(format!("{}: `{module}` must not import `{name}`", below.display()));
                }
            }
        }
        if module == "clients" {
            for found in client.captures_iter(&text) {
                if folder.as_deref().is_some_and(|own| own != "mod" && own != &found[1]) {
                    findings.push(format!(
                        "{}: a client must not import client `{}`",
                        below.display(),
                        &found[1]
                    ));
                }
            }
        }
    }
    assert!(seen > 100, "the search should find the imports, it found {seen}");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Tests at the end of a file may use fixtures of any module.
fn without_tests(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// Returns the sources below a folder, without the modules that hold nothing but tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("should be a folder") {
        let path = entry.expect("should be an entry").path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What all clients share knows none of them: a client is added as a folder and a row of the registry.
#[test]
fn only_the_registry_names_a_client() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clients");
    let entries = fs::read_dir(&clients).expect("should be a folder").flatten();
    let (folders, files): (Vec<_>, Vec<_>) =
        entries.map(|entry| entry.path()).partition(|path| path.is_dir());
    let is_client = |folder: &&PathBuf| folder.join("mod.rs").exists();
    let mut findings = Vec::new();
    for folder in folders.iter().filter(is_client) {
        let name = folder.file_name().expect("should have a name").to_string_lossy();
        let named = Regex::new(&format!(r"\b{name}::")).expect("should be a pattern");
        // Workers that wait for jobs belong to one client, and to the door that has them started.
        let registry = ["registry.rs", "workers_at.rs"];
        for file in files.iter().filter(|file| !registry.iter().any(|own| file.ends_with(own))) {
            let text = without_tests(&fs::read_to_string(file).expect("should be readable"));
            if named.is_match(&text) {
                findings.push(format!("{}: names the client `{name}`", file.display()));
            }
        }
    }
    assert!(files.len() > 3, "the search should find what clients share, it found {files:?}");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Which technology a client is, is looked at where clients are described, checked and opened alone.
#[test]
fn the_block_of_a_client_is_read_in_its_own_rooms() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut findings, mut seen) = (Vec::new(), 0);
    for client in ["local", "s3", "glue"] {
        let block = format!(r"client\.{client}\b|\.{client}\.as_(?:ref|mut)\(\)");
        let block = Regex::new(&block).expect("should be a pattern");
        let rooms = ["api".to_owned(), "validate".to_owned(), format!("clients/{client}")];
        for file in rust_files(&source) {
            let below = file.strip_prefix(&source).expect("should be below src");
            let text = without_tests(&fs::read_to_string(&file).expect("should be readable"));
            let found = block.find_iter(&text).count();
            let is_room = rooms.iter().any(|room| below.starts_with(room));
            seen += found;
            if found > 0 && !is_room {
                findings.push(format!("{}: reads the block of `{client}`", below.display()));
            }
        }
    }
    assert!(seen > 3, "the search should find the blocks, it found {seen}");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
