//! Errors of DataFusion, Arrow and the formats, as the one error that crosses the engine boundary.
//! Nothing else translates them.

use std::error::Error as StdError;
use std::io;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};
use datafusion::object_store;
use datafusion::parquet::errors::ParquetError;

use crate::engines::error::causes;
use crate::engines::nearest::nearest;
use crate::engines::storage::meaning_of;
use crate::engines::{EngineError, ErrorKind};
use crate::formats::error::FormatError;
use crate::lake::error::is_full;
use crate::lake::file_error::{of_file, same_words};

/// The client's name in errors.
pub(super) const CLIENT: &str = "local";

/// What a job may use, for the words of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// Of memory.
    pub(crate) memory_bytes: u64,
    /// Of disk.
    pub(crate) disk_bytes: u64,
}

/// Makes an error of this client.
pub(crate) fn failed(kind: ErrorKind, operation: &str, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, CLIENT, operation, message)
}

/// Makes the error of a job that was asked to stop.
pub(crate) fn cancelled(operation: &str) -> EngineError {
    failed(ErrorKind::Unavailable, operation, "the job was cancelled")
        .with_retry(crate::engines::Retry::Never)
}

/// Makes the error of a job that needs more memory than it may have.
pub(crate) fn out_of_memory(operation: &str, allowed: Allowed, detail: &str) -> EngineError {
    let message = format!(
        "the job needs more memory than its limit of {} MiB: {detail}",
        allowed.memory_bytes / (1024 * 1024)
    );
    failed(ErrorKind::OutOfMemory, operation, message)
        .with_hint("raise `memoryLimit` of the local client in the MasonConfig, or read less")
}

/// Makes the error of a job that needs more disk than it may have, or than there is.
pub(crate) fn out_of_disk(operation: &str, allowed: Allowed, detail: &str) -> EngineError {
    let message = format!(
        "the job needs more disk than there is or than its limit of {} MiB: {detail}",
        allowed.disk_bytes / (1024 * 1024)
    );
    failed(ErrorKind::OutOfDisk, operation, message).with_hint(
        "free space below the root, or raise `diskLimit` of the local client in the MasonConfig",
    )
}

/// Translates an error of a format.
pub(crate) fn from_format(operation: &str, allowed: Allowed, error: FormatError) -> EngineError {
    match error {
        FormatError::Read { path, source } if source.kind() == io::ErrorKind::OutOfMemory => {
            out_of_memory(operation, allowed, &format!("{path}: {source}"))
        }
        FormatError::Write { format, source } => {
            from_io(operation, allowed, &format!("a file as {format}"), &source)
        }
        other => of_file(operation, other),
    }
}

/// Returns whether the disk is full, however deep below the error says so: spilling wraps it.
fn is_disk_full(error: &io::Error) -> bool {
    let is_below = |inner: &(dyn StdError + Send + Sync + 'static)| {
        causes(inner).any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_full))
    };
    is_full(error) || error.get_ref().is_some_and(is_below)
}

/// Translates an error of the system that concerns `what`.
pub(crate) fn from_io(
    operation: &str,
    allowed: Allowed,
    what: &str,
    error: &io::Error,
) -> EngineError {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<EngineError>()) {
        return same_words(inner);
    }
    if is_disk_full(error) {
        return out_of_disk(operation, allowed, &format!("{what}: {error}"));
    }
    if is_of_the_disk(&error.to_string()) {
        return spilled_too_much(operation, allowed);
    }
    let kind = match error.kind() {
        io::ErrorKind::OutOfMemory => {
            return out_of_memory(operation, allowed, &format!("{what}: {error}"));
        }
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::PermissionDenied
        }
        io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::InvalidInput,
        _ => ErrorKind::Unexpected,
    };
    failed(kind, operation, format!("{what}: {error}"))
}

/// Translates an error of DataFusion.
pub(crate) fn from_datafusion(
    operation: &str,
    allowed: Allowed,
    error: DataFusionError,
) -> EngineError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_datafusion(operation, allowed, *inner)
        }
        DataFusionError::External(source) => from_external(operation, allowed, source),
        DataFusionError::ResourcesExhausted(message) => exhausted(operation, allowed, &message),
        DataFusionError::SchemaError(error, _) => from_schema(operation, &error),
        DataFusionError::IoError(error) => {
            from_io(operation, allowed, "reading or writing", &error)
        }
        DataFusionError::ObjectStore(error) => from_store(operation, &error),
        DataFusionError::ArrowError(error, _) => from_arrow(operation, allowed, *error),
        DataFusionError::ParquetError(error) => from_parquet(operation, &error),
        DataFusionError::Collection(errors) => from_many(operation, allowed, errors),
        DataFusionError::Shared(shared) => from_shared(operation, allowed, &shared),
        other => from_words(operation, &other),
    }
}

/// An error that names no file: the readers of files name theirs before it comes here.
fn from_parquet(operation: &str, error: &ParquetError) -> EngineError {
    known_below(operation, error).unwrap_or_else(|| {
        let message = format!("a Parquet file is broken: {}", first_line(&error.to_string()));
        failed(ErrorKind::InvalidInput, operation, message)
    })
}

/// Returns the error of ours that caused a shared one, in the same words.
fn known_below(operation: &str, error: &(dyn StdError + 'static)) -> Option<EngineError> {
    causes(error).find_map(|cause| {
        let known = cause.downcast_ref::<EngineError>().map(same_words);
        known.or_else(|| {
            let of_a_file = cause.downcast_ref::<FormatError>()?;
            Some(of_file(operation, of_a_file.in_the_same_words()))
        })
    })
}

fn from_external(
    operation: &str,
    allowed: Allowed,
    source: Box<dyn StdError + Send + Sync>,
) -> EngineError {
    let source = match source.downcast::<EngineError>() {
        Ok(error) => return *error,
        Err(source) => source,
    };
    let source = match source.downcast::<FormatError>() {
        Ok(error) => return from_format(operation, allowed, *error),
        Err(source) => source,
    };
    let source = match source.downcast::<DataFusionError>() {
        Ok(error) => return from_datafusion(operation, allowed, *error),
        Err(source) => source,
    };
    match source.downcast::<ParquetError>() {
        Ok(error) => from_parquet(operation, &error),
        Err(source) => failed(ErrorKind::Unexpected, operation, source.to_string()),
    }
}

/// An error that several partitions hold: its words are kept.
fn from_shared(operation: &str, allowed: Allowed, shared: &DataFusionError) -> EngineError {
    if let Some(known) = known_below(operation, shared) {
        return known;
    }
    match shared.find_root() {
        DataFusionError::ResourcesExhausted(message) => exhausted(operation, allowed, message),
        DataFusionError::SchemaError(error, _) => from_schema(operation, error),
        root => from_words(operation, root),
    }
}

fn from_many(operation: &str, allowed: Allowed, errors: Vec<DataFusionError>) -> EngineError {
    let mut translated = errors.into_iter().map(|error| from_datafusion(operation, allowed, error));
    let Some(mut first) = translated.next() else {
        return failed(ErrorKind::Unexpected, operation, "several errors without words");
    };
    for other in translated {
        first.message = format!("{}; {}", first.message, other.message);
    }
    first
}

fn exhausted(operation: &str, allowed: Allowed, message: &str) -> EngineError {
    if is_of_the_disk(message) {
        return spilled_too_much(operation, allowed);
    }
    out_of_memory(operation, allowed, first_line(message))
}

/// Whether a message of DataFusion is about the limit on what is spilled: it has no kind of its own, and comes as an
/// error of the system from where a file is written.
///
/// # Source
/// `FileSpillWriter`, <https://github.com/apache/datafusion/blob/main/datafusion/execution/src/disk_manager.rs>
fn is_of_the_disk(message: &str) -> bool {
    message.contains("used disk space during the spilling")
}

fn spilled_too_much(operation: &str, allowed: Allowed) -> EngineError {
    out_of_disk(operation, allowed, "what does not fit into its memory is spilled there")
}

fn from_schema(operation: &str, error: &SchemaError) -> EngineError {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return failed(ErrorKind::InvalidInput, operation, error.to_string());
    };
    let known: Vec<&str> = valid_fields.iter().map(Column::name).collect();
    unknown_column(operation, &field.flat_name(), field.name(), &known)
}

/// Makes the error of a column that is not there, with the nearest name and the columns there are.
pub(crate) fn unknown_column(
    operation: &str,
    shown: &str,
    name: &str,
    known: &[&str],
) -> EngineError {
    let mut columns: Vec<&str> = Vec::new();
    for column in known {
        if !columns.contains(column) {
            columns.push(column);
        }
    }
    let more = if columns.len() > 40 { ", …" } else { "" };
    let list = columns.iter().take(40).copied().collect::<Vec<_>>().join(", ");
    let near = nearest(name, columns.iter().copied());
    let hint = match near {
        Some(near) if near.eq_ignore_ascii_case(name) => {
            format!("did you mean \"{near}\"? columns: {list}{more}")
        }
        Some(near) => format!("did you mean `{near}`? columns: {list}{more}"),
        None if columns.is_empty() => {
            "no table stands here whose columns could be used: write a value, or a table in `from`"
                .to_owned()
        }
        None => format!("columns: {list}{more}"),
    };
    failed(ErrorKind::InvalidInput, operation, format!("there is no column `{shown}`"))
        .with_hint(hint)
}

fn from_store(operation: &str, error: &object_store::Error) -> EngineError {
    if let Some(known) = known_below(operation, error) {
        return known;
    }
    let kind = meaning_of(error).unwrap_or(ErrorKind::Unexpected);
    failed(kind, operation, error.to_string())
}

fn from_arrow(operation: &str, allowed: Allowed, error: ArrowError) -> EngineError {
    match error {
        ArrowError::ExternalError(source) => from_external(operation, allowed, source),
        ArrowError::IoError(_, source) => {
            from_io(operation, allowed, "reading or writing", &source)
        }
        other => failed(ErrorKind::InvalidInput, operation, first_line(&other.to_string())),
    }
}

fn from_words(operation: &str, error: &DataFusionError) -> EngineError {
    let (kind, message) = match error {
        DataFusionError::Plan(message)
        | DataFusionError::Configuration(message)
        | DataFusionError::Execution(message) => (ErrorKind::InvalidInput, message.clone()),
        DataFusionError::SQL(error, _) => (ErrorKind::InvalidInput, error.to_string()),
        DataFusionError::ArrowError(error, _) => (ErrorKind::InvalidInput, error.to_string()),
        DataFusionError::NotImplemented(message) => (ErrorKind::Unsupported, message.clone()),
        other => (ErrorKind::Unexpected, other.strip_backtrace()),
    };
    failed(kind, operation, first_line(&message))
}

/// Messages may carry a backtrace or a list of consumers after the first line.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Allowed = Allowed { memory_bytes: 64 << 20, disk_bytes: 1 << 30 };

    #[test]
    fn an_unknown_column_names_the_nearest_and_all() {
        let error = unknown_column("run the query", "t.nmae", "nmae", &["id", "name"]);
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert_eq!(error.message, "there is no column `t.nmae`");
        assert_eq!(error.hint.as_deref(), Some("did you mean `name`? columns: id, name"));
    }

    #[test]
    fn errors_of_ours_come_through_whole_and_shared() {
        let ours = || failed(ErrorKind::Conflict, "read", "`a` has changed").with_hint("again");
        let external = DataFusionError::External(Box::new(ours()));
        let wrapped = DataFusionError::Context("x".into(), Box::new(external));
        assert_eq!(from_datafusion("run", ALLOWED, wrapped).message, "`a` has changed");
        let shared = DataFusionError::Shared(std::sync::Arc::new(DataFusionError::External(
            Box::new(ours()),
        )));
        let error = from_datafusion("run", ALLOWED, shared);
        assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::Conflict, Some("again")));
    }

    #[test]
    fn running_out_names_the_limit_and_the_field() {
        let error = DataFusionError::ResourcesExhausted("Failed to allocate 5\nbacktrace".into());
        let error = from_datafusion("run", ALLOWED, error);
        assert_eq!(error.kind, ErrorKind::OutOfMemory);
        assert!(error.message.contains("64 MiB"), "{}", error.message);
        assert!(error.hint.is_some_and(|hint| hint.contains("memoryLimit")));
        let full = io::Error::new(io::ErrorKind::StorageFull, "no space");
        let error = from_datafusion("run", ALLOWED, DataFusionError::IoError(full));
        assert_eq!(error.kind, ErrorKind::OutOfDisk);
        let spilled = "The used disk space during the spilling process has exceeded the allowable limit of 1 KB";
        let of_a_file = ArrowError::from(io::Error::other(spilled));
        let of_the_pool = DataFusionError::ResourcesExhausted(spilled.to_owned());
        for error in [DataFusionError::from(of_a_file), of_the_pool] {
            let error = from_datafusion("run", ALLOWED, error);
            assert_eq!(error.kind, ErrorKind::OutOfDisk, "{error}");
            assert!(error.message.ends_with("is spilled there"), "{error}");
        }
    }
}
