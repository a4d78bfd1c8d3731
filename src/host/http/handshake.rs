//! TLS handshakes on threads of their own.
//!
//! A handshake costs a host one RSA-2048 signature, about a millisecond, as
//! soon as anybody sends a ClientHello. On the threads that serve everything
//! else, a few hundred of them would delay the control connections of running
//! streams; here they delay only each other.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

/// Threads that do handshakes.
#[derive(Debug)]
pub struct Handshakes {
    /// Always there until drop.
    runtime: Option<Runtime>,
    places: Arc<Semaphore>,
}

impl Handshakes {
    /// Starts the threads, for `most` handshakes at the same time.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(most: usize) -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("tls-handshake").enable_time().build()?;
        Ok(Self { runtime: Some(runtime), places: Arc::new(Semaphore::new(most)) })
    }

    /// A place for one more, until it is dropped; `None` if there are as many as
    /// there may be.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().inspect_err(|_| debug!("too many TLS handshakes")).ok()
    }

    /// Does the host's side of one handshake; `None` if the client did not do
    /// its own, in `deadline`. Dropping the future ends the handshake.
    pub async fn accept(
        &self,
        stream: TcpStream,
        config: Arc<ServerConfig>,
        deadline: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let handle = self.runtime.as_ref()?.handle();
        // A set of one, because a set ends its tasks when it is dropped.
        let mut task = JoinSet::new();
        task.spawn_on(timeout(deadline, TlsAcceptor::from(config).accept(stream)), handle);
        match task.join_next().await? {
            Ok(Ok(Ok(stream))) => {
                acknowledge_at_once(stream.get_ref().0);
                return Some(stream);
            }
            Ok(Ok(Err(error))) => debug!(%error, "TLS handshake failed"),
            Ok(Err(_)) => debug!("TLS handshake not done in time"),
            Err(error) => debug!(%error, "TLS handshake ended"),
        }
        None
    }

    /// Ends what is left, and returns when its sockets are closed: tasks of
    /// this runtime end a moment after they are told to.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            // An error means that the host's own runtime ends, too.
            let _ = spawn_blocking(move || runtime.shutdown_timeout(STOP_DEADLINE)).await;
        }
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which async code must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A client without TCP_NODELAY holds its request back until the end of its
/// handshake is acknowledged, and nothing of ours would carry that
/// acknowledgement for the 40 ms that Linux likes to wait. A hint: losing it
/// costs those.
fn acknowledge_at_once(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_tcp_quickack(true);
}

/// Enough to use two cores for a burst of clients.
const THREADS: usize = 2;

/// A handshake never blocks for longer than one signature takes.
const STOP_DEADLINE: Duration = Duration::from_secs(1);
