//! The API over TCP: for callers who know a token, over TLS.
//!
//! Connections and handshakes are bounded as those of clients are, and the
//! same deadlines hold. Whoever knows the token is the operator.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::debug;

use crate::config::api::{ApiConfig, ApiToken};
use crate::host::adoption::keeper::Keeper;
use crate::host::api::answer::ApiAnswer;
use crate::host::api::caller::Caller;
use crate::host::bind::{BindError, listen_tcp};
use crate::host::context::Context;
use crate::host::http::admission::{Admission, ConnectionLimits, Refused};
use crate::host::http::connection::{self, Deadlines};
use crate::host::http::handshake::Handshakes;
use crate::host::http::server::accept_until;
use crate::host::http::{Request, Response};
use crate::host::identity::Identity;
use crate::host::scope::Scope;
use crate::host::tls;
use crate::protocol::secret::debug_without_secrets;

/// The API's TCP listener, bound and ready to run.
#[derive(Debug)]
pub struct TcpApi {
    listener: TcpListener,
    door: Arc<Door>,
}

/// How callers get in.
#[derive(Debug)]
struct Door {
    /// None on loopback, if so wanted.
    tls: Option<Arc<ServerConfig>>,
    token: Token,
    caller: Caller,
}

/// Why the API does not listen on TCP.
#[derive(Debug, thiserror::Error)]
pub enum StartTcpApiError {
    /// The port.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The listener.
    #[error("cannot listen for the API: {0}")]
    Listen(#[from] io::Error),
    /// The token's file.
    #[error("cannot read api.token_file {}: {source}", path.display())]
    ReadToken {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is in it.
    #[error("the token in {} {problem}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate or key.
    #[error("cannot use {}: {source}; it must be a PEM file with {wanted}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
        /// What is wrong.
        source: PemError,
    },
    /// They do not fit.
    #[error("cannot use the API's certificate and key for TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl TcpApi {
    /// Listens if the configuration says so. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StartTcpApiError`].
    pub fn bind(config: &ApiConfig, identity: &Identity) -> Result<Option<Self>, StartTcpApiError> {
        Self::open(config, identity, |_| None)
    }

    /// The same, on a listener that an earlier host left, if `left` has one for
    /// the address.
    pub(crate) fn open(
        config: &ApiConfig,
        identity: &Identity,
        left: impl FnOnce(SocketAddr) -> Option<std::net::TcpListener>,
    ) -> Result<Option<Self>, StartTcpApiError> {
        let Some(address) = config.listen.0 else { return Ok(None) };
        let token = Token::of(config)?;
        let tls = if config.tls { Some(tls_config(config, identity)?) } else { None };
        let listener = left(address).map_or_else(|| listen_tcp("API", address), Ok)?;
        let listener = TcpListener::from_std(listener)?;
        let door = Arc::new(Door { tls, token, caller: Caller::new(Scope::Host) });
        Ok(Some(Self { listener, door }))
    }

    /// Has the listener held for another host.
    pub(crate) fn keep(&self, keeper: &Keeper) {
        keeper.keep("API", &self.listener);
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` turns true; returns when all is closed.
    pub async fn run(
        self,
        context: Arc<Context>,
        handshakes: Arc<Handshakes>,
        limits: ConnectionLimits,
        deadlines: Deadlines,
        shutdown: watch::Receiver<bool>,
    ) {
        let Self { listener, door } = self;
        let admission = Admission::new(limits).counting(context.life.clone());
        accept_until(listener, admission, shutdown, deadlines.shutdown, |stream, ends| {
            serve(stream, ends.err(), Arc::clone(&context), Arc::clone(&handshakes), Arc::clone(&door), deadlines)
        })
        .await;
    }
}

async fn serve(
    stream: TcpStream,
    refused: Option<Refused>,
    context: Arc<Context>,
    handshakes: Arc<Handshakes>,
    door: Arc<Door>,
    deadlines: Deadlines,
) {
    let answer = |request| answer(&context, &door, &deadlines, request);
    match (&door.tls, refused) {
        (None, None) => connection::serve(stream, &deadlines, answer).await,
        (None, Some(refused)) => {
            let full = || ApiAnswer::Failure(StatusCode::SERVICE_UNAVAILABLE, refused.to_string());
            connection::serve(stream, &deadlines, |_| async { full().into_response() }).await;
        }
        // There is no way to say so before the handshake.
        (Some(_), Some(_)) => {}
        (Some(tls), None) => {
            let Some(place) = handshakes.place() else {
                context.life.refused("limits.handshakes");
                return;
            };
            let Some(stream) = handshakes.accept(stream, Arc::clone(tls), deadlines.handshake).await else { return };
            drop(place);
            connection::serve(stream, &deadlines, answer).await;
        }
    }
}

async fn answer(context: &Context, door: &Door, deadlines: &Deadlines, request: Request) -> Response {
    if door.token.is_in(request.headers()) {
        return super::answer(context, &door.caller, deadlines, request).await;
    }
    debug!(path = request.uri().path(), "api call without the right token");
    let text = "The token is missing or wrong: send \"Authorization: Bearer TOKEN\" with the token of this host.";
    let mut response = ApiAnswer::Failure(StatusCode::UNAUTHORIZED, text.to_owned()).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"earthshine\""));
    response
}

/// The token's SHA-256: what is compared has one length, and tells nothing.
#[derive(Clone)]
struct Token([u8; 32]);

impl Token {
    fn of(config: &ApiConfig) -> Result<Self, StartTcpApiError> {
        if !config.token.is_empty() {
            return Ok(Self::new(config.token.bytes()));
        }
        let path = &config.token_file;
        let text = std::fs::read_to_string(path)
            .map_err(|source| StartTcpApiError::ReadToken { path: path.clone(), source })?;
        let token = ApiToken::from_text(&text);
        match token.problem() {
            None => Ok(Self::new(token.bytes())),
            Some(problem) => Err(StartTcpApiError::Token { path: path.clone(), problem }),
        }
    }

    fn new(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether exactly one `Authorization` is there and it is right, compared in
    /// constant time.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        bearer(value.as_bytes()).is_some_and(|sent| Sha256::digest(sent).as_slice().ct_eq(&self.0).into())
    }
}

debug_without_secrets!(Token);

/// The token of `Bearer TOKEN` (RFC 6750, 2.1; the scheme's case does not
/// count, RFC 9110, 11.1).
#[must_use]
pub fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER);
    let token = token.trim_ascii();
    (is_bearer && !token.is_empty()).then_some(token)
}

fn tls_config(config: &ApiConfig, identity: &Identity) -> Result<Arc<ServerConfig>, StartTcpApiError> {
    if config.certificate_file.as_os_str().is_empty() {
        let own = vec![identity.certificate().clone().into_owned()];
        return Ok(tls::api_config(own, identity.private_key())?);
    }
    let chain = read_chain(&config.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&config.key_file).map_err(|source| StartTcpApiError::Pem {
        path: config.key_file.clone(),
        wanted: "a private key",
        source,
    })?;
    Ok(tls::api_config(chain, key)?)
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartTcpApiError> {
    let chain = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.and_then(|chain| if chain.is_empty() { Err(PemError::NoItemsFound) } else { Ok(chain) });
    chain.map_err(|source| StartTcpApiError::Pem { path: path.to_owned(), wanted: "a certificate chain", source })
}

const BEARER: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_the_right_token_counts() {
        let token = Token::new(b"0123456789abcdef");
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER   0123456789abcdef "] {
            assert!(token.is_in(&headers(&[right])), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcdeg",
            "Bearer 0123456789abcde",
            "Bearer0123456789abcdef",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer 0123456789abcdef x",
        ] {
            assert!(!token.is_in(&headers(&[wrong])), "{wrong}");
        }
        assert!(!token.is_in(&headers(&[])));
        let twice = ["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"];
        assert!(!token.is_in(&headers(&twice)), "which one is meant?");
    }
}
