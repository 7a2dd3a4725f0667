//! Files, folders and standard input as texts of resources, each with the name a person knows it by.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::failure::Finding;

/// Most bytes one file of resources may have.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A text of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The path as it was given, `(standard input)` for `-`.
    pub name: String,
    /// The folder that relative paths in it are relative to.
    pub folder: PathBuf,
    /// Its content.
    pub text: String,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Texts of resources.
    pub texts: Vec<Source>,
    /// Files of folders that were left out, because nothing in them is Mason's.
    pub foreign: Vec<String>,
}

/// Reads files, folders (every `.yaml`, `.yml` and `.json` below them, by path) and `-`, standard
/// input. Of a folder, what begins with `.` or `_` is left out, as are `node_modules` and files in which nothing is
/// Mason's: a folder holds other things than resources.
///
/// # Errors
/// Every path that cannot be read.
pub(crate) fn read_sources(paths: &[PathBuf]) -> Result<Sources, Vec<Finding>> {
    let (mut sources, mut findings, mut stdin_read) = (Sources::default(), Vec::new(), false);
    for path in paths {
        if path.as_os_str() == "-" {
            if stdin_read {
                findings.push(finding("-", "standard input is named twice", None));
            } else {
                collect(read_stdin(), &mut sources.texts, &mut findings);
            }
            stdin_read = true;
        } else {
            read_path(path, &mut sources, &mut findings);
        }
    }
    if findings.is_empty() { Ok(sources) } else { Err(findings) }
}

fn collect(read: Result<Source, Finding>, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    match read {
        Ok(source) => sources.push(source),
        Err(finding) => findings.push(finding),
    }
}

fn read_path(path: &Path, sources: &mut Sources, findings: &mut Vec<Finding>) {
    if !path.is_dir() {
        return collect(read_file(path), &mut sources.texts, findings);
    }
    let mut files = Vec::new();
    if let Err(error) = add_files_below(path, &mut HashSet::new(), &mut files) {
        let message = format!("the folder cannot be read: {error}");
        return findings.push(finding(&path.display().to_string(), &message, None));
    }
    if files.is_empty() {
        let name = path.display().to_string();
        let hint = "resources are read from files that end in .yaml, .yml or .json";
        findings.push(finding(&name, "the folder holds no file of resources", Some(hint)));
    }
    files.sort();
    let before = sources.texts.len();
    for file in &files {
        if is_foreign(file) {
            sources.foreign.push(file.display().to_string());
        } else {
            collect(read_file(file), &mut sources.texts, findings);
        }
    }
    if !files.is_empty() && sources.texts.len() == before && findings.is_empty() {
        let message = match files.len() {
            1 => "its one file holds no resource of Mason's".to_owned(),
            many => format!("none of its {many} files holds a resource of Mason's"),
        };
        let hint = "a resource begins with `apiVersion: mason.dev/v1alpha1`";
        findings.push(finding(&path.display().to_string(), &message, Some(hint)));
    }
}

/// Adds the files of resources below a folder. A folder that links lead to again is entered once.
fn add_files_below(
    folder: &Path,
    entered: &mut HashSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> io::Result<()> {
    if !entered.insert(folder.canonicalize()?) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if is_left_out(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if path.is_dir() {
            add_files_below(&path, entered, files)?;
        } else if is_resource_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a name within a folder is no place for resources: hidden, of a tool, or Mason's own.
fn is_left_out(name: &str) -> bool {
    name.starts_with(['.', '_']) || name == "node_modules"
}

fn is_resource_file(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// Whether nothing in a file is, or was meant to be, a resource of Mason's. One that cannot be read is not left out.
fn is_foreign(path: &Path) -> bool {
    let is_large = |found: fs::Metadata| found.len() > MAX_BYTES;
    path.metadata().is_ok_and(is_large)
        || fs::read(path).is_ok_and(|bytes| memchr::memmem::find(&bytes, b"mason.dev/").is_none())
}

fn read_file(path: &Path) -> Result<Source, Finding> {
    let name = path.display().to_string();
    let file = fs::File::open(path).map_err(|error| unreadable(&name, &error))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    Ok(Source { folder, text: read_text(&name, file)?, name })
}

fn read_stdin() -> Result<Source, Finding> {
    let name = "(standard input)".to_owned();
    let text = read_text(&name, io::stdin().lock())?;
    Ok(Source { name, folder: PathBuf::from("."), text })
}

fn read_text(name: &str, from: impl Read) -> Result<String, Finding> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(finding(name, "it is larger than 16 MiB", Some("is it a file of resources?")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("it is not UTF-8: byte {at} is wrong");
        finding(name, &message, Some("is it a file of resources?"))
    })
}

fn unreadable(name: &str, error: &io::Error) -> Finding {
    finding(name, &format!("it cannot be read: {error}"), None)
}

fn finding(place: &str, message: &str, hint: Option<&str>) -> Finding {
    Finding { place: place.to_owned(), message: message.to_owned(), hint: hint.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_by_path_and_loops_of_links_end() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let below = folder.path().join("b");
        fs::create_dir(&below).expect("should make a folder");
        for (path, text) in [
            ("b/2.yml", "mason.dev/ two"),
            ("a.yaml", "mason.dev/ one"),
            ("b/3.json", "mason.dev/"),
            ("x.txt", ""),
        ] {
            fs::write(folder.path().join(path), text).expect("should write");
        }
        std::os::unix::fs::symlink(folder.path(), below.join("up")).expect("should link");
        let sources = read_sources(&[folder.path().to_owned()]).expect("should be read");
        let texts: Vec<&str> = sources.texts.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["mason.dev/ one", "mason.dev/ two", "mason.dev/"]);
        assert_eq!(sources.texts[1].folder, below);
        assert!(sources.foreign.is_empty());
    }

    #[test]
    fn hidden_folders_and_foreign_files_of_a_folder_are_left_out() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let ours = "apiVersion: mason.dev/v1alpha1";
        for (path, text) in [
            (".mason/jobs/spec.json", ours),
            (".git/x.yaml", ours),
            ("node_modules/a/b.yaml", ours),
            ("_drafts/x.yaml", ours),
            ("data.json", "[1, 2]"),
            ("broken.json", "\u{0}"),
            ("ours.yaml", ours),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("should be in a folder")).expect("should make");
            fs::write(path, text).expect("should write");
        }
        let sources = read_sources(&[folder.path().to_owned()]).expect("should be read");
        assert_eq!(sources.texts.len(), 1);
        assert!(sources.texts[0].name.ends_with("ours.yaml"));
        assert_eq!(sources.foreign.len(), 2, "{:?}", sources.foreign);
        // What is named itself is looked at, whatever it is.
        let named = read_sources(&[folder.path().join("data.json")]).expect("should be read");
        assert_eq!(named.texts.len(), 1);
        fs::remove_file(folder.path().join("ours.yaml")).expect("should remove");
        let findings = read_sources(&[folder.path().to_owned()]).expect_err("should be refused");
        assert!(findings[0].message.contains("none of its 2 files"), "{findings:?}");
    }

    #[test]
    fn every_path_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().expect("should make a folder");
        let binary = folder.path().join("x.yaml");
        fs::write(&binary, [0x41, 0xff]).expect("should write");
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).expect("should make a folder");
        let missing = folder.path().join("missing.yaml");
        let findings = read_sources(&[binary, empty, missing]).expect_err("should be refused");
        let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0], "it is not UTF-8: byte 1 is wrong");
        assert_eq!(messages[1], "the folder holds no file of resources");
        assert!(messages[2].starts_with("it cannot be read: No such file"), "{}", messages[2]);
    }
}
