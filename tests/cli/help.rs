//! What a person is told about the verbs.

use crate::Mason;

/// The verbs that a person uses.
const VERBS: [&str; 17] = [
    "init",
    "run",
    "resume",
    "cancel",
    "retry",
    "suspend",
    "logs",
    "doctor",
    "apply",
    "get",
    "describe",
    "delete",
    "validate",
    "explain",
    "crds",
    "controller",
    "completions",
];

#[test]
fn help_lists_the_verbs_a_person_uses_and_no_others() {
    let called = Mason::new().call(["--help"]);
    assert_eq!(called.code, 0);
    for verb in VERBS {
        assert!(called.out.contains(&format!("\n  {verb} ")), "{verb} in {}", called.out);
    }
    for hidden in ["worker", "generate"] {
        assert!(!called.out.contains(&format!("\n  {hidden} ")), "{hidden}");
    }
    assert_eq!(called.err, "");
}

#[test]
fn every_verb_has_an_example() {
    let mason = Mason::new();
    for verb in VERBS {
        let called = mason.call([verb, "--help"]);
        assert_eq!(called.code, 0, "{verb}");
        assert!(called.out.contains(&format!("  mason {verb}")), "{verb}: {}", called.out);
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_says_why() {
    let mason = Mason::new();
    for args in [
        &["frobnicate"][..],
        &["run"],
        &["get", "-o", "xml"],
        &["apply"],
        &["run", "table/list", "--retry", "99"],
        &["run", "table/list", "--timeout", "soon"],
        &["run", "a/b", "-f", "x.yaml"],
        &[],
    ] {
        let called = mason.call(args);
        assert_eq!((called.code, called.out.as_str()), (2, ""), "{args:?}");
        let helps = ["Usage: mason", "try '--help'"];
        assert!(helps.iter().any(|text| called.err.contains(text)), "{args:?}: {}", called.err);
    }
}

#[test]
fn the_crds_are_five_documents_of_yaml() {
    let called = Mason::new().call(["crds"]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    let documents: Vec<&str> = called.out.split("---\n").filter(|text| !text.is_empty()).collect();
    assert_eq!(documents.len(), 5);
    for (document, plural) in documents.iter().zip([
        "masonconfigs",
        "operatordefinitions",
        "operatorruns",
        "workflows",
        "workflowruns",
    ]) {
        let crd: serde_json::Value = serde_saphyr::from_str(document).unwrap();
        assert_eq!(crd["kind"], "CustomResourceDefinition");
        assert_eq!(crd["spec"]["names"]["plural"], plural);
    }
}

#[test]
fn completions_know_the_verbs() {
    let mason = Mason::new();
    for shell in ["bash", "zsh", "fish"] {
        let called = mason.call(["completions", shell]);
        assert_eq!(called.code, 0, "{shell}");
        assert!(called.out.contains("resume"), "{shell}");
    }
}

#[test]
fn a_user_without_home_is_told_to_name_a_store() {
    let mason = Mason::new();
    let mut command = mason.command(["get"]);
    command.env_clear();
    let called = mason.finish(&mut command, "");
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    insta::assert_snapshot!(called.err, @r"
    error: there is no folder to keep resources in: neither MASON_STORE nor HOME is set
    hint: name one with --store ./mason
    ");
}
