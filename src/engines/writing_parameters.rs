//! The parameters of a run that say where rows go, as one place. Pure: nothing is looked up.

use serde_json::{Value, json};

use super::reading::ParameterProblem;
use super::table::{Format, StoragePath, TableName};
use crate::api::parameters::Parameters;

/// Where the output is to go, before it is looked there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The table's name.
    pub name: TableName,
    /// The folder, when a path was given.
    pub folder: Option<StoragePath>,
}

/// Returns where parameters say that rows go, or nothing when they name no output.
///
/// # Errors
/// Everything that names no possible place.
pub fn output_of(parameters: &Parameters) -> Result<Option<Output>, Vec<ParameterProblem>> {
    let text = |name| parameters.text(name).filter(|text| !text.is_empty());
    match (text("output_table"), text("output_path")) {
        (None, None) => stray(parameters).map_or(Ok(None), |problem| Err(vec![problem])),
        (Some(_), Some(_)) => {
            let message = "`output_table` and `output_path` are both given";
            Err(vec![ParameterProblem::new("output_path", message, "give one of them")])
        }
        (Some(table), None) => {
            let database = text("output_database").or_else(|| text("database_name"));
            let unnamed = || {
                let hint = "give output_database=<name>, the database of the table";
                ParameterProblem::new(
                    "output_table",
                    "`output_table` needs `output_database`",
                    hint,
                )
            };
            let problems: Vec<ParameterProblem> =
                name_problem("output_table", table).into_iter().collect();
            match database {
                Some(database) if problems.is_empty() => {
                    let name = TableName { database: database.to_owned(), table: table.to_owned() };
                    Ok(Some(Output { name, folder: None }))
                }
                Some(_) => Err(problems),
                None => Err(problems.into_iter().chain([unnamed()]).collect()),
            }
        }
        (None, Some(path)) => folder(path).map(Some),
    }
}

/// What is said of an output, where there is none.
fn stray(parameters: &Parameters) -> Option<ParameterProblem> {
    let is_given = |name: &&str| {
        let is_empty = |value: &Value| value.as_str() == Some("") || *value == json!([]);
        parameters.json(name).is_some_and(|value| !value.is_null() && !is_empty(value))
    };
    let name = ["output_database", "partition_columns"].into_iter().find(is_given)?;
    let hint = "give output_table=<name> or output_path=<folder>";
    Some(ParameterProblem::new(name, format!("`{name}` is given, but no output"), hint))
}

fn folder(path: &str) -> Result<Output, Vec<ParameterProblem>> {
    let wrong =
        |message: String, hint: &str| vec![ParameterProblem::new("output_path", message, hint)];
    let folder = StoragePath::new(path).map_err(|source| {
        wrong(
            format!("`output_path`: {source}"),
            "give a folder below the root of the storage, such as \"reports/sales\"",
        )
    })?;
    if let Some(ending) = file_ending(folder.file_name()) {
        let stem = path.trim_end_matches('/').trim_end_matches(&format!(".{ending}"));
        let instead = match format_of(ending) {
            Some(format) => format!("output_path is a folder: give {stem:?} and format={format}"),
            None => {
                format!("output_path is a folder: give {stem:?}, and what is written as `format`")
            }
        };
        let message = format!("`output_path` {path:?} ends in `.{ending}`, as a file does");
        return Err(wrong(message, &instead));
    }
    let problems: Vec<ParameterProblem> =
        folder.as_str().split('/').filter_map(|part| name_problem("output_path", part)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some((database, table)) = folder.as_str().rsplit_once('/') else {
        let message = format!("`output_path` {path:?} is a database's own folder");
        let hint = format!("give a folder and a name, for example \"{path}/result\"");
        return Err(wrong(message, &hint));
    };
    let name = TableName { database: database.to_owned(), table: table.to_owned() };
    Ok(Output { name, folder: Some(folder) })
}

/// Returns the format that is written of those that an ending is of.
fn format_of(ending: &str) -> Option<&'static str> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "tab" | "psv" | "txt" => "csv",
        "json" | "geojson" => "json",
        "jsonl" | "ndjson" => "jsonl",
        "avro" => "avro",
        "arrow" | "arrows" | "ipc" | "feather" => "arrow",
        "xlsx" => "xlsx",
        "parquet" => "parquet",
        _ => return None,
    })
}

/// Returns the ending of a file's name, if it is one of a format or a compression.
fn file_ending(name: &str) -> Option<&str> {
    const OTHERS: [&str; 14] = [
        "arrows", "bz2", "feather", "geojson", "gz", "ipc", "ndjson", "psv", "tab", "tsv", "txt",
        "xls", "xz", "zst",
    ];
    let (stem, ending) = name.rsplit_once('.')?;
    let lower = ending.to_ascii_lowercase();
    let known = Format::ALL.iter().any(|format| format.as_str() == lower)
        || OTHERS.contains(&lower.as_str());
    (known && !stem.is_empty()).then_some(ending)
}

/// Returns why a listing would leave a name out or take it for a glob or a partition, if it would.
fn name_problem(parameter: &str, name: &str) -> Option<ParameterProblem> {
    let reason = if name.starts_with(['_', '.']) {
        "begins with `_` or `.`, as Mason's own files do"
    } else if name.contains(['*', '?', '[', ']', '{', '}']) {
        "has a character of a glob"
    } else if name.contains('=') {
        "has a `=`, as the folder of a partition has"
    } else if name.contains(['/', '\\']) || name.chars().any(char::is_control) {
        "has a character that is no part of a name"
    } else if name.len() > 255 {
        "is longer than 255 bytes"
    } else {
        return None;
    };
    let shown: String = name.chars().take(80).collect();
    let message = format!("parameter `{parameter}`: {shown:?} {reason}");
    Some(ParameterProblem::new(parameter, message, "use letters, digits, `_` and `-`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(parameters: &Value) -> Result<Option<Output>, Vec<ParameterProblem>> {
        output_of(&serde_json::from_value(parameters.clone()).expect("should be parameters"))
    }

    #[test]
    fn a_path_with_a_file_ending_is_refused_with_the_folder_as_hint() {
        for (path, folder, format) in [
            ("out/sales.csv", "\"out/sales\"", "format=csv"),
            ("out/sales.arrow", "\"out/sales\"", "format=arrow"),
            ("out/sales.feather/", "\"out/sales\"", "format=arrow"),
            ("out/sales.csv.gz", "\"out/sales.csv\"", "`format`"),
            ("out/sales.orc", "\"out/sales\"", "`format`"),
        ] {
            let problems = output(&json!({"output_path": path, "format": "parquet"}));
            let problems = problems.expect_err("should be refused");
            let [problem] = problems.as_slice() else { panic!("{path}: {problems:?}") };
            assert_eq!(problem.parameter, "output_path");
            assert!(problem.message.contains("as a file does"), "{problem:?}");
            let hint = problem.hint.as_deref().unwrap_or_default();
            assert!(hint.contains(folder) && hint.contains(format), "{problem:?}");
        }
    }

    #[test]
    fn folders_below_the_root_are_split_into_database_and_table() {
        let found = output(&json!({"output_path": "out/2024/v1.2/"})).expect("should be a folder");
        assert_eq!(found.expect("should be one").name.to_string(), "out/2024.v1.2");
        for bad in ["out", "/out/x", "../x", "a/_x", "a/*", "a/k=1", "a//b", "a/b.parquet.gz"] {
            let problems = output(&json!({"output_path": bad})).expect_err(bad);
            assert!(problems.iter().all(|problem| problem.hint.is_some()), "{problems:?}");
        }
    }

    #[test]
    fn tables_need_a_database_and_one_place() {
        let table = json!({"output_table": "t", "database_name": "d"});
        let found = output(&table).expect("should be a table").expect("should be one");
        assert_eq!((found.name.to_string().as_str(), found.folder), ("d.t", None));
        for bad in [
            json!({"output_table": "t"}),
            json!({"output_table": "a/b", "output_database": "d"}),
            json!({"output_table": "t", "output_path": "a/b", "output_database": "d"}),
            json!({"partition_columns": ["a"]}),
        ] {
            assert!(output(&bad).is_err(), "{bad}");
        }
        assert_eq!(output(&json!({"partition_columns": [], "output_path": ""})), Ok(None));
    }
}
