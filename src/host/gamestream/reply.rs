//! What an endpoint answers with.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use crate::host::http::Response;
use crate::protocol::gamestream::answer;

/// An answer to a GameStream request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A document; its status is inside.
    Xml(String),
    /// A picture.
    Picture(Bytes),
    /// No such path or method: the one answer that is an HTTP status.
    NotFound,
}

impl Reply {
    /// A document with only a status in it.
    #[must_use]
    pub fn error(status: u32, message: &str) -> Self {
        Self::Xml(answer::error(status, message))
    }

    /// As bytes.
    #[must_use]
    pub fn into_response(self) -> Response {
        let (status, content_type, body) = match self {
            Self::Xml(text) => (StatusCode::OK, Some("application/xml"), text.into()),
            Self::Picture(bytes) => (StatusCode::OK, Some("image/png"), bytes),
            Self::NotFound => (StatusCode::NOT_FOUND, None, Bytes::new()),
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        response
    }
}
