//! Hive partitions: folders named `key=value` on the way to a file.
//!
//! Keys and values are percent-decoded; `__HIVE_DEFAULT_PARTITION__` is null. Every file of a table has
//! the same keys in the same order. A key's type is given only if printing reproduces every value, so
//! that `k=01` stays text.

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::DataType;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::error;
use crate::engines::partitions::PartitionFilter;
use crate::engines::schema::{Column, ColumnType, Schema};
use crate::engines::table::PinnedFile;
use crate::engines::{EngineError, ErrorKind};

/// The folder of rows whose key is null, as Hive and its readers have it.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What stays as it is in a folder's name.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Returns a folder's name that reads back as the key and its value.
pub(crate) fn folder_name(key: &str, value: Option<&str>) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, KEPT).to_string();
    let key = match key.chars().next() {
        // Readers of folders pass over names that begin so.
        Some('_') => format!("%5F{}", encoded(&key[1..])),
        Some('.') => format!("%2E{}", encoded(&key[1..])),
        _ => encoded(key),
    };
    match value {
        None => format!("{key}={NULL}"),
        // The text that means null elsewhere is a text like any other here.
        Some(NULL) => format!("{key}=%5F{}", &NULL[1..]),
        Some(value) => format!("{key}={}", encoded(value)),
    }
}

fn refused(message: String) -> EngineError {
    error(ErrorKind::InvalidInput, "read partitions", message)
        .with_hint("move the files so that all paths have the same `key=value` folders")
}

/// A key, and its value; null is nothing.
type Part = (String, Option<String>);

/// Returns the key and the value that a folder is named by; nothing for another folder.
///
/// # Errors
/// The text that is no UTF-8 when it is decoded.
pub(crate) fn of_folder(folder: &str) -> Result<Option<Part>, String> {
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().map(String::from);
        decoded.map_err(|_| text.to_owned())
    };
    let Some((key, value)) = folder.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Ok(None);
    };
    let value = (value != NULL).then(|| decoded(value)).transpose()?;
    Ok(Some((decoded(key)?, value)))
}

/// Returns the keys and values of a path, outermost first.
fn parts(path: &str) -> Result<Vec<Part>, EngineError> {
    let (folders, _) = path.rsplit_once('/').unwrap_or_default();
    let part = |folder| {
        of_folder(folder)
            .map_err(|text| refused(format!("`{text}` of `{path}` is no UTF-8 when it is decoded")))
    };
    folders.split('/').filter_map(|folder| part(folder).transpose()).collect()
}

/// Returns how many partitions files are of.
pub(crate) fn count<'a>(values: impl IntoIterator<Item = &'a [Option<String>]>) -> u64 {
    values.into_iter().collect::<HashSet<_>>().len() as u64
}

/// Leaves out files of partitions that a filter does not keep.
pub(crate) fn retain(files: &mut Vec<PinnedFile>, filter: &dyn PartitionFilter) {
    let values: Vec<&[Option<String>]> =
        files.iter().map(|file| file.partition_values.as_slice()).collect();
    let mut kept = filter.keeps(&values).into_iter();
    files.retain(|_| kept.next().unwrap_or(true));
}

/// Sets the partition values of files from their paths and returns the keys, outermost first.
///
/// # Errors
/// `InvalidInput` when the paths have different keys, with an example of each, or one is no UTF-8.
pub(crate) fn assign(files: &mut [PinnedFile]) -> Result<Vec<String>, EngineError> {
    let mut ways: BTreeMap<Vec<String>, (u64, String)> = BTreeMap::new();
    for file in files {
        let (keys, values) = parts(file.path.as_str())?.into_iter().unzip();
        file.partition_values = values;
        if let Some((count, _)) = ways.get_mut(&keys) {
            *count += 1;
        } else {
            ways.insert(keys, (1, file.path.to_string()));
        }
    }
    if ways.len() > 1 {
        let said = |(keys, (files, example)): (&Vec<String>, &(u64, String))| {
            let plural = if *files == 1 { "" } else { "s" };
            format!("[{}] in {files} file{plural}, such as `{example}`", keys.join(", "))
        };
        let each: Vec<_> = ways.iter().map(said).collect();
        return Err(refused(format!(
            "the paths have different partition keys: {}",
            each.join("; ")
        )));
    }
    Ok(ways.into_keys().next().unwrap_or_default())
}

/// Returns the columns of partition keys, typed by all values.
pub(crate) fn columns(keys: &[String], files: &[PinnedFile]) -> Schema {
    let column = |(index, key): (usize, &String)| {
        let values = || files.iter().filter_map(move |file| file.partition_values.get(index));
        let texts: Vec<&str> = values().flatten().map(String::as_str).collect();
        Column {
            name: key.clone(),
            data_type: ColumnType(type_of(&texts)),
            nullable: values().any(Option::is_none),
            source_type: None,
        }
    };
    Schema { columns: keys.iter().enumerate().map(column).collect() }
}

fn type_of(values: &[&str]) -> DataType {
    let all = |fits: fn(&str) -> bool| !values.is_empty() && values.iter().all(|text| fits(text));
    if all(is_integer) {
        DataType::Int64
    } else if all(is_date) {
        DataType::Date32
    } else {
        DataType::Utf8
    }
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
            "d/t/year=-5/code=2/day=2024-01-03/name=__HIVE_DEFAULT_PARTITION__/y.csv",
        ]);
        let keys = assign(&mut files).expect("should agree");
        assert_eq!(keys, ["year", "code", "day", "name"]);
        assert_eq!(files[0].partition_values[3], Some("a/b".to_owned()));
        assert_eq!(files[1].partition_values[3], None);
        let columns = columns(&keys, &files).columns;
        let types: Vec<_> = columns.iter().map(|column| column.data_type.0.clone()).collect();
        assert_eq!(types, [DataType::Int64, DataType::Utf8, DataType::Date32, DataType::Utf8]);
        assert!(columns[3].nullable && !columns[0].nullable);
    }

    #[test]
    fn a_value_that_any_type_would_change_stays_text() {
        for values in [["1", "01"], ["2024-02-30", "2024-02-01"], ["1", "2024-01-01"], ["", "1"]] {
            let paths = values.map(|value| format!("t/k={value}/a"));
            let mut files = files(&paths.each_ref().map(String::as_str));
            let keys = assign(&mut files).expect("should agree");
            assert_eq!(columns(&keys, &files).columns[0].data_type.0, DataType::Utf8, "{values:?}");
        }
    }

    #[test]
    fn files_with_different_keys_are_named() {
        let mut files = files(&["d/t/a=1/x.csv", "d/t/b=1/y.csv", "d/t/b=2/y.csv", "d/t/z.csv"]);
        let error = assign(&mut files).expect_err("should be refused");
        for part in ["[a] in 1 file, such as `d/t/a=1/x.csv`", "[b] in 2 files", "[] in 1 file"] {
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_refused() {
        let error = assign(&mut files(&["t/k=%FF/a"])).expect_err("should be refused");
        assert!(error.message.contains("`%FF` of `t/k=%FF/a`"), "{error}");
    }
}
