//! The packets of one FEC block, as they come.

use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::video::frame_header::FrameHeader;
use crate::units::FrameIndex;

/// The open block.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Known from the first of its packets.
    pub(super) shape: Option<Shape>,
    pub(super) packets: Vec<u8>,
    pub(super) present: Vec<bool>,
    pub(super) received_data: u16,
    pub(super) received_parity: u16,
    pub(super) highest: u16,
    /// Of the frame so far.
    pub(super) header: Option<FrameHeader>,
    pub(super) repaired: bool,
    pub(super) bytes: u64,
    /// RTP time of the newest packet.
    pub(super) timestamp: u32,
}

/// What all packets of a block have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) first_sequence: u16,
    pub(super) data: u16,
    pub(super) percent: u8,
    pub(super) parity: u16,
    pub(super) last_block: u8,
}

impl Block {
    /// Puts a packet in its place; `None` if it does not fit the others or is
    /// there already.
    pub(super) fn add(&mut self, shape: Shape, index: u16, packet: &[u8], packet_len: usize) -> Option<()> {
        let total = usize::from(shape.data) + usize::from(shape.parity);
        match self.shape {
            None => {
                self.shape = Some(shape);
                self.packets.resize(total * packet_len, 0);
                self.present.resize(total, false);
                self.highest = index;
            }
            Some(known) if known == shape => {}
            Some(_) => return None,
        }
        let place = usize::from(index);
        if std::mem::replace(self.present.get_mut(place)?, true) {
            return None;
        }
        let (filled, rest) = self.packets[place * packet_len..][..packet_len].split_at_mut(packet.len());
        filled.copy_from_slice(packet);
        rest.fill(0);
        self.highest = self.highest.max(index);
        if index < shape.data {
            self.received_data += 1
        } else {
            self.received_parity += 1
        }
        Some(())
    }

    /// How its packets came, as a client tells its host.
    pub(super) fn status(&self, frame: FrameIndex, block: u8, shape: Shape) -> FecStatus {
        let count = |flags: &[bool]| u16::try_from(flags.iter().filter(|there| !**there).count()).unwrap_or(u16::MAX);
        let contiguous = self.present.iter().take_while(|there| **there).count();
        FecStatus {
            frame,
            highest_received: shape.first_sequence.wrapping_add(self.highest),
            next_contiguous: shape.first_sequence.wrapping_add(u16::try_from(contiguous).unwrap_or(u16::MAX)),
            missing_before_highest: count(&self.present[..usize::from(self.highest)]),
            total_data: shape.data,
            total_parity: shape.parity,
            received_data: self.received_data,
            received_parity: self.received_parity,
            fec_percent: shape.percent,
            block,
            blocks: shape.last_block + 1,
        }
    }

    /// Ready for the next block of the frame.
    pub(super) fn clear(&mut self) {
        self.shape = None;
        self.packets.clear();
        self.present.clear();
        (self.received_data, self.received_parity, self.highest) = (0, 0, 0);
    }

    /// Ready for the next frame.
    pub(super) fn clear_frame(&mut self) {
        self.clear();
        (self.header, self.repaired, self.bytes) = (None, false, 0);
    }
}
