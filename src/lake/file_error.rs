//! The one place where what is wrong with a file that is read becomes an [`EngineError`]: by inference,
//! by a job, by the readers of DataFusion that go through the object store.
//!
//! A file that is damaged, changed, or no file is the user's to mend: the error names the file, says as
//! what it was read, and has a hint. `Unexpected` is left for what the system says and does not explain.

use std::io;

use super::error::{error, io_error};
use crate::engines::{EngineError, ErrorKind, Retry};
use crate::formats::error::FormatError;

/// What to do about a file that cannot be read as what it is.
pub(crate) const MEND: &str = "correct or remove what is broken, say how it is read (input_format, delimiter, quote, comment, \
     skip_rows, encoding ...), or leave it out (bad_rows); files whose name begins with `_` or `.` \
     are left out";

const CHANGED: &str =
    "the file changed while it was read; run it again when nothing writes to the file any more";

/// Translates an error of a file that was to be read.
pub(crate) fn of_file(operation: &str, found: FormatError) -> EngineError {
    match found {
        FormatError::Read { path, source } => of_bytes(operation, &path, source),
        broken @ (FormatError::Broken { .. } | FormatError::Unrecognised { .. }) => {
            error(ErrorKind::InvalidInput, operation, broken.to_string()).with_hint(MEND)
        }
        other => error(ErrorKind::InvalidInput, operation, other.to_string()),
    }
}

/// Translates an error of the bytes of a file.
fn of_bytes(operation: &str, path: &str, source: io::Error) -> EngineError {
    if let Some(known) = source.get_ref().and_then(|inner| inner.downcast_ref::<EngineError>()) {
        return same_words(known);
    }
    match source.kind() {
        // The system has no errors of this kind: it is a pinned file that says it has changed.
        io::ErrorKind::Other => {
            let message = if source.to_string().contains(path) {
                source.to_string()
            } else {
                format!("`{path}` cannot be read: {source}")
            };
            error(ErrorKind::Conflict, operation, message)
                .with_hint(CHANGED)
                .with_retry(Retry::Never)
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            let message = match source.kind() {
                io::ErrorKind::UnexpectedEof => format!("`{path}` ends too early"),
                _ => format!("`{path}` is not readable: {source}"),
            };
            error(ErrorKind::InvalidInput, operation, message).with_hint(MEND)
        }
        _ => io_error(operation, path, source),
    }
}

/// Makes a copy in the same words, where the error itself is shared.
pub(crate) fn same_words(known: &EngineError) -> EngineError {
    let copy = EngineError::new(
        known.kind,
        known.client.clone(),
        known.operation.clone(),
        known.message.clone(),
    )
    .with_retry(known.retry);
    match &known.hint {
        Some(hint) => copy.with_hint(hint.clone()),
        None => copy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: io::Error) -> EngineError {
        of_file("read the table", FormatError::Read { path: "t/a.csv.gz".to_owned(), source })
    }

    #[test]
    fn whatever_is_wrong_with_a_file_is_the_users_to_mend_and_names_it() {
        let changed = "`t/a.csv.gz` was modified since it was looked at";
        let cases = [
            (read(io::Error::other(changed)), ErrorKind::Conflict),
            (read(io::ErrorKind::UnexpectedEof.into()), ErrorKind::InvalidInput),
            (
                read(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
                ErrorKind::InvalidInput,
            ),
            (
                of_file("read the table", FormatError::broken("t/a.csv.gz", "gzip", "cut")),
                ErrorKind::InvalidInput,
            ),
        ];
        for (error, kind) in cases {
            assert_eq!(error.kind, kind, "{error}");
            assert_eq!(error.retry, Retry::Never, "{error}");
            assert!(error.message.contains("`t/a.csv.gz`"), "{error}");
            assert!(error.hint.is_some(), "{error}");
        }
    }

    #[test]
    fn an_error_of_ours_comes_through_in_its_words() {
        let ours = error(ErrorKind::Conflict, "read a pinned file", "`a` changed").with_hint("h");
        let error = read(io::Error::other(ours));
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Conflict, "`a` changed"));
        assert_eq!(error.hint.as_deref(), Some("h"));
    }
}
