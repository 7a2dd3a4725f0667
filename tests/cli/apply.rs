//! Resources from files: applied whole or not at all, every problem at once.

use serde_json::Value;

use crate::{CONFIG, Mason};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn apply_says_what_it_did_with_each_document() {
    let mason = Mason::new();
    mason.write("data/x", "");
    mason.write("lake.yaml", CONFIG);
    let applied = mason.call(["apply", "-f", "lake.yaml"]);
    assert_eq!((applied.code, applied.err.as_str()), (0, ""));
    assert_eq!(applied.out, "masonconfig.mason.dev/lake created\n");
    let again = mason.call(["apply", "-f", "lake.yaml"]);
    assert_eq!((again.code, again.out.as_str()), (0, "masonconfig.mason.dev/lake unchanged\n"));
    mason.write("lake.yaml", &CONFIG.replace("root: data", "root: data, parallelism: 2"));
    let changed = mason.call(["apply", "-f", "lake.yaml", "-o", "json"]);
    assert_eq!(changed.code, 0, "{changed:?}");
    assert_eq!(json(&changed.out)["items"][0]["spec"]["clients"][0]["local"]["parallelism"], 2);
}

#[test]
fn several_documents_come_from_standard_input() {
    let mason = Mason::new();
    let input = format!("{CONFIG}---\n{}---\n", CONFIG.replace("name: lake", "name: pond"));
    let called = mason.call_with_input(["apply", "-f", "-", "-o", "name"], &input);
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(called.out, "masonconfig.mason.dev/lake\nmasonconfig.mason.dev/pond\n");
}

#[test]
fn a_relative_root_is_seen_from_the_file_that_names_it() {
    let mason = Mason::new();
    mason.write("configs/deep/data/x", "");
    mason.write("configs/deep/lake.yaml", &CONFIG.replace("root: data", "root: ./data"));
    mason.write("configs/notes.txt", "not a resource");
    let called = mason.call(["apply", "-f", "configs"]);
    assert_eq!(called.code, 0, "{called:?}");
    let got = mason.call(["get", "config", "lake", "-o", "json"]);
    assert_eq!(json(&got.out)["spec"]["clients"][0]["local"]["root"], "<folder>/configs/deep/data");
}

#[test]
fn a_file_of_a_folder_that_is_left_out_or_too_large_is_named() {
    let mason = Mason::new();
    mason.write("all/a.yaml", CONFIG);
    for number in 1..=4 {
        mason.write(&format!("all/{number}.json"), "[1, 2]");
    }
    let called = mason.call(["apply", "-f", "all"]);
    assert_eq!(called.code, 0, "{called:?}");
    assert_eq!(
        called.err,
        "note: left out, because nothing in them is Mason's: all/1.json, all/2.json, all/3.json, \
         all/4.json\n"
    );
    let large = mason.write("all/large.yaml", CONFIG);
    let large = std::fs::File::options().write(true).open(large).unwrap();
    large.set_len(16 * 1024 * 1024 + 1).unwrap();
    let called = mason.call(["apply", "-f", "all"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("all/large.yaml: it is larger than 16 MiB"), "{}", called.err);
}

#[test]
fn nothing_is_applied_when_one_document_is_bad_and_every_problem_is_listed() {
    let mason = Mason::new();
    mason.write("all/a.yaml", CONFIG);
    mason.write(
        "all/b.yaml",
        "\
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: x}
spec:
  operator: table/query
  configRf: {name: lake}
  dryRun: maybe
---
apiVersion: mason.dev/v1
kind: OperatorRun
",
    );
    let called = mason.call(["apply", "-f", "all"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r#"
    error: nothing was applied: 4 problems
      all/b.yaml:4 (document 1): spec.configRef: is missing
        hint: The config to run against
      all/b.yaml:6 (document 1): spec.configRf: is an unknown field
        hint: did you mean `configRef`?
      all/b.yaml:7 (document 1): spec.dryRun: must be true or false, but is the text "maybe"
        hint: Validate, resolve and plan only; the plan is the result and nothing is changed
      all/b.yaml:9 (document 2): apiVersion: "mason.dev/v1" is not a version of Mason
        hint: this program reads `mason.dev/v1alpha1`
    "#);
    assert_eq!(mason.call(["get", "-o", "name"]).out, "");
}

#[test]
fn bad_yaml_is_refused_with_its_line() {
    let mason = Mason::new();
    let deep = format!("a: {}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let laughs = "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b]\n\
                  d: &d [*c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e]\n";
    for (name, text) in [
        ("empty", ""),
        ("no end", "a: [1, 2"),
        ("twice", "kind: a\nkind: b\n"),
        ("deep", &deep),
        ("aliases", laughs),
        ("a list", "- 1\n- 2\n"),
        ("text", "hello"),
        ("tab", "a:\n\tb: 1\n"),
    ] {
        let called = mason.call_with_input(["apply", "-f", "-"], text);
        assert_eq!((called.code, called.out.as_str()), (2, ""), "{name}: {called:?}");
        assert!(called.err.contains("(standard input)"), "{name}: {}", called.err);
        assert!(called.err.len() < 2_000, "{name}: {}", called.err);
    }
}

#[test]
fn files_that_cannot_be_read_are_all_named() {
    let mason = Mason::new();
    std::fs::write(mason.write("binary.yaml", ""), [0xff, 0xfe, 0x00]).unwrap();
    let called = mason.call(["apply", "-f", "missing.yaml", "-f", "binary.yaml"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r"
    error: nothing was applied: 2 problems
      missing.yaml: it cannot be read: No such file or directory (os error 2)
      binary.yaml: it is not UTF-8: byte 0 is wrong
        hint: is it a file of resources?
    ");
}

#[test]
fn a_run_is_frozen_once_it_exists() {
    let mason = Mason::new();
    let run = "\
apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: x}
spec: {operator: table/list, configRef: {name: lake}, parameters: {database_name: sales}}
";
    assert_eq!(mason.call_with_input(["apply", "-f", "-"], run).code, 0);
    let changed = run.replace("database_name: sales", "database_name: other");
    let called = mason.call_with_input(["apply", "-f", "-"], &changed);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("a run is frozen once created"), "{}", called.err);
    let cancelled = format!("{}\n", run.trim_end().replace("spec: {", "spec: {cancel: true, "));
    assert_eq!(mason.call_with_input(["apply", "-f", "-"], &cancelled).code, 0);
}

#[test]
fn a_namespace_that_contradicts_the_file_is_refused() {
    let mason = Mason::new();
    let text = CONFIG.replace("{name: lake}", "{name: lake, namespace: a}");
    let called = mason.call_with_input(["apply", "-n", "b", "-f", "-"], &text);
    assert_eq!(called.code, 2, "{called:?}");
    assert!(
        called.err.contains("metadata.namespace: is `a`, but `b` was asked for"),
        "{}",
        called.err
    );
    assert_eq!(mason.call_with_input(["apply", "-n", "a", "-f", "-"], &text).code, 0);
    assert_eq!(
        mason.call(["get", "configs", "-A", "-o", "name"]).out,
        "masonconfig.mason.dev/lake\n"
    );
    assert_eq!(mason.call(["get", "configs", "-o", "name"]).out, "");
}

#[test]
fn the_same_resource_twice_is_refused() {
    let mason = Mason::new();
    mason.write("a.yaml", CONFIG);
    let called = mason.call(["apply", "-f", "a.yaml", "-f", "a.yaml"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("is given twice, first in a.yaml"), "{}", called.err);
}

#[test]
fn a_store_that_cannot_be_written_to_is_named() {
    let mason = Mason::new();
    mason.write("file", "not a folder");
    let called = mason.call_with_input(["apply", "--store", "file/below", "-f", "-"], CONFIG);
    assert_eq!((called.code, called.out.as_str()), (1, ""));
    assert!(called.err.contains("file/below"), "{}", called.err);
}

#[test]
fn deleting_is_by_name_or_file_and_says_what_is_missing() {
    let mason = Mason::new();
    mason.write("lake.yaml", CONFIG);
    assert_eq!(mason.call(["apply", "-f", "lake.yaml"]).code, 0);
    let deleted = mason.call(["delete", "config", "lake"]);
    assert_eq!((deleted.code, deleted.out.as_str()), (0, "masonconfig.mason.dev/lake deleted\n"));
    let missing = mason.call(["delete", "-f", "lake.yaml"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    insta::assert_snapshot!(missing.err, @r"
    error: does not exist: masonconfig.mason.dev/lake
    hint: `mason get` lists what exists
    ");
    assert_eq!(mason.call(["delete", "masonconfig/lake", "--ignore-not-found"]).code, 0);
    let operator = mason.call(["delete", "operator", "table/query"]);
    assert_eq!((operator.code, operator.out.as_str()), (2, ""));
    insta::assert_snapshot!(operator.err, @r"
    error: `table/query` is not the name of a resource
    hint: `mason get operators` lists the names
    ");
}

#[test]
fn many_are_deleted_with_one_call_as_get_names_them() {
    let mason = Mason::with_data();
    for name in ["a", "b", "c"] {
        let list = ["run", "table/list", "-p", "database_name=sales", "--config", "local", "-q"];
        assert_eq!(mason.call(list.into_iter().chain(["--name", name])).code, 0);
    }
    let listed = mason.call(["get", "runs", "-o", "name"]);
    let names: Vec<&str> = listed.out.lines().collect();
    assert_eq!(names.len(), 3, "{listed:?}");
    let deleted = mason.call(["delete"].into_iter().chain(names).chain(["run/none"]));
    assert_eq!(deleted.code, 1, "{deleted:?}");
    assert!(deleted.err.contains("does not exist: operatorrun.mason.dev/none"), "{deleted:?}");
    assert_eq!(deleted.out.lines().filter(|line| line.ends_with(" deleted")).count(), 3);
    assert_eq!(mason.call(["get", "runs", "-o", "name"]).out, "");
}
