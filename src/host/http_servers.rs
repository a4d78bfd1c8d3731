//! HTTP, HTTPS and the API socket, as one thing that `serve` runs.
//!
//! Everything is bound before [`HttpServers::run`], so that a host that says
//! it is ready is.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::host::adoption::keeper::Keeper;
use crate::host::api;
use crate::host::api::socket::ApiSocket;
use crate::host::api::tcp::TcpApi;
use crate::host::context::Context;
use crate::host::desktop_sockets::DesktopSocketQueue;
use crate::host::gamestream::reply::Reply;
use crate::host::gamestream::{self, Caller, Channel};
use crate::host::http::admission::{Admission, ConnectionLimits, Refused};
use crate::host::http::connection::{self, Deadlines};
use crate::host::http::handshake::Handshakes;
use crate::host::http::server::{Ends, accept_until};
use crate::host::identity::Identity;
use crate::host::store::paired_clients::fingerprint;
use crate::host::tls;

/// Everything of the host that speaks HTTP, bound and ready to run.
#[derive(Debug)]
pub struct HttpServers {
    http: TcpListener,
    https: TcpListener,
    api: ApiSocket,
    desktops: DesktopSocketQueue,
    tcp_api: Option<TcpApi>,
    tls: Arc<ServerConfig>,
    handshakes: Arc<Handshakes>,
    limits: ConnectionLimits,
    deadlines: Deadlines,
}

impl HttpServers {
    /// With listeners that are bound already (see [`bind_tcp`] and
    /// [`ApiSocket::bind`]).
    ///
    /// # Errors
    /// [`StartHttpError`].
    pub fn new(
        http: TcpListener,
        https: TcpListener,
        api: ApiSocket,
        desktops: DesktopSocketQueue,
        identity: &Identity,
    ) -> Result<Self, StartHttpError> {
        Ok(Self {
            http,
            https,
            api,
            desktops,
            tcp_api: None,
            tls: tls::server_config(identity)?,
            handshakes: Arc::new(Handshakes::start(USUAL_HANDSHAKES)?),
            limits: ConnectionLimits::default(),
            deadlines: Deadlines::default(),
        })
    }

    /// With so many TLS handshakes at the same time.
    ///
    /// # Errors
    /// [`StartHttpError`].
    pub fn with_handshakes(mut self, most: usize) -> Result<Self, StartHttpError> {
        self.handshakes = Arc::new(Handshakes::start(most)?);
        Ok(self)
    }

    /// With other deadlines than the usual ones.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// With other limits than the usual ones, each for HTTP and for HTTPS.
    #[must_use]
    pub fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With the API over TCP, if there is to be one.
    #[must_use]
    pub fn with_tcp_api(mut self, tcp_api: Option<TcpApi>) -> Self {
        self.tcp_api = tcp_api;
        self
    }

    /// Has the listeners held for another host, under the names that they are
    /// bound by.
    pub(crate) fn keep(&self, keeper: &Keeper) {
        keeper.keep("HTTP", &self.http);
        keeper.keep("HTTPS", &self.https);
        self.api.keep(keeper);
        if let Some(tcp_api) = &self.tcp_api {
            tcp_api.keep(keeper);
        }
    }

    /// Serves until `shutdown` turns true; returns when every socket is
    /// closed.
    pub async fn run(self, context: Arc<Context>, shutdown: watch::Receiver<bool>) {
        let Self { http, https, api, desktops, tcp_api, tls, handshakes, limits, deadlines } = self;
        let grace = deadlines.shutdown;
        let admission = || Admission::new(limits).counting(context.life.clone());
        let plain = accept_until(http, admission(), shutdown.clone(), grace, |stream, ends| {
            serve_plain(stream, ends, Arc::clone(&context), deadlines)
        });
        let secure = accept_until(https, admission(), shutdown.clone(), grace, |stream, ends| {
            let handshakes = Arc::clone(&handshakes);
            serve_secure(stream, ends, Arc::clone(&context), deadlines, Arc::clone(&tls), handshakes)
        });
        let local = api::server::serve(api, desktops, Arc::clone(&context), deadlines, shutdown.clone());
        let remote = async {
            if let Some(tcp_api) = tcp_api {
                tcp_api.run(Arc::clone(&context), Arc::clone(&handshakes), limits, deadlines, shutdown.clone()).await;
            }
        };
        tokio::join!(plain, secure, local, remote);
        if let Some(handshakes) = Arc::into_inner(handshakes) {
            handshakes.stop().await;
        }
    }
}

const USUAL_HANDSHAKES: usize = 320;

/// Listens on `address`:`port`; port 0 takes a free one.
///
/// # Errors
/// [`BindHttpError`], with what to do.
pub async fn bind_tcp(address: IpAddr, port: u16) -> Result<TcpListener, BindHttpError> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address).await.map_err(|source| BindHttpError { address, source })
}

/// HTTP cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartHttpError {
    /// The identity is not usable for TLS.
    #[error("cannot use the host certificate for TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No threads for handshakes.
    #[error("cannot start threads for TLS: {0}")]
    Threads(#[from] io::Error),
}

/// A port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; choose another --port or --bind, or stop what uses it")]
pub struct BindHttpError {
    /// The address and port.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

async fn serve_plain(stream: TcpStream, ends: Result<Ends, Refused>, context: Arc<Context>, deadlines: Deadlines) {
    match ends {
        Ok(ends) => {
            let caller = Caller { ends, channel: Channel::Plain };
            connection::serve(stream, &deadlines, |request| gamestream::answer(&context, caller, request)).await;
        }
        Err(refused) => {
            let reply = Reply::error(503, &refused.to_string());
            connection::serve(stream, &deadlines, |_| async { reply.clone().into_response() }).await;
        }
    }
}

async fn serve_secure(
    stream: TcpStream,
    ends: Result<Ends, Refused>,
    context: Arc<Context>,
    deadlines: Deadlines,
    tls: Arc<ServerConfig>,
    handshakes: Arc<Handshakes>,
) {
    // There is no way to say so before the handshake.
    let Ok(ends) = ends else { return };
    let Some(place) = handshakes.place() else {
        context.life.refused("limits.handshakes");
        return;
    };
    let Some(stream) = handshakes.accept(stream, tls, deadlines.handshake).await else { return };
    drop(place);
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let caller = Caller { ends, channel: Channel::Secure(certificate.map(|der| fingerprint(der))) };
    connection::serve(stream, &deadlines, |request| gamestream::answer(&context, caller, request)).await;
}
