//! What can be wrong with a file.

/// An error of one file, in words, naming file, row and column where they are known.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The bytes could not be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The content is broken.
    #[error("`{path}` is not readable as {format}: {message}")]
    Broken {
        /// The file.
        path: String,
        /// As what it was read.
        format: String,
        /// Where and why.
        message: String,
    },
    /// Name and content disagree, or the format is not known.
    #[error("cannot tell the format of `{path}`: {message}")]
    Unrecognised {
        /// The file.
        path: String,
        /// Why.
        message: String,
    },
    /// A value does not fit its column's type.
    #[error("`{path}`, row {row}, column `{column}`: {message}")]
    Value {
        /// The file.
        path: String,
        /// The row, 1 for the first after the header.
        row: u64,
        /// The column.
        column: String,
        /// Why.
        message: String,
    },
    /// The format cannot hold it, or cannot be written.
    #[error("cannot write {format}: {message}")]
    Unwritable {
        /// The format.
        format: String,
        /// Why.
        message: String,
    },
    /// The bytes could not be written.
    #[error("failed to write {format}")]
    Write {
        /// The format.
        format: String,
        /// Why.
        source: std::io::Error,
    },
}
