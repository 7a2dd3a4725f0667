//! Partition keys out of paths: `year=2024/city=Linz/1.csv`.
//!
//! A key's type is lossless: integers and dates only when printing them gives every value again, so
//! that `01` stays text.

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{DataType, Date32Type};
use percent_encoding::percent_decode_str;

use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::PinnedFile;

/// The folder of rows whose key is null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The keys of a path with their values, outermost first.
fn keys_of(path: &str) -> Vec<(String, Option<String>)> {
    let Some((folders, _)) = path.rsplit_once('/') else { return Vec::new() };
    let key = |folder: &str| {
        let (key, value) = folder.split_once('=')?;
        let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).ok();
        let value = if value == NULL { None } else { Some(decode(value)?) };
        (!key.is_empty()).then_some((decode(key)?, value))
    };
    folders.split('/').filter_map(key).collect()
}

/// Files whose paths name different keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disagreement {
    pub(super) first: (String, Vec<String>),
    pub(super) other: (String, Vec<String>),
}

/// Takes the partition values of files from their paths, and returns the keys with their types.
pub(super) fn take_partitions(files: &mut [PinnedFile]) -> Result<Schema, Disagreement> {
    let names = |keys: &[(String, Option<String>)]| -> Vec<String> {
        keys.iter().map(|(key, _)| key.clone()).collect()
    };
    let Some(first) = files.first() else { return Ok(Schema::default()) };
    let (first_path, wanted) = (first.path.to_string(), names(&keys_of(first.path.as_str())));
    for file in files.iter_mut() {
        let keys = keys_of(file.path.as_str());
        let found = names(&keys);
        if found != wanted {
            let other = (file.path.to_string(), found);
            return Err(Disagreement { first: (first_path, wanted), other });
        }
        file.partition_values = keys.into_iter().map(|(_, value)| value).collect();
    }
    let column = |(index, name): (usize, String)| {
        let values = || files.iter().map(move |file| file.partition_values[index].as_deref());
        Column {
            name,
            data_type: ColumnType(type_of(values().flatten())),
            nullable: values().any(|value| value.is_none()),
            source_type: None,
        }
    };
    Ok(Schema { columns: wanted.into_iter().enumerate().map(column).collect() })
}

fn type_of<'a>(values: impl Iterator<Item = &'a str> + Clone) -> DataType {
    let is_integer =
        |text: &str| text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    let is_date = |text: &str| text.len() == 10 && Date32Type::parse(text).is_some();
    let mut values = values.peekable();
    if values.peek().is_none() {
        DataType::Utf8
    } else if values.clone().all(is_integer) {
        DataType::Int64
    } else if values.clone().all(is_date) {
        DataType::Date32
    } else {
        DataType::Utf8
    }
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

    fn types(paths: &[&str]) -> Vec<(String, DataType, bool)> {
        let schema = take_partitions(&mut files(paths)).expect("should agree");
        let column = |column: Column| (column.name, column.data_type.0, column.nullable);
        schema.columns.into_iter().map(column).collect()
    }

    #[test]
    fn keys_are_typed_only_without_loss() {
        let paths =
            ["t/y=2024/d=2024-01-31/k=01/c=a%2Fb/1.csv", "t/y=-1/d=2024-02-01/k=2/c=x/1.csv"];
        let expected = [
            ("y".to_owned(), DataType::Int64, false),
            ("d".to_owned(), DataType::Date32, false),
            ("k".to_owned(), DataType::Utf8, false),
            ("c".to_owned(), DataType::Utf8, false),
        ];
        assert_eq!(types(&paths), expected);
        let mut found = files(&paths);
        take_partitions(&mut found).expect("should agree");
        assert_eq!(found[0].partition_values[3].as_deref(), Some("a/b"));
    }

    #[test]
    fn the_folder_for_null_makes_a_key_nullable() {
        let paths = ["t/k=1/a", "t/k=__HIVE_DEFAULT_PARTITION__/a"];
        assert_eq!(types(&paths), [("k".to_owned(), DataType::Int64, true)]);
        assert_eq!(types(&["t/a.csv", "t/b.csv"]), []);
    }

    #[test]
    fn files_with_other_keys_are_named() {
        let error = take_partitions(&mut files(&["t/k=1/a", "t/b"])).expect_err("should disagree");
        assert_eq!(error.first, ("t/k=1/a".to_owned(), vec!["k".to_owned()]));
        assert_eq!(error.other, ("t/b".to_owned(), Vec::new()));
    }
}
