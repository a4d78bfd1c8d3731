//! The client's end: the real assembler, and what a client does with what comes of it.
//!
//! By the rules of moonlight-common-c: a lost frame is reported at once with all since the
//! last good one, and again with each frame that cannot be decoded, until one comes that
//! refers to none of them (`VideoDepacketizer.c`); statuses wait for the next tenth of a
//! second, eight of them at most (`ControlStream.c`, `lossStatsThreadFunc`).

use crate::clock::Micros;
use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::video::assembler::{Assembler, Event, WholeFrame};
use crate::protocol::video::frame_header::FrameType;
use crate::units::FrameIndex;

/// What a client shows, and what it says.
#[derive(Debug)]
pub(super) struct Client {
    assembler: Assembler,
    /// The last frame that was shown.
    good: FrameIndex,
    waits: bool,
    dropped: u32,
    statuses: Vec<FecStatus>,
    pub(super) seen: Seen,
}

/// What came of the frames.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// When frames were shown, which, and their bytes.
    pub(super) shown: Vec<(Micros, FrameIndex, u64)>,
    pub(super) repaired: u64,
    pub(super) lost: u64,
    pub(super) undecodable: u64,
}

/// What it tells its host at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Invalidate { first: FrameIndex, last: FrameIndex },
    Idr,
}

impl Client {
    pub(super) fn new(packet_size: u16) -> Self {
        let (assembler, good) = (Assembler::new(packet_size), FrameIndex(0));
        Self { assembler, good, waits: false, dropped: 0, statuses: Vec::new(), seen: Seen::default() }
    }

    /// A packet arrives.
    pub(super) fn take(&mut self, packet: &[u8], now: Micros) -> Vec<Request> {
        let events: Vec<_> = self.assembler.handle_packet(packet).collect();
        events.into_iter().filter_map(|event| self.handle(event, now)).collect()
    }

    /// What the next tenth of a second tells.
    pub(super) fn statuses(&mut self) -> Vec<FecStatus> {
        std::mem::take(&mut self.statuses)
    }

    fn handle(&mut self, event: Event, now: Micros) -> Option<Request> {
        match event {
            Event::Status(status) => {
                if self.statuses.len() < MOST_STATUSES {
                    self.statuses.push(status);
                }
                None
            }
            Event::Lost { first, last, .. } => {
                self.seen.lost += u64::from(last.0 - first.0) + 1;
                self.waits = true;
                Some(self.lacks(last))
            }
            Event::Frame(frame) => self.frame(&frame, now),
        }
    }

    fn frame(&mut self, frame: &WholeFrame, now: Micros) -> Option<Request> {
        let kind = frame.header.map(|header| header.frame_type);
        self.seen.repaired += u64::from(frame.repaired);
        let is_sound = frame.is_idr() || kind == Some(FrameType::Recovered);
        if self.waits && !is_sound {
            self.seen.undecodable += 1;
            self.dropped += 1;
            return Some(self.lacks(frame.index));
        }
        (self.waits, self.dropped, self.good) = (false, 0, frame.index);
        self.seen.shown.push((now, frame.index, frame.bytes));
        None
    }

    fn lacks(&mut self, last: FrameIndex) -> Request {
        if self.dropped >= MOST_DROPPED {
            self.dropped = 0;
            return Request::Idr;
        }
        Request::Invalidate { first: self.good.next(), last }
    }
}

/// The client's own numbers.
const MOST_STATUSES: usize = 8;
const MOST_DROPPED: u32 = 120;
