use std::fmt::Write as _;

use serde_json::json;

use super::*;

const RUN: &str = "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: sales-by-city}
spec:
  operator: table/query
  configRef: {name: lake}
  parameters:
    query_string: select 1
";

fn problems_of(text: &str) -> Vec<String> {
    let mut read = read_documents(text, "run.yaml");
    assert_eq!(read.len(), 1, "{read:?}");
    match read.remove(0) {
        Ok(resource) => panic!("{resource:?} should be refused"),
        Err(problems) => problems.into_iter().map(|problem| problem.to_string()).collect(),
    }
}

fn accepted(text: &str) -> Resource {
    let mut read = read_documents(text, "run.yaml");
    assert_eq!(read.len(), 1, "{read:?}");
    read.remove(0).unwrap_or_else(|problems| panic!("should be accepted:\n{problems}"))
}

#[test]
fn a_run_is_read_from_yaml_and_from_json() {
    let from_yaml = accepted(RUN);
    assert_eq!(from_yaml.key().to_string(), "OperatorRun default/sales-by-city");
    let pretty = serde_json::to_string_pretty(&from_yaml.to_document()).expect("should be JSON");
    assert_eq!(accepted(&pretty), from_yaml);
    assert_eq!(accepted(&pretty.replace("  ", "\t")), from_yaml, "indented by tabs");
    assert_eq!(accepted(&from_yaml.to_document().to_string()), from_yaml);
}

#[test]
fn every_problem_of_a_document_comes_at_once_with_its_line() {
    let text = "apiVersion: mason.dev/v1alpha1
kind: OperatorRun
metadata: {name: Sales, label: {a: b}}
spec:
  paramters: {}
  configRef: {name: 5}
  dryRun: maybe
  timeout: 5 minutes
  retry: {limit: 99}
  ttl: {policy: delete}
";
    let problems = problems_of(text);
    let expect = [
        "run.yaml:3: metadata.label: is an unknown field (hint: did you mean `labels`?)",
        "run.yaml:3: metadata.name: \"Sales\" does not have the right form",
        "run.yaml:6: spec.configRef.name: must be a text, but is the number 5",
        "run.yaml:7: spec.dryRun: must be true or false, but is the text \"maybe\"",
        "run.yaml:4: spec.operator: is missing (hint: The operator to execute, for example `table/query`)",
        "run.yaml:5: spec.paramters: is an unknown field (hint: did you mean `parameters`?)",
        "run.yaml:9: spec.retry.limit: 99 is above the maximum 10",
        "run.yaml:8: spec.timeout: \"5 minutes\" does not have the right form",
        "run.yaml:10: spec.ttl.policy: \"delete\" is none of `Prune`, `Delete` (hint: did you mean `Delete`?)",
    ];
    assert_eq!(problems.len(), expect.len(), "{problems:#?}");
    for (problem, expect) in problems.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn a_document_with_problems_does_not_hide_the_others() {
    let text =
        format!("# a comment\n---\n{RUN}---\nkind: [\n---\n{}", RUN.replace("operator:", "op:"));
    let read = read_documents(&text, "all.yaml");
    assert_eq!(read.len(), 3);
    assert!(read[0].is_ok());
    let second = read[1].as_ref().expect_err("should be refused").to_string();
    assert!(second.starts_with("all.yaml:12 (document 2): is not valid YAML"), "{second}");
    let third = read[2].as_ref().expect_err("should be refused").to_string();
    assert!(third.contains("all.yaml:18 (document 3): spec.op: is an unknown field"), "{third}");
    assert!(third.contains("spec.operator: is missing"), "{third}");
}

#[test]
fn empty_documents_are_left_out() {
    assert_eq!(read_documents("", "x").len(), 0);
    assert_eq!(read_documents("---\n# nothing\n---\n\n...\n", "x").len(), 0);
    assert_eq!(read_documents(&format!("\u{feff}---\n{RUN}---\n"), "x").len(), 1);
}

#[test]
fn other_versions_and_kinds_are_refused_by_name() {
    let other = problems_of(&RUN.replace("v1alpha1", "v2"));
    assert_eq!(
        other,
        [
            "run.yaml:1: apiVersion: \"mason.dev/v2\" is not a version of Mason (hint: this program reads `mason.dev/v1alpha1`)"
        ]
    );
    let pod = problems_of("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {}\n");
    assert_eq!(pod.len(), 1, "{pod:?}");
    assert!(pod[0].contains("\"v1\" is not a version of Mason"), "{pod:?}");
    let kind = problems_of(&RUN.replace("OperatorRun", "Run"));
    assert_eq!(
        kind,
        ["run.yaml:2: kind: \"Run\" is not a kind of Mason (hint: did you mean `OperatorRun`?)"]
    );
    let neither = problems_of("a: 1\n");
    assert_eq!(neither.len(), 2, "{neither:?}");
    let no_version = problems_of(&RUN.replace("apiVersion: mason.dev/v1alpha1\n", ""));
    assert_eq!(no_version.len(), 1, "{no_version:?}");
    assert!(problems_of("- a\n- b\n")[0].contains("is no resource but a list"));
}

#[test]
fn keys_that_stand_twice_are_refused() {
    let problems = problems_of(&format!("{RUN}    query_string: select 2\n"));
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("run.yaml:9: has the key `query_string` twice in one map"),
        "{problems:?}"
    );
}

#[test]
fn bombs_of_aliases_are_refused_in_words() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let one = format!("*a{}", level - 1);
        let ten = [one.as_str(); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{ten}]").expect("should write");
    }
    let problems = problems_of(&bomb);
    assert!(
        problems[0].contains("has aliases that stand for more than 10000 values"),
        "{problems:?}"
    );
}

#[test]
fn deep_nesting_is_refused_in_words() {
    for text in [
        format!("a: {}{}", "[".repeat(80), "]".repeat(80)),
        format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100)),
        (0..100).fold(String::new(), |text, level| format!("{text}{}a:\n", "  ".repeat(level))),
    ] {
        let problems = problems_of(&text);
        assert!(problems[0].contains("is nested deeper than 64 levels"), "{problems:?}");
    }
}

#[test]
fn broken_and_binary_texts_are_refused_in_words() {
    for text in ["a: b: c\n", "{\"a\": ", "\"", "a: \u{0}\n", "%\n", "a: !!binary @@\n", "&x"] {
        let problems = problems_of(text);
        assert!(!problems.is_empty(), "{text:?}");
    }
    let read = read_bytes(&[0xff, 0xfe, 0x00], "x.yaml");
    let problems = read[0].as_ref().expect_err("should be refused").to_string();
    assert!(problems.starts_with("x.yaml: is not UTF-8 from byte 0 on"), "{problems}");
    let huge = problems_of(&format!("a: [{}]", "1,".repeat(400_000)));
    assert!(huge[0].contains("is too large"), "{huge:?}");
}

#[test]
fn scalars_are_read_as_yaml_1_2() {
    let text = RUN.replace(
        "query_string: select 1",
        "{no: no, on: yes, zip: 007, big: 18446744073709551615, half: .5, e: 1e3, 'null': ~, t: TRUE, hex: 0x10, text: '5', day: 2026-01-31}",
    );
    let Resource::OperatorRun(run) = accepted(&text) else { panic!("should be a run") };
    let expect = json!({
        "no": "no", "on": "yes", "zip": 7.0, "big": u64::MAX, "half": 0.5, "e": 1000.0,
        "null": null, "t": true, "hex": 16, "text": "5", "day": "2026-01-31",
    });
    assert_eq!(serde_json::to_value(&run.spec.parameters).expect("should be JSON"), expect);
    let not_finite = problems_of(&RUN.replace("select 1", ".nan"));
    assert_eq!(not_finite.len(), 1);
}

#[test]
fn broken_rules_come_with_the_other_problems() {
    let text = "apiVersion: mason.dev/v1alpha1
kind: OperatorDefinition
metadata: {name: d}
spec:
  operator: table/query
  description: Query
  parameters:
    - {name: a, type: integer, minimum: 2, maximum: 1}
    - {name: a, type: strin}
  action: {builtin: {name: table.query}}
";
    let problems = problems_of(text);
    let expect = [
        "run.yaml:9: spec.parameters[1].name: \"a\" stands twice; first in spec.parameters[0]",
        "run.yaml:9: spec.parameters[1].type: \"strin\" is none of",
        "run.yaml:8: spec.parameters[0]: minimum must not be above maximum",
    ];
    assert_eq!(problems.len(), expect.len(), "{problems:#?}");
    for (problem, expect) in problems.iter().zip(expect) {
        assert!(problem.starts_with(expect), "{problem}\nshould begin with\n{expect}");
    }
}

#[test]
fn a_name_or_the_beginning_of_one_is_needed() {
    let problems = problems_of(&RUN.replace("{name: sales-by-city}", "{namespace: x}"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("metadata.name: is missing"));
    accepted(&RUN.replace("{name: sales-by-city}", "{generateName: sales-}"));
    for bad in ["../x", "a/b", "A", "-a", "a..b", "''"] {
        let text = RUN.replace("sales-by-city", bad);
        assert!(!problems_of(&text).is_empty(), "{bad}");
    }
}

#[test]
fn what_mason_prints_can_be_read_again() {
    let text = format!(
        "{RUN}status:\n  phase: Running\n  attempts:\n  - {{number: 1, token: t, state: Launched, startedAt: 2026-01-01T00:00:00Z}}\n"
    );
    let resource = accepted(&text);
    let printed = serde_saphyr::to_string(&resource.to_document()).expect("should be YAML");
    assert_eq!(accepted(&printed), resource);
    let bad = problems_of(&text.replace("2026-01-01T00:00:00Z", "yesterday"));
    assert!(bad[0].contains("is not a time"), "{bad:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_fail_without_words(text in "\\PC{0,200}|[-a-z:{}\\[\\], &*!|>'\"\n#%]{0,200}") {
        for read in read_documents(&text, "x") {
            if let Err(problems) = read {
                assert!(!problems.is_empty() && problems.0.iter().all(|p| !p.message.is_empty()));
            }
        }
    }
}
