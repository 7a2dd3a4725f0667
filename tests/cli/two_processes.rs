//! Several processes at once on one store.

use std::process::{Child, Stdio};

use crate::{CONFIG, Mason};

fn start(mason: &Mason, args: &[&str]) -> Child {
    let mut command = mason.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn processes_that_apply_at_once_lose_nothing() {
    let mason = Mason::new();
    mason.write("data/x", "");
    for file in 0..4 {
        let documents: Vec<String> = (0..10)
            .map(|number| CONFIG.replace("name: lake", &format!("name: lake-{file}-{number}")))
            .collect();
        let shared =
            CONFIG.replace("root: data", &format!("root: data, parallelism: {}", file + 1));
        mason.write(&format!("{file}.yaml"), &format!("{}---\n{shared}", documents.join("---\n")));
    }
    let files: Vec<String> = (0..4).map(|file| format!("{file}.yaml")).collect();
    let children: Vec<Child> =
        files.iter().map(|file| start(&mason, &["apply", "-f", file])).collect();
    for child in children {
        let called = mason.called(&child.wait_with_output().unwrap());
        assert_eq!(called.code, 0, "{called:?}");
    }
    let called = mason.call(["get", "configs", "-o", "name"]);
    assert_eq!((called.code, called.out.lines().count()), (0, 41), "{called:?}");
}

#[test]
fn processes_that_run_the_same_run_do_its_work_once() {
    let mason = Mason::with_data();
    mason.write(
        "run.yaml",
        "\
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: make}
spec: {operator: database/create, configRef: {name: local}, parameters: {database_name: made}}
",
    );
    let children: Vec<Child> =
        (0..3).map(|_| start(&mason, &["run", "-f", "run.yaml", "-o", "json"])).collect();
    for child in children {
        let called = mason.called(&child.wait_with_output().unwrap());
        assert_eq!(called.code, 0, "{called:?}");
        let run: serde_json::Value = serde_json::from_str(&called.out).unwrap();
        assert_eq!(run["status"]["phase"], "Succeeded");
        assert_eq!(run["status"]["attempts"].as_array().map(Vec::len), Some(1));
    }
    assert!(mason.path("data/made").is_dir());
}
