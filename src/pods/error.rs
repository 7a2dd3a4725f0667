//! What an answer of the API server about a pod means.

use kube::core::Status;

use crate::api::conditions::Reason;
use crate::engines::{EngineError, ErrorKind, Retry};

/// The name by which these errors call the API server.
const CLIENT: &str = "kubernetes";

/// Makes an error about pods.
pub(super) fn error(kind: ErrorKind, operation: &str, message: impl Into<String>) -> EngineError {
    EngineError::new(kind, CLIENT, operation, message)
}

/// Returns what a failed call means.
pub(super) fn failed(operation: &str, source: kube::Error) -> EngineError {
    let kube::Error::Api(status) = &source else {
        // A call without an answer may have had its effect.
        let message = "the API server could not be reached";
        return error(ErrorKind::Unavailable, operation, message)
            .with_retry(Retry::EffectUnknown)
            .with_source(source);
    };
    let failure = match status.code {
        401 => error(ErrorKind::Unauthenticated, operation, &status.message),
        403 => error(ErrorKind::PermissionDenied, operation, &status.message),
        404 => error(ErrorKind::NotFound, operation, &status.message),
        409 => error(ErrorKind::Conflict, operation, &status.message),
        400 | 413 | 422 => error(ErrorKind::InvalidInput, operation, &status.message),
        429 => error(ErrorKind::RateLimited, operation, &status.message),
        _ => error(ErrorKind::Unavailable, operation, &status.message)
            .with_retry(Retry::EffectUnknown),
    };
    failure.with_source(source)
}

/// Returns the error of a call that took too long.
pub(super) fn late(operation: &str) -> EngineError {
    error(ErrorKind::Timeout, operation, "the API server gave no answer in time")
}

/// Returns what a refused creation waits for, if what refuses it may change. Nothing was created then.
pub(super) fn refusal(name: &str, status: &Status) -> Option<EngineError> {
    let text = &status.message;
    let denied = text.contains("denied the request")
        || text.contains("denied request")
        || text.contains("ValidatingAdmissionPolicy");
    if status.code != 403 && !denied {
        return None;
    }
    let plain = text.split_once(" is forbidden: ").map_or(text.as_str(), |(_, why)| why);
    let (reason, sentence) = if plain.contains("exceeded quota") {
        (Reason::QuotaExceeded, "a quota of the namespace leaves no room for")
    } else if plain.contains("serviceaccount") && plain.contains("not found") {
        (Reason::ServiceAccountMissing, "the service account does not exist of")
    } else {
        (Reason::AdmissionDenied, "the cluster does not admit")
    };
    let message = format!("{sentence} pod `{name}`: {}", one_line(plain));
    let refused = error(ErrorKind::PermissionDenied, "create a pod", message);
    Some(refused.with_retry(Retry::Later).with_reason(reason))
}

/// Returns a text as one line of at most 700 characters.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(700) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, message: &str) -> Status {
        serde_json::from_value(serde_json::json!({"code": code, "message": message})).unwrap()
    }

    #[test]
    fn a_refusal_that_may_pass_has_a_reason_and_a_sentence() {
        for (code, message, reason, sentence) in [
            (
                403,
                "pods \"x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2",
                Reason::QuotaExceeded,
                "a quota of the namespace leaves no room for pod `x`: exceeded quota: small",
            ),
            (
                403,
                "pods \"x\" is forbidden: error looking up service account team/robot: serviceaccount \"robot\" not found",
                Reason::ServiceAccountMissing,
                "the service account does not exist of pod `x`: error looking up service account team/robot",
            ),
            (
                403,
                "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": hostPath volumes",
                Reason::AdmissionDenied,
                "the cluster does not admit pod `x`: violates PodSecurity",
            ),
            (
                400,
                "admission webhook \"policy.example\" denied the request: no",
                Reason::AdmissionDenied,
                "the cluster does not admit pod `x`: admission webhook",
            ),
        ] {
            let error = refusal("x", &status(code, message)).expect(message);
            assert_eq!((error.reason, error.retry), (Some(reason), Retry::Later), "{message}");
            assert!(error.message.starts_with(sentence), "{}", error.message);
        }
        for code in [400, 409, 422, 500] {
            assert!(refusal("x", &status(code, "Pod \"x\" is invalid: spec.image")).is_none());
        }
    }

    #[test]
    fn only_an_answer_says_that_nothing_happened() {
        let failed = |code| failed("create a pod", kube::Error::Api(status(code, "no").boxed()));
        assert_eq!(failed(500).retry, Retry::EffectUnknown);
        assert_eq!(failed(504).retry, Retry::EffectUnknown);
        assert_eq!(failed(429).retry, Retry::Later);
        assert_eq!(failed(422).retry, Retry::Never);
        assert_eq!(late("x").retry, Retry::EffectUnknown);
    }
}
