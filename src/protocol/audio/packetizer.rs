//! Makes the datagrams of one sound stream.

use super::fec_window::FecWindow;
use super::packet_header::{DATA_HEADER_LEN, DataHeader, PARITY_HEADER_LEN, ParityHeader};
use super::sealer::AudioSealer;
use crate::protocol::fec::matrix::{AUDIO_DATA, AUDIO_PARITY};
use crate::protocol::secret::SessionKey;

/// What a stream has negotiated, and where its counter stands.
#[derive(Debug, Clone)]
pub struct AudioPacketizerConfig {
    /// Milliseconds of sound in each Opus packet.
    pub packet_duration_ms: u8,
    /// Seals every packet if given.
    pub seal: Option<AudioSealConfig>,
    /// Packets sent on this connection so far: its low 16 bits are the next RTP
    /// sequence. Rounded up to a whole FEC block.
    pub first_sequence: u64,
}

/// How packets are sealed.
#[derive(Debug, Clone)]
pub struct AudioSealConfig {
    /// Key of the connection.
    pub key: SessionKey,
    /// `rikeyid` as an unsigned number.
    pub rikeyid: u32,
}

/// Puts Opus packets into datagrams.
#[derive(Debug)]
pub struct AudioPacketizer {
    duration_ms: u64,
    sealer: Option<AudioSealer>,
    window: FecWindow,
    next: u64,
}

impl AudioPacketizer {
    /// For one stream. A worker that takes over in the middle of an FEC block
    /// leaves the rest of it out: the client conceals up to three packets, and
    /// all later blocks are aligned as it demands.
    #[must_use]
    pub fn new(config: &AudioPacketizerConfig) -> Self {
        Self {
            duration_ms: config.packet_duration_ms.into(),
            sealer: config.seal.as_ref().map(|seal| AudioSealer::new(seal.key.clone(), seal.rikeyid)),
            window: FecWindow::new(),
            next: config.first_sequence.next_multiple_of(PACKETS_PER_BLOCK),
        }
    }

    /// Replaces what is in `out` by the datagram of `opus`, and after every fourth
    /// by that and the two parity datagrams.
    ///
    /// # Errors
    /// [`AudioPushError`]; `out` is empty then and no sequence was used up.
    pub fn push(&mut self, opus: &[u8], out: &mut AudioDatagrams) -> Result<(), AudioPushError> {
        out.clear();
        let len = self.payload_len(opus.len());
        if len > MAX_PAYLOAD {
            return Err(AudioPushError::TooLarge { len });
        }
        if let Some(required) = self.window.required_len().filter(|&required| required != len) {
            return Err(AudioPushError::LengthChanged { len, required });
        }
        self.write(opus, len, out);
        Ok(())
    }

    /// Packets sent on this connection so far; what a successor goes on from.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.next
    }

    fn write(&mut self, opus: &[u8], len: usize, out: &mut AudioDatagrams) {
        let (sequence, timestamp_ms) = (low_16(self.next), self.timestamp_of(self.next));
        let payload = out.append(&DataHeader { sequence, timestamp_ms }.to_bytes(), len);
        match &self.sealer {
            Some(sealer) => sealer.seal(sequence, opus, payload),
            None => payload.copy_from_slice(opus),
        }
        let base = self.next - self.next % PACKETS_PER_BLOCK;
        let (base_sequence, base_timestamp_ms) = (low_16(base), self.timestamp_of(base));
        self.next += 1;
        if let Some(parity) = self.window.push(payload) {
            for (index, parity) in (0..).zip(parity) {
                let header = ParityHeader { index, base_sequence, base_timestamp_ms };
                out.append(&header.to_bytes(), len).copy_from_slice(parity);
            }
        }
    }

    const fn payload_len(&self, opus_len: usize) -> usize {
        if self.sealer.is_some() { AudioSealer::sealed_len(opus_len) } else { opus_len }
    }

    fn timestamp_of(&self, packet: u64) -> u32 {
        low_32(packet.wrapping_mul(self.duration_ms))
    }
}

/// Why an Opus packet cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AudioPushError {
    /// It does not fit a datagram.
    #[error("a payload of {len} bytes; a datagram holds at most {MAX_PAYLOAD}")]
    TooLarge {
        /// Bytes of the payload, sealed if it would be.
        len: usize,
    },
    /// Its length differs within an FEC block: the encoder is not in hard CBR mode.
    #[error("a payload of {len} bytes in an FEC block of payloads of {required} bytes")]
    LengthChanged {
        /// Bytes of the payload, sealed if it would be.
        len: usize,
        /// Bytes of the others of the block.
        required: usize,
    },
}

/// One to three datagrams in sending order. Reused, so that nothing is
/// allocated per packet.
#[derive(Debug, Default)]
pub struct AudioDatagrams {
    bytes: Vec<u8>,
    ends: [usize; 1 + AUDIO_PARITY],
    count: usize,
}

impl AudioDatagrams {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), ends: [0; 1 + AUDIO_PARITY], count: 0 }
    }

    /// The datagrams in sending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.count).map(|index| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.bytes[start..self.ends[index]]
        })
    }

    /// Datagrams.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// There are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Adds a datagram and returns its zeroed payload.
    fn append(&mut self, header: &[u8], payload_len: usize) -> &mut [u8] {
        self.bytes.extend_from_slice(header);
        let start = self.bytes.len();
        self.bytes.resize(start + payload_len, 0);
        self.ends[self.count] = self.bytes.len();
        self.count += 1;
        &mut self.bytes[start..]
    }
}

/// Bytes of an audio datagram at most (moonlight-common-c `AudioStream.c`,
/// `MAX_PACKET_SIZE`).
const MAX_DATAGRAM: usize = 1400;

/// Bytes of a payload at most: parity has the longer header.
const MAX_PAYLOAD: usize = MAX_DATAGRAM - PARITY_HEADER_LEN;
const _: () = assert!(DATA_HEADER_LEN <= PARITY_HEADER_LEN);

const PACKETS_PER_BLOCK: u64 = AUDIO_DATA as u64;

fn low_16(count: u64) -> u16 {
    let [low, high, ..] = count.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn low_32(count: u64) -> u32 {
    let [a, b, c, d, ..] = count.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::bytes::Reader;

    fn packetizer(first_sequence: u64) -> AudioPacketizer {
        AudioPacketizer::new(&AudioPacketizerConfig { packet_duration_ms: 5, seal: None, first_sequence })
    }

    fn data_header(datagram: &[u8]) -> DataHeader {
        DataHeader::read(&mut Reader::new(datagram)).unwrap().unwrap()
    }

    #[test]
    fn every_fourth_packet_brings_two_of_parity() {
        let (mut packetizer, mut out) = (packetizer(0), AudioDatagrams::new());
        let counts: Vec<_> = (0..8u8)
            .map(|byte| {
                packetizer.push(&[byte; 60], &mut out).unwrap();
                out.len()
            })
            .collect();
        assert_eq!(counts, [1, 1, 1, 3, 1, 1, 1, 3]);
        let parity: Vec<_> = out.iter().skip(1).map(|parity| ParityHeader::read(&mut Reader::new(parity))).collect();
        let header = |index| Ok(Some(ParityHeader { index, base_sequence: 4, base_timestamp_ms: 20 }));
        assert_eq!(parity, [header(0), header(1)]);
    }

    #[test]
    fn time_goes_on_when_the_sequence_wraps() {
        let (mut packetizer, mut out) = (packetizer(65_532), AudioDatagrams::new());
        let headers: Vec<_> = (0..6)
            .map(|_| {
                packetizer.push(&[1; 60], &mut out).unwrap();
                data_header(out.iter().next().unwrap())
            })
            .collect();
        assert_eq!(headers[3], DataHeader { sequence: 65_535, timestamp_ms: 327_675 });
        assert_eq!(headers[4], DataHeader { sequence: 0, timestamp_ms: 327_680 });
        assert_eq!(packetizer.next_sequence(), 65_538);
    }

    #[test]
    fn a_successor_begins_with_a_whole_block() {
        for (stored, begun) in [(0, 0), (1, 4), (4, 4), (6, 8), (65_535, 0)] {
            let (mut packetizer, mut out) = (packetizer(stored), AudioDatagrams::new());
            packetizer.push(&[1; 60], &mut out).unwrap();
            assert_eq!(data_header(out.iter().next().unwrap()).sequence, begun);
        }
    }

    #[test]
    fn payloads_the_client_would_choke_on_are_refused() {
        let (mut packetizer, mut out) = (packetizer(0), AudioDatagrams::new());
        let refused = packetizer.push(&[0; 1377], &mut out);
        assert_eq!(refused, Err(AudioPushError::TooLarge { len: 1377 }));
        packetizer.push(&[0; 1376], &mut out).unwrap();
        let refused = packetizer.push(&[0; 60], &mut out);
        assert_eq!(refused, Err(AudioPushError::LengthChanged { len: 60, required: 1376 }));
        assert!(out.is_empty());
        assert_eq!(packetizer.next_sequence(), 1);
    }
}
