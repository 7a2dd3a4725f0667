//! Rows of JSON: lines, arrays, one object.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};

use super::{failure, read, texts};

#[test]
fn json_lines_and_arrays_read_alike() {
    let rows = [
        r#"{"a": 1, "b": {"c": [1, 2.5], "d": null}, "e": "x\ny"}"#,
        r#"{"a": null, "e": 5}"#,
        r#"{"b": {"c": []}, "f": true}"#,
    ];
    let lines = read("a.jsonl", rows.join("\n").as_bytes());
    let array = read("a.json", format!(" [\n{}\n]\n", rows.join(" ,\n")).as_bytes());
    assert_eq!(lines.types(), array.types());
    assert_eq!(lines.rows(), array.rows());
    let types: Vec<String> = lines.types().into_iter().map(|(name, _)| name).collect();
    assert_eq!(types, ["a", "b", "e", "f"]);
    assert_eq!(lines.file.schema.columns[2].data_type.0, DataType::Utf8);
    assert_eq!(lines.rows()[1][2].as_deref(), Some("5"));
    let batch = &lines.batches.as_ref().expect("should decode")[0];
    let list = batch.column(1).as_struct().column(0).as_list::<i32>().value(0);
    assert_eq!(list.as_primitive::<Float64Type>().values(), &[1.0, 2.5]);
}

#[test]
fn long_json_arrays_are_streamed() {
    let rows: Vec<String> =
        (0..100_000).map(|n| format!("{{\"n\": {n},\n \"t\": \"text {n}\"}}")).collect();
    let read = read("a.json", format!("[{}]", rows.join(",")).as_bytes());
    assert_eq!(read.file.rows, Some(100_000));
    let last = read.rows().pop().expect("should have rows");
    assert_eq!(last, texts(&[vec![Some("99999"), Some("text 99999")]])[0]);
}

#[test]
fn one_object_is_one_row() {
    let read = read("a.json", b"{\n \"data\": [{\"x\": 1}, {\"x\": 2, \"y\": \"z\"}]\n}\n");
    assert_eq!(read.file.rows, Some(1));
    assert!(read.types()[0].1.starts_with("List(Struct("), "{:?}", read.types());
}

#[test]
fn broken_json_is_named_with_its_row() {
    for (name, content, words) in [
        ("a.jsonl", &b"{\"a\":1}\n{\"a\":}\n"[..], "row 2"),
        ("a.jsonl", b"{\"a\":1}\n[1]\n", "row 2: the row is a list"),
        ("a.json", b"[{\"a\":1},{\"a\":2}", "too early"),
        ("a.json", b"[{\"a\":1} {\"a\":2}]", "expected `,`"),
        ("a.json", b"{\"a\":1", "too early"),
        ("a.json", b"[1,2]", "not an object"),
        ("a.jsonl", b"{\"a\":1}\n{\"a\":\"\xff\"}\n", "not UTF-8"),
    ] {
        let message = failure(name, content);
        assert!(message.contains(words), "{name} {words}: {message}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let message = failure("a.json", deep.as_bytes());
    assert!(message.contains("nested deeper than 128"), "{message}");
}
