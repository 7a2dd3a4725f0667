//! Hive partitions: folders named `key=value` on the way from a table's location to a file.
//!
//! Keys and values are percent-decoded; `__HIVE_DEFAULT_PARTITION__` is null. Every file of a table has
//! the same keys in the same order. A key's type is given only if printing reproduces every value, so
//! that `k=01` stays text.

use arrow::datatypes::DataType;
use percent_encoding::percent_decode_str;

use super::error::error;
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};

const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Returns the keys and values of a path below a location.
fn parts(path: &str, base: &str) -> Vec<(String, Option<String>)> {
    let below = path.strip_prefix(base).unwrap_or(path).trim_start_matches('/');
    let folders = super::durable::folder_of(below);
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    folders
        .split('/')
        .filter_map(|folder| folder.split_once('='))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (decoded(key), (value != NULL).then(|| decoded(value))))
        .collect()
}

/// Sets the partition values of files below a location and returns the keys.
///
/// # Errors
/// `InvalidInput` naming two files whose paths have different keys.
pub(crate) fn assign(files: &mut [PinnedFile], base: &str) -> Result<Vec<String>, EngineError> {
    let mut keys: Option<(Vec<String>, String)> = None;
    for file in files {
        let (own, values): (Vec<_>, Vec<_>) = parts(file.path.as_str(), base).into_iter().unzip();
        match &keys {
            Some((first, path)) if *first != own => {
                let message = format!(
                    "`{path}` has the partition keys [{}] and `{}` has [{}]",
                    first.join(", "),
                    file.path,
                    own.join(", ")
                );
                return Err(error(ErrorKind::InvalidInput, "read partitions", message));
            }
            Some(_) => {}
            None => keys = Some((own, file.path.to_string())),
        }
        file.partition_values = values;
    }
    Ok(keys.map(|(keys, _)| keys).unwrap_or_default())
}

/// Returns the columns of partition keys, typed by all values.
pub(crate) fn columns(keys: &[String], files: &[PinnedFile]) -> Schema {
    let column = |(index, key): (usize, &String)| {
        let values = || files.iter().filter_map(|file| file.partition_values.get(index));
        let texts = || values().filter_map(|value| value.as_deref());
        let data_type = if texts().next().is_some() && texts().all(is_integer) {
            DataType::Int64
        } else if texts().next().is_some() && texts().all(is_date) {
            DataType::Date32
        } else {
            DataType::Utf8
        };
        Column {
            name: key.clone(),
            data_type: ColumnType(data_type),
            nullable: values().any(Option::is_none),
            source_type: None,
        }
    };
    Schema { columns: keys.iter().enumerate().map(column).collect() }
}

fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

fn is_date(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::table::StoragePath;

    fn files(paths: &[&str]) -> Vec<PinnedFile> {
        let file = |path: &&str| PinnedFile {
            path: StoragePath::new(path).expect("should be a path"),
            size_bytes: 1,
            modified_ns: 0,
            identity: None,
            partition_values: Vec::new(),
        };
        paths.iter().map(file).collect()
    }

    #[test]
    fn keys_and_values_are_decoded_and_typed_without_loss() {
        let mut files = files(&[
            "d/t/year=2024/code=01/day=2024-01-02/name=a%2Fb/x.csv",
            "d/t/year=2025/code=2/day=2024-01-03/name=__HIVE_DEFAULT_PARTITION__/y.csv",
        ]);
        let keys = assign(&mut files, "d/t").expect("should agree");
        assert_eq!(keys, ["year", "code", "day", "name"]);
        assert_eq!(files[0].partition_values[3], Some("a/b".to_owned()));
        assert_eq!(files[1].partition_values[3], None);
        let columns = columns(&keys, &files).columns;
        let types: Vec<_> = columns.iter().map(|column| column.data_type.0.clone()).collect();
        assert_eq!(types, [DataType::Int64, DataType::Utf8, DataType::Date32, DataType::Utf8]);
        assert!(columns[3].nullable && !columns[0].nullable);
    }

    #[test]
    fn files_with_different_keys_are_both_named() {
        let mut files = files(&["d/t/a=1/x.csv", "d/t/b=1/y.csv"]);
        let error = assign(&mut files, "d/t").expect_err("should be refused");
        assert!(error.message.contains("x.csv") && error.message.contains("y.csv"), "{error}");
    }
}
