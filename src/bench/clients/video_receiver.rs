//! Receives a client's video: opens, repairs and counts frames, and says to the
//! host what a client says about them. The pictures are not decoded here; whoever wants
//! them gets them (`tap.rs`).

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::bench::clients::control::Order;
use crate::bench::clients::media_socket::{BATCH, LARGEST_DATAGRAM, MediaSocket};
use crate::bench::clients::tap::Tap;
use crate::bench::histogram::{Histogram, Summary};
use crate::protocol::video::assembler::{Assembler, Event, WholeFrame};
use crate::protocol::video::sealer::VideoOpener;

/// One client's video.
pub(super) struct VideoReceiver {
    socket: MediaSocket,
    opener: Option<VideoOpener>,
    assembler: Assembler,
    control: mpsc::Sender<Order>,
    show: watch::Sender<Seen>,
    first_frame: Option<Instant>,
    fresh_frames: u64,
    counts: VideoCounts,
    gaps: Histogram,
    host_latency: Histogram,
    last_frame: Option<Instant>,
    last_timestamp: Option<u32>,
    wait: IdrWait,
    statuses: StatusLimit,
    tap: Option<Tap>,
}

/// What came, counted.
#[derive(Debug, Clone, Default, Serialize)]
pub struct VideoCounts {
    /// Datagrams, parity included.
    pub packets: u64,
    /// Their payload in bytes.
    pub bytes: u64,
    /// Sequence numbers that never came.
    pub packets_lost: u64,
    /// Came too late, twice or after the frame was whole: surplus parity, mostly.
    pub packets_unused: u64,
    /// Could not be decrypted.
    pub packets_undecryptable: u64,
    /// Frames of which some packet came.
    pub frames_received: u64,
    /// Frames that are whole.
    pub frames_complete: u64,
    /// Of those, the ones that parity made whole.
    pub frames_repaired: u64,
    /// Frames that are not, seen in part or not at all.
    pub frames_lost: u64,
    /// Whole frames that no client could decode, because they refer to lost ones.
    pub frames_undecodable: u64,
    /// IDR frames.
    pub idr_frames: u64,
    /// IDR frames that were asked for after a loss.
    pub idr_requests: u64,
    /// Number of the last whole frame.
    pub last_frame: u32,
    /// Whole frames whose RTP time was not after that of the one before.
    pub frames_back_in_time: u64,
    /// RTP time from the first whole frame to the last, in ticks of 90 kHz.
    pub rtp_ticks: u64,
}

/// What has come until now.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Counters.
    pub counts: VideoCounts,
    /// When the first whole frame was there.
    pub first_frame: Option<Instant>,
    /// When the last whole frame was there.
    pub last_frame: Option<Instant>,
    /// Whole frames with something new: those that only repeat a still picture
    /// have no latency to tell.
    pub fresh_frames: u64,
}

/// All about a client's video.
#[derive(Debug, Clone, Default, Serialize)]
pub struct VideoReport {
    /// Counters.
    #[serde(flatten)]
    pub counts: VideoCounts,
    /// From whole frame to whole frame, in milliseconds.
    pub frame_gap_ms: Summary,
    /// From capture to sending as frames say it, in milliseconds.
    pub host_latency_ms: Summary,
    /// From the last whole frame to the end, in milliseconds; `None` without one.
    pub last_frame_age_ms: Option<f64>,
    #[serde(skip)]
    pub(super) gaps: Histogram,
}

impl VideoReceiver {
    /// What has come is shown by `show`, with every whole frame.
    pub(super) fn new(
        socket: MediaSocket,
        opener: Option<VideoOpener>,
        packet_size: u16,
        control: mpsc::Sender<Order>,
        show: watch::Sender<Seen>,
    ) -> Self {
        Self {
            socket,
            opener,
            assembler: Assembler::new(packet_size),
            control,
            show,
            first_frame: None,
            fresh_frames: 0,
            counts: VideoCounts::default(),
            gaps: Histogram::new(),
            host_latency: Histogram::new(),
            last_frame: None,
            last_timestamp: None,
            wait: IdrWait::AskedFor { dropped: 0 },
            statuses: StatusLimit::default(),
            tap: None,
        }
    }

    /// The same, with its pictures going to a tap.
    pub(super) fn tapped(self, tap: Tap) -> Self {
        Self { assembler: self.assembler.keeping_pictures(), tap: Some(tap), ..self }
    }

    /// Receives until `stop` says so.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> VideoReport {
        let mut buffer = [0; LARGEST_DATAGRAM];
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return self.report(),
                () = self.socket.readable() => {}
            }
            for _ in 0..BATCH {
                let Some(datagram) = self.socket.receive(&mut buffer) else { break };
                self.counts.packets += 1;
                self.counts.bytes += datagram.len() as u64;
                let packet = match &self.opener {
                    Some(opener) => opener.open(datagram),
                    None => Some(datagram),
                };
                let Some(packet) = packet else {
                    self.counts.packets_undecryptable += 1;
                    continue;
                };
                if let Some(tap) = &mut self.tap {
                    tap.note(packet);
                }
                let events: Vec<Event> = self.assembler.handle_packet(packet).collect();
                events.into_iter().for_each(|event| self.handle(event));
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => self.frame(&frame),
            Event::Lost { first, last, in_part } => {
                self.counts.frames_lost += u64::from(last.0 - first.0) + 1;
                self.counts.frames_received += u64::from(in_part);
                // Also where one was asked for: what is lost may be that one.
                self.wait = IdrWait::AfterLoss;
            }
            Event::Status(status) => {
                if self.statuses.allow() {
                    self.tell(Order::Status(status));
                }
            }
        }
    }

    fn frame(&mut self, frame: &WholeFrame) {
        let now = Instant::now();
        match self.last_frame.replace(now) {
            Some(before) => self.gaps.add(now - before),
            None => self.first_frame = Some(now),
        }
        let counts = &mut self.counts;
        counts.frames_received += 1;
        counts.frames_complete += 1;
        counts.frames_repaired += u64::from(frame.repaired);
        counts.idr_frames += u64::from(frame.is_idr());
        counts.last_frame = frame.index.0;
        if let Some(before) = self.last_timestamp.replace(frame.timestamp.0) {
            // RTP time wraps: half of it is ahead.
            match frame.timestamp.0.wrapping_sub(before) {
                ahead @ 1..0x8000_0000 => counts.rtp_ticks += u64::from(ahead),
                _ => counts.frames_back_in_time += 1,
            }
        }
        if let Some(header) = frame.header.filter(|header| header.latency_100us != 0) {
            self.host_latency.add(Duration::from_micros(u64::from(header.latency_100us) * 100));
            self.fresh_frames += 1;
        }
        let (wait, ask) = self.wait.after(frame.is_idr());
        self.wait = wait;
        self.counts.frames_undecodable += u64::from(!matches!(wait, IdrWait::No));
        if let Some(tap) = &self.tap
            && matches!(wait, IdrWait::No)
        {
            tap.pass_on(frame, self.assembler.picture().unwrap_or_default().to_vec());
        }
        if ask {
            self.counts.idr_requests += 1;
            self.tell(Order::RequestIdr);
        }
        self.show.send_replace(Seen {
            counts: self.counts.clone(),
            first_frame: self.first_frame,
            last_frame: Some(now),
            fresh_frames: self.fresh_frames,
        });
    }

    /// A control task that is behind has lost its host.
    fn tell(&self, order: Order) {
        let _ = self.control.try_send(order);
    }

    fn report(self) -> VideoReport {
        let mut counts = self.counts;
        counts.packets_lost = self.assembler.missing_packets();
        counts.packets_unused = self.assembler.ignored_packets();
        let age = self.last_frame.map(|last| crate::bench::histogram::milliseconds(last.elapsed()));
        VideoReport {
            counts,
            frame_gap_ms: self.gaps.summary(),
            host_latency_ms: self.host_latency.summary(),
            last_frame_age_ms: age,
            gaps: self.gaps,
        }
    }
}

/// Whether frames must be dropped until an IDR frame comes (moonlight-common-c
/// `VideoDepacketizer.c`, `waitingForNextSuccessfulFrame`): it is asked for with the first
/// whole frame after every loss, and again if that does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdrWait {
    /// The last frame could be decoded.
    No,
    /// Something was lost, nobody has asked.
    AfterLoss,
    /// An IDR frame is on its way; so many frames were dropped since.
    AskedFor { dropped: u32 },
}

impl IdrWait {
    /// After a whole frame, and whether to ask.
    const fn after(self, idr: bool) -> (Self, bool) {
        match self {
            _ if idr => (Self::No, false),
            Self::No => (Self::No, false),
            Self::AskedFor { dropped } if dropped + 1 < DROPPED_BEFORE_ASKING_AGAIN => {
                (Self::AskedFor { dropped: dropped + 1 }, false)
            }
            Self::AfterLoss | Self::AskedFor { .. } => (Self::AskedFor { dropped: 0 }, true),
        }
    }
}

/// At most eight status messages in 100 ms (moonlight-common-c
/// `ControlStream.c`, `connectionSendFrameFecStatus`).
#[derive(Debug, Default)]
struct StatusLimit {
    begin: Option<Instant>,
    sent: u32,
}

impl StatusLimit {
    fn allow(&mut self) -> bool {
        let now = Instant::now();
        if self.begin.is_none_or(|begin| now - begin > Duration::from_millis(100)) {
            (self.begin, self.sent) = (Some(now), 0);
        }
        self.sent += 1;
        self.sent <= 8
    }
}

/// The client's own number.
const DROPPED_BEFORE_ASKING_AGAIN: u32 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_loss_one_idr_frame_is_asked_for_until_it_comes() {
        let mut wait = IdrWait::AfterLoss;
        let mut asked = Vec::new();
        for number in 0..300 {
            let (next, ask) = wait.after(false);
            wait = next;
            if ask {
                asked.push(number);
            }
        }
        assert_eq!(asked, [0, 120, 240]);
        assert_eq!(wait.after(true), (IdrWait::No, false));
        assert_eq!(IdrWait::No.after(false), (IdrWait::No, false));
    }

    #[test]
    fn statuses_are_limited() {
        let mut limit = StatusLimit::default();
        let allowed = (0..20).filter(|_| limit.allow()).count();
        // On a machine that stalls in between, a second period may have begun.
        assert!((8..=16).contains(&allowed), "{allowed}");
    }
}
