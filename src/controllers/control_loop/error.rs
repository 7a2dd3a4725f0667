//! Why a pass failed, and how the failure is reported.

use crate::engines::error::causes;
use crate::runs::{RunError, ScheduleError};
use crate::store::StoreError;

/// Why a pass over a resource failed; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A run could not be driven.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The resource could not be read or its status not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run that a schedule makes could not be made.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The pass panicked, which is a defect of Mason; others go on.
    #[error("the pass panicked: {0}")]
    Panicked(String),
}

/// Returns an error with everything that it was caused by, each thing once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in causes(error) {
        let text = match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => {
                format!("{} (status {})", status.message, status.code)
            }
            _ => error.to_string(),
        };
        // Errors of kube have what caused them in their own text.
        if let Some(outer) = texts.last_mut().filter(|outer| outer.contains(": ApiError: ")) {
            outer.truncate(outer.find(": ApiError: ").unwrap_or_default());
        }
        if !texts.iter().any(|outer| outer.contains(&text)) {
            texts.push(text);
        }
        if matches!(error.downcast_ref(), Some(kube::Error::Api(_))) {
            break;
        }
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher;

    use super::*;

    #[test]
    fn a_failure_is_told_with_its_causes_each_once() {
        let status: kube::core::Status =
            serde_json::from_value(serde_json::json!({"code": 403, "message": "not yours"}))
                .unwrap();
        let refused = kube::Error::Api(Box::new(status));
        let listing = watcher::Error::InitialListFailed(refused);
        assert_eq!(
            chain(&listing),
            "failed to perform initial object list: not yours (status 403)"
        );
        let plain = std::io::Error::other("no disk");
        assert_eq!(chain(&plain), "no disk");
    }
}
