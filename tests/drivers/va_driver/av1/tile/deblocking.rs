//! Edges of blocks, smoothed as a decoder does it (AV1, 7.14): those of 4x4, and of blocks
//! of 8x8 that are still. Larger ones there are not, where edges are smoothed.

use super::Tile;
use super::marks::{Marks, Place};
use crate::plane::Plane;

/// Smooths a whole frame: all edges between columns, then all between rows.
pub(super) fn smooth(tile: &Tile, marks: &Marks, planes: &mut [Plane; 3]) {
    let [columns, rows, first, second] = tile.filter_levels;
    let levels = [[columns, rows], [first; 2], [second; 2]];
    for (index, plane) in planes.iter_mut().enumerate() {
        for (pass, level) in levels[index].into_iter().enumerate().filter(|(_, level)| *level > 0) {
            let mut edges = Edges { tile, plane, strength: Strength::of(level.into(), tile.depth), across: pass == 0 };
            edges.smooth(marks, index > 0);
        }
    }
}

/// The edges of a plane in one direction.
struct Edges<'a> {
    tile: &'a Tile,
    plane: &'a mut Plane,
    strength: Strength,
    /// From left to right of edges between columns.
    across: bool,
}

/// 7.14.4, without sharpness.
#[derive(Clone, Copy)]
struct Strength {
    limit: i32,
    both: i32,
    high: i32,
    flat: i32,
    depth: u32,
}

impl Strength {
    fn of(level: i32, depth: u32) -> Self {
        let more = depth - 8;
        let limit = level.max(1);
        Self {
            limit: limit << more,
            both: (2 * (level + 2) + limit) << more,
            high: (level >> 4) << more,
            flat: 1 << more,
            depth,
        }
    }

    /// Between samples of both sides, nearest first.
    fn smoothed(self, before: [i32; 4], after: [i32; 4], is_wide: bool) -> ([i32; 4], [i32; 4]) {
        let steps = |most: i32, count: usize| {
            let is_small = |side: &[i32; 4]| side[..count].windows(2).all(|two| (two[0] - two[1]).abs() <= most);
            is_small(&before) && is_small(&after)
        };
        let both = (before[0] - after[0]).abs() * 2 + (before[1] - after[1]).abs() / 2;
        if both > self.both || !steps(self.limit, if is_wide { 4 } else { 2 }) {
            return (before, after);
        }
        let is_flat = |side: &[i32; 4]| side.iter().all(|sample| (sample - side[0]).abs() <= self.flat);
        if is_wide && is_flat(&before) && is_flat(&after) {
            return wide(before, after);
        }
        self.narrow(before, after, !steps(self.high, 2))
    }

    /// 7.14.6.3.
    fn narrow(self, before: [i32; 4], after: [i32; 4], is_high: bool) -> ([i32; 4], [i32; 4]) {
        let half = 1 << (self.depth - 1);
        let clamp = |value: i32| value.clamp(-half, half - 1);
        let moved = |value: i32, by: i32| clamp(value - half + by) + half;
        let outer = if is_high { clamp(before[1] - after[1]) } else { 0 };
        let filter = clamp(outer + 3 * (after[0] - before[0]));
        let (down, up) = (clamp(filter + 4) >> 3, clamp(filter + 3) >> 3);
        let (mut before, mut after) = (before, after);
        (before[0], after[0]) = (moved(before[0], up), moved(after[0], -down));
        if !is_high {
            let second = (down + 1) >> 1;
            (before[1], after[1]) = (moved(before[1], second), moved(after[1], -second));
        }
        (before, after)
    }
}

/// 7.14.6.4, of eight: the mean of seven around each, that itself twice.
fn wide(before: [i32; 4], after: [i32; 4]) -> ([i32; 4], [i32; 4]) {
    let [a, b, c, d] = before;
    let all = [d, c, b, a, after[0], after[1], after[2], after[3]];
    let at = |index: isize| all[index.clamp(0, 7).unsigned_abs()];
    let mean = |index: isize| ((-3..=3).map(|off| at(index + off)).sum::<i32>() + at(index) + 4) >> 3;
    ([mean(3), mean(2), mean(1), d], [mean(4), mean(5), mean(6), after[3]])
}

impl Edges<'_> {
    fn smooth(&mut self, marks: &Marks, is_chroma: bool) {
        let scale = if is_chroma { 2 } else { 1 };
        let (width, height) = self.tile.size;
        for y in (0..height / scale).step_by(4) {
            for x in (0..width / scale).step_by(4) {
                let at = if self.across { x } else { y };
                if at == 0 {
                    continue;
                }
                let place = Place { row: y / 4, column: x / 4, power: 0 };
                let (down, right) = if self.across { (0, -1) } else { (-1, 0) };
                let is_still = |down, right| marks.at(place, down, right).is_some_and(|mark| mark.is_still);
                // Chroma has transforms of 4x4 only, all at edges of blocks.
                if is_chroma {
                    self.edge((x, y), false);
                } else if !is_still(0, 0) || at % 8 == 0 {
                    self.edge((x, y), is_still(0, 0) && is_still(down, right));
                }
            }
        }
    }

    /// Four samples' length of an edge.
    fn edge(&mut self, (x, y): (usize, usize), is_wide: bool) {
        for along in 0..4 {
            let (x, y) = if self.across { (x, y + along) } else { (x + along, y) };
            let (middle, step) = (y * self.plane.width + x, if self.across { 1 } else { self.plane.width });
            let samples = &mut self.plane.samples;
            let before = std::array::from_fn(|off| i32::from(samples[middle - (off + 1) * step]));
            let after = std::array::from_fn(|off| i32::from(samples[middle + off * step]));
            let (before, after) = self.strength.smoothed(before, after, is_wide);
            for (off, (before, after)) in before.into_iter().zip(after).enumerate() {
                samples[middle - (off + 1) * step] = u16::try_from(before).unwrap_or(0);
                samples[middle + off * step] = u16::try_from(after).unwrap_or(0);
            }
        }
    }
}
