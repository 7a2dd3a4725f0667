//! The command line in the hands of people with few rights, and `mason doctor`.

use serde_json::Value;

use super::console::Console;
use super::{BY_CITY, run_query};
use crate::team::{Team, condition};

/// Returns a console of a user who may do this in the namespace.
fn user_with(team: &Team, rights: &[&str]) -> Console {
    team.kubectl(&["create", "serviceaccount", "user"]);
    if let [verbs, resources] = rights {
        let (verbs, resources) = (format!("--verb={verbs}"), format!("--resource={resources}"));
        team.kubectl(&["create", "role", "user", &verbs, &resources]);
        let account = format!("--serviceaccount={}:user", team.name);
        team.kubectl(&["create", "rolebinding", "user", "--role=user", &account]);
    }
    let token = team.kubectl(&["create", "token", "user"]);
    let console = Console::of(team);
    let token = format!("--token={}", token.trim());
    console.configure(team, &["set-credentials", "user", &token]);
    console.configure(team, &["set-context", "--current", "--user=user"]);
    console
}

#[test]
fn who_has_no_rights_is_told_which_and_nothing_happens() {
    let team = Team::with_config("cli-no-rights");
    let console = user_with(&team, &[]);
    for call in [&["get", "runs"][..], &["get", "run", "x"], &["cancel", "x"]] {
        let called = console.call(call);
        assert_eq!(called.code, 1, "{called:?}");
        assert!(called.err.contains("is forbidden: User"), "{call:?}: {}", called.err);
        assert!(called.err.contains("`mason --cluster doctor`"), "{call:?}: {}", called.err);
    }
    let run = console.call(&run_query("x", BY_CITY));
    assert!(run.code == 1 && run.err.contains("cannot create resource"), "{run:?}");
    assert_eq!(team.kubectl(&["get", "operatorruns"]), "");
    let doctor = console.call(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(
        doctor.out.contains(
            "failed   rights on runs: not allowed in `cli-no-rights`: get operatorruns.mason.dev"
        ),
        "{}",
        doctor.out
    );
    assert!(doctor.out.contains("hint: ask for the role `mason-edit`"), "{}", doctor.out);
}

#[test]
fn who_may_only_create_and_read_runs_can_run_and_sees_the_result() {
    let team = Team::with_config("cli-few-rights");
    let _controller = team.controller();
    let console = user_with(&team, &["create,get", "operatorruns.mason.dev"]);
    let done = console.call(&run_query("by-city", BY_CITY));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("Graz"), "{}", done.out);
    let wrong = console.call(&run_query("wrong", "qery_string=select 1"));
    assert_eq!(wrong.code, 1, "the controller refuses what could not be checked here: {wrong:?}");
    assert!(wrong.err.contains("`table/query` has no such parameter"), "{}", wrong.err);
}

#[test]
fn a_cluster_where_all_is_well_passes_every_check() {
    let team = Team::with_config("cli-doctor");
    let _controller = team.controller();
    team.until("mcfg/lake", |config| {
        condition(config, "Ready").is_some_and(|ready| ready["status"] == "True")
    });
    let console = Console::of(&team);
    let doctor = console.call(&["doctor", "-o", "json"]);
    let checks: Value = serde_json::from_str(&doctor.out).unwrap();
    // Another test may relax a CRD at the same time, which the doctor is right to tell.
    let others =
        checks.as_array().unwrap().iter().filter(|check| check["check"] != "crd operatorruns");
    for check in others {
        assert_eq!(check["verdict"], "ok", "{check:#}");
    }
    let names: Vec<&str> =
        checks.as_array().unwrap().iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "api server",
            "crd masonconfigs",
            "crd operatordefinitions",
            "crd operatorruns",
            "crd workflows",
            "crd workflowruns",
            "rights on runs",
            "rights to look",
            "rights to apply",
            "rights to logs",
            "controller",
            "config lake",
        ]
    );
    team.kubectl(&["create", "serviceaccount", "poor"]);
    let poor = console.call(&["doctor", "--service-account", "cli-doctor/poor"]);
    assert_eq!(poor.code, 1, "{poor:?}");
    assert!(
        poor.out.contains("system:serviceaccount:cli-doctor:poor may not: get operatorruns"),
        "{}",
        poor.out
    );
}
