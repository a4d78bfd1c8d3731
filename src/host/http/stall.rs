//! Notices a peer that does not read: a write that has been waiting for too
//! long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A stream whose writes are watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    stall: Stall,
}

/// How long a stream's writes have been waiting; clones look at the same.
#[derive(Debug, Clone)]
pub(super) struct Stall {
    begin: Instant,
    /// Milliseconds from the beginning to the first write that waits, and one;
    /// 0 while none does.
    since: Arc<AtomicU64>,
}

impl Stall {
    /// Whether a write has been waiting for that long.
    pub(super) fn lasts(&self, time: Duration) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since != 0 && self.begin.elapsed() >= time + Duration::from_millis(since - 1)
    }

    fn note<T>(&self, outcome: Poll<T>) -> Poll<T> {
        if outcome.is_ready() {
            self.since.store(0, Ordering::Relaxed);
        } else {
            let now = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
            // An older one counts.
            let _ = self.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
        outcome
    }
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Stall) {
        let stall = Stall { begin: Instant::now(), since: Arc::default() };
        (Self { stream, stall: stall.clone() }, stall)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.stall.note(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.stall.note(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.stall.note(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.stall.note(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_write_that_waits_is_noticed_until_it_is_done() {
        let (ours, mut theirs) = duplex(4);
        let (mut watched, stall) = Watched::new(ours);
        watched.write_all(b"1234").await.unwrap();
        assert!(!stall.lasts(Duration::ZERO), "nothing waits");
        let writing = tokio::spawn(async move { watched.write_all(b"5678").await.map(|()| watched) });
        while !stall.lasts(Duration::from_millis(5)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(!stall.lasts(Duration::from_secs(3600)));
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        writing.await.unwrap().unwrap();
        assert!(!stall.lasts(Duration::ZERO));
    }
}
