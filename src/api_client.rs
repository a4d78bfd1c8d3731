//! Talks to a running host over its Unix socket, for the command line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// A host's REST API.
#[derive(Debug, Clone)]
pub struct ApiClient {
    socket: PathBuf,
}

/// Why the host did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody answers on the socket.
    #[error("no host answers at {}: {source}; start one with `earthshine serve`, or name its socket with --api-socket",
        socket.display())]
    Unreachable {
        /// Where we tried.
        socket: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The socket is not for us.
    #[error("the host's socket {} is not for this user: {source}; ask as the user that the host runs as, or as root",
        socket.display())]
    Forbidden {
        /// Where we tried.
        socket: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The host has no such call.
    #[error("this host cannot do that: it has no {path}; is it older than this command?")]
    NoSuchCall {
        /// Path of the call.
        path: String,
    },
    /// The host answered that it will not.
    #[error("{0}")]
    Refused(String),
    /// The answer is not what this version knows.
    #[error("the host's answer makes no sense: {0}")]
    Foreign(String),
    /// No client waits for a PIN.
    #[error("no client is waiting for a PIN; choose this host in Moonlight first, then enter the PIN it shows here")]
    NobodyWaits,
    /// Several clients wait for a PIN.
    #[error("several clients are waiting ({0}); say which one with --client ADDR")]
    SeveralWait(String),
}

/// A client that shows a PIN and waits.
#[derive(Debug, Clone, Deserialize)]
pub struct PendingPair {
    /// Names it to the API.
    pub pair_secret: String,
    /// Its address.
    pub client_ip: String,
}

impl ApiClient {
    /// The API behind a socket.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Enters the PIN that a waiting client shows. Returns the client's address.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn pair(&self, pin: &str, client: Option<IpAddr>) -> Result<String, ApiError> {
        let chosen = choose(self.pending()?, client)?;
        self.enter_pin(&chosen.pair_secret, pin)?;
        Ok(chosen.client_ip)
    }

    /// Everybody who waits for a PIN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn pending(&self) -> Result<Vec<PendingPair>, ApiError> {
        let mut answer = self.call("GET", "/api/v1/pair/pending", None)?;
        serde_json::from_value(answer["requests"].take()).map_err(|error| ApiError::Foreign(error.to_string()))
    }

    /// Enters a PIN for one of those that wait.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn enter_pin(&self, pair_secret: &str, pin: &str) -> Result<(), ApiError> {
        let order = json!({ "pair_secret": pair_secret, "pin": pin });
        self.call("POST", "/api/v1/pair/client", Some(&order)).map(|_| ())
    }

    /// How the host is: the members of `GET /api/v1/system/health`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn health(&self) -> Result<Value, ApiError> {
        self.call("GET", "/api/v1/system/health", None)
    }

    /// Has the host take nobody new; what it is up to then.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn drain(&self, exit_when_empty: bool, deadline_seconds: Option<u64>, cancel: bool) -> Result<Value, ApiError> {
        let order =
            json!({ "exit_when_empty": exit_when_empty, "deadline_seconds": deadline_seconds, "cancel": cancel });
        self.call("POST", "/api/v1/host/drain", Some(&order))
    }

    /// Has the host read its configuration again; what has changed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn reload(&self) -> Result<Value, ApiError> {
        self.call("POST", "/api/v1/host/reload", None)
    }

    /// Has the host leave its place to this process. It is gone soon after.
    ///
    /// # Errors
    /// [`ApiError`]; the host then goes on.
    pub fn hand_over(&self, state: &Path, runtime: &Path) -> Result<(), ApiError> {
        let heir = json!({ "pid": std::process::id(), "state_dir": state, "runtime_dir": runtime });
        self.call("POST", "/api/v1/host/hand-over", Some(&heir)).map(|_| ())
    }

    /// Reads what is behind a path, with its query.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call("GET", path, None)
    }

    /// Sends an order; returns the answer.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn post(&self, path: &str, order: &Value) -> Result<Value, ApiError> {
        self.call("POST", path, Some(order))
    }

    /// Reads a file that is behind a path.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn file(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let stream = send(&self.socket, "GET", path, None, PATIENCE).map_err(|source| self.unreachable(source))?;
        let mut reader = BufReader::new(stream);
        let (head, status) = self.read_head(&mut reader)?;
        let mut body = Vec::new();
        reader.take(LARGEST_FILE).read_to_end(&mut body).map_err(|source| self.unreachable(source))?;
        if status == 200 {
            return Ok(body);
        }
        understand(path, &format!("{head}{}", String::from_utf8_lossy(&body))).map(|_| Vec::new())
    }

    /// Hears events until `hear` returns false.
    ///
    /// # Errors
    /// [`ApiError`], also when the host ends the stream or falls silent.
    pub fn follow(&self, path: &str, mut hear: impl FnMut(&Heard) -> bool) -> Result<(), ApiError> {
        let stream = send(&self.socket, "GET", path, None, SILENCE).map_err(|source| self.unreachable(source))?;
        let mut reader = BufReader::new(stream);
        let (head, status) = self.read_head(&mut reader)?;
        if status != 200 {
            let mut body = String::new();
            reader.take(LONGEST_REPLY).read_to_string(&mut body).map_err(|source| self.unreachable(source))?;
            return understand(path, &format!("{head}{body}")).map(|_| ());
        }
        let mut heard = Heard::default();
        loop {
            let line = self.read_line(&mut reader)?;
            if line.is_empty() {
                return Err(ApiError::Refused("the host has ended the stream of events".to_owned()));
            }
            if heard.add(line.trim_end_matches(['\r', '\n'])) {
                let complete = std::mem::take(&mut heard);
                if !complete.data.is_empty() && !hear(&complete) {
                    return Ok(());
                }
            }
        }
    }

    /// The head of a reply, with its end, and its status.
    fn read_head(&self, reader: &mut impl BufRead) -> Result<(String, u16), ApiError> {
        let mut head = String::new();
        loop {
            let line = self.read_line(reader)?;
            head.push_str(&line);
            if line.trim_end().is_empty() {
                let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
                return status.map(|status| (head, status)).ok_or_else(|| ApiError::Foreign("not HTTP".to_owned()));
            }
        }
    }

    fn read_line(&self, reader: &mut impl BufRead) -> Result<String, ApiError> {
        let mut line = String::new();
        reader.take(LONGEST_REPLY).read_line(&mut line).map_err(|source| self.unreachable(source))?;
        Ok(line)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let reply = exchange(&self.socket, method, path, body).map_err(|source| self.unreachable(source))?;
        understand(path, &reply)
    }

    fn unreachable(&self, source: io::Error) -> ApiError {
        let socket = self.socket.clone();
        if source.kind() == io::ErrorKind::PermissionDenied {
            ApiError::Forbidden { socket, source }
        } else {
            ApiError::Unreachable { socket, source }
        }
    }
}

/// An event as the host tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its number; empty for what has none.
    pub id: String,
    /// Its name.
    pub event: String,
    /// JSON.
    pub data: String,
}

impl Heard {
    /// Adds a line; true if the event is complete.
    fn add(&mut self, line: &str) -> bool {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.event),
            "data" => self.data.push_str(value),
            _ => {}
        }
        line.is_empty()
    }
}

/// What a reply says.
fn understand(path: &str, reply: &str) -> Result<Value, ApiError> {
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((reply, ""));
    if body.is_empty() && head.split_whitespace().nth(1) == Some("404") {
        let path = path.split('?').next().unwrap_or_default();
        return Err(ApiError::NoSuchCall { path: path.to_owned() });
    }
    let answer: Value = serde_json::from_str(body).map_err(|error| ApiError::Foreign(error.to_string()))?;
    if answer["success"] == Value::Bool(true) {
        return Ok(answer);
    }
    Err(ApiError::Refused(answer["error"].as_str().unwrap_or("the host gives no reason").to_owned()))
}

fn choose(pending: Vec<PendingPair>, client: Option<IpAddr>) -> Result<PendingPair, ApiError> {
    let wanted = |pair: &PendingPair| client.is_none_or(|client| pair.client_ip == client.to_string());
    let mut waiting: Vec<_> = pending.into_iter().filter(wanted).collect();
    match waiting.len() {
        0 => Err(ApiError::NobodyWaits),
        1 => Ok(waiting.remove(0)),
        _ => {
            let addresses: Vec<_> = waiting.into_iter().map(|pair| pair.client_ip).collect();
            Err(ApiError::SeveralWait(addresses.join(", ")))
        }
    }
}

fn exchange(socket: &Path, method: &str, path: &str, body: Option<&Value>) -> io::Result<String> {
    let stream = send(socket, method, path, body, PATIENCE)?;
    let mut reply = String::new();
    stream.take(LONGEST_REPLY).read_to_string(&mut reply)?;
    Ok(reply)
}

fn send(socket: &Path, method: &str, path: &str, body: Option<&Value>, patience: Duration) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let body = body.map(ToString::to_string).unwrap_or_default();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")?;
    Ok(stream)
}

/// How long the host may take; it answers within its own shorter deadlines.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long no event and no keepalive may come; the host sends one every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
const LONGEST_REPLY: u64 = 4 << 20;
const LARGEST_FILE: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(addresses: &[&str]) -> Vec<PendingPair> {
        let pair = |ip: &&str| PendingPair { pair_secret: format!("secret of {ip}"), client_ip: (*ip).to_owned() };
        addresses.iter().map(pair).collect()
    }

    #[test]
    fn the_only_waiting_client_is_meant() {
        assert_eq!(choose(waiting(&["10.0.0.7"]), None).unwrap().client_ip, "10.0.0.7");
        assert!(matches!(choose(Vec::new(), None), Err(ApiError::NobodyWaits)));
    }

    #[test]
    fn of_several_one_must_be_named() {
        let both = ["10.0.0.7", "10.0.0.8"];
        assert!(matches!(choose(waiting(&both), None), Err(ApiError::SeveralWait(_))));
        let chosen = choose(waiting(&both), Some([10, 0, 0, 8].into())).unwrap();
        assert_eq!(chosen.pair_secret, "secret of 10.0.0.8");
    }

    #[test]
    fn events_are_put_together_from_lines() {
        let mut heard = Heard::default();
        for line in [":keepalive", "id: 7", "event: wolf::core::events::PairSignal", "data: {\"a\":1}"] {
            assert!(!heard.add(line), "{line}");
        }
        assert!(heard.add(""));
        assert_eq!((heard.id.as_str(), heard.data.as_str()), ("7", "{\"a\":1}"));
        assert!(heard.event.ends_with("PairSignal"));
    }

    #[test]
    fn replies_say_what_is_wrong() {
        let call = |reply: &str| understand("/api/v1/x?y=1", reply).map_err(|error| error.to_string());
        assert_eq!(call("HTTP/1.0 200 OK\r\n\r\n{\"success\":true}").unwrap()["success"], true);
        assert!(call("HTTP/1.0 404 OK\r\n\r\n").unwrap_err().contains("no /api/v1/x;"));
        assert_eq!(call("HTTP/1.0 500 OK\r\n\r\n{\"success\":false,\"error\":\"Invalid\"}").unwrap_err(), "Invalid");
        assert!(call("garbage").unwrap_err().contains("makes no sense"));
    }

    #[test]
    fn a_missing_host_says_what_to_do() {
        let client = ApiClient::new("/nonexistent/api.sock".into());
        let error = client.pair("1234", None).unwrap_err().to_string();
        assert!(error.contains("earthshine serve"), "{error}");
    }
}
