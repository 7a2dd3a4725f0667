//! Queries by Athena, emulated with its rules of tokens and states: each attempt starts one, whatever dies.

use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::s3::Bucket;
use crate::world::{World, assert_failed, ended, text};

/// Makes a catalogue with the table `orders`, whose queries are Athena's.
fn catalogue() -> Catalogue {
    let made = Catalogue::new(&[("raw/orders/a.csv", "id,amount\n1,2.5\n2,4.5\n")]);
    let run = made.infer("infer", "raw/orders", "orders", "error");
    assert_eq!(run["status"]["result"]["data"]["registered"], true, "{run:#}");
    made.world.apply(&config(&made.world));
    made
}

/// Returns the config of a world whose queries are Athena's.
pub(crate) fn config(world: &World) -> Value {
    let mut config = world.config();
    let athena = json!({"region": "us-east-1", "endpoint": Bucket::server()});
    let clients = config["spec"]["clients"].as_array_mut().expect("has clients");
    clients.push(json!({"name": "athena", "athena": athena}));
    config["spec"]["engines"]["execution"] = json!(["athena", "here"]);
    config
}

const SQL: &str = "select count(*) as n, sum(cast(id as bigint)) as ids from orders";

#[test]
fn a_query_is_athenas_and_its_answer_typed() {
    let world = catalogue();
    let sql = "select cast(id as bigint) as id, amount, cast(amount as decimal(10,2)) as exact, \
               cast(null as varchar) as nothing, '' as empty, true as yes, 1.5e0 as float, \
               date '2024-01-02' as day, timestamp '2024-01-02 03:04:05' as at, \
               cast('{\"a\": [1]}' as json) as more from orders order by 1";
    let run = world.query("typed", sql);
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(
        run["status"]["result"]["data"][0],
        json!({
            "id": 1, "amount": "2.5", "exact": "2.50", "nothing": null, "empty": "", "yes": true,
            "float": 1.5, "day": "2024-01-02", "at": "2024-01-02T03:04:05", "more": {"a": [1]},
        })
    );
    let attempt = &run["status"]["attempts"][0];
    assert_eq!(attempt["job"]["kind"], "AthenaQuery", "{attempt:#}");
    assert!(
        attempt["job"]["url"].as_str().is_some_and(|url| url.contains("#/query-editor/history/"))
    );
    assert_eq!(attempt["statistics"]["inputBytes"], 123, "{attempt:#}");
    let many = world.run(
        "many",
        "table/query",
        json!({"query_string": "select * from range(2500) as t(n)", "limit": 2000}),
    );
    let result = &many["status"]["result"];
    assert_eq!(
        (&result["truncated"], &result["data"][1999]["n"]),
        (&json!(true), &json!(1999)),
        "{result}"
    );
}

#[test]
fn what_fails_is_told_and_not_asked_again() {
    let world = catalogue();
    let run = world.query("wrong", "select nothing_such from orders");
    assert_failed(&run, &["Athena: SYNTAX_ERROR", "nothing_such"]);
    assert_eq!(run["status"]["attempts"].as_array().map(Vec::len), Some(1));
    assert_failed(&world.query("gone", "select * from gone"), &["there is no table"]);
    let run = world.query("nested", "select [1, 2] as list");
    assert_failed(&run, &["column `list` is of type array", "cast(list as json)"]);
    let output = json!({"query_string": "select 1 as a", "output_table": "made"});
    let run = world.run("out", "table/query", output);
    assert_failed(&run, &["writes no files yet", "names a client `local` first"]);
    let stated = json!({"query_string": "select * from orders", "encoding": "latin1"});
    let run = world.run("stated", "table/query", stated);
    assert_failed(&run, &["`encoding` would have no effect", "as the metastore says"]);
}

#[test]
fn what_athena_refuses_to_start_has_failed() {
    let world = catalogue();
    for code in ["AccessDeniedException", "InvalidRequestException"] {
        world.fail("StartQueryExecution", "before", code);
        let run = world.query(&code.to_lowercase(), SQL);
        assert_failed(&run, &["athena: failed to start a query", code]);
    }
    let mut config = config(&world.world);
    config["spec"]["clients"][3]["athena"]["workgroup"] = json!("closed");
    world.world.apply(&config);
    let run = world.query("closed", SQL);
    assert_failed(&run, &["WorkGroup closed is disabled"]);
    assert_eq!(world.queries(), 0);
}

#[test]
fn the_first_rows_show_lists_as_json() {
    let world = catalogue();
    let sql = "select 1 as id, [1, 2] as list";
    let mut local = world.world.config();
    local["spec"]["engines"]["execution"] = json!(["here"]);
    world.world.apply(&local);
    let made =
        world.run("make", "table/query", json!({"query_string": sql, "output_table": "lists"}));
    assert_eq!(made["status"]["phase"], "Succeeded", "{made:#}");
    world.world.apply(&config(&world.world));
    let run = world.run("get", "table/get", json!({"table_name": "lists", "preview_rows": 2}));
    let preview = &run["status"]["result"]["data"]["preview"];
    assert_eq!(preview, &json!([{"id": 1, "list": [1, 2]}]), "{run:#}");
}

/// Where a process dies that queries.
const POINTS: [&str; 8] = [
    "intend.after-write",
    "launch.before-write",
    "launch.after-write",
    "athena.starting",
    "athena.started",
    "release.before-write",
    "collect.before-write",
    "collect.after-write",
];

#[test]
fn a_query_whose_process_dies_at_any_point_is_started_once() {
    let world = catalogue();
    for (index, point) in POINTS.into_iter().enumerate() {
        let name = format!("die{index}");
        let parameters = json!({"database_name": world.database, "query_string": SQL});
        let file = world.world.run_of(&name, "table/query", &parameters);
        let run = world.world.run_that_dies_at(point, &name, &file);
        assert_eq!(
            run["status"]["result"]["data"],
            json!([{"n": 2, "ids": 3}]),
            "{point}: {run:#}"
        );
        let attempts = run["status"]["attempts"].as_array().expect("has attempts");
        assert_eq!(attempts.len(), 1, "{point}: {run:#}");
    }
    assert_eq!(world.queries(), POINTS.len());
}

#[test]
fn a_start_whose_answer_is_lost_starts_one_query() {
    let world = catalogue();
    world.fail("StartQueryExecution", "after", "InternalServerException");
    let run = world.query("lost", SQL);
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    assert_eq!(world.queries(), 1);
}

#[test]
fn a_run_that_is_cancelled_stops_its_query() {
    let world = catalogue();
    let parameters = json!({"database_name": world.database, "query_string": SQL});
    for (index, point) in ["athena.starting", "athena.started"].into_iter().enumerate() {
        let name = format!("stop{index}");
        let file = world.world.run_of(&name, "table/query", &parameters);
        let mark = text(&world.world.path(&format!("{name}.mark")));
        let fault = format!("{point}:1");
        let armed = [("MASON_FAULT_POINT", fault.as_str()), ("MASON_FAULT_MARK", mark.as_str())];
        world.world.call(&["run", "-q", "-o", "json", "-f", &file], &armed);
        let cancelled = world.world.call(&["cancel", &name], &[]);
        assert!(cancelled.status.success(), "{point}: {cancelled:?}");
        world.world.call(&["resume"], &[]);
        let run = ended(&world.world.call(&["get", &format!("run/{name}"), "-o", "json"], &[]));
        assert_eq!(run["status"]["phase"], "Cancelled", "{point}: {run:#}");
    }
    assert_eq!(
        world.queries(),
        1,
        "the one that had been started is stopped, the other never starts"
    );
}
