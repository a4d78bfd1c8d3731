//! RTSP requests in, responses out.
//!
//! The request parser forgives what clients of different ages do (header case,
//! bare line feeds, missing headers). The response writer does not experiment:
//! the client's tokenizer (moonlight-common-c `RtspParser.c`) swallows a line
//! after an empty reason, skips exactly one character after a header's colon,
//! compares header names by case and reads the body to the end of the stream.

use std::fmt::Write as _;

/// A whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `OPTIONS`, `DESCRIBE`, ...
    pub method: String,
    /// What comes after the method: a URL, `streamid=video/0/0` or `/`.
    pub target: String,
    /// Names and values in order, blanks around them removed.
    pub headers: Vec<(String, String)>,
    /// `Content-length` bytes after the blank line.
    pub body: Vec<u8>,
}

impl Request {
    /// Value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The bytes as clients send them, for the load generator. A body needs a
    /// `Content-length` header.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} RTSP/1.0\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        [text.as_bytes(), &self.body].concat()
    }

    /// `CSeq`, or 0 if the client sent none that is a number.
    #[must_use]
    pub fn cseq(&self) -> u32 {
        self.header("CSeq").and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

/// How far the bytes of a connection go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// One request, and how many bytes it took.
    Complete {
        /// The request.
        request: Request,
        /// Bytes from the front that belong to it.
        consumed: usize,
    },
}

/// Bytes that are no RTSP request, and never become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Head or body longer than [`REQUEST_LIMIT`].
    #[error("request of {len} bytes, at most {REQUEST_LIMIT} are read")]
    TooLong {
        /// Length so far or as announced, in bytes.
        len: usize,
    },
    /// The first line is not `METHOD target RTSP/1.0`.
    #[error("first line {line:?} is not METHOD TARGET RTSP/1.0")]
    BadRequestLine {
        /// The line, shortened.
        line: String,
    },
    /// A header line without a colon.
    #[error("header {line:?} has no colon")]
    BadHeader {
        /// The line, shortened.
        line: String,
    },
    /// `Content-length` is no number.
    #[error("Content-length {value:?} is no number")]
    BadContentLength {
        /// The value, shortened.
        value: String,
    },
    /// The head is not UTF-8, so not text.
    #[error("request head is not text")]
    NotText,
}

/// Reads one request from the front of `bytes`.
///
/// # Errors
/// [`RequestError`] as soon as it is clear that no request can come of it.
pub fn parse_request(bytes: &[u8]) -> Result<Progress, RequestError> {
    let Some((head_len, body_start)) = find_head_end(bytes) else {
        return if bytes.len() > REQUEST_LIMIT {
            Err(RequestError::TooLong { len: bytes.len() })
        } else {
            Ok(Progress::Incomplete)
        };
    };
    if body_start > REQUEST_LIMIT {
        return Err(RequestError::TooLong { len: body_start });
    }
    let head = std::str::from_utf8(&bytes[..head_len]).map_err(|_| RequestError::NotText)?;
    let mut lines = head.lines();
    let (method, target) = parse_request_line(lines.next().unwrap_or_default())?;
    let headers = lines.map(parse_header).collect::<Result<Vec<_>, _>>()?;
    let body_len = content_length(&headers)?;
    let consumed = body_start.saturating_add(body_len);
    if consumed > REQUEST_LIMIT {
        return Err(RequestError::TooLong { len: consumed });
    }
    let Some(body) = bytes.get(body_start..consumed) else {
        return Ok(Progress::Incomplete);
    };
    Ok(Progress::Complete { request: Request { method, target, headers, body: body.to_vec() }, consumed })
}

/// Status of a response. The client shows the number of any but 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200.
    Ok,
    /// 400: the request makes no sense or asks for something not offered.
    BadRequest,
    /// 403: encryption is mandatory here.
    Forbidden,
    /// 404: no such target.
    NotFound,
    /// 454: a `Session` header of another handshake.
    SessionNotFound,
    /// 455: not now.
    NotValidInThisState,
    /// 501: no such method.
    NotImplemented,
    /// 503: the stream could not be started.
    ServiceUnavailable,
}

impl Status {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::SessionNotFound => 454,
            Self::NotValidInThisState => 455,
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::BadRequest => "Bad Request",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::SessionNotFound => "Session Not Found",
            Self::NotValidInThisState => "Method Not Valid In This State",
            Self::NotImplemented => "Not Implemented",
            Self::ServiceUnavailable => "Service Unavailable",
        }
    }
}

/// A response under construction. It always has the `CSeq` header, because the
/// client rejects a response without headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: Status,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    /// A response to the request with this `CSeq`.
    #[must_use]
    pub fn new(status: Status, cseq: u32) -> Self {
        Self { status, headers: vec![("CSeq", cseq.to_string())], body: String::new() }
    }

    /// Adds a header. Control characters are dropped, and a header left empty
    /// is not written: the client mistakes either for something else.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        let value = value.trim();
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    /// Sets the body, which the client reads as a NUL-terminated string.
    #[must_use]
    pub fn with_body(mut self, body: &str) -> Self {
        self.body = body.replace('\0', "");
        self
    }

    /// Status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The bytes to send before the connection is closed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("RTSP/1.0 {} {}\r\n", self.status.code(), self.status.reason());
        for (name, value) in &self.headers {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// Length of the head's text and where the body starts.
fn find_head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let window = &bytes[..bytes.len().min(REQUEST_LIMIT + 4)];
    let mut line_start = 0;
    for (at, _) in window.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = &window[line_start..at];
        if line_start > 0 && matches!(line, b"" | b"\r") {
            return Some((line_start, at + 1));
        }
        line_start = at + 1;
    }
    None
}

fn parse_request_line(line: &str) -> Result<(String, String), RequestError> {
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some(version), None) if version.starts_with("RTSP/") => {
            Ok((method.to_owned(), target.to_owned()))
        }
        _ => Err(RequestError::BadRequestLine { line: shortened(line) }),
    }
}

fn parse_header(line: &str) -> Result<(String, String), RequestError> {
    let (name, value) = line.split_once(':').ok_or_else(|| RequestError::BadHeader { line: shortened(line) })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn content_length(headers: &[(String, String)]) -> Result<usize, RequestError> {
    find_header(headers, "Content-Length")
        .map_or(Ok(0), |value| value.parse().map_err(|_| RequestError::BadContentLength { value: shortened(value) }))
}

pub(super) fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The first characters of foreign text, for error messages.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Bytes of a request at most. Real ones are under 2 KB.
pub const REQUEST_LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(bytes: &[u8]) -> (Request, usize) {
        match parse_request(bytes) {
            Ok(Progress::Complete { request, consumed }) => (request, consumed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_prefix_of_a_request_is_incomplete() {
        let bytes = b"ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 6\r\nContent-length: 4\r\n\r\nv=0\nrest";
        for len in 0..bytes.len() - 4 {
            assert_eq!(parse_request(&bytes[..len]), Ok(Progress::Incomplete), "{len}");
        }
        let (request, consumed) = complete(bytes);
        assert_eq!(request.body, b"v=0\n");
        assert_eq!(&bytes[consumed..], b"rest");
        assert_eq!(request.to_bytes(), bytes[..consumed]);
        assert_eq!(request.cseq(), 6);
    }

    #[test]
    fn header_case_and_bare_line_feeds_do_not_matter() {
        let (request, _) = complete(b"PLAY / RTSP/1.0\ncseq:7\nSESSION:  a b \n\n");
        assert_eq!(request.cseq(), 7);
        assert_eq!(request.header("Session"), Some("a b"));
        assert_eq!(complete(b"PLAY / RTSP/1.0\r\n\r\n").0.cseq(), 0);
    }

    #[test]
    fn junk_is_malformed_and_names_the_line() {
        let line = |bytes: &[u8]| parse_request(bytes).unwrap_err();
        assert_eq!(line(b"GET / HTTP/1.1\r\n\r\n"), RequestError::BadRequestLine { line: "GET / HTTP/1.1".into() });
        assert_eq!(line(b"\r\n\r\n"), RequestError::BadRequestLine { line: String::new() });
        assert_eq!(line(b"PLAY / RTSP/1.0\r\nnope\r\n\r\n"), RequestError::BadHeader { line: "nope".into() });
        assert_eq!(line(b"PLAY / RTSP/1.0\r\n\xff: 1\r\n\r\n"), RequestError::NotText);
        assert_eq!(
            line(b"PLAY / RTSP/1.0\r\nContent-Length: -1\r\n\r\n"),
            RequestError::BadContentLength { value: "-1".into() }
        );
    }

    #[test]
    fn a_request_that_never_ends_is_refused_at_the_limit() {
        assert!(matches!(parse_request(&vec![b'a'; REQUEST_LIMIT + 1]), Err(RequestError::TooLong { .. })));
        for len in [REQUEST_LIMIT, usize::MAX] {
            let head = format!("ANNOUNCE x RTSP/1.0\r\nContent-length: {len}\r\n\r\n");
            assert!(matches!(parse_request(head.as_bytes()), Err(RequestError::TooLong { .. })), "{len}");
        }
    }

    #[test]
    fn responses_keep_the_rules_of_the_tokenizer() {
        let response = Response::new(Status::NotFound, 3)
            .with_header("Session", "a\r\nb")
            .with_header("Transport", "  ")
            .with_body("x\0y");
        assert_eq!(response.to_bytes(), b"RTSP/1.0 404 Not Found\r\nCSeq: 3\r\nSession: ab\r\n\r\nxy");
    }
}
