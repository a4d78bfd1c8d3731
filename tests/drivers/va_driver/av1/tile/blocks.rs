//! A tile's blocks (AV1, 5.11.4 to 5.11.34).

use super::arithmetic::Arithmetic;
use super::marks::{Mark, Marks, Place};
use super::probabilities::Probabilities;
use super::residual::{self, Left};
use super::transform::{Steps, Transform};
use super::{Kept, Tile, deblocking};
use crate::plane::Plane;

/// Codes whole blocks.
pub(super) fn code(tile: &Tile, shown: [Plane; 3], reference: Option<&Kept>) -> (Vec<u8>, Kept) {
    let (columns, rows) = (shown[0].width / 4, shown[0].height() / 4);
    let begun = || Probabilities::new(tile.quantizer);
    let along = |blocks: usize| [0, 1, 1].map(|scale| vec![Left::default(); blocks >> scale]);
    let mut coder = Coder {
        tile,
        bits: Arithmetic::new(),
        odds: reference.map_or_else(begun, |reference| reference.probabilities.clone().counting_anew()),
        steps: Steps::of(tile.quantizer, tile.depth),
        decoded: shown.clone(),
        shown,
        reference,
        marks: Marks::new((columns, rows)),
        above: along(columns),
        left: along(rows),
    };
    let power = if tile.large_blocks { 5 } else { 4 };
    for row in (0..rows).step_by(1 << power) {
        for left in &mut coder.left {
            left.fill(Left::default());
        }
        for column in (0..columns).step_by(1 << power) {
            coder.split(Place { row, column, power });
        }
    }
    let Coder { bits, odds, shown, mut decoded, marks, .. } = coder;
    deblocking::smooth(tile, &marks, &mut decoded);
    let decoded = tile.whole(&decoded);
    (bits.finish(), Kept { shown, decoded, probabilities: odds })
}

struct Coder<'a> {
    tile: &'a Tile,
    bits: Arithmetic,
    odds: Probabilities,
    steps: Steps,
    shown: [Plane; 3],
    /// What a decoder has up to now, and after it what is to be.
    decoded: [Plane; 3],
    reference: Option<&'a Kept>,
    marks: Marks,
    /// What was left of the planes' residuals, in blocks of 4x4.
    above: [Vec<Left>; 3],
    left: [Vec<Left>; 3],
}

impl Coder<'_> {
    /// `decode_partition()`.
    fn split(&mut self, place: Place) {
        let (columns, rows) = self.marks.size();
        let half = 1 << (place.power - 1);
        let has = (place.column + half < columns, place.row + half < rows);
        // What is smoothed at edges has none of large blocks.
        let may_skip = place.power == 1 || self.tile.filter_levels == [0; 4];
        let is_still = may_skip && self.is_still(place);
        self.tell_partition(place, has, is_still);
        if is_still {
            self.skip(place);
            return;
        }
        for (down, right) in [(0, 0), (0, half), (half, 0), (half, half)] {
            let part = Place { row: place.row + down, column: place.column + right, power: place.power - 1 };
            if part.row < rows && part.column < columns {
                if part.power == 0 {
                    self.block(part);
                } else {
                    self.split(part);
                }
            }
        }
    }

    /// All of it is there, and is what the reference has.
    fn is_still(&self, Place { row, column, power }: Place) -> bool {
        let (columns, rows) = self.marks.size();
        let fits = row + (1 << power) <= rows && column + (1 << power) <= columns;
        self.reference.filter(|_| fits).is_some_and(|reference| {
            self.shown.iter().zip(&reference.shown).enumerate().all(|(index, (plane, before))| {
                let scale = if index > 0 { 2 } else { 4 };
                let (at, size) = ((column * scale, row * scale), (scale << power, scale << power));
                plane.rows(at, size).eq(before.rows(at, size))
            })
        })
    }

    /// Not at all, or in four. Where a half is outside, one may not be coded, or only two
    /// of the ways are left.
    fn tell_partition(&mut self, place: Place, has: (bool, bool), is_whole: bool) {
        let is_split = |mark: Option<Mark>| mark.is_some_and(|mark| mark.power < place.power);
        let [above, left] = self.marks.neighbours(place).map(is_split);
        let context = usize::from(left) * 2 + usize::from(above);
        let way = if is_whole { 0 } else { SPLIT };
        let edges: &[u16] = match (has, place.power) {
            ((true, true), 1) => return self.bits.symbol(&mut self.odds.partition_of_8[context], way),
            ((true, true), 5) => return self.bits.symbol(&mut self.odds.partition_of_128[context], way),
            ((true, true), power) => {
                return self.bits.symbol(&mut self.odds.partition[power as usize - 2][context], way);
            }
            ((false, false), _) => return,
            (_, 5) => self.odds.partition_of_128[context].below(),
            (_, power) => self.odds.partition[power as usize - 2][context].below(),
        };
        let edge = |way: usize| edges.get(way).copied().unwrap_or(1 << 15);
        let ways: &[usize] = if has.0 { &DOWN } else { &ACROSS };
        let last = edges.len();
        let split: u16 = ways.iter().filter(|way| **way <= last).map(|way| edge(*way) - edge(way - 1)).sum();
        self.bits.put(&[(1 << 15) - split], 1);
    }

    /// What the reference has, without motion.
    fn skip(&mut self, place: Place) {
        let [above, left] = self.marks.neighbours(place);
        self.tell_skip(place, true);
        self.tell_inter(place, true);
        let still = [above, left].into_iter().flatten().filter(|mark| mark.is_still).count();
        // The first name is as frequent against all others, each time.
        let context = if still > 0 { 2 } else { 1 };
        for decision in &mut self.odds.reference[context] {
            self.bits.decide(decision, false);
        }
        let context = self.marks.motion_context(place);
        self.bits.decide(&mut self.odds.new_motion[context], true);
        self.bits.decide(&mut self.odds.zero_motion, false);
        self.marks.set(place, true);
        let Some(reference) = self.reference else { return };
        for (index, (plane, before)) in self.decoded.iter_mut().zip(&reference.decoded).enumerate() {
            let scale = if index > 0 { 2 } else { 4 };
            let (x, y, size) = (place.column * scale, place.row * scale, scale << place.power);
            for row in y..y + size {
                let from = row * plane.width + x;
                plane.samples[from..from + size].copy_from_slice(&before.samples[from..from + size]);
            }
            let blocks = (1 << place.power) >> usize::from(index > 0);
            self.above[index][x / 4..][..blocks].fill(Left::default());
            self.left[index][y / 4..][..blocks].fill(Left::default());
        }
    }

    fn tell_skip(&mut self, place: Place, skips: bool) {
        let skipped = self.marks.neighbours(place).into_iter().flatten().filter(|mark| mark.is_still).count();
        self.bits.decide(&mut self.odds.skip[skipped], skips);
    }

    fn tell_inter(&mut self, place: Place, is_inter: bool) {
        let context = match self.marks.neighbours(place).map(|mark| mark.map(|mark| !mark.is_still)) {
            [Some(true), Some(true)] => 3,
            [Some(above), Some(left)] => usize::from(above || left),
            [Some(intra), None] | [None, Some(intra)] => 2 * usize::from(intra),
            [None, None] => 0,
        };
        self.bits.decide(&mut self.odds.is_inter[context], is_inter);
    }

    /// A block of 4x4 predicted from its neighbours. The last of four has the chroma of all.
    fn block(&mut self, place: Place) {
        self.tell_skip(place, false);
        if self.reference.is_some() {
            self.tell_inter(place, false);
            self.bits.symbol(&mut self.odds.mode, MEAN);
        } else {
            self.bits.symbol(&mut self.odds.key_mode, MEAN);
        }
        let has_chroma = place.row % 2 == 1 && place.column % 2 == 1;
        if has_chroma {
            self.bits.symbol(&mut self.odds.chroma_mode, MEAN);
        }
        if self.tile.filter_intra {
            self.bits.decide(&mut self.odds.filter_intra, false);
        }
        self.residual(0, (place.column, place.row), Transform::Identity);
        if has_chroma {
            for plane in [1, 2] {
                self.residual(plane, (place.column / 2, place.row / 2), Transform::Cosine);
            }
        }
        self.marks.set(place, false);
    }

    /// `transform_block()`, of 4x4.
    fn residual(&mut self, index: usize, (column, row): (usize, usize), transform: Transform) {
        let (x, y) = (column * 4, row * 4);
        let plane = &self.decoded[index];
        let predicted = mean(plane, (x, y), self.tile.depth);
        let wanted = std::array::from_fn(|at| i32::from(self.shown[index].at(x + at % 4, y + at / 4)) - predicted);
        let levels = transform.levels(&wanted, self.steps);
        let (above, left) = (self.above[index][column], self.left[index][row]);
        let odds = &mut self.odds.coefficients[usize::from(index > 0)];
        let is_zero = levels == [0; 16];
        let coded = [above, left].into_iter().filter(|left| left.is_coded).count();
        self.bits.decide(&mut odds.all_zero[if index > 0 { coded } else { 0 }], is_zero);
        let rest = if is_zero {
            Left::default()
        } else {
            if index == 0 {
                self.bits.symbol(&mut self.odds.transform, IDENTITY);
            }
            residual::write(&mut self.bits, odds, &levels, left, above)
        };
        (self.above[index][column], self.left[index][row]) = (rest, rest);
        let most = (1 << self.tile.depth) - 1;
        let plane = &mut self.decoded[index];
        for (at, off) in transform.residual(&levels, self.steps).into_iter().enumerate() {
            let sample = (predicted + off).clamp(0, most);
            plane.samples[(y + at / 4) * plane.width + x + at % 4] = u16::try_from(sample).unwrap_or(0);
        }
    }
}

/// 7.11.2.5, of 4x4.
fn mean(plane: &Plane, (x, y): (usize, usize), depth: u32) -> i32 {
    let left = (x > 0).then(|| (y..y + 4).map(|y| i32::from(plane.at(x - 1, y))).sum::<i32>());
    let above = (y > 0).then(|| (x..x + 4).map(|x| i32::from(plane.at(x, y - 1))).sum::<i32>());
    match (left, above) {
        (Some(left), Some(above)) => (left + above + 4) >> 3,
        (Some(sum), None) | (None, Some(sum)) => (sum + 2) >> 2,
        (None, None) => 1 << (depth - 1),
    }
}

/// `PARTITION_SPLIT`.
const SPLIT: usize = 3;
/// Ways that count as split in four, where the lower half is outside.
const DOWN: [usize; 6] = [2, 3, 4, 6, 7, 9];
/// And where the right half is.
const ACROSS: [usize; 6] = [1, 3, 4, 5, 6, 8];

/// `DC_PRED`, and `UV_DC_PRED`.
const MEAN: usize = 0;

/// `intra_tx_type` of `IDTX`.
const IDENTITY: usize = 0;
