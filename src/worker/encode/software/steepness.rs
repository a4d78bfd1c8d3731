//! How much a finer quantizer may add to a frame.

use super::envelope::STEEPEST;
use super::rate_control::ENOUGH;

/// What one quantizer step down may do to the size of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steepness {
    /// Bits per sample that it adds.
    pub(super) added: f64,
    /// What it multiplies the frame by.
    pub(super) factor: f64,
    /// A step has shown grain since the scene began.
    grain: bool,
}

impl Steepness {
    /// Before anything was seen.
    pub(super) const FEARED: Self = Self { added: STEEPEST, factor: STEEPEST_FACTOR, grain: false };

    /// Nothing was seen for another frame, which took `share` of its budget.
    pub(super) fn doubt(&mut self, share: f64) {
        let patience = match share {
            ..ENOUGH => 0.97,
            ..ALMOST_ALL if !self.grain => 0.97,
            _ => return,
        };
        self.added *= 0.99;
        self.factor = (self.factor - 1.0).mul_add(patience, 1.0);
    }

    /// A frame after one of `last_bits`, `steps` finer, took `bits`.
    pub(super) fn learn(&mut self, last_bits: f64, bits: f64, steps: u8, samples: f64) {
        let added = (bits - last_bits) / (f64::from(steps) * samples);
        self.added = (added * 1.5).clamp(self.added * 0.9, STEEPEST);
        let factor = (bits / last_bits.max(1.0)).powf(1.0 / f64::from(steps));
        let least = (self.factor - 1.0).mul_add(0.7, 1.0);
        // What grain adds grows from step to step until all of it is shown.
        self.grain |= factor > GRAIN;
        self.factor = if factor > GRAIN { STEEPEST_FACTOR } else { (factor * 1.2).max(least) };
    }
}

/// Part of its budget up to which a frame says that there is no grain, where no
/// step has shown any yet.
const ALMOST_ALL: f64 = 0.95;
/// What one quantizer step multiplies noise by at most.
const STEEPEST_FACTOR: f64 = 3.3;
/// A step that multiplies a frame by more shows grain.
const GRAIN: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: f64 = 1920.0 * 1080.0;

    #[test]
    fn the_worst_is_feared_less_the_longer_nothing_happens() {
        let mut steepness = Steepness::FEARED;
        for _ in 0..100 {
            steepness.doubt(0.5);
        }
        assert!(steepness.factor < 1.2 && steepness.added < STEEPEST / 2.0, "{steepness:?}");
        let before = steepness.factor;
        steepness.doubt(0.99);
        assert!((steepness.factor - before).abs() < f64::EPSILON, "a frame that takes all there is says nothing");
    }

    #[test]
    fn a_step_that_shows_grain_brings_the_fear_back() {
        let mut steepness = Steepness::FEARED;
        for _ in 0..100 {
            steepness.doubt(0.5);
        }
        steepness.learn(100_000.0, 110_000.0, 1, SAMPLES);
        assert!(!steepness.grain && steepness.factor < GRAIN, "{steepness:?}");
        steepness.learn(100_000.0, 200_000.0, 1, SAMPLES);
        assert!(steepness.grain && steepness.factor >= STEEPEST_FACTOR, "{steepness:?}");
    }
}
