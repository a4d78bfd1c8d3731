//! Request bodies: bounded in size and time, JSON whatever Content-Type says.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::TRANSFER_ENCODING;
use hyper::http::request::Parts;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use crate::host::api::answer::ApiAnswer;
use crate::host::apps::record::text_or_number;

/// A body that has not been understood yet.
pub type Body = Result<Vec<u8>, ReadBodyError>;

/// Reads a whole body of `most` bytes at most.
///
/// # Errors
/// [`ReadBodyError`].
pub async fn read(head: &Parts, body: Incoming, most: usize) -> Body {
    if head.headers.contains_key(TRANSFER_ENCODING) {
        return Err(ReadBodyError::Chunked);
    }
    let whole = timeout(DEADLINE, Limited::new(body, most).collect());
    match whole.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(ReadBodyError::TooLong(most)),
        Ok(Err(_)) => Err(ReadBodyError::Cut),
        Err(_) => Err(ReadBodyError::Late),
    }
}

/// The request in a body, or the answer that says what is wrong with it.
///
/// # Errors
/// The answer to give.
pub fn parse<T: DeserializeOwned>(body: Body) -> Result<T, ApiAnswer> {
    let body = body.map_err(|error| ApiAnswer::failed(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| ApiAnswer::failed(error.to_string()))
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadBodyError {
    /// Wolf refuses it, in these words.
    #[error("Chunked encoding not supported, use HTTP/1.0 instead")]
    Chunked,
    /// Over the limit.
    #[error("the body is longer than {0} bytes, the limit (limits.body_bytes)")]
    TooLong(usize),
    /// Not there within [`DEADLINE`].
    #[error("the body did not arrive within {} s", DEADLINE.as_secs())]
    Late,
    /// The caller hung up.
    #[error("the body ended early")]
    Cut,
}

/// An id as a decimal string (Wolf since 2025) or a number (before).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireId(pub u64);

impl<'de> Deserialize<'de> for WireId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WireIdVisitor)
    }
}

impl JsonSchema for WireId {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An unsigned 64-bit number in decimal; JSON numbers of that size lose digits in many clients",
            "anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "integer", "minimum": 0}],
        })
    }
}

struct WireIdVisitor;

impl Visitor<'_> for WireIdVisitor {
    type Value = WireId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as a decimal string or a number")
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<WireId, E> {
        Ok(WireId(id))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WireId, E> {
        text.parse().map(WireId).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// An id that is a text, or a number written as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireText(pub String);

impl<'de> Deserialize<'de> for WireText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_number(deserializer).map(Self)
    }
}

impl JsonSchema for WireText {
    fn schema_name() -> Cow<'static, str> {
        "TextId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"]})
    }
}

const DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strings_or_numbers() {
        let id = |text: &str| serde_json::from_str::<WireId>(text).map(|id| id.0).ok();
        assert_eq!(id("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(id("18446744073709551615"), Some(u64::MAX));
        assert_eq!(id("\"\""), None);
        assert_eq!(id("-1"), None);
        assert_eq!(id("null"), None);
    }
}
