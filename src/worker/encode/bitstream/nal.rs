//! NAL units in a byte stream (Annex B of ITU-T H.264 and H.265).

use super::writer::BitWriter;

/// The beginning of a stream's unit, or all of it: start code, header and payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed {
    /// With emulation prevention; the last byte is filled up with zeros.
    pub bytes: Vec<u8>,
    /// Bits that count.
    pub bits: usize,
}

impl Packed {
    /// Appends another unit to one that ends at a whole byte.
    pub fn append(&mut self, other: &Self) {
        debug_assert!(self.bits.is_multiple_of(8), "units end at whole bytes");
        self.bytes.extend_from_slice(&other.bytes);
        self.bits += other.bits;
    }
}

/// A unit of a header and a payload, or of as much of that as was written.
#[must_use]
pub fn unit(header: &[u8], payload: &BitWriter) -> Packed {
    let mut bytes = vec![0, 0, 0, 1];
    bytes.extend_from_slice(header);
    let mut zeros = 0;
    for &byte in payload.bytes() {
        // 7.4.1: two zeros are not followed by 0, 1, 2 or 3.
        if zeros == 2 && byte <= 3 {
            bytes.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        bytes.push(byte);
    }
    let filled = payload.bytes().len() * 8 - payload.bits();
    let bits = bytes.len() * 8 - filled;
    Packed { bytes, bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_do_not_occur_in_a_payload() {
        let mut payload = BitWriter::default();
        for byte in [0, 0, 1, 0, 0, 0, 0, 3, 9, 0, 0, 4] {
            payload.put(byte, 8);
        }
        payload.put(1, 3);
        let unit = unit(&[0x67], &payload);
        assert_eq!(unit.bytes, [0, 0, 0, 1, 0x67, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 9, 0, 0, 4, 0x20]);
        assert_eq!(unit.bits, 20 * 8 + 3);
    }
}
