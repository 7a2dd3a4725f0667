//! Reads a request's parameters as the types operators work with.
//!
//! `validate` has checked them against the definition; what is checked here again is what a
//! definition of the user's own may have left out. Pure.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Request;
use crate::engines::job_spec::{AnswerLimits, BadRows};
use crate::engines::reading::ParameterProblem;
use crate::engines::table::TableName;
use crate::engines::{EngineError, ErrorKind};

/// Most bytes of JSON in an answer: what fits into a run's status.
pub(super) const ANSWER_BYTES: u64 = 64 * 1024;
/// Rows of an answer when the run says nothing else.
const ANSWER_ROWS: u64 = 1_000;

/// Makes the error for a parameter that does not say what is needed.
pub(super) fn refused(operator: &str, message: impl Into<String>) -> EngineError {
    EngineError::new(ErrorKind::InvalidInput, operator, "read the parameters", message)
}

/// Makes the error for parameters that do not say what is needed, with the first hint.
pub(super) fn refused_all(operator: &str, problems: &[ParameterProblem]) -> EngineError {
    let messages: Vec<&str> = problems.iter().map(|one| one.message.as_str()).collect();
    let error = refused(operator, messages.join("; "));
    match problems.iter().find_map(|one| one.hint.clone()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Returns a text that must be there.
///
/// # Errors
/// `InvalidInput` when the parameter has no value or an empty one.
pub(super) fn required<'a>(
    operator: &str,
    request: &'a Request,
    name: &str,
) -> Result<&'a str, EngineError> {
    optional(request, name)
        .ok_or_else(|| refused(operator, format!("parameter `{name}` is required")))
}

/// Returns a text, or nothing when the parameter has no value or an empty one.
pub(super) fn optional<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.parameters.text(name).filter(|text| !text.is_empty())
}

/// Returns a whole number that is not negative.
///
/// # Errors
/// `InvalidInput` when it is negative.
pub(super) fn count(
    operator: &str,
    request: &Request,
    name: &str,
) -> Result<Option<u64>, EngineError> {
    let Some(number) = request.parameters.integer(name) else { return Ok(None) };
    u64::try_from(number)
        .map(Some)
        .map_err(|_| refused(operator, format!("parameter `{name}` is {number}, below zero")))
}

/// Returns one of a closed list of words as its type.
///
/// # Errors
/// `InvalidInput` when it is none of them.
pub(super) fn choice<T: DeserializeOwned>(
    operator: &str,
    request: &Request,
    name: &str,
) -> Result<Option<T>, EngineError> {
    let Some(word) = optional(request, name) else { return Ok(None) };
    serde_json::from_value(Value::String(word.to_owned())).map(Some).map_err(|source| {
        refused(operator, format!("parameter `{name}` cannot be `{word}`")).with_source(source)
    })
}

/// Returns the table named by `database_name` and `table_name`.
///
/// # Errors
/// `InvalidInput` when one of them has no value.
pub(super) fn table_name(operator: &str, request: &Request) -> Result<TableName, EngineError> {
    Ok(TableName {
        database: required(operator, request, "database_name")?.to_owned(),
        table: required(operator, request, "table_name")?.to_owned(),
    })
}

/// Returns what happens to values that cannot be read or converted: parameter `bad_rows`.
///
/// # Errors
/// `InvalidInput` when it is no word for that.
pub(super) fn bad_rows(operator: &str, request: &Request) -> Result<BadRows, EngineError> {
    Ok(choice(operator, request, "bad_rows")?.unwrap_or_default())
}

/// Returns the bounds on an answer of rows: parameter `limit`.
///
/// # Errors
/// `InvalidInput` when it is negative.
pub(super) fn answer_limits(
    operator: &str,
    request: &Request,
) -> Result<AnswerLimits, EngineError> {
    let rows = count(operator, request, "limit")?.unwrap_or(ANSWER_ROWS);
    Ok(AnswerLimits { rows, bytes: request.answer_bytes })
}
