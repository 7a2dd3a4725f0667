//! Operations that choose and join rows.

use serde_json::{Value, json};

use super::{Lake, batch, ints, job, parquet_input, shop, texts};
use crate::engines::job_spec::{Input, JoinKind, Operation};

#[test]
fn preview_gives_the_first_rows_in_the_order_of_files() {
    let (lake, mut inputs) = shop();
    let cities = inputs.remove(1);
    let rows = lake.rows(&job(vec![cities], Operation::Preview { rows: 2 }));
    assert_eq!(rows, json!([{"city": "Linz", "people": 210}, {"city": null, "people": 7}]));
}

#[test]
fn deduplicate_keeps_the_first_whatever_the_files() {
    let lake = Lake::new();
    let rows = batch(vec![
        ("k", ints(&[Some(1), Some(1), None, None, Some(2)])),
        ("Day", ints(&[Some(5), Some(7), Some(1), None, Some(1)])),
        ("x", texts(&[Some("b"), Some("a"), Some("z"), Some("y"), Some("c")])),
    ]);
    let reversed = batch(vec![
        ("k", ints(&[Some(1), Some(2)])),
        ("Day", ints(&[Some(7), Some(1)])),
        ("x", texts(&[Some("A"), Some("d")])),
    ]);
    let files = vec![lake.parquet("a.parquet", &rows), lake.parquet("b.parquet", &reversed)];
    let input = parquet_input("s.t", &rows, files);
    let operation =
        Operation::Deduplicate { keys: vec!["K".into()], order_by: vec!["-day".into()] };
    let Value::Array(mut rows) = lake.rows(&job(vec![input.clone()], operation)) else {
        panic!("should be rows")
    };
    rows.sort_by_key(ToString::to_string);
    assert_eq!(
        rows,
        [
            json!({"k": 1, "Day": 7, "x": "A"}),
            json!({"k": 2, "Day": 1, "x": "c"}),
            json!({"k": null, "Day": 1, "x": "z"}),
        ]
    );
    let twice = Input { files: [input.files.clone(), input.files.clone()].concat(), ..input };
    let operation = Operation::Deduplicate { keys: vec![], order_by: vec![] };
    let executed = lake.run(&job(vec![twice], operation)).expect("should run");
    assert_eq!(executed.rows, Some(7));
}

fn joined(kind: JoinKind) -> Value {
    let lake = Lake::new();
    let left = batch(vec![
        ("id", ints(&[Some(1), Some(2), None])),
        ("v", texts(&[Some("a"), Some("b"), Some("c")])),
    ]);
    let right = batch(vec![
        ("ID", ints(&[Some(2), Some(3), None])),
        ("V", texts(&[Some("x"), Some("y"), Some("z")])),
    ]);
    let inputs = vec![
        parquet_input("s.l", &left, vec![lake.parquet("l.parquet", &left)]),
        parquet_input("s.r", &right, vec![lake.parquet("r.parquet", &right)]),
    ];
    let on = vec![("id".into(), "id".into())];
    let Value::Array(mut rows) =
        lake.rows(&job(inputs, Operation::Join { join: kind, on, suffix: "_right".into() }))
    else {
        panic!("should be rows")
    };
    rows.sort_by_key(ToString::to_string);
    Value::Array(rows)
}

#[test]
fn joins_never_match_nulls_and_name_every_column() {
    assert_eq!(joined(JoinKind::Inner), json!([{"id": 2, "v": "b", "V_right": "x"}]));
    assert_eq!(
        joined(JoinKind::Left),
        json!([
            {"id": 1, "v": "a", "V_right": null},
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": null, "v": "c", "V_right": null},
        ])
    );
    assert_eq!(
        joined(JoinKind::Full),
        json!([
            {"id": 1, "v": "a", "V_right": null},
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": 3, "v": null, "V_right": "y"},
            {"id": null, "v": "c", "V_right": null},
            {"id": null, "v": null, "V_right": "z"},
        ])
    );
    assert_eq!(
        joined(JoinKind::Right),
        json!([
            {"id": 2, "v": "b", "V_right": "x"},
            {"id": 3, "v": null, "V_right": "y"},
            {"id": null, "v": null, "V_right": "z"},
        ])
    );
    assert_eq!(joined(JoinKind::Semi), json!([{"id": 2, "v": "b"}]));
    assert_eq!(joined(JoinKind::Anti), json!([{"id": 1, "v": "a"}, {"id": null, "v": "c"}]));
}
