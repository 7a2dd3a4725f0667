//! Configs: probed for real, within what the administrator allows.

use serde_json::json;

use crate::team::{Team, condition, config, query};

#[test]
fn a_config_tells_how_each_client_stands_and_notices_a_change() {
    let team = Team::new("probed");
    let lake = team.root().join("lake");
    team.apply(&config("lake", &lake.to_string_lossy()));
    let _controller = team.controller();
    let config = team.until("mcfg/lake", |config| condition(config, "Ready").is_some());
    let ready = condition(&config, "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("ClientNotReady")));
    let client = &config["status"]["clients"][0];
    assert_eq!((&client["name"], &client["type"]), (&json!("here"), &json!("local")));
    assert_eq!(client["roles"], json!(["metastore", "storage", "execution"]));
    assert_eq!((&client["ready"], &client["reason"]), (&json!(false), &json!("ClientNotReady")));
    assert!(client["message"].as_str().unwrap().contains("lake"), "{client}");
    std::fs::create_dir(&lake).unwrap();
    let config = team.until("mcfg/lake", |config| config["status"]["clients"][0]["ready"] == true);
    let truths = ["Ready", "Reconciling", "Stalled"]
        .map(|kind| condition(&config, kind).unwrap()["status"].as_str().unwrap());
    assert_eq!(truths, ["True", "False", "False"]);
    assert!(config["status"]["clients"][0]["checkedAt"].is_string());
}

#[test]
fn a_root_that_is_not_allowed_is_refused_and_no_run_reads_it() {
    let team = Team::new("outside");
    let other = team.allowed().join("other-team");
    std::fs::create_dir_all(other.join("sales")).unwrap();
    std::fs::write(other.join("sales/orders.csv"), "secret\n1\n").unwrap();
    std::os::unix::fs::symlink(&other, team.root().join("link")).unwrap();
    let _controller = team.controller();
    for (name, root) in [("direct", other.clone()), ("linked", team.root().join("link"))] {
        team.apply(&config(name, &root.to_string_lossy()));
        let config =
            team.until(&format!("mcfg/{name}"), |config| condition(config, "Ready").is_some());
        let ready = condition(&config, "Ready").unwrap();
        assert_eq!(
            (&ready["status"], &ready["reason"]),
            (&json!("False"), &json!("RootNotAllowed"))
        );
        assert_eq!(condition(&config, "Stalled").unwrap()["status"], "True");
        assert!(ready["message"].as_str().unwrap().contains("may use"), "{ready}");
        let run = query(name, "select * from orders", "")
            .replace("{name: lake}", &format!("{{name: {name}}}"));
        team.apply(&run);
        let status = team.finished(name);
        assert_eq!(
            (&status["phase"], &status["columns"]["reason"]),
            (&json!("Failed"), &json!("RootNotAllowed"))
        );
        assert!(!status.to_string().contains("secret"), "{status}");
    }
}
