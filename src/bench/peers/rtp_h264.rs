//! H.264 out of RTP as other programs send it (RFC 6184, packetization modes 0 and 1):
//! single NAL units, STAP-A and FU-A, to access units in Annex B.

use crate::protocol::bytes::Reader;

/// Puts access units together from packets in their order.
#[derive(Debug, Default)]
pub struct Depacketizer {
    unit: Vec<u8>,
    next_sequence: Option<u16>,
    /// A packet of the open access unit is missing, or made no sense.
    broken: bool,
    lost: u64,
}

impl Depacketizer {
    /// Takes a packet; the access unit that it ends, if it ends one and all of it came.
    pub fn handle_packet(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let Some((sequence, marker, payload)) = read(packet) else {
            self.broken = true;
            return None;
        };
        let missing = self.next_sequence.map_or(0, |next| sequence.wrapping_sub(next));
        self.next_sequence = Some(sequence.wrapping_add(1));
        if missing != 0 {
            self.lost += u64::from(missing);
            self.broken = true;
        }
        self.broken |= self.add(payload).is_none();
        if !marker {
            return None;
        }
        let unit = std::mem::take(&mut self.unit);
        (!std::mem::take(&mut self.broken) && !unit.is_empty()).then_some(unit)
    }

    /// Packets that did not come.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    fn add(&mut self, payload: &[u8]) -> Option<()> {
        let header = *payload.first()?;
        match header & TYPE {
            1..=23 => self.add_nal(payload),
            STAP_A => {
                let mut reader = Reader::new(&payload[1..]);
                while !reader.rest().is_empty() {
                    let length = reader.u16_be().ok()?;
                    self.add_nal(reader.take(length.into()).ok()?);
                }
            }
            FU_A => {
                let fragment = *payload.get(1)?;
                if fragment & FIRST != 0 {
                    self.add_nal(&[header & !TYPE | fragment & TYPE]);
                }
                self.unit.extend_from_slice(&payload[2..]);
            }
            _ => return None,
        }
        Some(())
    }

    fn add_nal(&mut self, nal: &[u8]) {
        self.unit.extend_from_slice(&[0, 0, 0, 1]);
        self.unit.extend_from_slice(nal);
    }
}

/// Sequence, marker and payload of an RTP packet (RFC 3550, 5.1).
fn read(packet: &[u8]) -> Option<(u16, bool, &[u8])> {
    let mut reader = Reader::new(packet);
    let [first, second] = reader.array().ok()?;
    let sequence = reader.u16_be().ok()?;
    // Time and source.
    reader.take(8).ok()?;
    reader.take(usize::from(first & 0x0F) * 4).ok()?;
    if first & EXTENSION != 0 {
        reader.take(2).ok()?;
        let words = reader.u16_be().ok()?;
        reader.take(usize::from(words) * 4).ok()?;
    }
    let mut payload = reader.rest();
    if first & PADDING != 0 {
        let padding = usize::from(*payload.last()?);
        payload = payload.get(..payload.len().checked_sub(padding)?)?;
    }
    (first >> 6 == 2).then_some((sequence, second & MARKER != 0, payload))
}

const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const MARKER: u8 = 0x80;
/// Of a NAL unit's header, and of a fragment's.
const TYPE: u8 = 31;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// The fragment is the first of its NAL unit.
const FIRST: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, marker: bool, payload: &[u8]) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        let mut packet = vec![0x80, if marker { 0xE0 } else { 0x60 }, high, low, 0, 0, 0, 9, 1, 2, 3, 4];
        packet.extend_from_slice(payload);
        packet
    }

    #[test]
    fn an_access_unit_of_all_kinds_of_packets_is_put_together() {
        let mut depacketizer = Depacketizer::default();
        let parts: [&[u8]; 5] = [
            &[STAP_A, 0, 2, 0x67, 1, 0, 3, 0x68, 2, 3],
            &[0x06, 9],
            &[0x60 | FU_A, FIRST | 5, 4, 5],
            &[0x60 | FU_A, 5, 6],
            &[0x60 | FU_A, 0x40 | 5, 7],
        ];
        let units: Vec<_> = (65_534_u16..=u16::MAX)
            .chain(0..)
            .zip(parts)
            .enumerate()
            .map(|(at, (sequence, part))| depacketizer.handle_packet(&packet(sequence, at == 4, part)))
            .collect();
        assert!(units[..4].iter().all(Option::is_none));
        let wanted = [
            &[0, 0, 0, 1, 0x67, 1][..],
            &[0, 0, 0, 1, 0x68, 2, 3],
            &[0, 0, 0, 1, 0x06, 9],
            &[0, 0, 0, 1, 0x65, 4, 5, 6, 7],
        ];
        assert_eq!(units[4].as_deref(), Some(wanted.concat().as_slice()));
        assert_eq!(depacketizer.lost(), 0);
    }

    #[test]
    fn what_lacks_a_packet_is_not_given_out() {
        let mut depacketizer = Depacketizer::default();
        assert_eq!(depacketizer.handle_packet(&packet(1, false, &[0x61, 1])), None);
        assert_eq!(depacketizer.handle_packet(&packet(4, true, &[0x61, 1])), None);
        assert_eq!(depacketizer.lost(), 2);
        assert!(depacketizer.handle_packet(&packet(5, true, &[0x61, 1])).is_some(), "the next one is whole");
    }

    #[test]
    fn junk_does_no_harm() {
        let mut depacketizer = Depacketizer::default();
        for junk in [
            &b""[..],
            &[0x80; 11],
            &packet(0, true, &[]),
            &packet(1, true, &[FU_A]),
            &packet(2, true, &[31]),
            &[0xFF; 40],
        ] {
            assert_eq!(depacketizer.handle_packet(junk), None, "{junk:?}");
        }
    }
}
