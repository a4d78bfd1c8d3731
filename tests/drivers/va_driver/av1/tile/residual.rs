//! A residual's levels of 4x4 (AV1, 5.11.39 and 8.3.2).

use super::arithmetic::Arithmetic;
use super::probabilities::{Coefficients, Odds};

/// What of a residual those to the right and below depend on.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// There is one.
    pub(super) is_coded: bool,
    /// Of the first level: below zero, zero, above.
    pub(super) sign: i32,
}

/// `coeffs()` after `all_zero`: levels in rows, of which one at least is not nought.
pub(super) fn write(
    bits: &mut Arithmetic,
    odds: &mut Coefficients,
    levels: &[i32; 16],
    left: Left,
    above: Left,
) -> Left {
    let last = SCAN.iter().rposition(|&at| levels[at] != 0).unwrap_or(0);
    write_last(bits, odds, last);
    let mut known = [0; 16];
    for (index, &at) in SCAN[..=last].iter().enumerate().rev() {
        let magnitude = levels[at].unsigned_abs();
        if index == last {
            let odds = &mut odds.base_of_last[[0, 1, 1, 2, 2].get(index).copied().unwrap_or(3)];
            bits.symbol(odds, magnitude.min(3) as usize - 1);
        } else {
            bits.symbol(&mut odds.base[base_context(&known, at)], magnitude.min(3) as usize);
        }
        if magnitude > BASE {
            write_more(bits, &mut odds.more[more_context(&known, at)], magnitude - BASE - 1);
        }
        known[at] = magnitude.min(MOST + 1);
    }
    for &at in SCAN[..=last].iter().filter(|&&at| levels[at] != 0) {
        let is_negative = levels[at] < 0;
        if at == 0 {
            let context = match left.sign + above.sign {
                ..0 => 1,
                0 => 0,
                1.. => 2,
            };
            bits.decide(&mut odds.sign[context], is_negative);
        } else {
            bits.literal(is_negative.into(), 1);
        }
        if let Some(rest) = levels[at].unsigned_abs().checked_sub(MOST).filter(|rest| *rest > 0) {
            // As many zeros as bits follow the first one.
            let width = rest.ilog2();
            bits.literal(0, width);
            bits.literal(rest, width + 1);
        }
    }
    Left { is_coded: true, sign: levels[0].signum() }
}

/// `eob_pt_16`, and which one of its range it is.
fn write_last(bits: &mut Arithmetic, odds: &mut Coefficients, last: usize) {
    let range = last.checked_ilog2().map_or(0, |power| power as usize + 1);
    bits.symbol(&mut odds.last, range);
    if let Some(width) = range.checked_sub(2) {
        bits.decide(&mut odds.last_extra[width], last >> width & 1 == 1);
        let rest = u32::try_from(last & ((1 << width) - 1)).unwrap_or(0);
        bits.literal(rest, u32::try_from(width).unwrap_or(0));
    }
}

/// `coeff_br`, up to four times.
fn write_more(bits: &mut Arithmetic, odds: &mut Odds<3>, mut rest: u32) {
    for _ in 0..4 {
        let part = rest.min(3);
        bits.symbol(odds, part as usize);
        rest -= part;
        if part < 3 {
            break;
        }
    }
}

/// How large levels after this one are, each up to so much.
fn magnitude(known: &[u32; 16], at: usize, most: u32, offsets: &[(usize, usize)]) -> usize {
    let (row, column) = (at / 4, at % 4);
    let there = offsets.iter().map(|(down, right)| (row + down, column + right)).filter(|(y, x)| *y < 4 && *x < 4);
    (there.map(|(y, x)| known[y * 4 + x].min(most)).sum::<u32>() as usize).div_ceil(2)
}

fn base_context(known: &[u32; 16], at: usize) -> usize {
    let magnitude = magnitude(known, at, 3, &[(0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]).min(4);
    match (at / 4, at % 4) {
        (0, 0) => 0,
        (row, column) if row + column < 2 => 1 + magnitude,
        (row, column) if row + column < 4 => 6 + magnitude,
        _ => 21 + magnitude,
    }
}

fn more_context(known: &[u32; 16], at: usize) -> usize {
    let magnitude = magnitude(known, at, MOST + 1, &[(0, 1), (1, 0), (1, 1)]).min(6);
    match (at / 4, at % 4) {
        (0, 0) => magnitude,
        (0..2, 0..2) => magnitude + 7,
        _ => magnitude + 14,
    }
}

/// `Default_Scan_4x4`.
const SCAN: [usize; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

/// `NUM_BASE_LEVELS`.
const BASE: u32 = 2;

/// Levels above are coded in bits.
const MOST: u32 = 14;
