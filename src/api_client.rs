//! Talks to a running host over its Unix socket, for the command line.

use std::io::{self, Read, Write};
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

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let reply = exchange(&self.socket, method, path, body)
            .map_err(|source| ApiError::Unreachable { socket: self.socket.clone(), source })?;
        let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let answer: Value = serde_json::from_str(body).map_err(|error| ApiError::Foreign(error.to_string()))?;
        if answer["success"] == Value::Bool(true) {
            return Ok(answer);
        }
        Err(ApiError::Refused(answer["error"].as_str().unwrap_or("the host gives no reason").to_owned()))
    }
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
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let body = body.map(ToString::to_string).unwrap_or_default();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut reply = String::new();
    stream.take(LONGEST_REPLY).read_to_string(&mut reply)?;
    Ok(reply)
}

/// How long the host may take; it answers within its own shorter deadlines.
const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_REPLY: u64 = 4 << 20;

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
    fn a_missing_host_says_what_to_do() {
        let client = ApiClient::new("/nonexistent/api.sock".into());
        let error = client.pair("1234", None).unwrap_err().to_string();
        assert!(error.contains("earthshine serve"), "{error}");
    }
}
