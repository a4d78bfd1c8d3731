//! NAL units: with start codes and emulation prevention, and without.

use crate::driver::{Result, require};

/// A unit without start code and emulation prevention.
pub(crate) struct Unit {
    /// One byte in H.264, two in HEVC.
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// Bits of the payload that count.
    pub(crate) bits: usize,
}

/// The units of a packed header of `bits` bits, which begin with so many bytes.
pub(crate) fn units(bytes: &[u8], bits: usize, header: usize) -> Result<Vec<Unit>> {
    require(bits > 0 && bits.div_ceil(8) == bytes.len(), || format!("{bits} bits in {} bytes", bytes.len()))?;
    let filled = bytes.len() * 8 - bits;
    let starts: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&[0, 0, 1])).collect();
    let begins_well = starts.first().is_some_and(|&start| bytes[..start].iter().all(|byte| *byte == 0) && start <= 1);
    require(begins_well, || "a packed header does not begin with a start code".to_owned())?;
    let mut units = Vec::new();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(bytes.len(), |&next| if bytes[next - 1] == 0 { next - 1 } else { next });
        let unit = &bytes[start + 3..end];
        require(unit.len() > header, || "an empty unit".to_owned())?;
        let payload = unescape(&unit[header..])?;
        let filled = if end == bytes.len() { filled } else { 0 };
        units.push(Unit { header: unit[..header].to_vec(), bits: payload.len() * 8 - filled, payload });
    }
    Ok(units)
}

fn unescape(bytes: &[u8]) -> Result<Vec<u8>> {
    let (mut plain, mut zeros) = (Vec::with_capacity(bytes.len()), 0);
    for &byte in bytes {
        if zeros == 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        require(zeros < 2 || byte > 3, || "emulation prevention is missing".to_owned())?;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    Ok(plain)
}

/// A whole unit of a stream.
pub(crate) fn escape(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + payload.len() / 64 + 8);
    bytes.extend_from_slice(&[0, 0, 0, 1]);
    bytes.extend_from_slice(header);
    let mut zeros = 0;
    for &byte in payload {
        if zeros == 2 && byte <= 3 {
            bytes.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        bytes.push(byte);
    }
    bytes
}
