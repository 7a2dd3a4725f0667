//! The one error that crosses the engine boundary.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::conditions::Reason;

/// What went wrong, by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A database, table, file or job does not exist.
    NotFound,
    /// It exists already.
    AlreadyExists,
    /// What was asked for, or the data, is wrong.
    InvalidInput,
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// The credentials do not allow it.
    PermissionDenied,
    /// The service asks for fewer calls.
    RateLimited,
    /// The service or process cannot be reached.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// Another writer changed it first.
    Conflict,
    /// The client cannot do this.
    Unsupported,
    /// More memory than the limit is needed.
    OutOfMemory,
    /// More disk than the limit is needed, or the disk is full.
    OutOfDisk,
    /// Not foreseen.
    Unexpected,
}

impl ErrorKind {
    /// Returns the kind's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::InvalidInput => "InvalidInput",
            Self::Unauthenticated => "Unauthenticated",
            Self::PermissionDenied => "PermissionDenied",
            Self::RateLimited => "RateLimited",
            Self::Unavailable => "Unavailable",
            Self::Timeout => "Timeout",
            Self::Conflict => "Conflict",
            Self::Unsupported => "Unsupported",
            Self::OutOfMemory => "OutOfMemory",
            Self::OutOfDisk => "OutOfDisk",
            Self::Unexpected => "Unexpected",
        }
    }
}

/// Returns an error and all that stand below it, the outermost first.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

/// Whether the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Retry {
    /// The same call will fail again.
    Never,
    /// The same call may succeed later, and it is safe to make it again.
    Later,
    /// It is not known whether the call had its effect.
    EffectUnknown,
}

/// An error of a client, in words for a person.
#[derive(Debug)]
pub struct EngineError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether the same call may be made again.
    pub retry: Retry,
    /// The client's name or type, for example `local`.
    pub client: String,
    /// What was tried, for example `read the footer`.
    pub operation: String,
    /// The facts: lower case, no full stop.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// The reason as a run shows it, where the kind alone does not say.
    pub reason: Option<Reason>,
    /// The error below, if there is one.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl EngineError {
    /// Makes an error whose `retry` follows from its kind.
    pub fn new(
        kind: ErrorKind,
        client: impl Into<String>,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let retry = match kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable => Retry::Later,
            ErrorKind::Timeout => Retry::EffectUnknown,
            _ => Retry::Never,
        };
        Self {
            kind,
            retry,
            client: client.into(),
            operation: operation.into(),
            message: message.into(),
            hint: None,
            reason: None,
            source: None,
        }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the reason as a run shows it.
    #[must_use]
    pub fn with_reason(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Adds the error below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says whether the same call may be made again, where the kind alone does not.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: failed to {}: {}", self.client, self.operation, self.message)
    }
}

impl StdError for EngineError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
