//! Which class a failure belongs to: the class alone decides whether work is repeated.

use crate::api::conditions::Reason;
use crate::api::v1alpha1::{AttemptError, FailureClass};
use crate::engines::job::{JobError, JobState, JobStatus};
use crate::engines::{ErrorKind, Retry};

/// Returns why an attempt failed, from the error of a call that may have had an effect.
#[must_use]
pub fn classify(error: &JobError) -> AttemptError {
    let (class, reason) = match (error.retry, error.kind) {
        (Retry::EffectUnknown, _) => (FailureClass::Transient, Reason::OutcomeUnknown),
        (Retry::Later, kind) => passing(kind),
        (Retry::Never, kind) => lasting(kind),
    };
    with_class(class, reason, error)
}

/// Returns why an attempt failed, from the error of a call that changes nothing, or of one whose
/// effect has been looked for since.
#[must_use]
pub fn classify_reading(error: &JobError) -> AttemptError {
    let (class, reason) = match (error.retry, error.kind) {
        (Retry::EffectUnknown | Retry::Later, kind) => passing(kind),
        (Retry::Never, kind) => lasting(kind),
    };
    with_class(class, reason, error)
}

/// Returns why a job that has ended, but not well, failed its attempt.
#[must_use]
pub fn failure_of_job(job: &JobStatus) -> AttemptError {
    let unsaid = |class, reason, message: &str| AttemptError {
        class,
        reason,
        message: message.to_owned(),
        hint: None,
    };
    match (job.state, &job.error) {
        (JobState::Lost, error) => AttemptError {
            class: FailureClass::Infrastructure,
            reason: Reason::Infrastructure,
            message: error.as_ref().map_or_else(
                || "the process that did the work is gone".to_owned(),
                |error| cut(&error.message, 8_000),
            ),
            hint: error.as_ref().and_then(|error| error.hint.clone()),
        },
        (JobState::Cancelled, _) => {
            unsaid(FailureClass::User, Reason::Cancelled, "the job was cancelled")
        }
        (_, Some(error)) => classify_reading(error),
        (_, None) => {
            unsaid(FailureClass::Unknown, Reason::Unexpected, "the job failed and did not say why")
        }
    }
}

/// Returns the failure of an attempt whose token turns out to be fenced already.
#[must_use]
pub fn fenced_by_former_process(error: &JobError) -> AttemptError {
    with_class(FailureClass::Infrastructure, Reason::Infrastructure, error)
}

fn passing(kind: ErrorKind) -> (FailureClass, Reason) {
    match kind {
        ErrorKind::RateLimited => (FailureClass::Throttled, Reason::Throttled),
        ErrorKind::Unavailable => (FailureClass::Infrastructure, Reason::Infrastructure),
        ErrorKind::OutOfMemory => (FailureClass::Transient, Reason::OutOfMemory),
        ErrorKind::OutOfDisk => (FailureClass::Transient, Reason::OutOfDisk),
        ErrorKind::Conflict => (FailureClass::Transient, Reason::TargetChanged),
        _ => (FailureClass::Transient, Reason::Infrastructure),
    }
}

fn lasting(kind: ErrorKind) -> (FailureClass, Reason) {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidInput
        | ErrorKind::Unauthenticated
        | ErrorKind::PermissionDenied
        | ErrorKind::Unsupported => (FailureClass::User, Reason::UserError),
        ErrorKind::Conflict => (FailureClass::User, Reason::TargetChanged),
        ErrorKind::OutOfMemory => (FailureClass::User, Reason::OutOfMemory),
        ErrorKind::OutOfDisk => (FailureClass::User, Reason::OutOfDisk),
        ErrorKind::RateLimited | ErrorKind::Unavailable => {
            (FailureClass::Unknown, Reason::Infrastructure)
        }
        ErrorKind::Timeout | ErrorKind::Unexpected => (FailureClass::Unknown, Reason::Unexpected),
    }
}

fn with_class(class: FailureClass, reason: Reason, error: &JobError) -> AttemptError {
    AttemptError {
        class,
        reason: error.reason.unwrap_or(reason),
        message: cut(&error.message, 8_000),
        hint: error.hint.as_deref().map(|hint| cut(hint, 2_000)),
    }
}

/// Returns the beginning of a text, and says when something is missing.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{} … (cut)", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, retry: Retry) -> JobError {
        JobError { kind, retry, message: "x".to_owned(), hint: None, reason: None }
    }

    #[test]
    fn nothing_that_lasts_is_retried_and_nothing_that_passes_is_not() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::InvalidInput,
            ErrorKind::Unauthenticated,
            ErrorKind::PermissionDenied,
            ErrorKind::RateLimited,
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::Conflict,
            ErrorKind::Unsupported,
            ErrorKind::OutOfMemory,
            ErrorKind::OutOfDisk,
            ErrorKind::Unexpected,
        ] {
            assert!(!classify(&error(kind, Retry::Never)).class.is_retryable(), "{kind:?}");
            assert!(classify(&error(kind, Retry::Later)).class.is_retryable(), "{kind:?}");
            assert!(classify_reading(&error(kind, Retry::EffectUnknown)).class.is_retryable());
        }
    }

    #[test]
    fn an_unknown_effect_is_called_so_unless_the_call_only_read() {
        let timeout = error(ErrorKind::Timeout, Retry::EffectUnknown);
        assert_eq!(classify(&timeout).reason, Reason::OutcomeUnknown);
        assert_eq!(classify_reading(&timeout).reason, Reason::Infrastructure);
    }

    #[test]
    fn long_messages_are_cut_and_say_so() {
        let long =
            JobError { message: "é".repeat(9_000), ..error(ErrorKind::NotFound, Retry::Never) };
        assert!(classify(&long).message.ends_with("… (cut)"));
    }
}
