//! NAL units of H.264 (Annex B): where they are, and what kind.

use std::ops::Range;

/// A unit, start code included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) bytes: Range<usize>,
    kind: u8,
}

impl Unit {
    /// SPS or PPS.
    pub(crate) fn is_parameter_set(&self) -> bool {
        matches!(self.kind, 7 | 8)
    }

    fn is_slice(&self) -> bool {
        matches!(self.kind, 1 | 5)
    }
}

pub(crate) fn units(stream: &[u8]) -> Vec<Unit> {
    let codes: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, code)| *code == [0, 0, 1]).map(|(at, _)| at).collect();
    // A zero before belongs to the start code, not to the unit that ends there.
    let begin = |at: usize| if at > 0 && stream[at - 1] == 0 { at - 1 } else { at };
    let ends = codes.iter().skip(1).map(|&at| begin(at)).chain([stream.len()]);
    codes
        .iter()
        .zip(ends)
        .map(|(&at, end)| Unit { bytes: begin(at)..end, kind: stream.get(at + 3).map_or(0, |byte| byte & 0x1f) })
        .collect()
}

/// Where the slices begin.
pub(crate) fn slices(stream: &[u8]) -> Vec<u32> {
    let slices = units(stream).into_iter().filter(Unit::is_slice);
    slices.map(|unit| u32::try_from(unit.bytes.start).unwrap_or(0)).collect()
}

/// Where the first unit begins whose header is a picture's; the end if there is none.
pub(crate) fn picture(stream: &[u8], is_picture: impl Fn(u8) -> bool) -> usize {
    let header = |unit: &Unit| {
        stream[unit.bytes.clone()].iter().position(|&byte| byte == 1).map(|one| unit.bytes.start + one + 1)
    };
    let found = units(stream)
        .into_iter()
        .find(|unit| header(unit).and_then(|at| stream.get(at)).is_some_and(|&byte| is_picture(byte)));
    found.map_or(stream.len(), |unit| unit.bytes.start)
}

/// The units that are parameter sets, or those that are not.
pub(crate) fn only(stream: &[u8], parameter_sets: bool) -> Vec<u8> {
    let wanted = units(stream).into_iter().filter(|unit| unit.is_parameter_set() == parameter_sets);
    wanted.flat_map(|unit| stream[unit.bytes].iter().copied()).collect()
}
