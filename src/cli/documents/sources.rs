//! Files, folders and standard input as texts of resources, each with the name a person knows it by.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::failure::Finding;

/// Most bytes one file of resources may have.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// What a text that holds a resource of Mason's has in it.
const MARK: &[u8] = b"mason.dev/";

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
    /// Files of folders that were left out, because nothing in them is Mason's. One that was too large to be searched
    /// to its end says so.
    pub foreign: Vec<String>,
}

/// What a file of a folder is.
enum Found {
    /// A text of resources.
    Ours(Source),
    /// A file in which nothing is Mason's, as [`Sources::foreign`] names it.
    Foreign(String),
}

/// Reads files, folders (every `.yaml`, `.yml` and `.json` below them, by path) and `-`, standard
/// input. Of a folder, what begins with `.` or `_` is left out, as are `node_modules` and files in which nothing is
/// Mason's: a folder holds other things than resources. A file larger than 16 MiB is never read as resources: one of a
/// folder is left out when its first 16 MiB hold nothing of Mason's.
///
/// # Errors
/// Every path that cannot be read, and every file that is too large or no UTF-8.
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
        match read_file_of_folder(file) {
            Ok(Found::Ours(source)) => sources.texts.push(source),
            Ok(Found::Foreign(name)) => sources.foreign.push(name),
            Err(finding) => findings.push(finding),
        }
    }
    if !files.is_empty() && sources.texts.len() == before && findings.is_empty() {
        findings.push(nothing_of_ours(path, files.len()));
    }
}

/// Returns what is wrong with a folder whose files are all foreign.
fn nothing_of_ours(folder: &Path, files: usize) -> Finding {
    let message = match files {
        1 => "its one file holds no resource of Mason's".to_owned(),
        many => format!("none of its {many} files holds a resource of Mason's"),
    };
    let hint = "a resource begins with `apiVersion: mason.dev/v1alpha1`";
    finding(&folder.display().to_string(), &message, Some(hint))
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

/// Reads a file of a folder once, and returns whether anything in it is, or was meant to be, a resource of Mason's.
///
/// Of a file larger than 16 MiB, only the first 16 MiB are read. Such a file is most likely data, so it is foreign when
/// nothing of Mason's is found there, and its name says how far it was searched.
///
/// # Errors
/// When the file cannot be read, or is Mason's but too large or no UTF-8.
fn read_file_of_folder(path: &Path) -> Result<Found, Finding> {
    let name = path.display().to_string();
    let bytes = read_bytes(&name, open(&name, path)?)?;
    if memchr::memmem::find(&bytes, MARK).is_some() {
        let text = text_of(&name, bytes)?;
        return Ok(Found::Ours(Source { folder: folder_of(path), text, name }));
    }
    let is_searched = !is_too_large(&bytes);
    let note = if is_searched { "" } else { " (only its first 16 MiB were searched)" };
    Ok(Found::Foreign(name + note))
}

fn read_file(path: &Path) -> Result<Source, Finding> {
    let name = path.display().to_string();
    let bytes = read_bytes(&name, open(&name, path)?)?;
    Ok(Source { folder: folder_of(path), text: text_of(&name, bytes)?, name })
}

fn read_stdin() -> Result<Source, Finding> {
    let name = "(standard input)".to_owned();
    let text = text_of(&name, read_bytes(&name, io::stdin().lock())?)?;
    Ok(Source { name, folder: PathBuf::from("."), text })
}

fn open(name: &str, path: &Path) -> Result<fs::File, Finding> {
    fs::File::open(path).map_err(|error| unreadable(name, &error))
}

/// Returns the folder that a file is in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Reads everything, but no more than one byte beyond what a file of resources may have.
fn read_bytes(name: &str, from: impl Read) -> Result<Vec<u8>, Finding> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

fn is_too_large(bytes: &[u8]) -> bool {
    bytes.len() as u64 > MAX_BYTES
}

fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, Finding> {
    if is_too_large(&bytes) {
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
    fn a_file_of_a_folder_that_is_too_large_is_a_problem_when_it_is_ours_and_else_left_out_by_name()
    {
        let folder = tempfile::tempdir().expect("should make a folder");
        let large = |name: &str, head: &str| {
            let path = folder.path().join(name);
            fs::write(&path, head).expect("should write");
            let file = fs::File::options().write(true).open(&path).expect("should open");
            file.set_len(MAX_BYTES + 1).expect("should grow");
            path
        };
        fs::write(folder.path().join("a.yaml"), MARK).expect("should write");
        large("data.json", "[1, 2]");
        let sources = read_sources(&[folder.path().to_owned()]).expect("should be read");
        assert_eq!(sources.texts.len(), 1);
        let [foreign] = sources.foreign.as_slice() else { panic!("{:?}", sources.foreign) };
        assert!(foreign.ends_with("data.json (only its first 16 MiB were searched)"), "{foreign}");
        let ours = large("ours.yaml", "apiVersion: mason.dev/v1alpha1\n");
        let findings = read_sources(&[folder.path().to_owned()]).expect_err("should be refused");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, ours.display().to_string());
        assert_eq!(findings[0].message, "it is larger than 16 MiB");
    }

    #[test]
    fn a_file_of_a_folder_is_read_once() {
        use std::sync::mpsc;
        use std::thread;
        use std::time::Duration;

        // What a pipe holds is there for one reader only: a second one waits forever.
        let folder = tempfile::tempdir().expect("should make a folder");
        let pipe = folder.path().join("x.yaml");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).expect("should make a pipe");
        let (sender, receiver) = mpsc::channel();
        let paths = [folder.path().to_owned()];
        thread::spawn(move || sender.send(read_sources(&paths)));
        thread::spawn(move || fs::write(pipe, "mason.dev/ once"));
        let read = receiver.recv_timeout(Duration::from_secs(20)).expect("should read once");
        assert_eq!(read.expect("should be read").texts[0].text, "mason.dev/ once");
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
