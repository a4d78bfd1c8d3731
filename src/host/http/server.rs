//! Accept loops: every accepted socket gets a task, and the loop owns the
//! tasks.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::host::http::admission::{Admission, Refused};

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
/// closed, at most `grace` later. `serve` owns the stream it is given, and tells
/// a few of those over a limit which one it is; the others are closed.
pub async fn accept_until<S, F>(
    listener: TcpListener,
    admission: Admission,
    mut shutdown: watch::Receiver<bool>,
    grace: Duration,
    serve: S,
) where
    S: Fn(TcpStream, Result<Ends, Refused>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let door = Arc::new(Semaphore::new(AT_THE_DOOR));
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Ok(ends) = Ends::of(&stream, peer) else { continue };
                    // Answers are small and complete: nothing to wait for.
                    let _ = stream.set_nodelay(true);
                    match admission.admit(ends.peer) {
                        Ok(place) => {
                            connections.spawn(holding(place, serve(stream, Ok(ends))));
                        }
                        Err(refused) => {
                            debug!(peer = %ends.peer, %refused, "connection refused");
                            if let Ok(place) = Arc::clone(&door).try_acquire_owned() {
                                connections.spawn(holding(place, serve(stream, Err(refused))));
                            }
                        }
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

/// Serves, and gives `place` back.
async fn holding<P>(place: P, serving: impl Future<Output = ()>) {
    serving.await;
    drop(place);
}

/// Connections beyond a limit that are told so at the same time.
const AT_THE_DOOR: usize = 16;

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
