//! Open bitstream units (AV1, 5.3), whose size is said in four bytes.

use crate::driver::{Result, require, require_equal};
use crate::nal::Unit;

/// The only unit of a packed header.
pub(super) fn units(bytes: &[u8], bits: usize) -> Result<Vec<Unit>> {
    require(bytes.len() > BEFORE && bits == bytes.len() * 8, || format!("{bits} bits in {} bytes", bytes.len()))?;
    require_equal("obu_has_size_field, and no extension", bytes[0] & 0b1000_0111, 0b10)?;
    let continues = bytes[1..BEFORE].iter().map(|byte| byte >> 7).collect::<Vec<_>>();
    require_equal("bytes of obu_size", continues, vec![1, 1, 1, 0])?;
    let size = bytes[1..BEFORE].iter().rev().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
    require_equal("obu_size", size, bytes.len() - BEFORE)?;
    let payload = bytes[BEFORE..].to_vec();
    Ok(vec![Unit { header: vec![bytes[0]], bits: payload.len() * 8, payload }])
}

/// A whole unit of a stream.
pub(super) fn with_size(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind << 3 | 2];
    for group in 0..4 {
        let more = if group < 3 { 0x80 } else { 0 };
        bytes.push(u8::try_from(payload.len() >> (7 * group) & 0x7f).unwrap_or(0) | more);
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// Bits of a unit's payload before the one that ends it.
pub(super) fn end(unit: &Unit) -> usize {
    let filled = unit.payload.last().map_or(0, |byte| byte.trailing_zeros() as usize + 1);
    unit.payload.len() * 8 - filled
}

/// `obu_type`.
pub(super) const fn kind(unit: &Unit) -> u8 {
    unit.header.as_slice()[0] >> 3
}

pub(super) const SEQUENCE: u8 = 1;
pub(super) const FRAME_HEADER: u8 = 3;
pub(super) const TILE_GROUP: u8 = 4;

/// Bytes before the payload.
pub(super) const BEFORE: usize = 5;
