//! How a run says that files are read, and the tables that are read so.
//!
//! One rule for every operator: [`PARAMETERS`](crate::engines::reading::PARAMETERS) speak of tables that are not declared. A declared or
//! managed table is read as it was declared. A parameter that speaks of nothing that is read is
//! refused, so that none is without effect unnoticed.

use super::inputs::{agreeing, unread, unread_input};
use super::parameters::{refused, refused_all};
use super::pruned::{Queried, look_up_queried};
use super::{Request, Unprepared};
use crate::engines::job_spec::Input;
use crate::engines::reading::{Concerns, Reading};
use crate::engines::reading_parameters::reading_of;
use crate::engines::table::{FileFormat, Table, TableKind, TableLookup, TableName};
use crate::engines::{EngineError, Engines, ErrorKind};

/// Returns what the run says of how files are read.
///
/// # Errors
/// `InvalidInput` with everything that no file can be read with.
pub(super) fn reading(operator: &str, request: &Request) -> Result<Reading, EngineError> {
    reading_of(&request.parameters).map_err(|problems| refused_all(operator, &problems))
}

/// Returns a table, or how its files disagree.
///
/// # Errors
/// As [`look_up_all`].
pub(super) async fn look_up(
    engines: &Engines,
    operator: &str,
    request: &Request,
    name: &TableName,
) -> Result<TableLookup, Unprepared> {
    let found = look_up_all(engines, operator, request, std::slice::from_ref(name), None).await?;
    let first = found.into_iter().next();
    first.ok_or_else(|| refused(operator, "no table is named").into())
}

/// Returns tables in the order of their names, as the run says that their text is read.
///
/// # Errors
/// `InvalidInput` when the run says how text is read and none of the tables is read so; whatever the
/// look-ups fail with; [`Unprepared::Unread`].
async fn look_up_all(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
    query: Option<Queried<'_>>,
) -> Result<Vec<TableLookup>, Unprepared> {
    let reading = reading(operator, request)?;
    let found = if let Some(query) = query {
        look_up_queried(engines, &reading, names, query).await?
    } else {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push(engines.metastore()?.get_table(name, &reading).await?);
        }
        found
    };
    // Every table is looked up first: one that is not there is said before a job reads the others.
    for table in &found {
        if let TableLookup::Unread(table) = table {
            return Err(unread(table));
        }
    }
    let useless = |(_, concerns): &(&str, Concerns)| {
        found.iter().all(|table| not_read_so(table, *concerns).is_some())
    };
    let useless: Vec<_> = reading.stated().into_iter().filter(useless).collect();
    if useless.is_empty() {
        return Ok(found);
    }
    let mut reasons: Vec<String> = Vec::new();
    for (table, (_, concerns)) in
        found.iter().flat_map(|table| useless.iter().map(move |one| (table, one)))
    {
        reasons.extend(not_read_so(table, *concerns).filter(|reason| !reasons.contains(reason)));
    }
    Err(without_effect(operator, &useless, &reasons).into())
}

/// Returns tables whose files agree, in the order of their names; for a query, with the files of the partitions that it
/// needs.
///
/// # Errors
/// As [`look_up_all`], and `InvalidInput` that shows the first conflict.
pub(super) async fn read_tables(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
    query: Option<Queried<'_>>,
) -> Result<Vec<Table>, Unprepared> {
    let found = look_up_all(engines, operator, request, names, query).await?;
    found.into_iter().map(|found| agreeing(operator, found)).collect()
}

/// Returns tables as the inputs of a job that reads them by their names.
///
/// # Errors
/// `NotFound` naming the first that is not there; `InvalidInput` when the run says how text is read: the engine reads it
/// as the metastore says.
pub(super) async fn named_inputs(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
) -> Result<Vec<Input>, Unprepared> {
    let stated = reading(operator, request)?.stated();
    if !stated.is_empty() {
        let reason = "the engine reads tables as the metastore says".to_owned();
        return Err(without_effect(operator, &stated, &[reason]).into());
    }
    let mut inputs = Vec::with_capacity(names.len());
    for name in names {
        let metastore = engines.metastore()?;
        let Some(entry) = metastore.find_table(name).await? else {
            // The metastore's own error names the tables that come near.
            metastore.get_table(name, &Reading::default()).await?;
            let message = format!("`{name}` appeared while it was looked for");
            let kind = ErrorKind::Conflict;
            return Err(EngineError::new(kind, operator, "find the tables", message).into());
        };
        inputs.push(unread_input(entry.name, Vec::new()));
    }
    Ok(inputs)
}

/// Returns the one table that is read.
///
/// # Errors
/// As [`read_tables`].
pub(super) async fn read_table(
    engines: &Engines,
    operator: &str,
    request: &Request,
    name: &TableName,
) -> Result<Table, Unprepared> {
    agreeing(operator, look_up(engines, operator, request, name).await?)
}

/// Refuses what the run says of files of another format.
///
/// # Errors
/// `InvalidInput` naming the parameters.
pub(super) fn check_format(
    operator: &str,
    request: &Request,
    format: &FileFormat,
) -> Result<(), EngineError> {
    let format = format.format;
    let mut useless = reading(operator, request)?.stated();
    useless.retain(|(_, concerns)| !concerns.includes(format));
    let Some((_, concerns)) = useless.first() else { return Ok(()) };
    let reason = format!("the files are {format}, not {}", concerns.in_words());
    Err(without_effect(operator, &useless, &[reason]))
}

/// Returns why a table is not read as a parameter says, if it is not.
fn not_read_so(found: &TableLookup, concerns: Concerns) -> Option<String> {
    let (name, kind, format) = match found {
        TableLookup::Table(table) => (&table.name, table.kind, table.format.format),
        TableLookup::Conflicting(table) => {
            (&table.name, TableKind::Discovered, table.format.format)
        }
        TableLookup::Unread(_) => return None,
    };
    match kind {
        TableKind::Discovered if concerns.includes(format) => None,
        TableKind::Discovered => {
            let other = concerns.in_words();
            Some(format!("the files of `{name}` are {format}, not {other}"))
        }
        TableKind::External => {
            Some(format!("`{name}` is declared, and is read as it was declared"))
        }
        TableKind::Managed => Some(format!("Mason wrote the files of `{name}`")),
    }
}

fn without_effect(
    operator: &str,
    useless: &[(&'static str, Concerns)],
    reasons: &[String],
) -> EngineError {
    let given: Vec<String> = useless.iter().map(|(name, _)| format!("`{name}`")).collect();
    let why = if reasons.is_empty() { "no table is read".to_owned() } else { reasons.join("; ") };
    let message = format!("{} would have no effect: {why}", given.join(", "));
    refused(operator, message)
        .with_hint("leave them out; table/infer with mode=replace declares a table anew")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::engines::bad_rows::BadRows;
    use crate::engines::reading::{Mark, PARAMETERS};
    use crate::engines::schema::ColumnType;
    use crate::engines::table::{Format, TextEncoding};

    fn request(parameters: Value) -> Request {
        Request {
            parameters: serde_json::from_value(parameters).expect("should be parameters"),
            allow_writing_sql: false,
            statement: None,
            answer_bytes: 0,
            container: None,
        }
    }

    #[test]
    fn everything_that_is_stated_is_taken() {
        let request = request(json!({
            "input_format": "csv", "read_headers": false, "delimiter": r"\x01", "quote": "'",
            "escape": "none", "comment": "#", "skip_rows": 2, "encoding": "sjis", "decimal": ",",
            "null_tokens": ["NA"], "types": {"lat": "double"}, "bad_rows": "skip",
        }));
        let lat = ColumnType(arrow::datatypes::DataType::Float64);
        let expected = Reading {
            format: Some(Format::Csv),
            header: Some(false),
            delimiter: Some("\u{1}".to_owned()),
            quote: Some(Mark::Is('\'')),
            escape: Some(Mark::None),
            comment: Some(Mark::Is("#".to_owned())),
            skip_rows: Some(2),
            encoding: TextEncoding::from_label("shift_jis"),
            decimal: Some(','),
            null_tokens: vec!["NA".to_owned()],
            types: BTreeMap::from([("lat".to_owned(), lat)]),
            bad_rows: BadRows::Skip,
        };
        assert_eq!(reading("table/test", &request).expect("should be taken"), expected);
        let stated: Vec<&str> = expected.stated().into_iter().map(|(name, _)| name).collect();
        assert_eq!(stated, PARAMETERS[..PARAMETERS.len() - 1], "all but `bad_rows` are stated");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let request = request(json!({
            "input_format": "jsonl", "delimiter": ";", "quote": "ab", "decimal": "none",
            "encoding": "klingon", "types": {"a": "what", "b": 1}, "skip_rows": -1,
        }));
        let error = reading("table/test", &request).expect_err("should be refused");
        for part in [
            "the quote \"ab\" is not one character, nor `none`",
            "the decimal \"none\" is not one character",
            "the encoding \"klingon\" is not known",
            "column `a`: `what` is no type",
            "the type of column `b` is not a text",
            "`skip_rows` is -1, below zero",
            "`delimiter` speaks of delimited text, but `input_format` is jsonl",
        ] {
            assert!(error.message.contains(part), "{part}: {error}");
        }
        assert!(error.hint.is_some());
    }
}
