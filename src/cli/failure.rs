//! Why a verb did not do what was asked, and what that means for the exit code.
//!
//! Errors of the modules below come as a chain; this adds what only the command line knows: whether
//! the person can put it right by asking differently. Printing is the printer's.

use std::process::ExitCode;

use super::words::first_of;
use crate::engines::EngineError;
use crate::store::StoreError;
use crate::store::kubernetes::ConnectError;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Success,
    /// The run failed, was cancelled, or it is not known; or Mason itself could not do its work.
    Failed,
    /// What was asked for is wrong, and nothing was done.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Refused => Self::from(2),
        }
    }
}

/// One thing that is wrong with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where: `run.yaml:3: spec.parameters.limit`, `-p limit`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a verb did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line itself is wrong.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The documents or parameters are wrong: every problem.
    #[error("{what}")]
    Invalid {
        /// What is wrong as a whole: `nothing was applied: 3 problems`.
        what: String,
        /// Every problem.
        findings: Vec<Finding>,
    },
    /// Something named does not exist, or cannot be done as things stand.
    #[error("{message}")]
    Impossible {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl Failure {
    /// Makes a wrong command line.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// Makes something that cannot be done as things stand.
    pub(crate) fn impossible(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Impossible { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Returns how the process ends for an error.
#[must_use]
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Usage { .. } | Failure::Invalid { .. }) => Exit::Refused,
        _ if matches!(error.downcast_ref(), Some(ConnectError::UnknownContext { .. })) => {
            Exit::Refused
        }
        _ => Exit::Failed,
    }
}

/// Returns the messages of a chain, outermost first, each once: a message that the one before it
/// already tells is left out.
#[must_use]
pub(crate) fn messages_of(error: &anyhow::Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = text_of(cause);
        let told = messages.iter().any(|message| message.contains(&text));
        if !told && !text.is_empty() {
            messages.push(text);
        }
    }
    messages
}

/// Returns a message for people: the API server's own words rather than the whole of its answer.
fn text_of(cause: &(dyn std::error::Error + 'static)) -> String {
    match kube_of(cause) {
        Some(kube::Error::Api(status)) => status.message.clone(),
        _ => cause.to_string(),
    }
}

fn kube_of<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a kube::Error> {
    let boxed = cause.downcast_ref::<Box<kube::Error>>().map(Box::as_ref);
    boxed.or_else(|| cause.downcast_ref::<kube::Error>())
}

/// Returns every hint in a chain, outermost first.
#[must_use]
pub(crate) fn hints_of(error: &anyhow::Error) -> Vec<String> {
    let hint = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(Failure::Usage { hint, .. } | Failure::Impossible { hint, .. }) =
            cause.downcast_ref()
        {
            return hint.clone();
        }
        if let Some(StoreError::Io { source, .. }) = cause.downcast_ref() {
            return hint_of_store(source).map(str::to_owned);
        }
        if let Some(error) = cause.downcast_ref() {
            return hint_of_connection(error);
        }
        if let Some(StoreError::OwnedByOthers { .. }) = cause.downcast_ref() {
            return Some(
                "change them where they are kept, or take them over with --force".to_owned(),
            );
        }
        if let Some(error) = kube_of(cause) {
            return hint_of_api_server(error).map(str::to_owned);
        }
        cause.downcast_ref::<EngineError>().and_then(|engine| engine.hint.clone())
    };
    error.chain().filter_map(hint).collect()
}

/// Returns what to do about a store that cannot be written to: what it holds stays as it is.
fn hint_of_store(source: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match source.kind() {
        StorageFull | QuotaExceeded => Some(
            "make room on the disk of the store, then call it again; `mason resume` drives on the \
             runs that were begun",
        ),
        ReadOnlyFilesystem | PermissionDenied => Some(
            "make the folder of the store writable, or name another with --store; `mason resume` \
             drives on the runs that were begun",
        ),
        _ => None,
    }
}

fn hint_of_connection(error: &ConnectError) -> Option<String> {
    match error {
        ConnectError::NoCluster(_) => {
            Some("name the kubeconfig of a cluster in KUBECONFIG".to_owned())
        }
        ConnectError::UnknownContext { known, .. } if !known.is_empty() => {
            Some(format!("there are: {}", first_of(known)))
        }
        _ => None,
    }
}

/// Returns what to do about an API server that does not do what was asked.
fn hint_of_api_server(error: &kube::Error) -> Option<&'static str> {
    match error {
        kube::Error::Api(status) => match status.code {
            401 => Some("the cluster does not know you: log in to it anew"),
            403 => Some("`mason doctor --cluster` says which rights are missing"),
            404 => Some(
                "are Mason's CRDs there? `mason doctor --cluster` says so; `mason crds | kubectl apply \
                 --server-side -f -` installs them",
            ),
            _ => None,
        },
        kube::Error::HyperError(_) | kube::Error::Service(_) => {
            Some("is this the right context, and is its API server reachable from here?")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::engines::ErrorKind;

    #[test]
    fn a_chain_is_told_once_with_its_hints() {
        let io = std::io::Error::other("disk on fire");
        let engine = EngineError::new(ErrorKind::Unavailable, "local", "read", "disk on fire")
            .with_hint("use water")
            .with_source(io);
        let error = Err::<(), _>(engine).context("failed to run").expect_err("should be one");
        assert_eq!(messages_of(&error), ["failed to run", "local: failed to read: disk on fire"]);
        assert_eq!(hints_of(&error), ["use water"]);
        assert_eq!(exit_of(&error), Exit::Failed);
    }

    #[test]
    fn a_wrong_command_line_is_refused_also_below_other_messages() {
        let error = anyhow::Error::new(Failure::usage("no such kind", "see `mason get`"))
            .context("failed to list");
        assert_eq!(exit_of(&error), Exit::Refused);
        assert_eq!(hints_of(&error), ["see `mason get`"]);
    }
}
