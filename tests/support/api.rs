//! The host's API over its Unix socket, one request a connection.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::deadline::{SOON, wait_for};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Sends a request; `None` as body means GET.
///
/// # Errors
/// What the socket said, or that the answer is not HTTP.
pub(crate) fn request(socket: &Path, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let method = if body.is_some() { "POST" } else { "GET" };
    let content = body.map(ToString::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| std::io::Error::other(format!("not HTTP: {}", String::from_utf8_lossy(&answer))))
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(Answer { status, body: answer.get(end + 4..)?.to_vec() })
}

/// GET that must succeed; the JSON of its body.
///
/// # Panics
/// If it does not.
pub(crate) fn get(socket: &Path, path: &str) -> Value {
    call(socket, path, None)
}

/// POST that must succeed; the JSON of its body.
///
/// # Panics
/// If it does not.
pub(crate) fn post(socket: &Path, path: &str, body: &Value) -> Value {
    call(socket, path, Some(body))
}

fn call(socket: &Path, path: &str, body: Option<&Value>) -> Value {
    let answer = request(socket, path, body).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 200, "{path}: {text}");
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
    assert_eq!(value["success"], json!(true), "{path}: {text}");
    value
}

/// Waits for a pairing request and types its PIN, as an operator does.
///
/// # Panics
/// If no request comes.
pub(crate) fn type_pin(socket: &Path, pin: &str) {
    let secret = wait_for("a pending pairing", SOON, || {
        let pending = get(socket, "/api/v1/pair/pending");
        Some(pending["requests"].as_array()?.first()?["pair_secret"].as_str()?.to_owned())
    });
    post(socket, "/api/v1/pair/client", &json!({"pair_secret": secret, "pin": pin}));
}

/// All sessions.
pub(crate) fn sessions(socket: &Path) -> Vec<Value> {
    get(socket, "/api/v1/sessions")["sessions"].as_array().expect("a list of sessions").clone()
}

/// The only session.
///
/// # Panics
/// If there is none within [`SOON`], or more than one.
pub(crate) fn the_session(socket: &Path) -> Value {
    wait_for("a session", SOON, || {
        let mut all = sessions(socket);
        assert!(all.len() <= 1, "more than one session: {all:?}");
        all.pop()
    })
}

/// The first session, once its worker has an encoder and it streams.
///
/// # Panics
/// If there is none within [`SOON`].
pub(crate) fn streaming_session(socket: &Path) -> Value {
    wait_for("a session that streams", SOON, || {
        let session = sessions(socket).into_iter().next()?;
        (session["state"] == "streaming" && session["encoder"] != "").then_some(session)
    })
}

/// The encoder of the first session, once it has one.
///
/// # Panics
/// If it has none within [`SOON`].
pub(crate) fn the_encoder(socket: &Path) -> String {
    streaming_session(socket)["encoder"].as_str().expect("a name").to_owned()
}

/// Waits until the only session has another worker than its first.
///
/// # Panics
/// If it has none within [`SOON`].
pub(crate) fn wait_for_another_worker(socket: &Path) {
    let replaced = || the_session(socket)["worker_restarts"].as_u64() > Some(0);
    wait_for("another worker", SOON, || replaced().then_some(()));
}

/// A process id out of a JSON value.
///
/// # Panics
/// If it is not one.
pub(crate) fn pid(value: &Value) -> u32 {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number != 0);
    number.unwrap_or_else(|| panic!("not a process id: {value}"))
}
