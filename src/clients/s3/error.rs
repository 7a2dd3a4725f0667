//! What S3 says when it refuses a request, in words for a person and by kind.
//!
//! The store below tells most refusals by the body of the answer alone, within a long text.

use object_store::Error;

use crate::engines::error::causes;
use crate::engines::{EngineError, ErrorKind};

/// The code and the message of an answer, as they stand in its XML.
struct Answer<'a> {
    code: &'a str,
    message: &'a str,
    text: &'a str,
}

/// What a code means.
struct Meaning {
    kind: ErrorKind,
    says: &'static str,
    hint: &'static str,
}

/// Returns the error with what it means, where that is known. The bucket is named, for it is what was asked for.
///
/// # Source
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
pub(super) fn named(error: Error, bucket: &str) -> Error {
    if matches!(error, Error::InvalidPath { .. }) {
        let hint = "rename or remove the object: no file can be told by its key";
        return said(ErrorKind::InvalidInput, error.to_string(), hint);
    }
    let text = causes(&error).map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let Some(answer) = answer_of(&text) else { return unanswered(error, &text) };
    if answer.code == "InvalidRange" {
        // The object is shorter than it was.
        return Error::Precondition { path: bucket.to_owned(), source: Box::new(error) };
    }
    let Some(Meaning { kind, says, hint }) = meaning(&answer) else { return error };
    let Answer { code, message, .. } = answer;
    said(kind, format!("{says} `{bucket}`: {message} ({code})"), hint)
}

/// Names a request that no answer came to.
fn unanswered(error: Error, text: &str) -> Error {
    if !text.contains("error sending request") {
        return error;
    }
    let why = text.lines().last().unwrap_or_default();
    let hint = if why.contains("InvalidContentType") {
        "it may speak http: see the `endpoint` of the client"
    } else {
        "it may be down, or the `endpoint` of the client wrong"
    };
    let asked = between(text, "Error performing ", " in ").unwrap_or("a request");
    said(ErrorKind::Unavailable, format!("the server does not answer ({asked}): {why}"), hint)
}

fn said(kind: ErrorKind, message: String, hint: &str) -> Error {
    let said = EngineError::new(kind, "s3", "ask S3", message);
    let said = if hint.is_empty() { said } else { said.with_hint(hint) };
    Error::Generic { store: "S3", source: Box::new(said) }
}

fn answer_of(text: &str) -> Option<Answer<'_>> {
    let code = between(text, "<Code>", "</Code>")?;
    Some(Answer { code, message: between(text, "<Message>", "</Message>").unwrap_or("-"), text })
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let begin = text.find(from)? + from.len();
    let length = text[begin..].find(to)?;
    Some(&text[begin..begin + length])
}

fn meaning(answer: &Answer<'_>) -> Option<Meaning> {
    let of = |kind, says, hint| Some(Meaning { kind, says, hint });
    match answer.code {
        "NoSuchBucket" => of(
            ErrorKind::InvalidInput,
            "there is no bucket",
            "see `root` of the client, and `endpoint` if the server is not AWS",
        ),
        "AccessDenied" if answer.text.contains("kms:") => of(
            ErrorKind::PermissionDenied,
            "the key that encrypts objects may not be used, in bucket",
            "the policy of the KMS key has to allow it",
        ),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => of(
            ErrorKind::PermissionDenied,
            "access is denied to bucket",
            "docs/s3.md has a policy that is enough",
        ),
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidSecurity" => of(
            ErrorKind::Unauthenticated,
            "the credentials are wrong for bucket",
            "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
        ),
        "ExpiredToken" | "TokenRefreshRequired" => of(
            ErrorKind::Unauthenticated,
            "the credentials have expired, for bucket",
            "sign on again, then run it again",
        ),
        "RequestTimeTooSkewed" => of(
            ErrorKind::Unauthenticated,
            "the clock of this machine is wrong, says bucket",
            "set the clock; S3 accepts 15 minutes",
        ),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => of(
            ErrorKind::InvalidInput,
            "another region or address is right for bucket",
            "name its region in the client's `region`",
        ),
        "InvalidObjectState" => of(
            ErrorKind::Unsupported,
            "an object is archived, in bucket",
            "restore it first: objects in Glacier and Deep Archive cannot be read",
        ),
        "SlowDown" | "RequestLimitExceeded" | "Throttling" => {
            of(ErrorKind::RateLimited, "fewer requests are wanted for bucket", "")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::storage::{meaning_of, said_by_store};

    fn refused(code: &str, message: &str) -> Error {
        let body = format!(
            "Error performing GET http://h/b in 1ms - Server returned non-2xx status code: 403 Forbidden: \
             <Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        named(Error::Generic { store: "S3", source: body.into() }, "lake")
    }

    #[test]
    fn a_refusal_is_told_by_its_code() {
        for (code, message, kind) in [
            ("NoSuchBucket", "The specified bucket does not exist", ErrorKind::InvalidInput),
            ("AccessDenied", "User: arn:x is not authorized", ErrorKind::PermissionDenied),
            ("AccessDenied", "not authorized to perform: kms:Decrypt", ErrorKind::PermissionDenied),
            ("ExpiredToken", "The provided token has expired.", ErrorKind::Unauthenticated),
            ("SignatureDoesNotMatch", "…", ErrorKind::Unauthenticated),
            ("RequestTimeTooSkewed", "…", ErrorKind::Unauthenticated),
            ("PermanentRedirect", "…", ErrorKind::InvalidInput),
            ("InvalidObjectState", "…", ErrorKind::Unsupported),
            ("SlowDown", "Please reduce your request rate.", ErrorKind::RateLimited),
        ] {
            let error = refused(code, message);
            assert_eq!(meaning_of(&error), Some(kind), "{code}");
            let said = said_by_store(&error).expect("should be said");
            assert!(said.message.ends_with(&format!("`lake`: {message} ({code})")), "{said}");
        }
    }

    #[test]
    fn an_object_that_is_shorter_now_is_another_one() {
        let error = refused("InvalidRange", "The requested range is not satisfiable");
        assert_eq!(meaning_of(&error), Some(ErrorKind::Conflict));
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        let error = refused("InternalError", "We encountered an internal error");
        assert!(said_by_store(&error).is_none());
        assert!(error.to_string().contains("InternalError"), "{error}");
    }
}
