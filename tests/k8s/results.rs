//! Where results go that a status has no room for, and what becomes of them.

use serde_json::{Value, json};

use crate::team::{Team, config, query};

/// Answers with rows of about 200 bytes each.
fn rows(name: &str, count: usize) -> String {
    let sql =
        format!("select value as n, repeat('x', 180) as text from generate_series(1, {count})");
    query(name, &sql, ", limit: 100000")
}

fn config_with(results: &str, root: &str) -> String {
    config("lake", root) + &format!("  results: {results}\n")
}

fn digest(text: &[u8]) -> String {
    use sha2::Digest as _;
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(text)))
}

fn succeeded(team: &Team, run: &str) -> Value {
    let status = team.finished(run);
    assert_eq!(status["phase"], "Succeeded", "{status:#}");
    status["result"].clone()
}

#[test]
fn a_large_result_stands_in_a_config_map_that_goes_with_its_run() {
    let team = Team::with_config("result-map");
    let _controller = team.controller();
    team.apply(&rows("large", 1_000));
    let result = succeeded(&team, "large");
    assert_eq!((&result["truncated"], &result["rows"]), (&json!(true), &json!(1_000)));
    let uri = result["ref"]["uri"].as_str().unwrap();
    let (name, key) = uri.strip_prefix("configmap://").unwrap().split_once('/').unwrap();
    let map = team.get(&format!("configmap/{name}"));
    let text = map["data"][key].as_str().unwrap();
    let whole: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(whole.len(), 1_000);
    assert_eq!(result["ref"]["sha256"], digest(text.as_bytes()));
    assert_eq!(result["ref"]["bytes"], text.len());
    let preview = result["data"].as_array().unwrap();
    assert!(preview.len() > 10 && preview[..] == whole[..preview.len()]);
    assert_eq!(map["metadata"]["labels"]["app.kubernetes.io/managed-by"], "mason");
    assert_eq!(map["metadata"]["ownerReferences"][0]["name"], "large");
    team.kubectl(&["delete", "oprun/large"]);
    let began = std::time::Instant::now();
    while team.exists(&format!("configmap/{name}")) {
        assert!(began.elapsed() < crate::team::PATIENCE, "the ConfigMap stays");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn a_result_at_the_configs_location_goes_with_its_run_unless_it_is_retained() {
    let team = Team::new("result-file");
    let _controller = team.controller();
    let root = team.root().to_string_lossy().into_owned();
    team.apply(&config_with("{location: \"here:_results/\"}", &root));
    team.apply(&rows("large", 8_000));
    team.apply(&query("small", "select 1 as n", ""));
    let result = succeeded(&team, "large");
    let path = result["ref"]["uri"].as_str().unwrap().strip_prefix("here:").unwrap();
    let uid = team.get("oprun/large")["metadata"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(path, format!("_results/{uid}-1.json"));
    let stored = std::fs::read(team.root().join(path)).unwrap();
    assert!(stored.len() > 1_000_000, "{} bytes", stored.len());
    assert_eq!(result["ref"]["sha256"], digest(&stored));
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&stored).unwrap().len(), 8_000);
    assert_eq!(
        team.get("oprun/large")["metadata"]["finalizers"],
        json!(["mason.dev/external-work"])
    );
    assert_eq!(succeeded(&team, "small")["ref"], Value::Null);
    let others = std::fs::read_dir(team.root().join("_results")).unwrap().count();
    assert_eq!(others, 1, "nothing else is left there");
    team.kubectl(&["delete", "oprun/large", "--timeout=60s"]);
    assert!(!team.root().join(path).exists());

    team.apply(&config_with("{location: \"here:_results\", retain: Always}", &root));
    team.apply(&rows("kept", 1_000));
    let result = succeeded(&team, "kept");
    let path = result["ref"]["uri"].as_str().unwrap().strip_prefix("here:").unwrap();
    team.kubectl(&["delete", "oprun/kept", "--timeout=60s"]);
    assert!(team.root().join(path).exists());
}

#[test]
fn where_nothing_may_stand_in_a_status_no_row_reaches_the_api_server() {
    let team = Team::new("result-never");
    let _controller = team.controller();
    let root = team.root().to_string_lossy().into_owned();
    team.apply(&config_with("{inline: Never}", &root));
    let wrong = team.until("mcfg/lake", |config| !config["status"].is_null());
    let text = wrong["status"]["conditions"].to_string();
    assert!(text.contains("spec.results.location: is required"), "{text}");
    team.apply(&config_with("{inline: Never, location: \"here:_results/\"}", &root));
    team.until("mcfg/lake", |config| {
        config["status"]["conditions"].to_string().contains("Checked")
    });
    team.apply(&query("secret", "select 'planted-' || '7261' as word", ""));
    let result = succeeded(&team, "secret");
    assert_eq!(result["data"], Value::Null);
    assert_eq!((&result["truncated"], &result["rows"]), (&json!(true), &json!(1)));
    let path = result["ref"]["uri"].as_str().unwrap().strip_prefix("here:").unwrap();
    let stored = std::fs::read_to_string(team.root().join(path)).unwrap();
    assert_eq!(stored, r#"[{"word":"planted-7261"}]"#);
    for kind in ["operatorruns", "configmaps", "events"] {
        let all = team.kubectl(&["get", kind, "-o", "json", "--show-managed-fields"]);
        assert!(!all.contains("planted-7261"), "{kind}");
    }
}

#[test]
fn a_result_that_was_stored_before_a_crash_is_taken_as_the_answer() {
    let team = Team::new("result-crash");
    let root = team.root().to_string_lossy().into_owned();
    team.apply(&config_with("{location: \"here:_results/\"}", &root));
    team.apply(&rows("large", 1_000));
    // As if the process had died between storing and recording.
    let uid = team.get("oprun/large")["metadata"]["uid"].as_str().unwrap().to_owned();
    let path = team.root().join("_results").join(format!("{uid}-1.json"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, r#"[{"n":"before"}]"#).unwrap();
    let _controller = team.controller();
    let result = succeeded(&team, "large");
    assert_eq!(result["data"], json!([{"n": "before"}]));
    assert_eq!(result["ref"]["sha256"], digest(br#"[{"n":"before"}]"#));
}
