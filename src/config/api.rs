//! `[api]`: the API over TCP, for callers on other machines.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// `[api]`. The Unix socket is always there; this adds a TCP listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiConfig {
    /// Address and port, or nothing for no TCP listener.
    pub listen: ListenAddress,
    /// What callers must know; or `token_file`.
    pub token: ApiToken,
    /// File with the token; empty for `token`.
    pub token_file: PathBuf,
    /// Speak TLS; without it only on loopback.
    pub tls: bool,
    /// PEM file with a certificate chain; empty for the host's own certificate.
    pub certificate_file: PathBuf,
    /// PEM file with its key.
    pub key_file: PathBuf,
}

/// An address with a port, written as `""` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ListenAddress(pub Option<SocketAddr>);

/// What a caller must know. Never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ApiToken(String);

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.map(|address| address.to_string()).unwrap_or_default())
    }
}

/// A digest: to tell one from another, and never the token.
impl Serialize for ApiToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl ApiConfig {
    /// What does not fit together, and what to do about it.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let address = self.listen.0?;
        let has_file = !self.token_file.as_os_str().is_empty();
        if self.token.is_empty() && !has_file {
            return Some(format!(
                "api.listen = \"{address}\" needs a token, because whoever calls the API controls the host: \
                 put at least {SHORTEST_TOKEN} random characters into a file (openssl rand -hex 32) and name it in \
                 api.token_file"
            ));
        }
        if !self.token.is_empty() && has_file {
            return Some("api.token and api.token_file are both there; keep one of them".to_owned());
        }
        if !self.token.is_empty()
            && let Some(problem) = self.token.problem()
        {
            return Some(format!("api.token {problem}"));
        }
        if !self.tls && !address.ip().is_loopback() {
            return Some(format!(
                "api.tls = false would send the token in the clear to {address}: \
                 remove it, or listen on 127.0.0.1 or [::1]"
            ));
        }
        if self.certificate_file.as_os_str().is_empty() != self.key_file.as_os_str().is_empty() {
            return Some("api.certificate_file and api.key_file belong together: set both or neither".to_owned());
        }
        None
    }
}

impl ApiToken {
    /// A token from a file, whose last line break does not count.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For comparing.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.0.len() < SHORTEST_TOKEN {
            return Some(format!(
                "has {} characters, which can be guessed; it needs at least {SHORTEST_TOKEN}: try openssl rand -hex 32",
                self.0.len()
            ));
        }
        let is_sendable = self.0.bytes().all(|byte| byte.is_ascii_graphic());
        (!is_sendable).then(|| "has characters that no header can carry; use letters and digits".to_owned())
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "ApiToken(none)" } else { "ApiToken(..)" })
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = std::net::AddrParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(|address| Self(Some(address))) }
    }
}

/// 64 bits if they are hexadecimal.
const SHORTEST_TOKEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn parse(keys: &str) -> Result<ApiConfig, String> {
        let text = format!("[api]\n{keys}\n");
        let config = Config::parse(&text, std::path::Path::new("test.toml"));
        config.map(|config| config.api).map_err(|error| error.to_string())
    }

    #[test]
    fn there_is_no_listener_unless_asked_for() {
        assert_eq!(parse("").unwrap().listen, ListenAddress(None));
    }

    #[test]
    fn a_listener_without_a_token_is_refused() {
        let error = parse("listen = \"0.0.0.0:47988\"").unwrap_err();
        assert!(error.starts_with("test.toml:1: api.listen") && error.contains("token_file"), "{error}");
        let error = parse("listen = \"127.0.0.1:1\"\ntoken = \"short\"").unwrap_err();
        assert!(error.contains("api.token has 5 characters"), "{error}");
        let error = parse("listen = \"127.0.0.1:1\"\ntoken = \"0123456789abcde f\"").unwrap_err();
        assert!(error.contains("no header can carry"), "{error}");
        let both = "listen = \"127.0.0.1:1\"\ntoken = \"0123456789abcdef\"\ntoken_file = \"/x\"";
        assert!(parse(both).unwrap_err().contains("keep one"));
    }

    #[test]
    fn tokens_go_in_the_clear_on_loopback_alone() {
        let plain = |address: &str| parse(&format!("listen = \"{address}\"\ntoken_file = \"/x\"\ntls = false"));
        assert!(plain("127.0.0.1:80").is_ok() && plain("[::1]:80").is_ok());
        assert!(plain("192.0.2.1:80").unwrap_err().contains("in the clear"));
        assert!(plain("0.0.0.0:80").is_err());
    }

    #[test]
    fn files_belong_together_and_addresses_have_ports() {
        let half = "listen = \"127.0.0.1:1\"\ntoken_file = \"/x\"\nkey_file = \"/k\"";
        assert!(parse(half).unwrap_err().contains("belong together"));
        let error = parse("listen = \"localhost\"").unwrap_err();
        assert!(error.contains("api.listen") && error.contains("address and port"), "{error}");
    }

    #[test]
    fn tokens_are_not_shown() {
        let config = parse("listen = \"127.0.0.1:1\"\ntoken = \"0123456789abcdef\"").unwrap();
        assert!(!format!("{config:?}").contains("0123456789"));
    }
}
