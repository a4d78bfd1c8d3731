//! A client that streams.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tokio::sync::{mpsc, watch};

use crate::bench::clients::audio_receiver::AudioReport;
use crate::bench::clients::control::{ControlReport, Order};
use crate::bench::clients::receiving::Receiving;
use crate::bench::clients::video_receiver::{Seen, VideoCounts, VideoReport};

/// A client that streams. Dropped, it vanishes as in a power cut.
#[derive(Debug)]
pub struct Stream {
    pub(super) begun: Instant,
    pub(super) audio: Receiving<AudioReport>,
    pub(super) video: Receiving<VideoReport>,
    pub(super) control: Receiving<anyhow::Result<ControlReport>>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) seen: watch::Receiver<Seen>,
}

impl Stream {
    /// What has been seen until now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until what was seen is as wanted.
    ///
    /// # Errors
    /// That it was not within `patience`, or that the stream is over.
    pub async fn wait(&mut self, patience: Duration, wanted: impl Fn(&VideoCounts) -> bool) -> anyhow::Result<Seen> {
        self.wait_seen(patience, |seen| wanted(&seen.counts)).await
    }

    /// The same, of all that was seen.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn wait_seen(&mut self, patience: Duration, wanted: impl Fn(&Seen) -> bool) -> anyhow::Result<Seen> {
        let waiting = self.seen.wait_for(|seen| wanted(seen));
        let found = tokio::time::timeout(patience, waiting).await.map(|seen| seen.map(|seen| seen.clone()));
        match found {
            Ok(seen) => seen.map_err(|_| anyhow!("the receiver ended")),
            Err(_) => bail!("not within {patience:?}: {:?}", self.seen()),
        }
    }

    /// Waits for the first whole frame; how long it took from the launch.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn first_frame(&mut self, patience: Duration) -> anyhow::Result<Duration> {
        let seen = self.wait(patience, |counts| counts.frames_complete > 0).await?;
        let first = seen.first_frame.context("a frame without a time")?;
        Ok(first.duration_since(self.begun))
    }

    /// Has something said to the host.
    ///
    /// # Errors
    /// If the control connection is over.
    pub async fn say(&self, order: Order) -> anyhow::Result<()> {
        self.orders.send(order).await.map_err(|_| anyhow!("the control connection is over"))
    }

    /// Whether the host has ended the stream, or the connection was lost.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.control.is_over()
    }

    /// Waits until the host ends it; its reason.
    ///
    /// # Errors
    /// If it does not within `patience`.
    pub async fn ended_by_host(&mut self, patience: Duration) -> anyhow::Result<ControlReport> {
        tokio::time::timeout(patience, self.control.over()).await.map_err(|_| anyhow!("not within {patience:?}"))??
    }

    /// Disconnects in order: control first, as the real client. What came.
    ///
    /// # Errors
    /// What went wrong with control.
    pub async fn leave(self) -> anyhow::Result<(VideoReport, AudioReport, ControlReport)> {
        let control = self.control.finish().await??;
        Ok((self.video.finish().await?, self.audio.finish().await?, control))
    }
}
