//! The test card's tone: 1 kHz at -12 dBFS on every speaker.

use std::f64::consts::TAU;

use super::SAMPLE_RATE;

/// A sine that goes on from packet to packet.
#[derive(Debug, Clone)]
pub struct Tone {
    /// Turns per sample.
    step: f64,
    /// Turns so far, 0.0..1.0.
    phase: f64,
}

impl Tone {
    /// A tone of `frequency` hertz.
    #[must_use]
    pub fn new(frequency: f64) -> Self {
        Self { step: frequency / f64::from(SAMPLE_RATE), phase: 0.0 }
    }

    /// The next sample.
    #[allow(clippy::cast_possible_truncation, reason = "a sample needs no more than 24 bits")]
    pub fn next_sample(&mut self) -> f32 {
        let sample = (self.phase * TAU).sin() * AMPLITUDE;
        self.phase = (self.phase + self.step).fract();
        sample as f32
    }

    /// Fills whole interleaved frames with the same sample on every channel.
    pub fn fill(&mut self, pcm: &mut [f32], channels: usize) {
        for frame in pcm.chunks_mut(channels.max(1)) {
            frame.fill(self.next_sample());
        }
    }
}

/// What the test card plays, in hertz.
pub const TEST_CARD_FREQUENCY: f64 = 1000.0;
/// -12 dBFS: heard, and far from clipping.
const AMPLITUDE: f64 = 0.251_188_643;

/// Frequency in hertz and level in dBFS of the strongest sine between 20 and
/// 4000 Hz in `samples` (one channel, at least a tenth of a second).
#[cfg(test)]
pub(crate) fn strongest_tone(samples: &[f32]) -> (f64, f64) {
    let loudest = |samples: &[f32], from: f64, step: f64, steps: u32| {
        (0..steps)
            .map(|i| from + step * f64::from(i))
            .map(|frequency| (frequency, amplitude(samples, frequency)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or_default()
    };
    let (coarse, _) = loudest(&samples[..samples.len().min(4800)], 20.0, 5.0, 800);
    let (frequency, level) = loudest(&samples[..samples.len().min(24_000)], coarse - 8.0, 0.25, 64);
    (frequency, 20.0 * level.log10())
}

/// Of the sine of `frequency` in `samples`, through a Hann window.
#[cfg(test)]
#[allow(clippy::cast_precision_loss, reason = "an index")]
fn amplitude(samples: &[f32], frequency: f64) -> f64 {
    let (mut sine, mut cosine, mut weights) = (0.0, 0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let weight = 0.5 - 0.5 * (TAU * index as f64 / samples.len() as f64).cos();
        let angle = TAU * frequency * index as f64 / f64::from(SAMPLE_RATE);
        sine += f64::from(*sample) * weight * angle.sin();
        cosine += f64::from(*sample) * weight * angle.cos();
        weights += weight;
    }
    2.0 * f64::hypot(sine, cosine) / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_has_its_frequency_and_level_and_no_seams() {
        let mut tone = Tone::new(TEST_CARD_FREQUENCY);
        let mut pcm = vec![0.0; 480];
        let mut left = Vec::new();
        for _ in 0..100 {
            tone.fill(&mut pcm, 2);
            assert!(pcm.chunks_exact(2).all(|frame| frame[0] == frame[1]));
            left.extend(pcm.iter().step_by(2));
        }
        let (frequency, level) = strongest_tone(&left);
        assert!((frequency - 1000.0).abs() < 1.0, "{frequency} Hz");
        assert!((level + 12.0).abs() < 0.1, "{level} dBFS");
        let steepest = left.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.034, "{steepest}");
    }
}
