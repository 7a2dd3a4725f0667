//! Turns what the operating system says into [`EngineError`]s that name the file.

use std::io;

use crate::engines::table::{PathError, PinnedFile};
use crate::engines::{EngineError, ErrorKind, Retry};

/// The name by which this client's errors call it.
pub(crate) const CLIENT: &str = "local";

/// Returns an error of the lake as one of the client whose files it stands on, where that is known.
pub(crate) fn of_client(error: EngineError, client: Option<&str>) -> EngineError {
    match client {
        Some(client) if error.client == CLIENT => {
            EngineError { client: client.to_owned(), ..error }
        }
        _ => error,
    }
}

/// What to do about a pipe, a device or a socket where a file is looked for.
pub(crate) const ONLY_FILES: &str =
    "only regular files are read; names that begin with `_` or `.` are left out";

/// Makes an error of this client.
pub(crate) fn error(kind: ErrorKind, operation: &str, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, CLIENT, operation, message)
}

/// Makes an error of what the operating system said about a path.
pub(crate) fn io_error(operation: &str, path: &str, source: io::Error) -> EngineError {
    let (kind, hint) = match source.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, None),
        io::ErrorKind::AlreadyExists => (ErrorKind::AlreadyExists, None),
        io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
            (ErrorKind::PermissionDenied, Some("nothing outside the root folder can be reached"))
        }
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::PermissionDenied, Some("check the owner and the mode of the folder"))
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::PermissionDenied, Some("the root folder is on a read-only file system"))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::OutOfDisk, Some("make room on the disk of the root folder"))
        }
        io::ErrorKind::InvalidFilename | io::ErrorKind::NotADirectory => {
            (ErrorKind::InvalidInput, None)
        }
        io::ErrorKind::InvalidInput => (ErrorKind::InvalidInput, Some(ONLY_FILES)),
        io::ErrorKind::FileTooLarge => (ErrorKind::InvalidInput, None),
        _ => (ErrorKind::Unexpected, None),
    };
    let error = error(kind, operation, format!("`{path}`: {source}")).with_source(source);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Makes an error of a text that is no path below the root.
pub(crate) fn path_error(operation: &str, source: PathError) -> EngineError {
    error(ErrorKind::InvalidInput, operation, source.to_string())
        .with_hint("paths are relative to the client's root, for example `sales/orders`")
        .with_source(source)
}

/// Makes an error of a file that is no longer as it was pinned.
pub(crate) fn changed_error(file: &PinnedFile, what: &str) -> EngineError {
    error(ErrorKind::Conflict, "read a pinned file", format!("`{}` {what}", file.path))
        .with_hint(
            "the file changed while the job worked; run it again when no program writes to it",
        )
        .with_retry(Retry::Never)
}

/// Makes an error of a JSON document of ours that cannot be read.
pub(crate) fn json_error(operation: &str, path: &str, source: serde_json::Error) -> EngineError {
    error(ErrorKind::Unexpected, operation, format!("`{path}` is not readable: {source}"))
        .with_source(source)
}

/// Returns whether there is no room left on the disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
