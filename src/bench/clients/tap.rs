//! Where a client's pictures go when somebody wants to decode them.

use std::sync::mpsc::Sender;

use crate::clock::Micros;
use crate::protocol::bytes::Reader;
use crate::protocol::video::assembler::WholeFrame;
use crate::protocol::video::packet_header::PacketHeader;
use crate::protocol::video::rtp::RtpHeader;
use crate::units::FrameIndex;

/// A frame that has arrived and can be decoded.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its number on the wire.
    pub index: FrameIndex,
    /// When its first packet was read.
    pub first: Micros,
    /// When the packet was read that made it whole.
    pub whole: Micros,
    /// From capture to sending by its header, in units of 100 µs; 0 is "not known": it
    /// repeats a picture.
    pub latency_100us: u16,
    /// Decoding can start here.
    pub idr: bool,
    /// The access unit.
    pub picture: Vec<u8>,
}

/// Notes when frames begin, and passes them on.
#[derive(Debug)]
pub(super) struct Tap {
    out: Sender<Arrived>,
    open: (FrameIndex, Micros),
}

impl Tap {
    pub(super) const fn new(out: Sender<Arrived>) -> Self {
        Self { out, open: (FrameIndex(0), Micros(0)) }
    }

    /// A packet was read.
    pub(super) fn note(&mut self, packet: &[u8]) {
        let mut reader = Reader::new(packet);
        let header = RtpHeader::read(&mut reader).ok().and_then(|_| PacketHeader::read(&mut reader).ok());
        if let Some(header) = header.filter(|header| header.frame_index > self.open.0) {
            self.open = (header.frame_index, Micros::now());
        }
    }

    /// A frame is whole.
    pub(super) fn pass_on(&self, frame: &WholeFrame, picture: Vec<u8>) {
        let whole = Micros::now();
        let first = if self.open.0 == frame.index { self.open.1 } else { whole };
        let latency_100us = frame.header.map_or(0, |header| header.latency_100us);
        // Nobody listens any more at the end.
        let _ =
            self.out.send(Arrived { index: frame.index, first, whole, latency_100us, idr: frame.is_idr(), picture });
    }
}
