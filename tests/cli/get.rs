//! Listing and looking: the columns of the CRDs, and forms that parse back.

use serde_json::Value;

use crate::{CONFIG, Mason};

fn with_config() -> Mason {
    let mason = Mason::new();
    mason.write("data/x", "");
    let called = mason.call_with_input(["apply", "-f", "-"], CONFIG);
    assert_eq!(called.code, 0, "{called:?}");
    mason
}

#[test]
fn configs_are_listed_with_the_columns_of_the_crd() {
    let mason = with_config();
    for word in
        ["configs", "config", "mcfg", "masonconfigs", "MasonConfig", "masonconfig.mason.dev"]
    {
        let called = mason.call(["get", word]);
        assert_eq!((called.code, called.err.as_str()), (0, ""), "{word}");
        let mut lines = called.out.lines();
        assert_eq!(lines.next(), Some("NAME   METASTORE   STORAGE   EXECUTION   READY   AGE"));
        let row = lines.next().unwrap();
        assert!(row.starts_with("lake   here        here      here        True    "), "{row}");
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn a_config_whose_folder_is_missing_is_not_ready_and_says_why() {
    let mason = Mason::new();
    assert_eq!(mason.call_with_input(["apply", "-f", "-"], CONFIG).code, 0);
    let called = mason.call(["get", "configs", "-o", "wide"]);
    assert!(called.out.contains("False"), "{}", called.out);
    assert!(
        called.out.contains("here: `<folder>/data`: No such file or directory"),
        "{}",
        called.out
    );
}

#[test]
fn json_and_yaml_hold_the_whole_resource_and_parse_back() {
    let mason = with_config();
    let json: Value =
        serde_json::from_str(&mason.call(["get", "config", "lake", "-o", "json"]).out).unwrap();
    let yaml = mason.call(["get", "config/lake", "-o", "yaml"]).out;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    assert_eq!(json["kind"], "MasonConfig");
    assert_eq!(json["status"]["columns"]["metastore"], "here");
    let list: Value =
        serde_json::from_str(&mason.call(["get", "configs", "-o", "json"]).out).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][0], json);
    let applied = mason.call_with_input(
        ["apply", "-f", "-"],
        &yaml.replace("<folder>", mason.path("").to_str().unwrap().trim_end_matches('/')),
    );
    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(applied.out.ends_with("unchanged\n"), "{}", applied.out);
}

#[test]
fn each_resource_may_be_named_with_its_kind() {
    let mason = with_config();
    let pond = CONFIG.replace("{name: lake}", "{name: pond}");
    assert_eq!(mason.call_with_input(["apply", "-f", "-"], &pond).code, 0);
    let both = "masonconfig.mason.dev/lake\nmasonconfig.mason.dev/pond\n";
    for args in [
        ["get", "config/lake", "config/pond", "-o", "name"].as_slice(),
        &["get", "configs", "lake", "masonconfig.mason.dev/pond", "-o", "name"],
    ] {
        let called = mason.call(args);
        assert_eq!((called.code, called.out.as_str(), called.err.as_str()), (0, both, ""));
    }
    let mixed = mason.call(["get", "config/lake", "operator/table/query", "-o", "name"]);
    assert_eq!(mixed.code, 0, "{mixed:?}");
    assert_eq!(mixed.out, "masonconfig.mason.dev/lake\noperatordefinition.mason.dev/table-query\n");
    let described = mason.call(["describe", "config", "config/lake"]);
    assert_eq!((described.code, described.err.as_str()), (0, ""));
    let bare = mason.call(["get", "config/lake", "pond"]);
    assert_eq!((bare.code, bare.out.as_str()), (2, ""));
    assert!(bare.err.starts_with("error: `pond` has no kind\n"), "{}", bare.err);
}

#[test]
fn everything_is_listed_with_its_kind() {
    let mason = with_config();
    for args in [&["get"][..], &["get", "all"], &["get", "mason"]] {
        let called = mason.call(args);
        assert!(called.out.contains("masonconfig.mason.dev/lake"), "{}", called.out);
    }
    assert_eq!(mason.call(["get", "-o", "name"]).out, "masonconfig.mason.dev/lake\n");
}

#[test]
fn the_operators_built_in_are_listed_and_found_by_their_operator() {
    let mason = Mason::new();
    let called = mason.call(["get", "operators"]);
    assert_eq!(called.code, 0, "{called:?}");
    assert!(called.out.starts_with("NAME"), "{}", called.out);
    for operator in ["table/query", "database/list", "job/logs"] {
        assert!(called.out.contains(&format!(" {operator} ")), "{operator}: {}", called.out);
    }
    for name in ["table/query", "table-query"] {
        let called = mason.call(["get", "operator", name, "-o", "json"]);
        let document: Value = serde_json::from_str(&called.out).unwrap();
        assert_eq!(document["spec"]["operator"], "table/query");
    }
}

#[test]
fn nothing_found_is_said_on_standard_error_only() {
    let mason = Mason::new();
    let called = mason.call(["get", "runs"]);
    assert_eq!((called.code, called.out.as_str()), (0, ""));
    insta::assert_snapshot!(called.err, @r"
    no runs in namespace `default`
    hint: `mason run` makes one
    ");
    assert!(!mason.path("store").exists(), "looking should make nothing");
}

#[test]
fn what_does_not_exist_is_an_error_with_what_does() {
    let mason = with_config();
    let called = mason.call(["get", "config", "laek"]);
    assert_eq!((called.code, called.out.as_str()), (1, ""));
    insta::assert_snapshot!(called.err, @r"
    error: masonconfig.mason.dev/laek does not exist in namespace `default`
    hint: there are: lake
    ");
    let called = mason.call(["get", "pods"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.starts_with("error: there is no kind `pods`\nhint: "), "{}", called.err);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mason = Mason::new();
    let mut command = std::process::Command::new("sh");
    let script = format!(
        "'{}' get operators | true; '{0}' get operators | head -1",
        env!("CARGO_BIN_EXE_mason")
    );
    command.args(["-c", &script]).env_clear().env("HOME", mason.path(""));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let called = mason.finish(&mut command, "");
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    assert!(called.out.starts_with("NAME"), "{}", called.out);
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let mason = Mason::new();
    let args = ["get", "config", "x"];
    assert!(!mason.call(args).err.contains('\u{1b}'));
    let always = mason.call(["--color", "always", "get", "config", "x"]);
    assert!(always.err.contains('\u{1b}'));
    let mut command = mason.command(args);
    command.env("NO_COLOR", "1");
    assert!(!mason.finish(&mut command, "").err.contains('\u{1b}'));
}

#[test]
fn an_unreadable_resource_does_not_hide_the_others() {
    let mason = with_config();
    let kept = files_below(&mason.path("store"))
        .into_iter()
        .find(|path| path.to_string_lossy().contains("lake"));
    let kept = kept.unwrap();
    let broken =
        kept.with_file_name(kept.file_name().unwrap().to_string_lossy().replace("lake", "broken"));
    std::fs::write(&broken, "{ not json").unwrap();
    let called = mason.call(["get", "configs"]);
    assert_eq!(called.code, 1, "{called:?}");
    assert!(called.out.contains("lake"), "{}", called.out);
    assert!(called.err.contains("broken"), "{}", called.err);
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn explain_tells_parameters_needs_and_an_example() {
    let mason = Mason::new();
    for args in [
        &["explain", "operator", "table/query"][..],
        &["explain", "table/query"],
        &["explain", "operator", "table", "query"],
        &["explain", "table", "query"],
    ] {
        let called = mason.call(args);
        assert_eq!((called.code, called.err.as_str()), (0, ""), "{args:?}");
        for text in [
            "table/query\n",
            "database_name",
            "query_string",
            "(required)",
            "execution query",
            "mason run table/query",
        ] {
            assert!(called.out.contains(text), "{text}: {}", called.out);
        }
    }
    let called = mason.call(["explain", "operatorrun.spec.retry"]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    assert!(called.out.contains("limit"), "{}", called.out);
    let called = mason.call(["explain", "operatorrun.spec.retries"]);
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    assert!(called.err.contains("OperatorRun.spec has no field `retries`"), "{}", called.err);
    assert_eq!(mason.call(["explain", "operator", "table/nothing"]).code, 1);
    let one = mason.call(["explain", "table/query.limit"]);
    assert_eq!(one.code, 0, "{one:?}");
    assert!(one.out.contains("limit") && !one.out.contains("query_string"), "{}", one.out);
    for (what, hint) in [
        ("table/query.limt", "did you mean `limit`?"),
        ("table/qury", "did you mean `table/query`?"),
        ("job", "`job` has job/"),
        ("nothing", "known: database/create, "),
    ] {
        let called = mason.call(["explain", what]);
        assert_eq!(called.code, 1, "{what}: {called:?}");
        assert!(called.err.contains(hint), "{what}: {}", called.err);
    }
}
