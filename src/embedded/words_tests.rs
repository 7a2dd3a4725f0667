//! What is wrong with a statement is said in plain words, with what to write instead. `words_tests.txt` has
//! statements, each with its message and its hint below it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StructArray};
use arrow::datatypes::{DataType, Field};

use super::tests::{Lake, batch, ints, job, parquet_input, query, texts};

#[test]
fn what_is_wrong_is_said_in_plain_words_with_what_to_write() {
    let lake = Lake::new();
    let numbers = ints(&[Some(1), Some(2), Some(3)]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5]));
    let words = texts(&[Some("a"), Some("b"), Some("1")]);
    let field = Arc::new(Field::new("a", DataType::Int64, true));
    let objects: ArrayRef = Arc::new(StructArray::from(vec![(field, Arc::clone(&numbers))]));
    let rows = batch(vec![("i", numbers), ("x", floats), ("s", words), ("o", objects)]);
    let inputs =
        vec![parquet_input("shop.t", &rows, vec![lake.parquet("shop/t/1.parquet", &rows)])];
    let expectations = include_str!("words_tests.txt");
    let mut wrong = Vec::new();
    for expected in expectations.split("\n\n") {
        let sql = expected.lines().next().unwrap_or_default();
        let found = match lake.run_once(&job(inputs.clone(), query(sql))) {
            Ok(executed) => format!("{sql}\n  {}", executed.answer),
            Err(error) => {
                let hint = error.hint.as_deref().unwrap_or("-");
                format!("{sql}\n  {}\n  {hint}", error.message)
            }
        };
        if found != expected.trim_end() {
            wrong.push(found);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
