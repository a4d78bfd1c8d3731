//! How fast the host's TLS is, while others stall.
//!
//! A stalled handshake is a connection with half a ClientHello that never goes
//! on. The host closes it at its deadline; then another takes its place, so that
//! the number held open stays the same.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::bench::clients::https::{Requests, SHORT_PATIENCE};
use crate::bench::clients::steps::Failure;
use crate::bench::histogram::{Histogram, Summary};

/// What was timed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TlsReport {
    /// Handshakes held open half-way meanwhile.
    pub stalled: usize,
    /// Stalled ones that the host closed and that were opened anew.
    pub stalled_closed_by_host: u64,
    /// TCP and TLS, in milliseconds.
    pub handshake_ms: Summary,
    /// TCP, TLS and the answer to `/serverinfo`, in milliseconds.
    pub request_ms: Summary,
    /// Handshakes that failed.
    pub failed: u64,
    /// Why the first of them failed.
    pub first_error: Option<Failure>,
}

impl fmt::Display for TlsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { count, p50, p99, max, .. } = self.handshake_ms;
        write!(f, "{count} TLS handshakes beside {} stalled ones: ", self.stalled)?;
        writeln!(f, "p50 {p50} ms, p99 {p99} ms, longest {max} ms; {} failed", self.failed)?;
        if let Some(failure) = &self.first_error {
            writeln!(f, "tls: {}", failure.error)?;
        }
        Ok(())
    }
}

/// Connections that go nowhere; closed when dropped.
pub(super) struct Stalled {
    tasks: JoinSet<()>,
    closed: Arc<AtomicU64>,
}

impl Stalled {
    /// Opens so many, and waits until all are there.
    pub(super) async fn open(address: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let (opened, closed) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for number in 0..count {
            tasks.spawn(stall(address, number, Arc::clone(&opened), Arc::clone(&closed)));
        }
        let all = u32::try_from(count)?;
        let _all = tokio::time::timeout(OPEN_PATIENCE, opened.acquire_many(all))
            .await
            .map_err(|_| anyhow::anyhow!("{address} does not take {count} connections"))??;
        Ok(Self { tasks, closed })
    }

    fn len(&self) -> usize {
        self.tasks.len()
    }
}

/// Keeps one connection half open, as long as the host lets it.
async fn stall(address: SocketAddr, number: usize, opened: Arc<Semaphore>, closed: Arc<AtomicU64>) {
    let mut told = false;
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        // Some say nothing at all.
        let said = stream.write_all(&HALF_HELLO[..number % (HALF_HELLO.len() + 1)]).await;
        if !std::mem::replace(&mut told, true) {
            opened.add_permits(1);
        }
        if said.is_ok() {
            // An alert may come before the end.
            while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
        }
        closed.fetch_add(1, Ordering::Relaxed);
        // A host that closes at once must not be stormed.
        tokio::time::sleep(RETRY).await;
    }
}

/// Times handshakes one after the other, each with a request, until all are done
/// or `stop` says so.
pub(super) async fn time(
    requests: Requests,
    count: usize,
    stalled: Option<&Stalled>,
    mut stop: watch::Receiver<bool>,
) -> TlsReport {
    let (mut handshakes, mut whole) = (Histogram::new(), Histogram::new());
    let mut report = TlsReport { stalled: stalled.map_or(0, Stalled::len), ..TlsReport::default() };
    for _ in 0..count {
        let timed = tokio::select! {
            timed = requests.https("/serverinfo", SHORT_PATIENCE) => timed,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match timed {
            Ok(timed) => {
                handshakes.add(timed.handshake);
                whole.add(timed.whole);
            }
            Err(error) => {
                report.failed += 1;
                report.first_error.get_or_insert_with(|| Failure::new("tls", &error));
                if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused) {
                    break;
                }
            }
        }
    }
    report.handshake_ms = handshakes.summary();
    report.request_ms = whole.summary();
    report.stalled_closed_by_host = stalled.map_or(0, |stalled| stalled.closed.load(Ordering::Relaxed));
    report
}

/// A TLS record header that announces a ClientHello, and its first bytes.
const HALF_HELLO: [u8; 13] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 0x5A, 0x5A];

const OPEN_PATIENCE: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_millis(100);
