//! A block's residual of 4x4 (ITU-T H.265, 7.3.8.11 and 9.3.3.11).

use super::contexts::Contexts;
use crate::arithmetic::{Arithmetic, Context};
use crate::bits::Writer;

/// Where bins go.
pub(super) struct Bins<'a> {
    pub(super) bits: &'a mut Writer,
    pub(super) arithmetic: Arithmetic,
}

impl Bins<'_> {
    pub(super) fn decide(&mut self, context: &mut Context, bin: bool) {
        self.arithmetic.decision(self.bits, context, bin);
    }

    pub(super) fn bypass(&mut self, value: u32, width: u32) {
        for bit in (0..width).rev() {
            self.arithmetic.bypass(self.bits, value >> bit & 1 == 1);
        }
    }

    /// Ones, and a nought.
    fn ones(&mut self, count: u32) {
        (0..count).for_each(|_| self.bypass(1, 1));
        self.bypass(0, 1);
    }

    /// EGk (9.3.3.5).
    pub(super) fn exponential(&mut self, mut value: u32, mut order: u32) {
        while value >= 1 << order {
            self.bypass(1, 1);
            value -= 1 << order;
            order += 1;
        }
        self.bypass(0, 1);
        self.bypass(value, order);
    }
}

/// Levels in rows, of which one at least is not nought. `is_left` leaves the transform
/// out.
pub(super) fn write(bins: &mut Bins<'_>, contexts: &mut Contexts, levels: &[i32; 16], is_luma: bool, is_left: bool) {
    let chroma = usize::from(!is_luma);
    bins.decide(&mut contexts.leave_transform[chroma], is_left);
    let scanned: Vec<i32> = SCAN.iter().map(|&(x, y)| levels[y * 4 + x]).collect();
    let last = scanned.iter().rposition(|&level| level != 0).unwrap_or(0);
    let (x, y) = SCAN[last];
    write_last(bins, &mut contexts.last_x[chroma * 15..], x);
    write_last(bins, &mut contexts.last_y[chroma * 15..], y);
    for at in (0..last).rev() {
        let (x, y) = SCAN[at];
        let context = &mut contexts.significant[chroma * 27 + NEIGHBOURHOOD[y * 4 + x]];
        bins.decide(context, scanned[at] != 0);
    }
    let values: Vec<i32> = scanned[..=last].iter().rev().copied().filter(|&level| level != 0).collect();
    write_values(bins, contexts, &values, chroma);
}

/// A coordinate of the last: ones up to it, of at most three.
fn write_last(bins: &mut Bins<'_>, contexts: &mut [Context], at: usize) {
    for (index, context) in contexts.iter_mut().enumerate().take((at + 1).min(3)) {
        bins.decide(context, index < at);
    }
}

/// What is not nought, last first.
fn write_values(bins: &mut Bins<'_>, contexts: &mut Contexts, values: &[i32], chroma: usize) {
    let (mut state, mut first_greater) = (1, None);
    for (at, value) in values.iter().enumerate().take(8) {
        let is_greater = value.unsigned_abs() > 1;
        bins.decide(&mut contexts.greater_one[chroma * 16 + state], is_greater);
        if is_greater {
            state = 0;
            first_greater = first_greater.or(Some(at));
        } else if state > 0 {
            state = (state + 1).min(3);
        }
    }
    if let Some(at) = first_greater {
        bins.decide(&mut contexts.greater_two[chroma * 4], values[at].unsigned_abs() > 2);
    }
    for value in values {
        bins.bypass(u32::from(*value < 0), 1);
    }
    let mut rice = 0;
    for (at, value) in values.iter().enumerate() {
        // What the flags said up to now.
        let said = match first_greater {
            _ if at >= 8 => 1,
            Some(first) if at == first => 3,
            Some(_) | None => 2,
        };
        let magnitude = value.unsigned_abs();
        if magnitude >= said {
            write_rest(bins, magnitude - said, rice);
            if magnitude > 3 << rice {
                rice = (rice + 1).min(4);
            }
        }
    }
}

/// `coeff_abs_level_remaining`.
fn write_rest(bins: &mut Bins<'_>, rest: u32, rice: u32) {
    if rest < 4 << rice {
        bins.ones(rest >> rice);
        bins.bypass(rest & ((1 << rice) - 1), rice);
    } else {
        bins.bypass(0xf, 4);
        bins.exponential(rest - (4 << rice), rice + 1);
    }
}

/// 6.5.3.
const SCAN: [(usize, usize); 16] = [
    (0, 0),
    (0, 1),
    (1, 0),
    (0, 2),
    (1, 1),
    (2, 0),
    (0, 3),
    (1, 2),
    (2, 1),
    (3, 0),
    (1, 3),
    (2, 2),
    (3, 1),
    (2, 3),
    (3, 2),
    (3, 3),
];

/// `ctxIdxMap`, table 9-50.
const NEIGHBOURHOOD: [usize; 16] = [0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8];
