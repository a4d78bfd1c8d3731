//! What the client tells about its reception.
//!
//! FEC status: moonlight-common-c `Video.h`, `SS_FRAME_FEC_STATUS`; sent for
//! frames that needed repair or failed, at most eight per 100 ms.

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::units::FrameIndex;

/// How one FEC block of a frame arrived. Counts are packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FecStatus {
    /// Which frame.
    pub frame: FrameIndex,
    /// Highest RTP sequence number that arrived.
    pub highest_received: u16,
    /// First RTP sequence number that did not.
    pub next_contiguous: u16,
    /// Packets missing below the highest.
    pub missing_before_highest: u16,
    /// Data packets of the block.
    pub total_data: u16,
    /// Parity packets of the block.
    pub total_parity: u16,
    /// Data packets that arrived.
    pub received_data: u16,
    /// Parity packets that arrived.
    pub received_parity: u16,
    /// Parity per hundred data packets, as the packets said.
    pub fec_percent: u8,
    /// Which block of the frame, from 0.
    pub block: u8,
    /// Blocks of the frame.
    pub blocks: u8,
}

impl FecStatus {
    /// Reads the payload of a status message.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(payload: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(payload);
        Ok(Self {
            frame: FrameIndex(reader.u32_be()?),
            highest_received: reader.u16_be()?,
            next_contiguous: reader.u16_be()?,
            missing_before_highest: reader.u16_be()?,
            total_data: reader.u16_be()?,
            total_parity: reader.u16_be()?,
            received_data: reader.u16_be()?,
            received_parity: reader.u16_be()?,
            fec_percent: reader.u8()?,
            block: reader.u8()?,
            blocks: reader.u8()?,
        })
    }

    /// Appends the payload.
    pub fn write(&self, out: &mut Vec<u8>) {
        Writer::new(out)
            .u32_be(self.frame.0)
            .u16_be(self.highest_received)
            .u16_be(self.next_contiguous)
            .u16_be(self.missing_before_highest)
            .u16_be(self.total_data)
            .u16_be(self.total_parity)
            .u16_be(self.received_data)
            .u16_be(self.received_parity)
            .u8(self.fec_percent)
            .u8(self.block)
            .u8(self.blocks);
    }

    /// Whether the client could not have repaired this block.
    #[must_use]
    pub const fn is_beyond_repair(&self) -> bool {
        self.received_data as u32 + (self.received_parity as u32) < self.total_data as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_and_says_what_was_lost() {
        let status = FecStatus {
            frame: FrameIndex(0x0102_0304),
            highest_received: 5,
            next_contiguous: 6,
            missing_before_highest: 7,
            total_data: 10,
            total_parity: 2,
            received_data: 8,
            received_parity: 2,
            fec_percent: 20,
            block: 1,
            blocks: 3,
        };
        let mut bytes = Vec::new();
        status.write(&mut bytes);
        assert_eq!(bytes.len(), 21);
        assert_eq!(FecStatus::read(&bytes), Ok(status));
        assert!(!status.is_beyond_repair());
        assert!(FecStatus { received_data: 7, ..status }.is_beyond_repair());
        assert!(FecStatus::read(&bytes[..20]).is_err());
    }
}
