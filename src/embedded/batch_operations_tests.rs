//! Whole jobs of the operations that transform batches; values are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, ListArray};
use arrow::datatypes::Int64Type;
use serde_json::json;

use super::tests::{Lake, batch, ints, job, parquet_input, texts, to_files};
use crate::engines::ErrorKind;
use crate::engines::job_spec::*;
use crate::engines::reading::Reading;
use crate::engines::result::InferAnswer;
use crate::engines::schema::{Column, ColumnType, Schema, SchemaFound};
use crate::engines::table::Format;

fn column_type(text: &str) -> ColumnType {
    text.parse().expect("should be a type")
}

fn summarize(method: SummaryMethod) -> Operation {
    Operation::Summarize { columns: Vec::new(), method, quantiles: vec![0.5], top: 1 }
}

fn sales(lake: &Lake) -> Input {
    let rows = batch(vec![
        ("city", texts(&[Some("Linz"), Some("Wien"), None, Some("Linz")])),
        ("amount", ints(&[Some(10), None, Some(9_007_199_254_740_993), Some(20)])),
    ]);
    let files = vec![lake.parquet("shop/sales/1.parquet", &rows)];
    parquet_input("shop.sales", &rows, files)
}

#[test]
fn summaries_hold_every_statistic_in_the_documented_encoding() {
    let lake = Lake::new();
    for method in [SummaryMethod::Approximate, SummaryMethod::Exact] {
        let answer = lake.rows(&job(vec![sales(&lake)], summarize(method)));
        assert_eq!(answer["rows"], 4);
        let city = &answer["columns"][0];
        let expected = json!({
            "column": "city", "type": "Utf8", "count": 3, "nulls": 1, "min": "Linz", "max": "Wien",
            "mean": null, "standardDeviation": null,
            "distinct": {"count": 2, "exact": true, "standardError": 0.0},
            "quantiles": null,
            "top": {"exact": true, "undercount": 0, "values": [{"value": "Linz", "count": 2}]},
        });
        assert_eq!(city, &expected);
        let amount = &answer["columns"][1];
        assert_eq!(amount["max"], "9007199254740993");
        assert_eq!(amount["quantiles"]["values"], json!([{"quantile": 0.5, "value": 20}]));
    }
}

#[test]
fn a_table_without_files_has_a_summary() {
    let lake = Lake::new();
    let mut input = sales(&lake);
    input.files.clear();
    let answer = lake.rows(&job(vec![input], summarize(SummaryMethod::Approximate)));
    assert_eq!((&answer["rows"], &answer["columns"][1]["count"]), (&json!(0), &json!(0)));
}

#[test]
fn a_summary_that_is_too_large_says_which_part_it_is() {
    let lake = Lake::new();
    let mut spec = job(vec![sales(&lake)], summarize(SummaryMethod::Approximate));
    spec.limits.bytes = 700;
    let executed = lake.run(&spec).expect("should run");
    assert!(
        executed.truncated && executed.answer["columns"].as_array().is_some_and(|c| c.len() == 1)
    );
    assert!(executed.warnings[0].contains("first 1 of 2 columns"), "{:?}", executed.warnings);
}

#[test]
fn casts_fail_with_every_misfit_or_make_it_null_and_say_so() {
    let lake = Lake::new();
    let rows = batch(vec![("a", texts(&[Some("1"), Some("1.5"), None, Some("x")]))]);
    let input = parquet_input("shop.t", &rows, vec![lake.parquet("shop/t/1.parquet", &rows)]);
    let columns = BTreeMap::from([("a".to_owned(), column_type("Int64"))]);
    let mut spec = job(vec![input], Operation::Cast { columns });
    let error = lake.run(&spec).expect_err("should fail");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("2 of 4 in `a` are no Int64"), "{error}");
    spec.bad_rows = BadRows::Null;
    let executed = lake.run(&spec).expect("should run");
    assert_eq!(executed.answer, json!([{"a": 1}, {"a": null}, {"a": null}, {"a": null}]));
    assert!(executed.warnings[0].contains("\"1.5\" in row 2"), "{:?}", executed.warnings);
    let executed = lake.run(&to_files(spec, Format::Parquet, &[])).expect("should run");
    let cast = &executed.answer["casts"]["a"];
    assert_eq!(
        (&cast["from"], &cast["to"], &cast["nulled"]),
        (&json!("Utf8"), &json!("Int64"), &json!(2))
    );
    assert_eq!(cast["examples"][1], json!({"row": 4, "value": "x"}));
}

#[test]
fn a_cast_that_fails_leaves_no_file() {
    let lake = Lake::new();
    let rows = batch(vec![("a", texts(&[Some("x")]))]);
    let input = parquet_input("shop.t", &rows, vec![lake.parquet("shop/t/1.parquet", &rows)]);
    let columns = BTreeMap::from([("a".to_owned(), column_type("Int64"))]);
    let spec = to_files(job(vec![input], Operation::Cast { columns }), Format::Csv, &[]);
    lake.run(&spec).expect_err("should fail");
    let folder = lake.root.path().join("out/table");
    let left = std::fs::read_dir(folder)
        .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().is_file()).count());
    assert_eq!(left, 0);
}

#[test]
fn merges_bring_files_of_two_schemas_together() {
    let lake = Lake::new();
    let first = batch(vec![("id", ints(&[Some(1)])), ("price", ints(&[Some(2)]))]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![2.5, 3.0]));
    let second = batch(vec![("price", floats), ("note", texts(&[Some("n"), None]))]);
    let mut files =
        vec![lake.parquet("shop/t/1.parquet", &first), lake.parquet("shop/t/2.parquet", &second)];
    files[1].schema = 1;
    let mut input = parquet_input("shop.t", &first, files);
    input.schemas.push(Schema::from_arrow(second.schema().as_ref()));
    let merge = |on_conflict| Operation::Merge { on_conflict, extract_paths: BTreeMap::new() };
    let error =
        lake.run(&job(vec![input.clone()], merge(MergeRule::Fail))).expect_err("a conflict");
    assert!(error.message.contains("column `price`"), "{error}");
    let executed = lake.run(&job(vec![input.clone()], merge(MergeRule::Text))).expect("should run");
    assert_eq!(
        executed.answer,
        json!([
            {"id": 1, "price": "2", "note": null},
            {"id": null, "price": "2.5", "note": "n"},
            {"id": null, "price": "3", "note": null},
        ])
    );
    let spec = to_files(job(vec![input], merge(MergeRule::Null)), Format::Parquet, &[]);
    let executed = lake.run(&spec).expect("should run");
    assert_eq!(executed.answer["rows"], 3);
    assert_eq!(executed.answer["casts"]["price"]["nulled"], 1);
    assert_eq!(executed.answer["casts"]["note"]["absent"], 1);
}

#[test]
fn lists_are_exploded_and_rows_are_made_up() {
    let lake = Lake::new();
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), Some(2)]),
        None,
    ]));
    let rows = batch(vec![("k", texts(&[Some("a"), Some("b")])), ("v", lists)]);
    let input = parquet_input("shop.t", &rows, vec![lake.parquet("shop/t/1.parquet", &rows)]);
    let explode = Operation::Explode { columns: vec!["v".to_owned()], outer: true };
    let answer = lake.rows(&job(vec![input], explode));
    assert_eq!(answer, json!([{"k": "a", "v": 1}, {"k": "a", "v": 2}, {"k": "b", "v": null}]));

    let column = |name: &str, data_type: &str| Column {
        name: name.to_owned(),
        data_type: column_type(data_type),
        nullable: false,
        source_type: None,
    };
    let schema = Schema { columns: vec![column("id", "Int64"), column("email", "Utf8")] };
    let fake = |rows| Operation::Fake { schema: schema.clone(), rows, seed: 7 };
    let answer = lake.rows(&job(Vec::new(), fake(3)));
    assert_eq!(answer, lake.rows(&job(Vec::new(), fake(3))));
    assert_eq!(answer[2]["id"], 3);
    let executed = lake.run(&job(Vec::new(), fake(1_000_000))).expect("should run");
    assert!(executed.truncated);
}

fn infer(lake: &Lake, files: Vec<InputFile>) -> InferAnswer {
    let rows = batch(vec![("unread", ints(&[]))]);
    let mut input = parquet_input("shop.t", &rows, files);
    input.schemas.clear();
    let spec = job(vec![input], Operation::Infer { sample: None, reading: Reading::default() });
    serde_json::from_value(lake.rows(&spec)).expect("should be an inference's answer")
}

#[test]
fn inference_answers_with_what_a_job_can_read() {
    let lake = Lake::new();
    let files = vec![
        lake.text("shop/t/y=2023/1.csv", "id,name,price\n1,a,1.5\n2,b,3.5\n"),
        lake.text("shop/t/y=2024/2.csv", "id,name,price\n3,c,2.5\n"),
        lake.text("shop/t/y=2024/empty.csv", ""),
    ];
    let InferAnswer::Same { format, schema, partition_columns, found, files: count, notes, .. } =
        infer(&lake, files.clone())
    else {
        panic!("should be the same")
    };
    assert_eq!((found, count), (SchemaFound::AllRows { files: 2, rows: 3 }, 3));
    assert!(notes.iter().any(|note| note.contains("empty.csv")), "{notes:?}");
    assert_eq!(partition_columns.columns[0].data_type, column_type("Int64"));
    let mut files = files;
    for (file, year) in files.iter_mut().zip(["2023", "2024", "2024"]) {
        file.file.partition_values = vec![Some(year.to_owned())];
    }
    let rows = batch(vec![("unread", ints(&[]))]);
    let input = Input {
        format,
        schemas: vec![schema],
        partition_columns,
        ..parquet_input("shop.t", &rows, files[..2].to_vec())
    };
    let answer = lake.rows(&job(vec![input], summarize(SummaryMethod::Approximate)));
    assert_eq!(answer["rows"], 3);
    let columns = answer["columns"].as_array().expect("should be columns");
    let least: Vec<_> = columns.iter().map(|column| column["min"].clone()).collect();
    assert_eq!(least[0], 1);
    assert_eq!((&least[1], &least[3]), (&json!("a"), &json!(2023)));
}

#[test]
fn files_that_disagree_are_inferred_and_merged() {
    let lake = Lake::new();
    let files = vec![
        lake.text("shop/t/1.csv", "id,price\n1,10\n2,20\n"),
        lake.text("shop/t/2.csv", "id,price,note\n3,n/a,x\n"),
    ];
    let InferAnswer::Conflict { format, conflict, files, .. } = infer(&lake, files) else {
        panic!("should be a conflict")
    };
    let rows = batch(vec![("unread", ints(&[]))]);
    let files = files.into_iter().map(|(file, schema)| InputFile { file, schema }).collect();
    let mut input = Input { format, ..parquet_input("shop.t", &rows, files) };
    input.schemas = conflict.schemas.into_iter().map(|one| one.schema).collect();
    let extract_paths = BTreeMap::new();
    let merge = Operation::Merge { on_conflict: MergeRule::Text, extract_paths };
    let answer = lake.rows(&job(vec![input], merge));
    assert_eq!(
        answer,
        json!([
            {"id": 1, "price": "10", "note": null},
            {"id": 2, "price": "20", "note": null},
            {"id": 3, "price": "n/a", "note": "x"},
        ])
    );
}

#[test]
fn broken_files_are_all_named() {
    let lake = Lake::new();
    let rows = batch(vec![("unread", ints(&[]))]);
    let files = vec![
        lake.text("shop/t/1.parquet", "PAR1 and no footer"),
        lake.text("shop/t/2.parquet", "no Parquet at all"),
    ];
    let mut input = parquet_input("shop.t", &rows, files);
    input.schemas.clear();
    let error = lake
        .run(&job(vec![input], Operation::Infer { sample: None, reading: Reading::default() }))
        .expect_err("should be broken");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("1.parquet") && error.message.contains("2.parquet"), "{error}");
}
