//! What can go wrong with a store.

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The resourceVersion is not the newest, or a resource to create exists.
    #[error("{what} was changed by another writer")]
    Conflict {
        /// `OperatorRun default/x`.
        what: String,
    },
    /// A rule of the schema refuses the change, or a name is none.
    #[error("{what} is refused: {}", .problems.join("; "))]
    Refused {
        /// `OperatorRun default/x`.
        what: String,
        /// Every rule that refuses it.
        problems: Vec<String>,
    },
    /// Other managers have applied other values to fields that an apply names.
    #[error("fields of {what} belong to others: {}", .fields.join("; "))]
    OwnedByOthers {
        /// `OperatorRun default/x`.
        what: String,
        /// Every field with its manager.
        fields: Vec<String>,
    },
    /// It exists, but cannot be read.
    #[error("{what} is not readable: {message}")]
    Unreadable {
        /// The file or object.
        what: String,
        /// Why.
        message: String,
    },
    /// The place itself fails.
    #[error("failed to {operation} `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The cluster's API server fails, refuses access, or cannot be reached.
    #[error("the API server failed to {operation} {what}")]
    ApiServer {
        /// What was tried.
        operation: &'static str,
        /// `OperatorRun default/x`.
        what: String,
        /// Why.
        source: Box<kube::Error>,
    },
}
