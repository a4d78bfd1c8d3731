//! Audio datagrams back to Opus packets, in blocks of four.
//!
//! As the real client does it (moonlight-common-c `RtpAudioQueue.c`): a block is
//! given up when a later one has begun and it is not whole, parity stands in for
//! up to two packets, and what is then missing is the decoder's to conceal. For
//! the load generator.

use std::collections::VecDeque;

use crate::protocol::audio::packet_header::{DataHeader, ParityHeader};
use crate::protocol::audio::sealer::AudioSealer;
use crate::protocol::bytes::Reader;
use crate::protocol::fec::decode::repair;
use crate::protocol::fec::kernels::Stripe;
use crate::protocol::fec::matrix::{AUDIO_DATA, AUDIO_PARITY, Matrix};

/// Puts the blocks of one sound stream together.
#[derive(Debug)]
pub struct AudioAssembler {
    matrix: Matrix,
    sealer: Option<AudioSealer>,
    /// Open blocks in order, two at most.
    open: VecDeque<Block>,
    /// First sequence of the newest block there was.
    newest: Option<u16>,
    counts: AudioCounts,
}

/// What came of the sound so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioCounts {
    /// Opus packets that came.
    pub packets: u64,
    /// Opus packets that parity gave back.
    pub repaired: u64,
    /// Opus packets that are lost.
    pub lost: u64,
    /// Opus packets that did not decrypt.
    pub undecryptable: u64,
    /// Parity packets that came.
    pub parity: u64,
    /// Datagrams that came too late or made no sense.
    pub ignored: u64,
}

#[derive(Debug)]
struct Block {
    base: u16,
    shards: [Option<Vec<u8>>; AUDIO_DATA + AUDIO_PARITY],
    /// All four are there: whatever else comes is surplus.
    whole: bool,
}

impl AudioAssembler {
    /// For sealed packets with a sealer of the connection's key.
    #[must_use]
    pub fn new(sealer: Option<AudioSealer>) -> Self {
        Self { matrix: Matrix::audio(), sealer, open: VecDeque::new(), newest: None, counts: AudioCounts::default() }
    }

    /// Takes a datagram.
    pub fn handle_packet(&mut self, datagram: &[u8]) {
        let taken = self.take_data(datagram).or_else(|| self.take_parity(datagram));
        if taken.is_none() {
            self.counts.ignored += 1;
        }
    }

    /// What came of it so far; packets of open blocks that have not come are not
    /// lost yet.
    #[must_use]
    pub const fn counts(&self) -> AudioCounts {
        self.counts
    }

    fn take_data(&mut self, datagram: &[u8]) -> Option<()> {
        let mut reader = Reader::new(datagram);
        let header = DataHeader::read(&mut reader).ok()??;
        let place = header.sequence % PACKETS;
        let payload = reader.rest();
        self.put(header.sequence - place, usize::from(place), payload)?;
        self.counts.packets += 1;
        if self.sealer.as_ref().is_some_and(|sealer| sealer.open(header.sequence, payload).is_none()) {
            self.counts.undecryptable += 1;
        }
        Some(())
    }

    fn take_parity(&mut self, datagram: &[u8]) -> Option<()> {
        let mut reader = Reader::new(datagram);
        let header = ParityHeader::read(&mut reader).ok()??;
        let index = usize::from(header.index);
        if index >= AUDIO_PARITY || header.base_sequence % PACKETS != 0 {
            return None;
        }
        self.put(header.base_sequence, AUDIO_DATA + index, reader.rest())?;
        self.counts.parity += 1;
        Some(())
    }

    /// Puts a shard into its block; `None` if it is there or the block is over.
    fn put(&mut self, base: u16, place: usize, payload: &[u8]) -> Option<()> {
        self.reach(base);
        let block = self.open.iter_mut().find(|block| block.base == base)?;
        let free = block.shards.get_mut(place).filter(|shard| shard.is_none())?;
        *free = Some(payload.to_vec());
        if !block.whole {
            self.counts.repaired += block.complete(&self.matrix, self.sealer.as_ref(), &mut self.counts.undecryptable);
        }
        Some(())
    }

    /// Opens blocks up to this one, and closes those before the last two.
    fn reach(&mut self, base: u16) {
        let Some(newest) = self.newest else {
            self.begin(base);
            return;
        };
        let ahead = base.wrapping_sub(newest);
        if ahead == 0 || ahead >= 0x8000 {
            return;
        }
        if ahead / PACKETS > MOST_MISSED_BLOCKS {
            // A sender that went on elsewhere: nothing between was ever sent.
            self.open.clear();
            self.begin(base);
            return;
        }
        for step in 1..=ahead / PACKETS {
            self.begin(newest.wrapping_add(step * PACKETS));
        }
        while self.open.len() > OPEN_BLOCKS {
            let missing = self.open.pop_front().map_or(0, |block| block.missing());
            self.counts.lost += missing;
        }
    }

    fn begin(&mut self, base: u16) {
        self.newest = Some(base);
        self.open.push_back(Block { base, shards: Default::default(), whole: false });
    }
}

impl Block {
    fn missing(&self) -> u64 {
        if self.whole { 0 } else { self.shards[..AUDIO_DATA].iter().filter(|shard| shard.is_none()).count() as u64 }
    }

    /// Repairs if there is enough; returns how many packets that gave back.
    fn complete(&mut self, matrix: &Matrix, sealer: Option<&AudioSealer>, undecryptable: &mut u64) -> u64 {
        if self.shards.iter().flatten().count() < AUDIO_DATA {
            return 0;
        }
        let missing = self.missing();
        if missing == 0 {
            self.whole = true;
            return 0;
        }
        let len = self.shards.iter().flatten().next().map_or(0, Vec::len);
        if len == 0 || self.shards.iter().flatten().any(|shard| shard.len() != len) {
            return 0;
        }
        let present = self.shards.each_ref().map(Option::is_some);
        let mut bytes = vec![0; len * self.shards.len()];
        for (room, shard) in bytes.chunks_exact_mut(len).zip(&self.shards) {
            if let Some(shard) = shard {
                room.copy_from_slice(shard);
            }
        }
        if repair(matrix, &mut bytes, &present, Stripe { stride: len, offset: 0, len }).is_err() {
            return 0;
        }
        self.whole = true;
        for (sequence, (shard, there)) in (self.base..).zip(bytes.chunks_exact(len).zip(present).take(AUDIO_DATA)) {
            if !there && sealer.is_some_and(|sealer| sealer.open(sequence, shard).is_none()) {
                *undecryptable += 1;
            }
        }
        missing
    }
}

/// Packets of a block, as sequence numbers count.
const PACKETS: u16 = 4;

/// The block that is being sent, and the one before, whose parity may be late.
const OPEN_BLOCKS: usize = 2;

/// A gap above this many blocks (4 s at 5 ms) is no loss but a jump.
const MOST_MISSED_BLOCKS: u16 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::audio::packetizer::{AudioDatagrams, AudioPacketizer, AudioPacketizerConfig, AudioSealConfig};
    use crate::protocol::secret::SessionKey;

    /// The datagrams of so many Opus packets from this sequence on.
    fn datagrams(packets: usize, first_sequence: u64, sealed: bool) -> Vec<Vec<u8>> {
        let seal = sealed.then(|| AudioSealConfig { key: SessionKey::new([7; 16]), rikeyid: 9 });
        let config = AudioPacketizerConfig { packet_duration_ms: 5, seal, first_sequence };
        let mut packetizer = AudioPacketizer::new(&config);
        let mut out = AudioDatagrams::new();
        (0..packets)
            .flat_map(|packet| {
                packetizer.push(&[packet.to_le_bytes()[0]; 40], &mut out).unwrap();
                out.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
            .collect()
    }

    fn sealer() -> AudioSealer {
        AudioSealer::new(SessionKey::new([7; 16]), 9)
    }

    #[test]
    fn nothing_is_missed_on_a_good_network_even_when_sequences_wrap() {
        for sealed in [false, true] {
            let mut assembler = AudioAssembler::new(sealed.then(sealer));
            datagrams(40, 65_528, sealed).iter().for_each(|datagram| assembler.handle_packet(datagram));
            let expected = AudioCounts { packets: 40, parity: 20, ..AudioCounts::default() };
            assert_eq!(assembler.counts(), expected);
        }
    }

    #[test]
    fn two_of_a_block_are_given_back_and_three_are_lost() {
        let mut assembler = AudioAssembler::new(Some(sealer()));
        let all = datagrams(16, 0, true);
        // Six datagrams a block: two lost from the first, three from the second.
        let lost = [0, 3, 6, 7, 8];
        let kept = all.iter().enumerate().filter(|(at, _)| !lost.contains(at));
        kept.for_each(|(_, datagram)| assembler.handle_packet(datagram));
        let expected = AudioCounts { packets: 11, repaired: 2, lost: 3, parity: 8, ..AudioCounts::default() };
        assert_eq!(assembler.counts(), expected);
    }

    #[test]
    fn another_key_is_noticed_and_a_jump_is_no_loss() {
        let mut assembler = AudioAssembler::new(Some(AudioSealer::new(SessionKey::new([8; 16]), 9)));
        datagrams(4, 0, true).iter().for_each(|datagram| assembler.handle_packet(datagram));
        assert!(assembler.counts().undecryptable >= 3, "{:?}", assembler.counts());
        datagrams(4, 20_000, true).iter().for_each(|datagram| assembler.handle_packet(datagram));
        assert_eq!((assembler.counts().packets, assembler.counts().lost), (8, 0));
    }

    #[test]
    fn late_doubled_and_foreign_datagrams_are_ignored() {
        let mut assembler = AudioAssembler::new(None);
        let all = datagrams(16, 0, false);
        all.iter().chain(&all[..6]).for_each(|datagram| assembler.handle_packet(datagram));
        for junk in [&b""[..], &[0x80; 11], &[0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]] {
            assembler.handle_packet(junk);
        }
        assert_eq!(assembler.counts().ignored, 6 + 3);
        assert_eq!(assembler.counts().packets, 16);
    }
}
