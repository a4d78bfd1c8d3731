//! Accept loops: every accepted socket gets a task, and the loop owns the
//! tasks.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::host::http::admission::{Admission, Place};

/// Both ends of a TCP connection, with IPv4 addresses as such even where one
/// socket takes both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Our address: what the client can reach.
    pub local: IpAddr,
    /// The client's address.
    pub peer: IpAddr,
}

impl Ends {
    fn of(stream: &TcpStream, peer: SocketAddr) -> io::Result<Self> {
        Ok(Self { local: stream.local_addr()?.ip().to_canonical(), peer: peer.ip().to_canonical() })
    }
}

/// Accepts connections until `shutdown` turns true, and returns when all are
/// closed, at most `grace` later. `serve` owns the stream it is given.
pub async fn accept_until<S, F>(
    listener: TcpListener,
    admission: Admission,
    mut shutdown: watch::Receiver<bool>,
    grace: Duration,
    serve: S,
) where
    S: Fn(TcpStream, Ends) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some((place, ends)) = admit(&admission, &stream, peer) {
                        let serving = serve(stream, ends);
                        connections.spawn(async move {
                            serving.await;
                            drop(place);
                        });
                    }
                }
                Err(error) => pause_after(&error).await,
            }
        }
    }
    drop(listener);
    drain(connections, grace).await;
}

/// Resolves when `shutdown` is true, or its sender gone.
pub async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that nobody can ever ask for anything else.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Lets tasks end by themselves for `grace`, then ends them.
pub async fn drain(mut tasks: JoinSet<()>, grace: Duration) {
    let all_done = async { while tasks.join_next().await.is_some() {} };
    if timeout(grace, all_done).await.is_err() {
        tasks.shutdown().await;
    }
}

/// Waits a little when the system has no more file descriptors: the
/// connection stays in the queue, and trying again at once would only spin.
pub async fn pause_after(error: &io::Error) {
    warn!(%error, "cannot accept a connection");
    sleep(ACCEPT_PAUSE).await;
}

fn admit(admission: &Admission, stream: &TcpStream, peer: SocketAddr) -> Option<(Place, Ends)> {
    let ends = Ends::of(stream, peer).ok()?;
    // Answers are small and complete: nothing to wait for.
    let _ = stream.set_nodelay(true);
    match admission.admit(ends.peer) {
        Ok(place) => Some((place, ends)),
        Err(refused) => {
            debug!(peer = %ends.peer, %refused, "connection closed");
            None
        }
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
