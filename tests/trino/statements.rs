//! What Mason hands to Athena is run by Trino, behind the front that has Athena's rules: the answers are those of
//! Mason's own engine.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::engine;
use crate::athena_runs;
use crate::catalogue::Catalogue;
use crate::world::{ended, failure};

/// A statement for both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    sql: String,
    /// What Athena answers where it is not what Mason's own engine answers.
    differs: Option<Value>,
    /// A part of the error of Athena; the other engine has one too.
    fails: Option<String>,
    /// A part of the error of Mason's own engine, where Athena has none.
    unread: Option<String>,
    #[serde(rename = "because")]
    _because: Option<String>,
}

/// Makes a catalogue with tables of typed text, whose queries Trino executes.
fn catalogue() -> Catalogue {
    let made = Catalogue::new(&[
        (
            "raw/orders/a.csv",
            "id|customer|amount|note\n1|x|2.50|a\n2|x|4.00|\\N\n3|y|1.25|b\n4|z|9.99|\\N\n5|y|0.01|ü\n",
        ),
        (
            "raw/customers/a.csv",
            "customer|name|since\nx|Ann|2024-02-29\ny|Bob|1969-12-31\nw|Zoë|1900-01-01\n",
        ),
        (
            "raw/events/a.csv",
            "id|at|f\n1|2024-02-29 12:30:00.123|2.5\n2|1969-12-31 23:59:59.999|-0.1\n3|2024-03-01 00:00:00.000|1e300\n",
        ),
    ]);
    for (table, more) in [
        ("orders", json!({"null_tokens": ["\\N"]})),
        ("customers", json!({})),
        ("events", json!({})),
    ] {
        let mut parameters = json!({
            "storage_path": format!("raw/{table}"), "table_name": table, "quote": "none",
            "read_headers": true,
        });
        crate::catalogue::merge(&mut parameters, &more);
        let run = made.run(table, "table/infer", parameters);
        assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");
    }
    made.execute_by(&engine::address());
    made
}

/// Runs all statements with a config: by Athena, or by Mason's own engine.
fn asked(
    world: &Catalogue,
    config: &Value,
    by: &str,
    examples: &[Example],
) -> Vec<Result<Value, String>> {
    world.world.apply(config);
    engine::at_once(examples, |index, example| {
        let run = world.query(&format!("{by}{index}"), &example.sql);
        match failure(&run) {
            (phase, ..) if phase == "Succeeded" => Ok(run["status"]["result"]["data"].clone()),
            (_, _, told) => Err(told),
        }
    })
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn statements_for_athena_are_answered_by_trino_as_by_masons_own_engine() {
    let world = catalogue();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trino/statements.yaml");
    let text = fs::read_to_string(path).expect("should be readable");
    let examples: Vec<Example> = serde_saphyr::from_str(&text).expect("should be examples");
    assert!(examples.len() > 30, "they are {}", examples.len());
    let (own, athena) = (world.world.config(), athena_runs::config(&world.world));
    let there = asked(&world, &athena, "athena", &examples);
    let here = asked(&world, &own, "own", &examples);
    let mut problems = Vec::new();
    for (example, (here, there)) in examples.iter().zip(here.into_iter().zip(there)) {
        if let Err(problem) = judge(example, here, there) {
            problems.push(format!("{}\n  {problem}", example.sql));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(world.queries(), examples.len(), "each was a query of Athena");
}

fn judge(
    example: &Example,
    here: Result<Value, String>,
    there: Result<Value, String>,
) -> Result<(), String> {
    if let Some(part) = &example.fails {
        let both = here.is_err() && there.as_ref().is_err_and(|told| told.contains(part));
        return if both { Ok(()) } else { Err(format!("{here:?}, Athena {there:?}")) };
    }
    let there = there.map_err(|told| format!("Athena: {told}"))?;
    if let Some(part) = &example.unread {
        let is_so = here.as_ref().is_err_and(|told| told.contains(part));
        return if is_so { Ok(()) } else { Err(format!("Mason's own: {here:?}")) };
    }
    let here = here.map_err(|told| format!("Mason's own: {told}"))?;
    let differs = here != there;
    match &example.differs {
        None if differs => Err(format!("Athena: {there}\n  own:    {here}")),
        Some(wanted) if *wanted != there => Err(format!("Athena: {there}\n  wanted: {wanted}")),
        Some(_) if !differs => Err("differs no more".to_owned()),
        _ => Ok(()),
    }
}

#[test]
#[ignore = "needs Trino: make test-trino"]
fn values_that_are_bound_are_the_same_for_trino() {
    let world = catalogue();
    let database = &world.database;
    let statement = format!(
        "select $word as word, $whole as whole, $whole / 2 as half, $part as part, $part * 3 as thrice, $yes as yes, \
         $nothing as nothing, name from {database}.customers where customer in ($some) order by name"
    );
    let parameter = |name: &str, word: &str, is_required: bool| {
        json!({
            "name": name, "type": word, "required": is_required, "description": "A value",
        })
    };
    let definition = json!({
        "apiVersion": "mason.dev/v1alpha1",
        "kind": "OperatorDefinition",
        "metadata": {"name": "bound"},
        "spec": {
            "operator": "test/bound",
            "description": "Answers its parameters",
            "parameters": [
                parameter("word", "string", true), parameter("whole", "integer", true),
                parameter("part", "number", true), parameter("yes", "boolean", true),
                parameter("nothing", "string", false), parameter("some", "list", true),
            ],
            "action": {"sql": {"statement": statement}},
        },
    });
    let parameters = json!({
        "word": "it's \\ \"ü\" $whole -- 東京\n", "whole": 7, "part": 0.1, "yes": false,
        "some": ["x", "w", "it's"],
    });
    let mut answers = Vec::new();
    for (name, config) in
        [("own", world.world.config()), ("athena", athena_runs::config(&world.world))]
    {
        let mut config = config;
        config["spec"]["allowedActions"] = json!(["builtin", "sql"]);
        world.world.apply(&config);
        world.world.apply(&definition);
        let file = world.world.run_of(name, "test/bound", &parameters);
        let run = ended(&world.world.call(&["run", "-q", "-o", "json", "-f", &file], &[]));
        assert_eq!(run["status"]["phase"], "Succeeded", "{name}: {run:#}");
        answers.push(run["status"]["result"]["data"].clone());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][0]["word"], parameters["word"]);
    assert_eq!(answers[0].as_array().map(Vec::len), Some(2));
}
