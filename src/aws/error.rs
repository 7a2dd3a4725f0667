//! What a service of AWS says when it refuses a request, by the code of its answer.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};

use crate::engines::error::causes;
use crate::engines::{EngineError, ErrorKind, Retry};

/// A service that is asked for a client.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Which page of the docs has a policy that is enough.
    pub policy: &'static str,
    /// The client, as the config names it.
    pub client: String,
}

const ENDPOINT: &str = "see `region` of the client, and `endpoint` if the server is not AWS";
const CREDENTIALS: &str = "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";

impl Service {
    /// Makes an error of the client.
    #[must_use]
    pub fn error(
        &self,
        kind: ErrorKind,
        operation: &str,
        message: impl Into<String>,
    ) -> EngineError {
        EngineError::new(kind, &self.client, operation, message)
    }

    /// Returns a refusal, or the lack of an answer, as an error of the client.
    ///
    /// # Source
    /// <https://docs.aws.amazon.com/glue/latest/webapi/CommonErrors.html>,
    /// <https://docs.aws.amazon.com/athena/latest/APIReference/CommonErrors.html>
    pub fn failed<E, R>(&self, operation: &str, error: SdkError<E, R>) -> EngineError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        let name = self.name;
        let why = || {
            let words: Vec<String> = causes(&error).skip(1).map(ToString::to_string).collect();
            words.last().cloned().unwrap_or_else(|| error.to_string())
        };
        let unanswered = |kind, message: String| self.error(kind, operation, message);
        let found = match &error {
            SdkError::ServiceError(_) => {
                let code = error.code().unwrap_or("no code");
                let message = error.message().unwrap_or("no reason is given");
                // All that the answer says is in the words, which would be said twice.
                return self.said(operation, code, message);
            }
            SdkError::TimeoutError(_) => {
                unanswered(ErrorKind::Timeout, format!("{name} does not answer in time"))
            }
            SdkError::DispatchFailure(_) => {
                let message = format!("{name} does not answer: {}", why());
                unanswered(ErrorKind::Unavailable, message).with_hint(ENDPOINT)
            }
            SdkError::ConstructionFailure(_) => {
                let message = format!("the request cannot be signed: {}", why());
                unanswered(ErrorKind::Unauthenticated, message).with_hint(CREDENTIALS)
            }
            _ => {
                let message = format!("the answer is not one of {name}: {}", why());
                let unknown = unanswered(ErrorKind::Unexpected, message).with_hint(ENDPOINT);
                unknown.with_retry(Retry::EffectUnknown)
            }
        };
        found.with_source(error)
    }

    fn said(&self, operation: &str, code: &str, message: &str) -> EngineError {
        let (kind, hint) = meaning(code, message);
        let error = self.error(kind, operation, format!("{message} ({code})"));
        match hint {
            "" if kind == ErrorKind::PermissionDenied => {
                error.with_hint(format!("{} has a policy that is enough", self.policy))
            }
            "" => error,
            hint => error.with_hint(hint),
        }
    }
}

fn meaning(code: &str, message: &str) -> (ErrorKind, &'static str) {
    match code {
        "EntityNotFoundException" | "ResourceNotFoundException" => (ErrorKind::NotFound, ""),
        "AlreadyExistsException" => (ErrorKind::AlreadyExists, ""),
        "InvalidInputException" | "InvalidRequestException" | "ValidationException" => {
            (ErrorKind::InvalidInput, "")
        }
        "ConcurrentModificationException" | "VersionMismatchException" => {
            (ErrorKind::Conflict, "the table was changed meanwhile; run it again")
        }
        "AccessDeniedException" if message.contains("Lake Formation") => (
            ErrorKind::PermissionDenied,
            "grant it in Lake Formation; what does not exist is denied there too",
        ),
        "AccessDeniedException" => (ErrorKind::PermissionDenied, ""),
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
        "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => (ErrorKind::RateLimited, ""),
        "ResourceNumberLimitExceededException" => (
            ErrorKind::InvalidInput,
            "a quota of the account is reached; AWS raises it, or old tables and versions go",
        ),
        "OperationTimeoutException" => (ErrorKind::Timeout, ""),
        "InternalServiceException"
        | "ServiceUnavailable"
        | "InternalFailure"
        | "InternalServerException"
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
            let client = "catalog".to_owned();
            let service = Service { name: "Glue", policy: "docs/glue.md", client };
            let error = service.said("find a table", code, message);
            assert_eq!(error.kind, kind, "{code}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{code}");
            assert_eq!(error.message, format!("{message} ({code})"));
        }
    }
}
