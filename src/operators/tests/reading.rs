//! Operators that read, answer, or change the metastore without a job.

use serde_json::json;

use super::fakes::{World, file, job, name, outcome, request, schema, table};
use crate::engines::ErrorKind;
use crate::engines::bad_rows::Bad;
use crate::engines::job::{JobId, JobState};
use crate::engines::job_spec::{Operation, Sample};
use crate::engines::metastore::{Change, TableEntry};
use crate::engines::reading::Reading;
use crate::engines::schema::{
    ColumnType, ConflictingSchema, DifferingColumn, SchemaConflict, SchemaFound,
};
use crate::engines::table::{
    ConflictingTable, FileFormat, Format, TableKind, TableLookup, TableVersion,
};
use crate::operators::{Answer, Effect, Prepared, find};

pub(super) fn world() -> World {
    let tables = [
        table("sales.orders", TableKind::Managed),
        table("sales.raw", TableKind::Discovered),
        table("sales.declared", TableKind::External),
    ];
    World {
        databases: vec!["sales".into(), "empty".into()],
        files: tables
            .iter()
            .flat_map(|table| table.files.clone())
            .chain([file("exports/2024/x/a.parquet", 1)])
            .collect(),
        tables: tables
            .into_iter()
            .map(|table| TableLookup::Table(Box::new(table)))
            .chain([TableLookup::Conflicting(Box::new(conflicting()))])
            .collect(),
        broken: Vec::new(),
        jobs: vec![job("j2", JobState::Running), job("j1", JobState::Succeeded)],
    }
}

fn conflicting() -> ConflictingTable {
    let of = |word: &str, files, example: &str| ConflictingSchema {
        schema: schema(&[("price", word), ("year", "Int64")]),
        files,
        examples: vec![example.to_owned()],
    };
    ConflictingTable {
        name: name("sales.mixed"),
        locations: vec!["sales/mixed".into()],
        format: FileFormat::of(Format::Parquet),
        conflict: SchemaConflict {
            schemas: vec![of("Float64", 2, "sales/mixed/a"), of("Utf8", 1, "sales/mixed/c")],
            differing_columns: vec![DifferingColumn {
                name: "price".into(),
                types: [("Float64".to_owned(), 2), ("Utf8".to_owned(), 1)].into(),
                common: None,
            }],
            lossless_common: false,
            common: None,
        },
        files: vec![
            (file("sales/mixed/a", 1), 0),
            (file("sales/mixed/b", 2), 0),
            (file("sales/mixed/c", 3), 1),
        ],
        partition_keys: vec!["year".into()],
        found: SchemaFound::Footers { files: 3 },
        bad: Bad::default(),
        notes: Vec::new(),
    }
}

async fn answer(operator: &str, parameters: serde_json::Value) -> Answer {
    match world().prepare(operator, parameters).await {
        Ok(Prepared::Answer(answer)) => {
            let schema = find(operator).expect("should exist").result_schema();
            let schema = jsonschema::validator_for(&schema).expect("should be a schema");
            if let Err(error) = schema.validate(&answer.data) {
                panic!("{operator} should answer as it promises: {error}");
            }
            answer
        }
        other => panic!("{operator} should answer, and gave {other:?}"),
    }
}

async fn effect(
    operator: &str,
    parameters: serde_json::Value,
) -> (Effect, crate::operators::WorkPlan) {
    match world().prepare(operator, parameters).await {
        Ok(Prepared::Effect { effect, plan }) => (effect, plan),
        other => panic!("{operator} should change something, and gave {other:?}"),
    }
}

#[tokio::test]
async fn tables_are_listed_by_pattern_and_the_cut_is_said() {
    let all = answer("table.list", json!({"database_name": "SALES"})).await;
    assert_eq!((all.rows, all.truncated), (Some(4), false));
    let some =
        answer("table.list", json!({"database_name": "sales", "pattern": "*R*", "limit": 1})).await;
    assert_eq!(some.data.as_array().map(Vec::len), Some(1));
    assert!(some.truncated && some.warnings[0].contains("the first 1 of 3"), "{some:?}");
    let (error, _) = world().refusal("table.list", json!({"database_name": "nowhere"})).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn databases_are_listed() {
    let databases = answer("database.list", json!({})).await;
    assert_eq!(databases.data[0]["database"], "sales");
    assert!(databases.data[0].get("tables").is_none(), "they were not counted: {databases:?}");
    assert_eq!(databases.rows, Some(2));
}

#[tokio::test]
async fn a_table_is_described_with_its_size_rows_and_how_its_schema_was_found() {
    let got = answer("table.get", json!({"database_name": "sales", "table_name": "orders"})).await;
    assert_eq!(got.data["bytes"], 30);
    assert_eq!(got.data["rows"], 100);
    assert_eq!(got.data["found"], json!({"how": "footers", "files": 2}));
    assert_eq!(got.data["columns"][0], json!({"name": "id", "type": "Int64", "nullable": true}));
}

#[tokio::test]
async fn a_table_whose_files_disagree_is_shown_with_the_conflict() {
    let got = answer(
        "table.get",
        json!({"database_name": "sales", "table_name": "mixed", "preview_rows": 5}),
    )
    .await;
    assert_eq!(got.data["conflict"]["distinctSchemas"], 2);
    assert_eq!(got.data["conflict"]["schemas"][1]["examples"][0], "sales/mixed/c");
    assert!(
        got.warnings[0].contains("column `price` is Float64 in 2 files, Utf8 in 1 file"),
        "{got:?}"
    );
}

#[tokio::test]
async fn a_preview_is_put_beside_the_description() {
    let parameters = json!({"database_name": "sales", "table_name": "orders", "preview_rows": 2});
    let (spec, plan) = world().job("table.get", parameters.clone()).await;
    assert_eq!(spec.operation, Operation::Preview { rows: 2 });
    assert_eq!((plan.files_read, plan.bytes_read, plan.rows_read), (2, 30, Some(100)));
    let operator = find("table.get").expect("should exist");
    let rows = outcome(json!([{"id": 1}, {"id": 2}]));
    let conclusion = operator.conclude(&world().engines(), &request(parameters), &rows).await;
    let answer = conclusion.expect("should conclude").answer;
    assert_eq!(answer.data["preview"][1]["id"], 2);
    assert!(!answer.truncated);
}

#[tokio::test]
async fn a_conflicting_table_is_refused_everywhere_but_where_it_is_the_point() {
    let refused = [
        ("table.query", json!({"database_name": "sales", "query_string": "select 1 from mixed"})),
        (
            "table.format",
            json!({"database_name": "sales", "table_name": "mixed", "output_table": "x"}),
        ),
        ("table.summarize", json!({"database_name": "sales", "table_name": "mixed"})),
        ("table.deduplicate", json!({"database_name": "sales", "table_name": "mixed"})),
        (
            "table.explode",
            json!({"database_name": "sales", "table_name": "mixed", "columns": ["a"]}),
        ),
        (
            "table.cast",
            json!({"database_name": "sales", "table_name": "mixed", "columns": {"a": "date"}}),
        ),
        ("table.fake", json!({"database_name": "sales", "table_name": "mixed"})),
        (
            "table.join",
            json!({"database_name": "sales", "table_name": "orders", "right_table_name": "mixed", "on": ["id"]}),
        ),
    ];
    for (operator, parameters) in refused {
        let (error, hint) = world().refusal(operator, parameters).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{operator}");
        assert!(error.message.contains("3 files have 2 schemas: column `price`"), "{error}");
        assert!(
            hint.contains("run table/merge with database_name=sales table_name=mixed"),
            "{hint}"
        );
    }
}

#[tokio::test]
async fn a_query_pins_the_files_of_every_table_it_names() {
    let sql = "select * from $table t join RAW r on t.id = r.id";
    let parameters =
        json!({"database_name": "sales", "table_name": "orders", "query_string": sql, "limit": 7});
    let (spec, plan) = world().job("table.query", parameters).await;
    let names: Vec<_> = spec.inputs.iter().map(|input| input.name.to_string()).collect();
    assert_eq!(names, ["sales.orders", "sales.raw"]);
    assert_eq!(spec.limits.rows, 7);
    assert_eq!((plan.files_read, plan.rows_read), (4, Some(200)));
    assert!(matches!(&spec.operation, Operation::Query { sql: kept, .. } if kept == sql));
}

#[tokio::test]
async fn a_query_that_writes_or_is_two_is_refused_with_every_problem() {
    for sql in ["drop table orders", "select 1; select 2", "select 1 into x", "selec 1"] {
        let parameters = json!({"database_name": "sales", "query_string": sql});
        let (error, _) = world().refusal("table.query", parameters).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{sql}: {error}");
    }
    let parameters = json!({"query_string": "select 1 from $table", "table_name": "orders"});
    let (error, _) = world().refusal("table.query", parameters).await;
    assert!(error.message.contains("`table_name` needs `database_name`"), "{error}");
}

#[tokio::test]
async fn a_summary_has_the_stated_defaults_and_checks_its_columns() {
    let (spec, _) = world()
        .job("table.summarize", json!({"database_name": "sales", "table_name": "orders"}))
        .await;
    let json = serde_json::to_value(&spec.operation).expect("should be JSON");
    assert_eq!(json["method"], "approximate");
    assert_eq!(json["quantiles"], json!([0.25, 0.5, 0.75]));
    let wrong = json!({"database_name": "sales", "table_name": "orders", "columns": ["ctiy"]});
    let (error, hint) = world().refusal("table.summarize", wrong).await;
    assert!(error.message.contains("did you mean `City`?"), "{error}");
    assert!(hint.contains("`id`, `City`, `tags`"), "{hint}");
    let wrong = json!({"database_name": "sales", "table_name": "orders", "quantiles": ["1.5"]});
    assert!(world().refusal("table.summarize", wrong).await.0.message.contains("\"1.5\""));
}

#[tokio::test]
async fn databases_are_created_once_and_deleted_with_care() {
    let (made, _) = effect("database.create", json!({"database_name": "new"})).await;
    let change = Change::CreateDatabase { name: "new".into(), if_not_exists: false };
    assert_eq!(made, Effect::Metastore { change });
    let (error, _) = world().refusal("database.create", json!({"database_name": "Sales"})).await;
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    let fine =
        answer("database.create", json!({"database_name": "Sales", "if_not_exists": true})).await;
    assert!(fine.info[0].contains("already"), "{fine:?}");
    let (error, _) = world()
        .refusal("database.delete", json!({"database_name": "sales", "cascade": true}))
        .await;
    assert!(error.message.contains("Mason did not write: `raw`, `mixed`"), "{error}");
    let (gone, plan) = effect("database.delete", json!({"database_name": "empty"})).await;
    assert_eq!(
        gone,
        Effect::Metastore {
            change: Change::DeleteDatabase { name: "empty".into(), cascade: false }
        }
    );
    assert_eq!(plan.overwrites_total, 0);
}

#[tokio::test]
async fn deleting_lists_what_goes_and_keeps_files_of_others() {
    let delete = |table: &str, files: bool| json!({"database_name": "sales", "table_name": table, "delete_files": files});
    let (gone, plan) = effect("table.delete", delete("Orders", false)).await;
    assert_eq!(plan.overwrites, ["sales/orders/a.parquet", "sales/orders/b.parquet"]);
    let Effect::Metastore { change: Change::DeleteTable { name, expected, .. } } = gone else {
        panic!("should delete a table");
    };
    assert_eq!((name.table.as_str(), expected), ("orders", Some(TableVersion(7))));
    let (_, plan) = effect("table.delete", delete("declared", false)).await;
    assert_eq!(plan.overwrites_total, 0);
    assert!(plan.what.contains("its files are kept"), "{}", plan.what);
    let (_, plan) = effect("table.delete", delete("declared", true)).await;
    assert_eq!(plan.overwrites_total, 2);
    let (error, hint) = world().refusal("table.delete", delete("raw", false)).await;
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(hint.contains("delete_files=true"), "{hint}");
    assert_eq!(
        world().refusal("table.delete", delete("nothing", true)).await.0.kind,
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_table_that_cannot_be_read_can_be_deleted() {
    let mut world = world();
    world.broken.push(TableEntry {
        version: None,
        name: name("sales.broken"),
        kind: TableKind::External,
        locations: vec!["sales/orders".into()],
    });
    let parameters =
        json!({"database_name": "sales", "table_name": "broken", "delete_files": true});
    let Ok(Prepared::Effect { plan, .. }) = world.prepare("table.delete", parameters).await else {
        panic!("should be deleted");
    };
    assert_eq!(plan.overwrites_total, 2);
}

#[tokio::test]
async fn an_inference_declares_a_table_or_shows_the_conflict() {
    let parameters =
        json!({"database_name": "sales", "storage_path": "sales/orders/", "table_name": "new"});
    let (spec, plan) = world().job("table.infer", parameters.clone()).await;
    assert_eq!(spec.operation, Operation::Infer { sample: None, reading: Reading::default() });
    assert_eq!((plan.files_read, plan.bytes_read), (2, 30));
    let operator = find("table.infer").expect("should exist");
    let same = json!({
        "answer": "same",
        "format": {"format": "parquet"},
        "schema": [{"name": "a", "type": "Int64", "nullable": false}],
        "partitionColumns": [{"name": "k", "type": "Utf8", "nullable": true}],
        "found": {"how": "footers", "files": 2},
        "files": 2,
    });
    let (engines, request) = (world().engines(), request(parameters));
    let conclusion =
        operator.conclude(&engines, &request, &outcome(same)).await.expect("should conclude");
    let Some(Effect::Metastore { change: Change::PutTable { table, expected } }) =
        conclusion.effect
    else {
        panic!("should declare a table");
    };
    assert_eq!((table.name.to_string().as_str(), expected), ("sales.new", None));
    assert_eq!(table.schema.columns.len(), 2);
    assert_eq!(table.partition_keys, ["k"]);
    assert_eq!(conclusion.answer.data["registered"], true);

    let conflict = json!({
        "answer": "conflict",
        "format": {"format": "parquet"},
        "conflict": conflicting().conflict,
        "partitionColumns": [],
        "found": {"how": "footers", "files": 3},
        "files": [],
    });
    let conclusion =
        operator.conclude(&engines, &request, &outcome(conflict)).await.expect("should conclude");
    assert_eq!(conclusion.effect, None);
    assert_eq!(conclusion.answer.data["registered"], false);
    assert!(conclusion.answer.warnings[0].starts_with("nothing was registered"), "{conclusion:?}");
}

#[tokio::test]
async fn an_inference_does_not_take_a_name_that_is_taken() {
    let infer = |table: &str, mode: &str| json!({"database_name": "sales", "storage_path": "sales/raw", "table_name": table, "mode": mode});
    let (error, hint) = world().refusal("table.infer", infer("declared", "error")).await;
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert!(hint.contains("table/refresh"), "{hint}");
    assert_eq!(
        world().refusal("table.infer", infer("orders", "replace")).await.0.kind,
        ErrorKind::AlreadyExists
    );
    world().job("table.infer", infer("declared", "replace")).await;
    let nothing = json!({"database_name": "sales", "storage_path": "sales/none"});
    let (error, _) = world().refusal("table.infer", nothing).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    let sampled = json!({"database_name": "sales", "storage_path": "sales/raw", "sample_rows": 10});
    let (spec, _) = world().job("table.infer", sampled).await;
    let sample = Some(Sample { files: u64::MAX, rows: 10 });
    assert_eq!(spec.operation, Operation::Infer { sample, reading: Reading::default() });
}

#[tokio::test]
async fn a_refresh_says_what_changed_and_replaces_only_the_version_it_saw() {
    let parameters = json!({"database_name": "sales", "table_name": "declared"});
    world().job("table.refresh", parameters.clone()).await;
    let operator = find("table.refresh").expect("should exist");
    let declared = table("sales.declared", TableKind::External);
    let found = |columns| {
        outcome(json!({
            "answer": "same",
            "format": declared.format,
            "schema": columns,
            "partitionColumns": [],
            "found": {"how": "footers", "files": 2},
            "files": 2,
        }))
    };
    let (engines, request) = (world().engines(), request(parameters));
    let same = found(json!(declared.schema));
    let conclusion = operator.conclude(&engines, &request, &same).await.expect("should conclude");
    assert_eq!(conclusion.effect, None);
    let mut other = declared.schema.clone();
    other.columns[0].data_type = ColumnType(arrow::datatypes::DataType::Utf8);
    other.columns[2].name = "labels".into();
    let other = found(json!(other));
    let conclusion = operator.conclude(&engines, &request, &other).await.expect("should conclude");
    let Some(Effect::Metastore { change: Change::PutTable { expected, .. } }) = conclusion.effect
    else {
        panic!("should change the declaration");
    };
    assert_eq!(expected, Some(TableVersion(7)));
    assert_eq!(
        conclusion.answer.data["differences"],
        json!([
            "column `id` is Utf8, and was Int64",
            "column `labels` is new",
            "column `tags` is gone"
        ])
    );
    let managed =
        answer("table.refresh", json!({"database_name": "sales", "table_name": "orders"})).await;
    assert!(managed.info[0].contains("nothing to refresh"), "{managed:?}");
}

#[tokio::test]
async fn jobs_are_listed_shown_logged_and_cancelled() {
    let jobs = answer("job.list", json!({"state": "Running"})).await;
    assert_eq!(jobs.data[0]["id"], "j2");
    assert_eq!(jobs.rows, Some(1));
    let one = answer("job.get", json!({"job_id": "j1"})).await;
    assert!(one.data["outcome"].is_object());
    let lines = answer("job.logs", json!({"job_id": "j1", "lines": 3})).await;
    assert_eq!(lines.data["lines"].as_array().map(Vec::len), Some(3));
    let (asked, _) = effect("job.cancel", json!({"job_id": "j2"})).await;
    assert_eq!(asked, Effect::CancelJob { id: JobId("j2".into()) });
    let over = answer("job.cancel", json!({"job_id": "j1"})).await;
    assert!(over.info[0].contains("ended already"), "{over:?}");
    for operator in ["job.get", "job.logs", "job.cancel"] {
        let (error, _) = world().refusal(operator, json!({"job_id": "nothing"})).await;
        assert_eq!(error.kind, ErrorKind::NotFound, "{operator}");
    }
}

#[tokio::test]
async fn how_text_is_read_is_refused_where_it_speaks_of_nothing() {
    let stated = |table: &str, more: serde_json::Value| {
        let mut parameters = json!({"database_name": "sales", "table_name": table});
        for (name, value) in more.as_object().expect("should be an object") {
            parameters[name] = value.clone();
        }
        parameters
    };
    let nulls = json!({"null_tokens": ["NA"], "delimiter": ";"});
    for (table, why) in [
        ("orders", "Mason wrote the files of `sales.orders`"),
        ("declared", "`sales.declared` is declared, and is read as it was declared"),
        ("raw", "the files of `sales.raw` are parquet, not delimited text"),
    ] {
        for operator in ["table.get", "table.summarize", "table.deduplicate"] {
            let (error, hint) = world().refusal(operator, stated(table, nulls.clone())).await;
            assert_eq!(error.kind, ErrorKind::InvalidInput, "{operator}");
            let message = format!("`delimiter`, `null_tokens` would have no effect: {why}");
            assert_eq!(error.message, message, "{operator}");
            assert!(hint.contains("mode=replace"), "{hint}");
        }
    }
    let query = json!({"query_string": "select 1", "read_headers": false});
    let (error, _) = world().refusal("table.query", query).await;
    assert_eq!(error.message, "`read_headers` would have no effect: no table is read");
    let wrong = json!({
        "null_tokens": ["a;b", "c\nd"], "delimiter": ";", "output_table": "merged",
    });
    let (error, _) = world().refusal("table.merge", stated("raw", wrong)).await;
    for part in ["\"a;b\" holds the delimiter", "\"c\\nd\" holds a line end"] {
        assert!(error.message.contains(part), "{error}");
    }
}

#[tokio::test]
async fn how_text_is_read_goes_into_the_job_of_undeclared_text() {
    let mut world = world();
    let mut text = table("sales.text", TableKind::Discovered);
    text.format = serde_json::from_value(json!({
        "format": "csv",
        "csv": {"delimiter": "\t", "header": true, "quote": "\"", "encoding": "utf8", "nullTokens": []},
    }))
    .expect("should be a format");
    world.tables.push(TableLookup::Table(Box::new(text)));
    let query = json!({
        "database_name": "sales",
        "query_string": "select * from text join orders using (id)",
        "delimiter": "\\t",
        "null_tokens": ["NA"],
    });
    let (spec, _) = world.job("table.query", query).await;
    let asked = spec.inputs.iter().find(|input| input.name == name("sales.text"));
    let dialect = asked.and_then(|input| input.format.csv.clone()).expect("should be text");
    assert_eq!((dialect.delimiter.as_str(), dialect.null_tokens), ("\t", vec!["NA".to_owned()]));
    let infer = json!({"database_name": "sales", "storage_path": "sales/raw", "table_name": "new", "delimiter": "\\t"});
    let (spec, _) = world.job("table.infer", infer).await;
    let reading = Reading { delimiter: Some("\t".to_owned()), ..Reading::default() };
    assert_eq!(spec.operation, Operation::Infer { sample: None, reading });
}

#[tokio::test]
async fn an_inference_told_how_text_is_read_refuses_other_files() {
    let parameters = json!({
        "database_name": "sales", "storage_path": "sales/orders", "table_name": "new",
        "null_tokens": ["NA"],
    });
    let found = outcome(json!({
        "answer": "same", "format": {"format": "parquet"}, "schema": [], "partitionColumns": [],
        "found": {"how": "footers", "files": 2}, "files": 2,
    }));
    let operator = find("table.infer").expect("should exist");
    let (engines, request) = (world().engines(), request(parameters));
    let error = operator.conclude(&engines, &request, &found).await.expect_err("should refuse");
    assert!(error.message.contains("`null_tokens` would have no effect"), "{error}");
    assert!(error.message.contains("parquet, not delimited text"), "{error}");
}
