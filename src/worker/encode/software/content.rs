//! How much there is to code in a picture, guessed before it is coded.
//!
//! The rate control needs to know a scene cut before it is spent. Every
//! eighth row is enough for that, and costs less than a tenth of a
//! millisecond at 1080p.

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

impl Content {
    /// Compares a picture with the one before it; both of the same size.
    #[must_use]
    pub fn of(planes: &Planes, before: Option<&Planes>) -> Self {
        let mut sums = Sums::default();
        for row in (ROW_STEP / 2..planes.size().height as usize).step_by(ROW_STEP) {
            sums.add_row(planes.luma_row(row), before.map(|before| before.luma_row(row)));
        }
        #[allow(clippy::cast_precision_loss, reason = "sums far below 2^52")]
        let mean = |sum: u64| sum as f64 / sums.samples.max(1) as f64;
        Self { spatial: mean(sums.spatial), change: mean(sums.change), shift: mean(sums.shift) }
    }
}

#[derive(Default)]
struct Sums {
    samples: u64,
    spatial: u64,
    change: u64,
    shift: u64,
}

impl Sums {
    fn add_row(&mut self, now: &[u8], before: Option<&[u8]>) {
        self.samples += now.len() as u64;
        let Some(before) = before else {
            let neighbours = now.chunks_exact(RUN).map(neighbour_differences).map(u64::from).sum::<u64>();
            self.spatial += neighbours;
            self.change += neighbours;
            return;
        };
        for (now, before) in now.chunks_exact(RUN * GROUP).zip(before.chunks_exact(RUN * GROUP)) {
            self.shift += u64::from(sum(now).abs_diff(sum(before)));
        }
        for (now, before) in now.chunks_exact(RUN).zip(before.chunks_exact(RUN)) {
            let neighbours = neighbour_differences(now);
            self.spatial += u64::from(neighbours);
            self.change += u64::from(sum_of_differences(now, before).min(neighbours + FLAT));
        }
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
/// Samples compared as one, the width of a macroblock.
const RUN: usize = 16;
/// Runs whose mean is compared.
const GROUP: usize = 4;
/// What a flat run may still cost when it changes.
const FLAT: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    fn planes(value: impl Fn(usize, usize) -> u8) -> Planes {
        let mut planes = Planes::new(Size::new(64, 64), [0, 128, 128]);
        for y in 0..64 {
            for x in 0..64 {
                let stride = planes.y_stride;
                planes.y[y * stride + x] = value(x, y);
            }
        }
        planes
    }

    #[test]
    fn a_still_picture_has_no_change() {
        let picture = planes(|x, y| u8::try_from((x * 7 + y * 3) % 200).unwrap());
        let content = Content::of(&picture, Some(&picture));
        assert!(content.spatial > 5.0);
        assert!(content.change < f64::EPSILON);
    }

    #[test]
    fn a_new_picture_costs_no_more_than_coding_it_from_nothing() {
        let flat = planes(|_, _| 20);
        let other = planes(|_, _| 220);
        let content = Content::of(&other, Some(&flat));
        assert!(content.spatial < f64::EPSILON);
        assert!(content.change > 0.0 && content.change <= 0.25, "{content:?}");
        assert!(content.shift > 199.0, "{content:?}");
    }
}
