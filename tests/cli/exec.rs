//! What stands before the commands of container operators, as a process, and the operators of the docs.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A folder that looks to a command as its pod does.
struct Pod {
    folder: tempfile::TempDir,
}

impl Pod {
    fn new(parameters: &Value) -> Self {
        let pod = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(pod.path("storage")).unwrap();
        fs::write(pod.path("parameters.json"), parameters.to_string()).unwrap();
        pod
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, command: &[&str]) -> Command {
        let mut mason = Command::new(env!("CARGO_BIN_EXE_mason"));
        mason.args(["exec", "--token", "t1", "--run", "words"]);
        for (argument, name) in [
            ("--parameters", "parameters.json"),
            ("--result", "result.json"),
            ("--termination-message", "message"),
            ("--storage", "storage"),
        ] {
            mason.arg(argument).arg(self.path(name));
        }
        mason.arg("--").args(command).stdin(Stdio::null());
        mason
    }

    fn run(&self, command: &[&str]) -> Output {
        self.command(command).output().unwrap()
    }

    fn message(&self) -> Value {
        let message = fs::read_to_string(self.path("message")).unwrap();
        assert!(message.len() <= 4_096, "{}", message.len());
        serde_json::from_str(&message).unwrap()
    }
}

fn sh(script: &str) -> [&str; 3] {
    ["sh", "-euc", script]
}

#[test]
fn a_command_gets_its_parameters_and_its_result_is_proven() {
    let pod =
        Pod::new(&json!({"city": "$(id) Wien", "limit": 3, "names": ["a", "b"], "none": null}));
    let done = pod.run(&sh(
        r#"printf '{"city": "%s", "limit": %s, "names": %s, "none": "%s", "run": "%s", "credentials": "%s"}' \
        "$MASON_PARAM_CITY" "$MASON_PARAM_LIMIT" "$MASON_PARAM_NAMES" "${MASON_PARAM_NONE-unset}" \
        "$MASON_RUN" "${MASON_CREDENTIALS-unset}" > "$MASON_RESULT"
        test -d "$MASON_STORAGE"; test "$MASON_TOKEN" = t1; grep -q Wien "$MASON_PARAMETERS"; echo said"#,
    ));
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "said\n");
    let result = json!({
        "city": "$(id) Wien", "limit": 3, "names": ["a", "b"], "none": "unset", "run": "words",
        "credentials": "unset",
    });
    assert_eq!(pod.message(), json!({"token": "t1", "exitCode": 0, "result": result}));
}

#[test]
fn a_command_may_take_huge_pages() {
    let pod = Pod::new(&json!({}));
    let done = pod.run(&["grep", "^THP_enabled:", "/proc/self/status"]);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "THP_enabled:\t1\n", "{done:?}");
}

#[test]
fn a_command_that_fails_ends_so_and_its_result_does_not_count() {
    let pod = Pod::new(&json!({}));
    let done = pod.run(&sh(r#"echo '{"a": 1}' > "$MASON_RESULT"; exit 7"#));
    assert_eq!(done.status.code(), Some(7));
    assert_eq!(pod.message(), json!({"token": "t1", "exitCode": 7}));
    let done = pod.run(&["no-such-program-anywhere"]);
    assert_eq!(done.status.code(), Some(127));
    let message = pod.message()["problem"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("the command `no-such-program-anywhere` cannot be started"),
        "{message}"
    );
}

#[test]
fn a_result_that_is_not_json_is_no_success() {
    let pod = Pod::new(&json!({}));
    let done = pod.run(&sh(r#"echo '{"a": ' > "$MASON_RESULT""#));
    assert_eq!(done.status.code(), Some(1));
    let message = pod.message();
    assert_eq!(
        (&message["exitCode"], &message["problem"]["reason"]),
        (&json!(0), &json!("UserError"))
    );
}

#[test]
fn what_does_not_fit_the_message_is_printed_and_what_is_too_large_is_refused() {
    let pod = Pod::new(&json!({}));
    let large = r#"printf '["%s"]' "$(head -c 60000 /dev/zero | tr '\0' x)" > "$MASON_RESULT"; printf unended"#;
    let done = pod.run(&sh(large));
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let message = pod.message();
    assert_eq!(message["logged"]["bytes"], 60_004, "{message}");
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let lines: Vec<&str> =
        out.lines().filter(|line| line.starts_with("MASON_RESULT t1 ")).collect();
    assert_eq!(json!(lines.len()), message["logged"]["lines"]);
    assert!(lines.iter().all(|line| line.len() < 4_096));
    let done = pod.run(&sh(r#"head -c 2000000 /dev/zero > "$MASON_RESULT""#));
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(pod.message()["problem"]["reason"], "ResultTooLarge");
}

#[test]
fn what_does_not_fit_the_message_is_left_in_a_storage_that_may_be_written() {
    let pod = Pod::new(&json!({}));
    let uploads = pod.path("storage/.mason/uploads");
    let run = |bytes: usize| {
        let script = format!(
            r#"printf '["%s"]' "$(head -c {bytes} /dev/zero | tr '\0' x)" > "$MASON_RESULT""#
        );
        let mut mason = pod.command(&sh(&script));
        let arguments: Vec<_> = mason.get_args().map(std::ffi::OsStr::to_owned).collect();
        mason = Command::new(env!("CARGO_BIN_EXE_mason"));
        mason.arg("exec").arg("--upload").arg(&uploads).args(&arguments[1..]);
        mason.output().unwrap()
    };
    let done = run(2_000_000);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.stdout.is_empty(), "nothing is printed");
    assert_eq!(pod.message()["uploaded"]["bytes"], 2_000_004);
    let names: Vec<_> =
        fs::read_dir(&uploads).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names, ["t1.json"]);
    let left = fs::metadata(uploads.join("t1.json")).unwrap();
    assert_eq!(left.len(), 2_000_004);
    let usual = fs::metadata(pod.path("message")).unwrap().permissions();
    assert_eq!(left.permissions(), usual, "as readable as any other file");
    assert_eq!(run(9_000_000).status.code(), Some(1));
    assert_eq!(pod.message()["problem"]["reason"], "ResultTooLarge");

    // A storage that cannot be written: it is printed, and told.
    fs::remove_dir_all(&uploads).unwrap();
    fs::write(&uploads, "no folder").unwrap();
    let done = run(60_000);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(pod.message()["logged"]["bytes"], 60_004);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("cannot be left in the storage and is printed"), "{told}");
    assert_eq!(run(2_000_000).status.code(), Some(1));
    let problem = pod.message()["problem"]["message"].as_str().unwrap().to_owned();
    assert!(problem.contains("cannot be left in the storage"), "{problem}");
}

#[test]
fn a_command_is_told_to_stop_with_all_it_started() {
    let pod = Pod::new(&json!({}));
    let script = r#"trap 'echo stopping; exit 143' TERM; sleep 100 & echo $! > "$MASON_STORAGE/child"; wait"#;
    let mut running =
        pod.command(&sh(script)).process_group(0).stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let child = pod.path("storage/child");
    while fs::read_to_string(&child).unwrap_or_default().trim().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "it did not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let sleeper = format!("/proc/{}", fs::read_to_string(&child).unwrap().trim());
    let process = rustix::process::Pid::from_child(&running);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(143));
    assert!(began.elapsed() < Duration::from_mins(1));
    assert_eq!(pod.message(), json!({"token": "t1", "exitCode": 143}));
    let gone =
        || !fs::read_to_string(format!("{sleeper}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while !gone() {
        assert!(began.elapsed() < Duration::from_mins(1), "what it started goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_program_is_installed_where_another_image_can_run_it() {
    let pod = Pod::new(&json!({}));
    let (program, to) = (env!("CARGO_BIN_EXE_mason"), pod.path("bin/mason"));
    let done = Command::new(program).args(["exec", "--install"]).arg(&to).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let version = |program: &Path| Command::new(program).arg("--version").output().unwrap().stdout;
    assert_eq!(version(&to), version(program.as_ref()));
}

/// Returns the command of a definition of the examples.
fn command_of(definition: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/operators").join(definition);
    let text = fs::read_to_string(file).unwrap();
    let document: Value = serde_saphyr::from_str(&text).unwrap();
    let words = document["spec"]["action"]["container"]["command"].as_array().unwrap().iter();
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_definitions_of_the_examples_are_valid() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/operators");
    let mut mason = Command::new(env!("CARGO_BIN_EXE_mason"));
    let store = tempfile::tempdir().unwrap();
    let done = mason
        .arg("validate")
        .arg("-f")
        .arg(examples)
        .env("MASON_STORE", store.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn the_operator_in_python_counts_words() {
    let python = std::env::var("MASON_TEST_PYTHON")
        .expect("MASON_TEST_PYTHON should be set: run `make test`");
    let pod = Pod::new(&json!({"path": "notes/a.txt", "top": 2}));
    fs::create_dir(pod.path("storage/notes")).unwrap();
    fs::write(pod.path("storage/notes/a.txt"), "to be or not to be\nthat is to say\n").unwrap();
    let mut command = command_of("python/word-count.yaml");
    command[0] = python;
    let done = pod.run(&command.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let rows = json!([{"word": "to", "count": 3}, {"word": "be", "count": 2}]);
    assert_eq!(pod.message()["result"], rows);
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        out.contains(
            r#"MASON_PROGRESS {"phase": "counting", "done": 34, "total": 34, "unit": "bytes"}"#
        ),
        "{out}"
    );
}

#[test]
fn the_operator_in_shell_writes_checksums() {
    let pod = Pod::new(&json!({"path": "in", "suffix": ".csv"}));
    fs::create_dir(pod.path("storage/in")).unwrap();
    for (name, content) in [("a.csv", "a\n"), ("b c.csv", "b\n"), ("d.txt", "d\n")] {
        fs::write(pod.path("storage/in").join(name), content).unwrap();
    }
    let command = command_of("shell/checksums.yaml");
    let done = pod.run(&command.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(pod.message()["result"], json!({"files": 2}));
    let sums = fs::read_to_string(pod.path("storage/in/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 2, "{sums}");
    assert!(sums.contains("  b c.csv"), "{sums}");
}
