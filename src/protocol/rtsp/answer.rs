//! A host's answer, as the client reads it: to the end of the stream.
//!
//! For the load generator. It follows moonlight-common-c `RtspParser.c` where
//! that is strict about what hosts send, so that a host the real client would
//! not understand is not understood here either.

use crate::protocol::rtsp::message::{find_header, shortened};

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200, or what the client shows as error.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Everything after the blank line.
    pub body: String,
}

/// Bytes that are no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The host closed without one.
    #[error("the host closed the RTSP connection without an answer")]
    Empty,
    /// Not text.
    #[error("the RTSP answer is not text")]
    NotText,
    /// No blank line.
    #[error("the RTSP answer ends within its headers")]
    Cut,
    /// The first line is not `RTSP/1.0 status reason`.
    #[error("first line {line:?} is not RTSP/1.0 STATUS REASON")]
    BadStatusLine {
        /// The line, shortened.
        line: String,
    },
    /// A header without a colon and a blank after it.
    #[error("header {line:?} is not NAME: VALUE")]
    BadHeader {
        /// The line, shortened.
        line: String,
    },
}

impl Answer {
    /// Reads everything that came before the host closed.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn read(bytes: &[u8]) -> Result<Self, AnswerError> {
        if bytes.is_empty() {
            return Err(AnswerError::Empty);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| AnswerError::NotText)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(AnswerError::Cut)?;
        let mut lines = head.split("\r\n");
        let status = read_status(lines.next().unwrap_or_default())?;
        let headers = lines.map(read_header).collect::<Result<_, _>>()?;
        Ok(Self { status, headers, body: body.to_owned() })
    }

    /// Value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }
}

fn read_status(line: &str) -> Result<u16, AnswerError> {
    let bad = || AnswerError::BadStatusLine { line: shortened(line) };
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some("RTSP/1.0"), Some(status), Some(reason)) if !reason.is_empty() => status.parse().map_err(|_| bad()),
        _ => Err(bad()),
    }
}

fn read_header(line: &str) -> Result<(String, String), AnswerError> {
    let (name, value) = line.split_once(": ").ok_or_else(|| AnswerError::BadHeader { line: shortened(line) })?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::rtsp::message::{Response, Status};

    #[test]
    fn what_the_host_writes_is_read() {
        let response =
            Response::new(Status::Ok, 4).with_header("Session", "TOKEN;timeout = 90").with_body("a\r\n\r\nb");
        let answer = Answer::read(&response.to_bytes()).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "a\r\n\r\nb"));
        assert_eq!((answer.header("CSeq"), answer.header("Session")), (Some("4"), Some("TOKEN;timeout = 90")));
        assert_eq!(answer.header("Transport"), None);
        let refused = Answer::read(&Response::new(Status::Forbidden, 6).to_bytes()).unwrap();
        assert_eq!(refused.status, 403);
    }

    #[test]
    fn what_the_real_client_would_not_read_is_refused() {
        assert_eq!(Answer::read(b""), Err(AnswerError::Empty));
        assert_eq!(Answer::read(b"\xff\r\n\r\n"), Err(AnswerError::NotText));
        assert_eq!(Answer::read(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"), Err(AnswerError::Cut));
        for line in ["RTSP/1.0 200", "RTSP/1.0 200 ", "HTTP/1.1 200 OK", "RTSP/1.0 x OK"] {
            let refused = Answer::read(format!("{line}\r\nCSeq: 1\r\n\r\n").as_bytes());
            assert_eq!(refused, Err(AnswerError::BadStatusLine { line: line.into() }));
        }
        let glued = Answer::read(b"RTSP/1.0 200 OK\r\nTransport:server_port=1\r\n\r\n");
        assert!(matches!(glued, Err(AnswerError::BadHeader { .. })));
    }
}
