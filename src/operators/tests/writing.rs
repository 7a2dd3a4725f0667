//! Operators that write: where, over what, and what they refuse.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fakes::{World, name, outcome, request};
use super::reading::world;
use crate::engines::ErrorKind;
use crate::engines::job_spec::{FileSink, Operation, Sink, WriteMode};
use crate::engines::result::Commit;
use crate::engines::table::{Format, TableVersion};
use crate::operators::{WorkPlan, find};

async fn written(operator: &str, parameters: Value) -> (Operation, FileSink, WorkPlan) {
    let (spec, plan) = world().job(operator, parameters).await;
    match spec.sink {
        Sink::Files(sink) => (spec.operation, *sink, plan),
        Sink::Answer => panic!("{operator} should write files"),
    }
}

fn formatted(more: Value) -> Value {
    let mut parameters = json!({"database_name": "sales", "table_name": "raw", "format": "csv"});
    if let (Value::Object(all), Value::Object(more)) = (&mut parameters, more) {
        all.extend(more);
    }
    parameters
}

#[tokio::test]
async fn a_new_table_goes_into_the_folder_of_its_database() {
    let parameters = formatted(json!({
        "output_table": "out", "filter_columns": ["city", "ID"], "partition_columns": ["city"],
        "target_file_size_mib": 1, "sample_size": 5,
    }));
    let (operation, sink, plan) = written("table.format", parameters).await;
    assert_eq!(
        sink,
        FileSink {
            table: Some(name("sales.out")),
            location: "sales/out".into(),
            format: Format::Csv,
            partition_by: vec!["City".into()],
            mode: WriteMode::Error,
            target_file_size_bytes: 1024 * 1024,
            expected: None,
            register: None,
        }
    );
    let columns = vec!["City".to_owned(), "id".into()];
    assert_eq!(operation, Operation::Format { columns, sample_rows: Some(5) });
    assert_eq!(plan.what, "format the first 5 rows of sales.raw, write sales.out as csv");
    assert_eq!(plan.target.as_deref(), Some("sales.out (sales/out)"));
    assert_eq!(plan.overwrites_total, 0);
}

#[tokio::test]
async fn a_table_that_is_there_is_replaced_or_appended_to_only_on_demand() {
    let onto = |mode: &str| formatted(json!({"output_table": "ORDERS", "mode": mode}));
    let (error, hint) = world().refusal("table.format", onto("error")).await;
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert!(hint.contains("mode=replace"), "{hint}");
    let (_, sink, plan) = written("table.format", onto("replace")).await;
    assert_eq!((sink.location.as_str(), sink.expected), ("sales/orders", Some(TableVersion(7))));
    assert_eq!(plan.overwrites, ["sales/orders/a.parquet", "sales/orders/b.parquet"]);
    let (_, sink, plan) = written("table.format", onto("append")).await;
    assert_eq!((sink.mode, sink.expected), (WriteMode::Append, Some(TableVersion(7))));
    assert_eq!(plan.overwrites_total, 0);
}

#[tokio::test]
async fn files_that_mason_did_not_write_are_never_overwritten() {
    for (place, why) in [
        (json!({"output_table": "raw", "mode": "replace"}), "Mason did not write"),
        (json!({"output_table": "declared", "mode": "replace"}), "is declared over files"),
        (json!({"output_path": "SALES/raw", "mode": "replace"}), "Mason did not write"),
        (json!({"output_path": "exports/2024/x", "mode": "replace"}), "holds files already"),
    ] {
        let (error, _) = world().refusal("table.format", formatted(place)).await;
        assert_eq!(error.kind, ErrorKind::AlreadyExists);
        assert!(error.message.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_folder_may_be_anywhere_below_the_root() {
    let (_, sink, plan) =
        written("table.format", formatted(json!({"output_path": "out/deep/x/"}))).await;
    assert_eq!((sink.location.as_str(), sink.expected), ("out/deep/x", None));
    assert_eq!(plan.target.as_deref(), Some("out/deep.x (out/deep/x)"));
    let known = formatted(json!({"output_path": "SALES/Orders", "mode": "replace"}));
    let (_, sink, _) = written("table.format", known).await;
    assert_eq!((sink.location.as_str(), sink.expected), ("sales/orders", Some(TableVersion(7))));
}

#[tokio::test]
async fn outputs_that_make_no_sense_are_refused() {
    for (place, why) in [
        (json!({}), "neither `output_table` nor `output_path`"),
        (json!({"output_table": "a", "output_path": "b/c"}), "both given"),
        (json!({"output_path": "out/x.csv"}), "ends in `.csv`"),
        (json!({"output_path": "../x"}), "not a path below the root"),
        (json!({"output_path": "/x/y"}), "not a path below the root"),
        (json!({"output_table": "_x"}), "begins with `_`"),
        (json!({"output_table": "a*"}), "character of a glob"),
        (json!({"output_table": "k=1"}), "has a `=`"),
        (json!({"output_table": "a", "partition_columns": ["nope"]}), "no column `nope`"),
        (
            json!({"output_table": "a", "partition_columns": ["id", "city", "tags"]}),
            "leaves no column",
        ),
        (
            json!({"output_table": "a", "filter_columns": ["id"], "partition_columns": ["city"]}),
            "no column `city`",
        ),
        (json!({"output_table": "a", "mode": "merge"}), "cannot be `merge`"),
    ] {
        let (error, _) = world().refusal("table.format", formatted(place.clone())).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{place}");
        assert!(error.message.contains(why), "{place}: {error}");
    }
    let nowhere = formatted(json!({"output_table": "a", "output_database": "nowhere"}));
    let (error, hint) = world().refusal("table.format", nowhere).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(hint.contains("database/create"), "{hint}");
    let stray =
        json!({"database_name": "sales", "query_string": "select 1", "partition_columns": ["a"]});
    let (error, _) = world().refusal("table.query", stray).await;
    assert!(error.message.contains("but no output"), "{error}");
}

#[tokio::test]
async fn a_merge_takes_files_that_disagree_and_files_that_agree() {
    let merge = |table: &str| {
        json!({
            "database_name": "sales", "table_name": table, "output_table": "merged",
            "on_conflict": "text", "extract_paths": {"city": "address.city"},
        })
    };
    let (spec, plan) = world().job("table.merge", merge("mixed")).await;
    let input = &spec.inputs[0];
    assert_eq!(input.schemas.len(), 2);
    assert_eq!(input.schemas[0].columns.len(), 1, "the partition key is no column of the files");
    assert_eq!(input.partition_columns.columns[0].name, "year");
    assert_eq!(input.files.iter().map(|file| file.schema).collect::<Vec<_>>(), [0, 0, 1]);
    assert!(plan.what.starts_with("merge the 2 schemas of sales.mixed"), "{}", plan.what);
    let (spec, plan) = world().job("table.merge", merge("raw")).await;
    assert!(plan.what.contains("whose files agree"), "{}", plan.what);
    assert!(spec.inputs[0].notes[0].contains("not necessary"), "{:?}", spec.inputs[0].notes);
    let wrong = json!({
        "database_name": "sales", "table_name": "mixed", "output_table": "m", "extract_paths": {"a": 1},
    });
    assert!(world().refusal("table.merge", wrong).await.1.contains("address.city"));
}

#[tokio::test]
async fn what_was_written_is_answered_with_its_proof() {
    let operator = find("table.merge").expect("should exist");
    let parameters =
        json!({"database_name": "sales", "table_name": "raw", "output_table": "merged"});
    let mut proof = outcome(json!({"nulled": {"price": 3}}));
    proof.commit = Some(Commit {
        table: Some(name("sales.merged")),
        location: "sales/merged".into(),
        version: TableVersion(1),
        files: 2,
        bytes: 30,
        rows: 5,
        digest: "sha256:00".into(),
        attempt: 1,
    });
    let conclusion = operator.conclude(&world().engines(), &request(parameters), &proof).await;
    let answer = conclusion.expect("should conclude").answer;
    assert_eq!(answer.data["table"], json!({"database": "sales", "name": "merged"}));
    assert_eq!(answer.data["rows"], 5);
    assert_eq!(answer.data["report"]["nulled"]["price"], 3);
    let schema = jsonschema::validator_for(&operator.result_schema()).expect("should be a schema");
    assert!(schema.is_valid(&answer.data));
}

#[tokio::test]
async fn rows_that_were_cut_say_how_to_keep_all() {
    let operator = find("table.query").expect("should exist");
    let mut cut = outcome(json!([{"a": 1}]));
    (cut.rows, cut.truncated) = (Some(10), true);
    let conclusion = operator.conclude(&world().engines(), &request(json!({})), &cut).await;
    let answer = conclusion.expect("should conclude").answer;
    assert!(answer.truncated);
    assert!(answer.warnings[0].contains("cut to 1 of 10 rows; give output_table"), "{answer:?}");
}

#[tokio::test]
async fn operators_on_columns_spell_them_as_the_table_does() {
    let (operation, ..) = job(
        "table.deduplicate",
        json!({
            "database_name": "sales", "table_name": "orders", "keys": ["CITY"], "order_by": ["-Id"],
        }),
    )
    .await;
    let keys = vec!["City".to_owned()];
    assert_eq!(operation, Operation::Deduplicate { keys, order_by: vec!["-id".into()] });
    let (operation, inputs) = job("table.join", json!({
        "database_name": "sales", "table_name": "orders", "right_table_name": "raw", "on": ["ID=id", "city"],
        "join": "anti",
    }))
    .await;
    assert_eq!(inputs, 2);
    let json = serde_json::to_value(&operation).expect("should be JSON");
    assert_eq!(json["on"], json!([["id", "id"], ["City", "City"]]));
    assert_eq!((&json["join"], &json["suffix"]), (&json!("anti"), &json!("_right")));
    let (operation, _) = job(
        "table.explode",
        json!({
            "database_name": "sales", "table_name": "orders", "columns": ["Tags"],
        }),
    )
    .await;
    assert_eq!(operation, Operation::Explode { columns: vec!["tags".into()], outer: true });
    let (operation, _) = job(
        "table.cast",
        json!({
            "database_name": "sales", "table_name": "orders", "columns": {"ID": "varchar"},
        }),
    )
    .await;
    let json = serde_json::to_value(&operation).expect("should be JSON");
    assert_eq!(json["columns"], json!({"id": "Utf8"}));
}

async fn job(operator: &str, parameters: Value) -> (Operation, usize) {
    let (spec, _) = world().job(operator, parameters).await;
    (spec.operation, spec.inputs.len())
}

#[tokio::test]
async fn operators_on_columns_refuse_what_is_not_there_or_does_not_fit() {
    let on_orders = |more: Value| {
        let mut all =
            json!({"database_name": "sales", "table_name": "orders", "right_table_name": "raw"});
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        all
    };
    for (operator, more, why) in [
        ("table.deduplicate", json!({"keys": ["x"]}), "no column `x`"),
        ("table.deduplicate", json!({"order_by": ["-x"]}), "no column `x`"),
        ("table.join", json!({}), "names no columns"),
        ("table.join", json!({"on": ["id=x", "y"]}), "`id=x` names no column of each table; `y`"),
        ("table.explode", json!({"columns": ["id", "tags"]}), "`id` is Int64"),
        ("table.cast", json!({"columns": {"id": "number"}}), "`number` is no type"),
        ("table.cast", json!({"columns": {}}), "no object from column to type"),
        ("table.fake", json!({"schema": {"a": "date"}}), "both given"),
    ] {
        let (error, _) = world().refusal(operator, on_orders(more)).await;
        assert!(error.message.contains(why), "{operator}: {error}");
    }
}

#[tokio::test]
async fn made_up_rows_take_a_schema_or_that_of_a_table() {
    let (operation, inputs) =
        job("table.fake", json!({"schema": {"id": "bigint", "city": "text"}, "seed": 3})).await;
    assert_eq!(inputs, 0);
    let Operation::Fake { schema, rows, seed } = operation else { panic!("should be made up") };
    assert_eq!((schema.columns.len(), rows, seed), (2, 100, 3));
    let like = json!({"database_name": "sales", "table_name": "orders", "rows": 5});
    let (operation, _) = job("table.fake", like).await;
    assert!(
        matches!(operation, Operation::Fake { schema, rows: 5, .. } if schema.columns.len() == 3)
    );
}

proptest! {
    /// Whatever the name of an output is, what is written stays below its database and is no glob.
    #[test]
    fn any_output_name_is_refused_or_stays_where_it_belongs(table in "\\PC{0,20}", path in "[a-z./_*=]{0,20}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("should start");
        let world: World = world();
        for place in [json!({"output_table": table}), json!({"output_path": path})] {
            if let Ok(crate::operators::Prepared::Job { spec, .. }) =
                runtime.block_on(world.prepare("table.format", formatted(place)))
            {
                let Sink::Files(sink) = spec.sink else { panic!("should write files") };
                let location = crate::engines::table::StoragePath::new(&sink.location);
                prop_assert!(location.is_ok(), "{}", sink.location);
                prop_assert!(!sink.location.contains(['*', '?', '[', '=']), "{}", sink.location);
                prop_assert!(sink.location.contains('/'));
            }
        }
    }
}
