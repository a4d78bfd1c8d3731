//! How a frame's packets are split into FEC blocks, and how much parity each
//! block gets.
//!
//! The client is not told the parity count. It computes
//! `ceil(data * percent / 100)` from the percentage in the packets and builds its
//! decoding matrix from that, so a count that does not come back out of the
//! percentage makes every recovery corrupt (moonlight-common-c
//! `RtpVideoQueue.c`, `RtpvAddPacket`). Here the percentage is chosen first and
//! the count always follows from it.

use crate::protocol::fec::matrix::MAX_SHARDS;
use crate::units::FecPercent;

/// FEC blocks of a frame at most: two bits on the wire.
pub const MAX_BLOCKS: usize = 4;

/// Data packets of a block without parity at most: ten bits on the wire.
pub const MAX_BLOCK_PACKETS: usize = 1023;

/// How a frame is split. All blocks but the last have the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FecBlocks {
    packets: usize,
    per_block: usize,
    percent: FecPercent,
    minimum_parity: u8,
}

impl FecBlocks {
    /// Splits `packets` data packets. A frame too big for four blocks with parity
    /// is sent without.
    ///
    /// # Errors
    /// [`TooManyPackets`] if the protocol cannot carry so many, or none.
    pub fn split(packets: usize, percent: FecPercent, minimum_parity: u8) -> Result<Self, TooManyPackets> {
        if packets == 0 || packets > MAX_BLOCKS * MAX_BLOCK_PACKETS {
            return Err(TooManyPackets(packets));
        }
        let fewest = packets.div_ceil(MAX_SHARDS * 100 / (100 + usize::from(percent.0)));
        let mut splits = (fewest..=MAX_BLOCKS).map(|count| Self {
            packets,
            per_block: packets.div_ceil(count),
            percent,
            minimum_parity,
        });
        let without_parity =
            Self { packets, per_block: packets.div_ceil(MAX_BLOCKS), percent: FecPercent(0), minimum_parity: 0 };
        Ok(splits.find(|split| split.blocks().all(|block| block.is_codable())).unwrap_or(without_parity))
    }

    /// The blocks in sending order.
    pub fn blocks(self) -> impl ExactSizeIterator<Item = FecBlock> {
        let count = self.packets.div_ceil(self.per_block);
        (0..count).map(move |index| {
            let first = index * self.per_block;
            let data = self.per_block.min(self.packets - first);
            FecBlock::new(index, count - 1, first, data, self.percent, self.minimum_parity)
        })
    }

    /// Packets of all blocks, parity included.
    #[must_use]
    pub fn total_packets(self) -> usize {
        self.blocks().map(|block| block.data + block.parity).sum()
    }
}

/// One block of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FecBlock {
    /// Its number, from 0.
    pub index: usize,
    /// The number of the frame's last block.
    pub last_index: usize,
    /// First of its data packets, counted over the frame.
    pub first: usize,
    /// Its data packets.
    pub data: usize,
    /// Its parity packets.
    pub parity: usize,
    /// The percentage its packets carry: `parity == ceil(data * percent / 100)`.
    pub percent: FecPercent,
}

impl FecBlock {
    fn new(index: usize, last_index: usize, first: usize, data: usize, asked: FecPercent, minimum: u8) -> Self {
        let percent = percent_for(data, asked, usize::from(minimum));
        Self { index, last_index, first, data, parity: parity_of(data, percent), percent }
    }

    const fn is_codable(&self) -> bool {
        self.parity == 0 || self.data + self.parity <= MAX_SHARDS
    }
}

/// A frame that cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} packets: a frame must have 1 to {max}", max = MAX_BLOCKS * MAX_BLOCK_PACKETS)]
pub struct TooManyPackets(pub usize);

/// Parity packets as the client computes them.
fn parity_of(data: usize, percent: FecPercent) -> usize {
    (data * usize::from(percent.0)).div_ceil(100)
}

/// The percentage asked for, or the smallest one that gives the minimum. One
/// packet can have at most 3 parity packets: the field ends at 255.
fn percent_for(data: usize, asked: FecPercent, minimum: usize) -> FecPercent {
    if asked.0 == 0 || parity_of(data, asked) >= minimum {
        return asked;
    }
    // `floor` is what other hosts send; it gives the minimum up to 100 packets,
    // beyond that one percent more may be needed.
    let rounded_down = saturating_percent(100 * minimum / data);
    if parity_of(data, rounded_down) >= minimum { rounded_down } else { FecPercent(rounded_down.0.saturating_add(1)) }
}

fn saturating_percent(percent: usize) -> FecPercent {
    FecPercent(u8::try_from(percent).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(packets: usize, percent: u8, minimum: u8) -> Vec<FecBlock> {
        FecBlocks::split(packets, FecPercent(percent), minimum).unwrap().blocks().collect()
    }

    #[test]
    fn every_reachable_block_lets_the_client_find_the_parity_count() {
        for percent in 0..=255 {
            for minimum in [0, 1, 2, 3, 5, 10, 50, 255] {
                for data in 1..=255 {
                    let block = FecBlock::new(0, 0, 0, data, FecPercent(percent), minimum);
                    assert_eq!((data * usize::from(block.percent.0)).div_ceil(100), block.parity);
                    assert!(block.percent.0 >= percent, "never less than asked for");
                    let reachable = parity_of(data, FecPercent(255));
                    let wanted = if percent == 0 { 0 } else { usize::from(minimum).min(reachable) };
                    assert!(block.parity >= wanted, "{data} packets, {percent} %, at least {minimum}: {block:?}");
                }
            }
        }
    }

    #[test]
    fn every_frame_is_split_into_codable_blocks_without_a_gap() {
        for percent in [0, 1, 5, 10, 20, 50, 100, 200, 255] {
            for minimum in [0, 2, 20, 255] {
                for packets in (1..=1100).chain([2000, 4091, 4092]) {
                    let blocks = blocks(packets, percent, minimum);
                    assert!((1..=MAX_BLOCKS).contains(&blocks.len()));
                    let mut next = 0;
                    for (index, block) in blocks.iter().enumerate() {
                        assert_eq!((block.index, block.last_index, block.first), (index, blocks.len() - 1, next));
                        assert!(block.data >= 1 && block.data <= MAX_BLOCK_PACKETS && block.is_codable());
                        next += block.data;
                    }
                    assert_eq!(next, packets);
                }
            }
        }
    }

    #[test]
    fn usual_frames_are_split_as_other_hosts_do() {
        let one = blocks(212, 20, 2);
        assert_eq!((one.len(), one[0].parity), (1, 43));
        let two: Vec<_> = blocks(213, 20, 2).iter().map(|block| block.data).collect();
        assert_eq!(two, [107, 106]);
        let four: Vec<_> = blocks(4 * 212, 20, 2).iter().map(|block| (block.data, block.parity)).collect();
        assert_eq!(four, [(212, 43); 4]);
        let bare: Vec<_> = blocks(4 * 212 + 1, 20, 2).iter().map(|block| (block.data, block.parity)).collect();
        assert_eq!(bare, [(213, 0), (213, 0), (213, 0), (210, 0)]);
    }

    #[test]
    fn the_more_parity_the_smaller_the_frames_that_can_have_any() {
        for (percent, largest) in [(20, 848), (50, 680), (100, 508), (255, 284)] {
            assert!(blocks(largest, percent, 0).iter().all(|block| block.parity > 0), "{percent} %");
            assert!(blocks(largest + 1, percent, 0).iter().all(|block| block.parity == 0), "{percent} %");
        }
    }

    #[test]
    fn more_than_the_protocol_can_carry_is_refused() {
        assert_eq!(FecBlocks::split(4093, FecPercent(20), 2), Err(TooManyPackets(4093)));
        assert_eq!(FecBlocks::split(0, FecPercent(20), 2), Err(TooManyPackets(0)));
        assert_eq!(FecBlocks::split(4092, FecPercent(20), 2).unwrap().total_packets(), 4092);
    }
}
