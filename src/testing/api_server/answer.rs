//! Answers as an API server words them.

use axum::body::Body;
use http::Response;
use serde_json::{Value, json};

/// An answer that is whole at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { code: 200, body }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { code: 201, body }
    }

    /// A `Status` that says no.
    pub(super) fn failure(code: u16, message: &str) -> Self {
        let reason = match code {
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        Self {
            code,
            body: json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code,
            }),
        }
    }

    /// A refusal with its causes, each a field and a message.
    pub(super) fn invalid(causes: &[(String, String)]) -> Self {
        let mut answer = Self::failure(422, "is invalid");
        let causes = causes.iter().map(|(field, message)| {
            json!({"reason": "FieldValueInvalid", "field": field, "message": message})
        });
        answer.body["details"] = json!({"causes": causes.collect::<Vec<_>>()});
        answer
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(self.code).unwrap_or_default();
        response
    }
}
