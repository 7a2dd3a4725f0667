//! How a run says that delimited text is read, and the tables that are read so.
//!
//! One rule for every operator: the parameters `read_headers`, `delimiter` and `null_tokens` speak of
//! delimited text that nobody declared. A declared or managed table is read as it was declared. Where
//! they speak of nothing that is read, they are refused, so that none is without effect unnoticed.

use super::Request;
use super::inputs::agreeing;
use super::parameters::refused;
use crate::engines::reading::Reading;
use crate::engines::table::{FileFormat, Format, Table, TableKind, TableLookup, TableName};
use crate::engines::{EngineError, Engines};

/// The parameters.
pub(super) const PARAMETERS: &[&str] = &["read_headers", "delimiter", "null_tokens"];

/// Returns what the run says of delimited text. The delimiter `\t` is a tab.
///
/// # Errors
/// `InvalidInput` with everything that no delimited text can be read with.
pub(super) fn reading(operator: &str, request: &Request) -> Result<Reading, EngineError> {
    let parameters = &request.parameters;
    let delimiter = parameters.text("delimiter");
    let reading = Reading {
        header: parameters.json("read_headers").map(|_| parameters.is_true("read_headers")),
        delimiter: delimiter.map(|text| if text == r"\t" { "\t" } else { text }.to_owned()),
        null_tokens: parameters.list("null_tokens"),
    };
    let problems = reading.problems();
    if problems.is_empty() { Ok(reading) } else { Err(refused(operator, problems.join("; "))) }
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
) -> Result<TableLookup, EngineError> {
    let found = look_up_all(engines, operator, request, std::slice::from_ref(name)).await?;
    found.into_iter().next().ok_or_else(|| refused(operator, "no table is named"))
}

/// Returns tables in the order of their names, as the run says that their text is read.
///
/// # Errors
/// `InvalidInput` when the run says how text is read and none of the tables is read so; whatever the
/// look-ups fail with.
async fn look_up_all(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
) -> Result<Vec<TableLookup>, EngineError> {
    let reading = reading(operator, request)?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.push(engines.metastore.get_table(name, &reading).await?);
    }
    let reasons: Vec<String> = found.iter().filter_map(not_read_so).collect();
    if reading.is_stated() && reasons.len() == found.len() {
        return Err(without_effect(operator, request, &reasons));
    }
    Ok(found)
}

/// Returns tables whose files agree, in the order of their names.
///
/// # Errors
/// As [`look_up_all`], and `InvalidInput` that shows the first conflict.
pub(super) async fn read_tables(
    engines: &Engines,
    operator: &str,
    request: &Request,
    names: &[TableName],
) -> Result<Vec<Table>, EngineError> {
    let found = look_up_all(engines, operator, request, names).await?;
    found.into_iter().map(|found| agreeing(operator, found)).collect()
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
) -> Result<Table, EngineError> {
    agreeing(operator, look_up(engines, operator, request, name).await?)
}

/// Refuses what the run says of delimited text when the files are none.
///
/// # Errors
/// `InvalidInput` naming the parameters.
pub(super) fn check_format(
    operator: &str,
    request: &Request,
    format: &FileFormat,
) -> Result<(), EngineError> {
    if format.format == Format::Csv || !reading(operator, request)?.is_stated() {
        return Ok(());
    }
    let reason = format!("the files are {}, not delimited text", format.format);
    Err(without_effect(operator, request, &[reason]))
}

/// Returns why a table is not read as the run says, if it is not.
fn not_read_so(found: &TableLookup) -> Option<String> {
    let (name, kind, format) = match found {
        TableLookup::Table(table) => (&table.name, table.kind, &table.format),
        TableLookup::Conflicting(table) => (&table.name, TableKind::Discovered, &table.format),
    };
    match (kind, format.format) {
        (TableKind::Discovered, Format::Csv) => None,
        (TableKind::Discovered, format) => {
            Some(format!("the files of `{name}` are {format}, not delimited text"))
        }
        (TableKind::External, _) => {
            Some(format!("`{name}` is declared, and is read as it was declared"))
        }
        (TableKind::Managed, _) => Some(format!("Mason wrote the files of `{name}`")),
    }
}

fn without_effect(operator: &str, request: &Request, reasons: &[String]) -> EngineError {
    let given = PARAMETERS.iter().filter(|name| request.parameters.json(name).is_some());
    let given: Vec<String> = given.map(|name| format!("`{name}`")).collect();
    let why = if reasons.is_empty() { "no table is read".to_owned() } else { reasons.join("; ") };
    let message = format!("{} would have no effect: {why}", given.join(", "));
    refused(operator, message)
        .with_hint("leave them out; table/infer with mode=replace declares a table anew")
}
