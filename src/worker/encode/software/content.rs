//! How much there is to code in a picture, guessed before it is coded.
//!
//! The rate control needs to know a scene cut before it is spent. Every
//! eighth row is enough for that, and costs less than a tenth of a
//! millisecond at 1080p.

use std::ops::Range;

use crate::units::Size;
use crate::worker::convert::planes::Planes;

/// Mean absolute luma differences per sample looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Content {
    /// To the neighbouring sample: what coding it from nothing costs.
    pub spatial: f64,
    /// To the picture before, but never more than `spatial` in any run of 16
    /// samples: what coding the change costs, motion left aside.
    pub change: f64,
    /// Of the means of 64 samples to the same in the picture before: small for
    /// what moves a little, large for a cut.
    pub shift: f64,
}

/// Looks at pictures one after the other, and remembers of the last one the
/// rows that it looks at.
#[derive(Debug)]
pub struct Observer {
    width: usize,
    /// Luma of the rows looked at.
    before: Vec<u8>,
    /// Sum of the differences between neighbours, by row looked at.
    spatial: Vec<u64>,
    has_looked: bool,
}

impl Observer {
    /// For planes of `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let (width, rows) = (size.width as usize, (size.height as usize + ROW_STEP - 1 - FIRST_ROW) / ROW_STEP);
        Self { width, before: vec![0; width * rows], spatial: vec![0; rows], has_looked: false }
    }

    /// Compares a picture with the last one. Outside of the rows `changed`
    /// they are the same.
    pub fn look(&mut self, planes: &Planes, changed: Range<u32>) -> Content {
        let mut sums = Sums::default();
        let rows = self.before.chunks_exact_mut(self.width.max(1)).zip(&mut self.spatial);
        for (row, (before, spatial)) in (FIRST_ROW..).step_by(ROW_STEP).zip(rows) {
            let is_new = !self.has_looked;
            if is_new || (changed.start as usize..changed.end as usize).contains(&row) {
                let now = planes.luma_row(row);
                let row = Sums::of_row(now, (!is_new).then_some(&*before));
                *spatial = row.spatial;
                sums.change += row.change;
                sums.shift += row.shift;
                before.copy_from_slice(now);
            }
            sums.spatial += *spatial;
        }
        self.has_looked = true;
        self.mean(&sums)
    }

    /// The last picture again.
    #[must_use]
    pub fn still(&self) -> Content {
        self.mean(&Sums { spatial: self.spatial.iter().sum(), ..Sums::default() })
    }

    fn mean(&self, sums: &Sums) -> Content {
        #[allow(clippy::cast_precision_loss, reason = "sums far below 2^52")]
        let mean = |sum: u64| sum as f64 / self.before.len().max(1) as f64;
        Content { spatial: mean(sums.spatial), change: mean(sums.change), shift: mean(sums.shift) }
    }
}

#[derive(Default)]
struct Sums {
    spatial: u64,
    change: u64,
    shift: u64,
}

impl Sums {
    fn of_row(now: &[u8], before: Option<&[u8]>) -> Self {
        let mut sums = Self::default();
        let Some(before) = before else {
            let neighbours = now.chunks_exact(RUN).map(neighbour_differences).map(u64::from).sum::<u64>();
            return Self { spatial: neighbours, change: neighbours, shift: 0 };
        };
        for (now, before) in now.chunks_exact(RUN * GROUP).zip(before.chunks_exact(RUN * GROUP)) {
            sums.shift += u64::from(sum(now).abs_diff(sum(before)));
        }
        for (now, before) in now.chunks_exact(RUN).zip(before.chunks_exact(RUN)) {
            let neighbours = neighbour_differences(now);
            sums.spatial += u64::from(neighbours);
            sums.change += u64::from(sum_of_differences(now, before).min(neighbours + FLAT));
        }
        sums
    }
}

fn neighbour_differences(run: &[u8]) -> u32 {
    sum_of_differences(&run[1..], &run[..run.len() - 1])
}

fn sum_of_differences(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum()
}

fn sum(samples: &[u8]) -> u32 {
    samples.iter().map(|&sample| u32::from(sample)).sum()
}

/// Every how manieth row is looked at.
const ROW_STEP: usize = 8;
/// The first of them.
const FIRST_ROW: usize = ROW_STEP / 2;
/// Samples compared as one, the width of a macroblock.
const RUN: usize = 16;
/// Runs whose mean is compared.
const GROUP: usize = 4;
/// What a flat run may still cost when it changes.
const FLAT: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Chroma;

    fn planes(value: impl Fn(usize, usize) -> u8) -> Planes {
        let mut planes = Planes::new(Size::new(64, 64), Chroma::Yuv420, [0, 128, 128]);
        for y in 0..64 {
            for x in 0..64 {
                let stride = planes.y_stride;
                planes.y[y * stride + x] = value(x, y);
            }
        }
        planes
    }

    const ALL: Range<u32> = 0..64;

    fn observer() -> Observer {
        Observer::new(Size::new(64, 64))
    }

    #[test]
    fn a_still_picture_has_no_change() {
        let picture = planes(|x, y| u8::try_from((x * 7 + y * 3) % 200).unwrap());
        let mut observer = observer();
        observer.look(&picture, ALL);
        let content = observer.look(&picture, ALL);
        assert!(content.spatial > 5.0);
        assert!(content.change < f64::EPSILON);
        assert_eq!((observer.still(), observer.look(&picture, 0..0)), (content, content));
    }

    #[test]
    fn a_new_picture_costs_no_more_than_coding_it_from_nothing() {
        let mut observer = observer();
        observer.look(&planes(|_, _| 20), ALL);
        let content = observer.look(&planes(|_, _| 220), ALL);
        assert!(content.spatial < f64::EPSILON);
        assert!(content.change > 0.0 && content.change <= 0.25, "{content:?}");
        assert!(content.shift > 199.0, "{content:?}");
    }

    #[test]
    fn looking_at_what_changed_finds_what_looking_at_all_finds() {
        let picture = |band: std::ops::Range<usize>, shade: u8| {
            planes(move |x, y| if band.contains(&y) { shade ^ u8::try_from(x * 3 % 64).unwrap() } else { 90 })
        };
        let (mut partly, mut wholly) = (observer(), observer());
        for (band, shade, changed) in
            [(0..0, 0, ALL), (10..30, 77, 10..30), (10..30, 200, 10..30), (25..60, 9, 10..60), (25..60, 9, 0..0)]
        {
            let picture = picture(band, shade);
            assert_eq!(partly.look(&picture, changed), wholly.look(&picture, ALL));
        }
    }

    #[test]
    fn pictures_of_few_rows_can_be_looked_at() {
        for height in [2, 4, 6, 12, 14] {
            let size = Size::new(16, height);
            assert!(
                Observer::new(size).look(&Planes::new(size, Chroma::Yuv420, [5, 128, 128]), 0..height).spatial
                    < f64::EPSILON
            );
        }
    }
}
