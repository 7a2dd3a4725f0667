//! What Glue says when it refuses a request, by the code of its answer.

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};

use crate::engines::error::causes;
use crate::engines::{EngineError, ErrorKind, Retry};

/// Returns a refusal, or the lack of an answer, as an error of a client.
///
/// # Source
/// <https://docs.aws.amazon.com/glue/latest/webapi/CommonErrors.html>
pub(super) fn failed<E, R>(client: &str, operation: &str, error: SdkError<E, R>) -> EngineError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let unanswered = |kind, message: String, hint: &str| {
        let failed = EngineError::new(kind, client, operation, message);
        if hint.is_empty() { failed } else { failed.with_hint(hint) }
    };
    let why = || {
        let words: Vec<String> = causes(&error).skip(1).map(ToString::to_string).collect();
        words.last().cloned().unwrap_or_else(|| error.to_string())
    };
    let found = match &error {
        SdkError::ServiceError(_) => {
            let code = error.code().unwrap_or("no code").to_owned();
            let message = error.message().unwrap_or("no reason is given").to_owned();
            said(client, operation, &code, &message)
        }
        SdkError::TimeoutError(_) => {
            unanswered(ErrorKind::Timeout, "Glue does not answer in time".to_owned(), "")
        }
        SdkError::DispatchFailure(_) => {
            unanswered(ErrorKind::Unavailable, format!("Glue does not answer: {}", why()), ENDPOINT)
        }
        SdkError::ConstructionFailure(_) => {
            let message = format!("the request cannot be signed: {}", why());
            unanswered(ErrorKind::Unauthenticated, message, CREDENTIALS)
        }
        _ => {
            let message = format!("the answer is not one of Glue: {}", why());
            unanswered(ErrorKind::Unexpected, message, ENDPOINT).with_retry(Retry::EffectUnknown)
        }
    };
    found.with_source(error)
}

const ENDPOINT: &str = "see `region` of the client, and `endpoint` if the server is not AWS";
const CREDENTIALS: &str = "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";

fn said(client: &str, operation: &str, code: &str, message: &str) -> EngineError {
    let (kind, hint) = meaning(code, message);
    let error = EngineError::new(kind, client, operation, format!("{message} ({code})"));
    if hint.is_empty() { error } else { error.with_hint(hint) }
}

fn meaning(code: &str, message: &str) -> (ErrorKind, &'static str) {
    match code {
        "EntityNotFoundException" => (ErrorKind::NotFound, ""),
        "AlreadyExistsException" => (ErrorKind::AlreadyExists, ""),
        "InvalidInputException" | "ValidationException" => (ErrorKind::InvalidInput, ""),
        "ConcurrentModificationException" | "VersionMismatchException" => {
            (ErrorKind::Conflict, "the table was changed meanwhile; run it again")
        }
        "AccessDeniedException" if message.contains("Lake Formation") => (
            ErrorKind::PermissionDenied,
            "grant it in Lake Formation; what does not exist is denied there too",
        ),
        "AccessDeniedException" => {
            (ErrorKind::PermissionDenied, "docs/glue.md has a policy that is enough")
        }
        "GlueEncryptionException" => {
            (ErrorKind::PermissionDenied, "the KMS key of the catalogue has to allow it")
        }
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => (ErrorKind::Unauthenticated, CREDENTIALS),
        "ExpiredTokenException" | "ExpiredToken" => {
            (ErrorKind::Unauthenticated, "sign on again, then run it again")
        }
        "RequestExpired" => (ErrorKind::Unauthenticated, "set the clock; AWS accepts 5 minutes"),
        "ThrottlingException" | "Throttling" | "RequestLimitExceeded" => {
            (ErrorKind::RateLimited, "")
        }
        "ResourceNumberLimitExceededException" => (
            ErrorKind::InvalidInput,
            "a quota of the account is reached; AWS raises it, or old tables and versions go",
        ),
        "OperationTimeoutException" => (ErrorKind::Timeout, ""),
        "InternalServiceException"
        | "ServiceUnavailable"
        | "InternalFailure"
        | "ResourceNotReadyException"
        | "FederationSourceRetryableException" => (ErrorKind::Unavailable, ""),
        _ => (ErrorKind::Unexpected, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_code() {
        for (code, message, kind, hint) in [
            ("EntityNotFoundException", "Table x not found.", ErrorKind::NotFound, ""),
            ("ConcurrentModificationException", "…", ErrorKind::Conflict, "changed meanwhile"),
            (
                "AccessDeniedException",
                "Insufficient Lake Formation permission(s): Required Describe on x",
                ErrorKind::PermissionDenied,
                "what does not exist is denied",
            ),
            ("AccessDeniedException", "User …", ErrorKind::PermissionDenied, "docs/glue.md"),
            ("ExpiredTokenException", "…", ErrorKind::Unauthenticated, "sign on again"),
            ("ThrottlingException", "Rate exceeded", ErrorKind::RateLimited, ""),
            ("WhatIsThis", "…", ErrorKind::Unexpected, ""),
        ] {
            let error = said("catalog", "find a table", code, message);
            assert_eq!(error.kind, kind, "{code}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{code}");
            assert_eq!(error.message, format!("{message} ({code})"));
        }
    }
}
