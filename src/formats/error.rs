//! What can be wrong with a file.
//!
//! Readers make their errors with [`FormatError::broken`] and [`FormatError::reading`], which name the
//! file and say as what it was read.

use std::io;

use super::compression::Damaged;

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

impl FormatError {
    /// Makes the error of a broken file.
    pub(crate) fn broken(path: &str, format: &str, message: impl Into<String>) -> Self {
        Self::Broken { path: path.to_owned(), format: format.to_owned(), message: message.into() }
    }

    /// Makes the error of bytes that could not be read: of a broken file when its compression says so.
    pub(crate) fn reading(path: &str, source: io::Error) -> Self {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Damaged>()) {
            Some(damaged) => Self::broken(path, damaged.compression(), damaged.message()),
            None => Self::Read { path: path.to_owned(), source },
        }
    }

    /// Makes a copy, where the error itself is shared.
    pub(crate) fn in_the_same_words(&self) -> Self {
        match self {
            Self::Read { path, source } => Self::Read {
                path: path.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
            Self::Broken { path, format, message } => Self::broken(path, format, message.clone()),
            Self::Unrecognised { path, message } => {
                Self::Unrecognised { path: path.clone(), message: message.clone() }
            }
            Self::Value { path, row, column, message } => Self::Value {
                path: path.clone(),
                row: *row,
                column: column.clone(),
                message: message.clone(),
            },
            Self::Unwritable { format, message } => {
                Self::Unwritable { format: format.clone(), message: message.clone() }
            }
            Self::Write { format, source } => Self::Write {
                format: format.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
        }
    }

    /// Returns whether what is wrong is in the content of the file, and not in how it could be read.
    #[must_use]
    pub fn is_of_content(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Unrecognised { .. } | Self::Value { .. })
    }
}
