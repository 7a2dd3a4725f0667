//! Commands that documents show, run and compared with what they print.
//!
//! A fenced block holds commands behind `$ ` (continued behind `> `) with their output. A line `...`
//! stands for any lines. Lengths of time, ids, generated names and dates are made alike before the
//! comparison. Each document runs top to bottom in a folder of its own, where `examples` is a copy of
//! the project's, and `charts` and `deploy` are its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// Runs the commands in the blocks of a document that begin with the fence, with these variables beside
/// `PATH` and `HOME`. Returns how many there are, and what differs.
pub(crate) fn run_shown(
    text: &str,
    fence: &str,
    variables: &[(&str, &str)],
) -> (usize, Vec<String>) {
    let shown = shown_commands(text, fence);
    (shown.len(), differences(&shown, variables))
}

fn shown_commands(text: &str, fence: &str) -> Vec<Shown> {
    let (mut shown, mut inside): (Vec<Shown>, bool) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == fence;
        } else if inside {
            match (line.strip_prefix("$ "), line.strip_prefix("> "), shown.last_mut()) {
                (Some(command), _, _) => {
                    shown.push(Shown {
                        line: number + 1,
                        command: command.to_owned(),
                        output: Vec::new(),
                    });
                }
                (_, Some(more), Some(last)) if last.output.is_empty() => {
                    last.command.extend(["\n", more]);
                }
                (_, _, Some(last)) => last.output.push(line.to_owned()),
                _ => {}
            }
        }
    }
    shown
}

fn differences(shown: &[Shown], variables: &[(&str, &str)]) -> Vec<String> {
    if shown.is_empty() {
        return Vec::new();
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("should make a folder");
    copy_folder(&project.join("examples"), &folder.path().join("examples"));
    for name in ["charts", "deploy"] {
        std::os::unix::fs::symlink(project.join(name), folder.path().join(name))
            .expect("should link");
    }
    let mut script =
        String::from("status=0\nmark() { status=$?; printf '\\036\\n'; return $status; }\n");
    for step in shown {
        script.extend(["mark\n(exit $status)\n", step.command.as_str(), "\n"]);
    }
    let binaries =
        Path::new(env!("CARGO_BIN_EXE_mason")).parent().expect("should be in a folder").to_owned();
    let more = variables.iter().find(|(name, _)| *name == "MORE_PATH").map_or("", |(_, path)| path);
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{more}:{path}", binaries.display());
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder.path())
        .env_clear()
        .envs([("PATH", path.as_str()), ("LANG", "C.UTF-8"), ("TERM", "dumb")])
        .env("HOME", folder.path())
        .envs(variables.iter().copied())
        .output()
        .expect("should run bash");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder_text = folder.path().display().to_string();
    let parts: Vec<&str> = printed.split("\u{1e}\n").skip(1).collect();
    let difference = |(index, step): (usize, &Shown)| {
        let part = parts.get(index).copied().unwrap_or("(not reached)").replace(&folder_text, "~");
        let (actual, expected) = (alike(&part), alike(&step.output.join("\n")));
        let (actual, expected) = (lines(&actual), lines(&expected));
        (!matches(&expected, &actual)).then(|| {
            format!(
                ":{}: `{}` printed\n{}\nwhere the document shows\n{}",
                step.line,
                step.command,
                part,
                step.output.join("\n")
            )
        })
    };
    shown.iter().enumerate().filter_map(difference).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Makes alike what differs from run to run.
fn alike(text: &str) -> String {
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"sha256:[0-9a-f]{64}", "DIGEST"),
        (r"\b[0-9a-f]{32}\b", "TOKEN"),
        (r"-[0-9a-f]{8}\b", "-HASH"),
        (r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "TIME"),
        // The letters and digits of generated names, which spell no words.
        (r"\b([a-z]+(?:-[a-z]+)?)-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "$1-XXXXX"),
        (r"\b[0-9]+(\.[0-9]+)?(ms|µs|s|m[0-9]+s)\b", "LENGTH"),
        (r"\b[0-9.]+ [KMG]iB of memory", "SIZE of memory"),
        (r"[─━═-]{3,}", "-"),
        (r" +", " "),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, word)| {
        Regex::new(pattern).expect("should be a pattern").replace_all(&text, *word).into_owned()
    })
}

/// Whether the lines are those expected, where `...` stands for any number of lines.
fn matches(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=actual.len()).any(|skip| matches(rest, &actual[skip..]))
        }
        Some((first, rest)) => actual.first() == Some(first) && matches(rest, &actual[1..]),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("should make a folder");
    for entry in fs::read_dir(from).expect("should be a folder") {
        let path = entry.expect("should be an entry").path();
        let target = to.join(path.file_name().expect("should have a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("should copy");
        }
    }
}

#[test]
fn dots_stand_for_any_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a\n...\nd"), &lines("a\nb\nc\nd")));
    assert!(matches(&lines("a\n..."), &lines("a")));
    assert!(!matches(&lines("a\n...\nd"), &lines("a\nb")));
    assert!(!matches(&lines("a"), &lines("a\nb")));
}
