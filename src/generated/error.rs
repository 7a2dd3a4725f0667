//! Why a generated file could not be made.

use std::io;
use std::path::PathBuf;

/// Why a generated file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A file with generated parts cannot be read.
    #[error("failed to read `{file}`")]
    Read {
        /// Its path below the project's folder.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file lacks the marks around a generated part.
    #[error("`{file}` has no marks for the generated part `{part}`")]
    NoMarks {
        /// Its path below the project's folder.
        file: String,
        /// The name of the part.
        part: String,
    },
    /// A file cannot be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
