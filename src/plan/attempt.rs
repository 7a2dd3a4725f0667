//! Attempts: their tokens follow from the run, so that no crash makes two.

use uuid::Uuid;

use super::decision::has_execution;
use crate::api::v1alpha1::OperatorRunStatus;
use crate::validate::ValidRun;

/// Returns the token of a run's attempt: the same for the same run and number, always; 32 lower-case
/// hexadecimal digits.
#[must_use]
pub fn attempt_token(run_uid: &str, number: u32) -> String {
    let name = format!("mason.dev/attempt/{run_uid}/{number}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).simple().to_string()
}

/// Returns whether a run's attempts have to be looked up and fenced outside: it was matched with a
/// client that runs jobs, or it is a container.
#[must_use]
pub fn needs_job(status: &OperatorRunStatus) -> bool {
    has_execution(status.engines.as_ref()) || is_container(status)
}

/// A container is a job of its own: no client of the config runs it.
fn is_container(status: &OperatorRunStatus) -> bool {
    status.resolved.as_ref().is_some_and(ValidRun::is_frozen_container)
}

#[cfg(test)]
mod tests {
    use super::attempt_token;

    #[test]
    fn tokens_follow_from_run_and_number_alone() {
        assert_eq!(attempt_token("u", 1), attempt_token("u", 1));
        assert_ne!(attempt_token("u", 1), attempt_token("u", 2));
        assert_ne!(attempt_token("u", 1), attempt_token("v", 1));
        let token = attempt_token("u", 1);
        assert_eq!(token.len(), 32);
        assert!(token.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)));
    }
}
