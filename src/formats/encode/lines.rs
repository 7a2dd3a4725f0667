//! Delimited text for readers that take each line for a row, whatever stands in quotes.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::encoder::unwritable;
use crate::engines::table::Format;
use crate::formats::error::FormatError;

/// Refuses texts that hold the end of a line.
///
/// # Errors
/// `Unwritable`, with the column and the text.
pub fn check_lines(batch: &RecordBatch) -> Result<(), FormatError> {
    for (column, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        if let Some(text) = broken(column) {
            let shown: String = text.chars().take(40).collect();
            return Err(unwritable(
                Format::Csv,
                format!(
                    "column `{}` has {shown:?}, and other engines take the end of a line for the end of a row, also in quotes; \
                     write parquet, or replace it",
                    field.name()
                ),
            ));
        }
    }
    Ok(())
}

/// Returns the first text of a column with the end of a line in it.
fn broken(column: &dyn Array) -> Option<&str> {
    let is_broken = |text: &&str| text.contains(['\n', '\r']);
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().find(is_broken),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().flatten().find(is_broken),
        DataType::Utf8View => column.as_string_view().iter().flatten().find(is_broken),
        DataType::Dictionary(..) => broken(column.as_any_dictionary().values().as_ref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, StringArray, StringViewArray};
    use arrow::datatypes::Int8Type;

    use super::*;

    #[test]
    fn the_end_of_a_line_in_a_text_is_refused_with_its_column() {
        let check = |texts: ArrayRef| {
            let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
            check_lines(&RecordBatch::try_from_iter([("id", ids), ("text", texts)]).expect("fits"))
        };
        assert!(check(Arc::new(StringArray::from(vec![Some("a, \"b\""), None]))).is_ok());
        let words: DictionaryArray<Int8Type> = vec!["a", "b\rc"].into_iter().collect();
        for texts in [
            Arc::new(StringArray::from(vec!["a", "b\nc"])) as ArrayRef,
            Arc::new(StringViewArray::from(vec!["a\r\n", "b"])),
            Arc::new(words),
        ] {
            let told = check(texts).expect_err("should be refused").to_string();
            assert!(told.contains("column `text`") && told.contains("write parquet"), "{told}");
        }
    }
}
