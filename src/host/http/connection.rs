//! One connection, one request, one answer, and an end to each state.
//!
//! | state | ends by |
//! | --- | --- |
//! | waiting for the request | [`Deadlines::request`] |
//! | answering | the handler, at the latest [`Deadlines::answer`]; or the client hangs up |
//! | writing the answer | [`Deadlines::write`] |
//! | writing an answer that goes on | a write that waits for [`Deadlines::write`] |
//!
//! A client that hangs up while its request is being answered drops the
//! handler: that is how a pairing that waits for its PIN ends early.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::host::http::stall::{Stall, Watched};
use crate::host::http::{Request, Response};

/// How long each state of a connection may last.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// TLS handshake.
    pub handshake: Duration,
    /// From the connection (or the end of its handshake) to the end of the
    /// request's head.
    pub request: Duration,
    /// From the request to its answer. Handlers have shorter deadlines of
    /// their own; this one is for the handler that forgot.
    pub answer: Duration,
    /// From the answer to its last byte and the close.
    pub write: Duration,
    /// From one sign of life to the next in an answer that goes on.
    pub keepalive: Duration,
    /// For connections that are open at shutdown.
    pub shutdown: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            request: Duration::from_secs(5),
            // Longer than a pairing waits for its PIN.
            answer: Duration::from_secs(150),
            write: Duration::from_secs(10),
            // As Wolf does, and wolf-ui expects.
            keepalive: Duration::from_secs(15),
            shutdown: Duration::from_secs(2),
        }
    }
}

/// Serves the one request of a connection and closes it.
pub async fn serve<S, H, A>(stream: S, deadlines: &Deadlines, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Request) -> A,
    A: Future<Output = Response>,
{
    let (asked, answered, goes_on) = (&Notify::new(), &Notify::new(), &AtomicBool::new(false));
    let (stream, stall) = Watched::new(stream);
    let handler = &handler;
    let service = service_fn(move |request| async move {
        asked.notify_one();
        let response = handler(request).await;
        goes_on.store(response.body().is_stream(), Ordering::Relaxed);
        answered.notify_one();
        Ok::<_, Infallible>(response)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(MAX_HEAD_BYTES)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service)
    );
    let state = tokio::select! {
        ended = &mut connection => return log_end(ended),
        () = asked.notified() => "answering",
        () = sleep(deadlines.request) => return debug!("no request in time"),
    };
    tokio::select! {
        ended = &mut connection => return log_end(ended),
        () = answered.notified() => {}
        () = sleep(deadlines.answer) => return debug!(state, "no answer in time"),
    }
    if goes_on.load(Ordering::Relaxed) {
        tokio::select! {
            ended = &mut connection => return log_end(ended),
            () = stalls(&stall, deadlines.write) => return debug!("an answer that goes on is not read"),
        }
    }
    match timeout(deadlines.write, connection).await {
        Ok(ended) => log_end(ended),
        Err(_) => debug!("answer was not read in time"),
    }
}

/// Returns when a write has been waiting for `time`.
async fn stalls(stall: &Stall, time: Duration) {
    while !stall.lasts(time) {
        sleep(time / LOOKS).await;
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}

/// How often a deadline for reading is looked at while it passes.
const LOOKS: u32 = 10;

/// Pairing puts a certificate as hex into the query, 2-4 KB; hosts are asked to
/// take request lines of 16 KB and more.
const MAX_HEAD_BYTES: usize = 64 << 10;
