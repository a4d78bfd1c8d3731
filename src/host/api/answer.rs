//! Answers as Wolf gives them.

use std::fmt::Display;

use hyper::body::Bytes;
use hyper::ext::ReasonPhrase;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{StatusCode, Version};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinError;

use crate::host::http::Response;

/// What a resource answers.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiAnswer {
    /// 200, an object with `"success":true`.
    Success(Value),
    /// 500, or the status that Wolf gives for this one.
    Failure(StatusCode, String),
    /// 200, something else than JSON, of this media type.
    Bytes(&'static str, Bytes),
    /// 404 without a body: no such route.
    NotFound,
}

impl ApiAnswer {
    /// `{"success":true}`.
    #[must_use]
    pub fn done() -> Self {
        Self::Success(json!({"success": true}))
    }

    /// `{"success":true,"<name>":[..]}`.
    #[must_use]
    pub fn list<T: Serialize>(name: &str, items: &[T]) -> Self {
        match serde_json::to_value(items) {
            Ok(items) => Self::Success(json!({"success": true, name: items})),
            Err(error) => Self::failed(error.to_string()),
        }
    }

    /// `{"success":true, ..}` with the members of `object`.
    #[must_use]
    pub fn object<T: Serialize>(object: &T) -> Self {
        match serde_json::to_value(object) {
            Ok(Value::Object(mut members)) => {
                members.insert("success".to_owned(), Value::Bool(true));
                Self::Success(Value::Object(members))
            }
            Ok(_) => Self::failed("the answer is no object"),
            Err(error) => Self::failed(error.to_string()),
        }
    }

    /// `{"success":false,"error":".."}` with status 500, as Wolf says for
    /// whatever is wrong with a request.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failure(StatusCode::INTERNAL_SERVER_ERROR, error.into())
    }

    /// `{"success":true}`, or why something was not done.
    #[must_use]
    pub fn of<T, E: Display>(outcome: Result<T, E>) -> Self {
        outcome.map_or_else(|error| Self::failed(error.to_string()), |_| Self::done())
    }

    /// The same for a task of its own, which may have been cut off.
    #[must_use]
    pub fn of_task<T, E: Display>(outcome: Result<Result<T, E>, JoinError>) -> Self {
        outcome.map_or_else(|error| Self::failed(error.to_string()), Self::of)
    }

    /// The same refusal with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        match self {
            Self::Failure(_, error) => Self::Failure(status, error),
            other => other,
        }
    }

    /// As bytes.
    #[must_use]
    pub fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Success(value) => (StatusCode::OK, value.to_string().into()),
            Self::Failure(status, error) => (status, json!({"success": false, "error": error}).to_string().into()),
            Self::NotFound => (StatusCode::NOT_FOUND, Bytes::new()),
            Self::Bytes(media_type, bytes) => {
                let mut response = respond(StatusCode::OK, bytes);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
                return response;
            }
        };
        respond(status, body)
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.version_mut() = Version::HTTP_10;
    response.extensions_mut().insert(ReasonPhrase::from_static(b"OK"));
    response
}
