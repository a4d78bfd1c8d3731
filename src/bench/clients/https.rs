//! Requests to a host, a connection each, as the real clients make them.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HostAddress {
    pub(super) ip: IpAddr,
    pub(super) http: u16,
    pub(super) https: u16,
}

/// One client's requests.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) address: HostAddress,
    /// `uniqueid`.
    pub(super) client: String,
    pub(super) tls: TlsConnector,
}

/// An answer over HTTPS, and how long its parts took.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) text: String,
    /// From the start of the TCP connection to the end of the TLS handshake.
    pub(super) handshake: Duration,
    /// The whole, to the last byte of the answer.
    pub(super) whole: Duration,
}

impl Requests {
    /// Over HTTP: discovery and pairing.
    pub(super) async fn http(&self, target: &str, patience: Duration) -> anyhow::Result<String> {
        plain(self.address.ip, self.address.http, &self.identified(target), patience).await
    }

    /// Over HTTPS: everything for paired clients.
    pub(super) async fn https(&self, target: &str, patience: Duration) -> anyhow::Result<Timed> {
        let begin = Instant::now();
        let stream = self.connect().await?;
        let handshake = begin.elapsed();
        let text = get(stream, self.https_address(), &self.identified(target), patience).await?;
        Ok(Timed { text, handshake, whole: begin.elapsed() })
    }

    /// A TLS connection on which nothing was asked yet.
    pub(super) async fn connect(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        let address = self.https_address();
        let stream = connect(address).await?;
        let name = ServerName::IpAddress(self.address.ip.into());
        timeout(CONNECT_PATIENCE, self.tls.connect(name, stream))
            .await
            .map_err(|_| anyhow!("no TLS handshake with {address} within {CONNECT_PATIENCE:?}"))?
            .with_context(|| format!("TLS handshake with {address}"))
    }

    const fn https_address(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip, self.address.https)
    }

    /// Every request says who asks; the number at its end is there against caches.
    fn identified(&self, target: &str) -> String {
        let joint = if target.contains('?') { '&' } else { '?' };
        format!("{target}{joint}uniqueid={}&uuid=1", self.client)
    }
}

/// One request over HTTP.
pub(super) async fn plain(ip: IpAddr, port: u16, target: &str, patience: Duration) -> anyhow::Result<String> {
    let address = SocketAddr::new(ip, port);
    get(connect(address).await?, address, target, patience).await
}

/// A TCP connection, with a reason if there is none.
pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = timeout(CONNECT_PATIENCE, TcpStream::connect(address))
        .await
        .map_err(|_| anyhow!("{address} does not answer within {CONNECT_PATIENCE:?}"))?
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true).with_context(|| format!("{address}"))?;
    Ok(stream)
}

async fn get<S>(stream: S, address: SocketAddr, target: &str, patience: Duration) -> anyhow::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Queries carry keys, so only what is before them may be told.
    let path = target.split('?').next().unwrap_or_default();
    timeout(patience, exchange(stream, address, target))
        .await
        .map_err(|_| anyhow!("no answer to {path} within {patience:?}"))?
        .with_context(|| format!("{path} from {address}"))
}

async fn exchange<S>(stream: S, address: SocketAddr, target: &str) -> anyhow::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the request's, which also has its errors.
    tokio::spawn(connection);
    let request = hyper::Request::get(target).header(HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        bail!("HTTP status {}", response.status());
    }
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| anyhow!(error))?;
    String::from_utf8(body.to_bytes().into()).context("the answer is not text")
}

/// For TCP and for TLS; the host's own deadline for handshakes is 5 s.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// For what a host answers out of its memory.
pub(super) const SHORT_PATIENCE: Duration = Duration::from_secs(10);

/// For what has the host wait for others: a PIN, a desktop, the end of one.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(150);

const LONGEST_ANSWER: usize = 4 << 20;
