//! Ears: frequency, level and gaps of what the client heard.

use std::path::Path;

/// Decoded sound, interleaved 16-bit samples.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    samples: Vec<i16>,
}

impl Sound {
    /// Reads a WAV file of 16-bit samples as the driver's decoder writes it.
    ///
    /// # Panics
    /// If it is something else.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        parse(&bytes).unwrap_or_else(|| panic!("{} is not a WAV file of 16-bit samples", path.display()))
    }

    /// Length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        count(self.samples.len() / self.channels) / f64::from(self.rate)
    }

    /// One channel, full scale 1.0.
    pub(crate) fn channel(&self, channel: usize) -> Vec<f64> {
        self.samples.iter().skip(channel).step_by(self.channels).map(|sample| f64::from(*sample) / 32768.0).collect()
    }
}

fn parse(bytes: &[u8]) -> Option<Sound> {
    let number = |at: usize, len: usize| -> Option<u32> {
        Some(bytes.get(at..at + len)?.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    let is_pcm = bytes.get(..4)? == b"RIFF" && bytes.get(8..16)? == b"WAVEfmt " && number(34, 2)? == 16;
    let format_end = 20 + usize::try_from(number(16, 4)?).ok()?;
    if !is_pcm || bytes.get(format_end..format_end + 4)? != b"data" {
        return None;
    }
    let samples =
        bytes.get(format_end + 8..)?.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    Some(Sound { rate: number(24, 4)?, channels: usize::try_from(number(22, 2)?).ok().filter(|n| *n > 0)?, samples })
}

/// The strongest frequency in hertz: a coarse scan of the audible range, then
/// ever finer steps around the best.
pub(crate) fn dominant_frequency(samples: &[f64], rate: u32) -> f64 {
    // Windowed, so that a tone between two steps still has one peak.
    let length = samples.len().min(1 << 15);
    let window: Vec<f64> = samples[..length]
        .iter()
        .enumerate()
        .map(|(index, sample)| sample * (std::f64::consts::PI * count(index) / count(length)).sin().powi(2))
        .collect();
    let mut step = f64::from(rate) / count(length) / 2.0;
    let steps = |low: f64, high: f64, step: f64| {
        std::iter::successors(Some(low), move |at| Some(at + step)).take_while(move |at| *at <= high)
    };
    // The first scan looks at a part only: 20 Hz steps need no more.
    let glance = &window[length / 4..length / 4 + (length / 2).min(4096)];
    let mut best = strongest(glance, rate, steps(40.0, 8000.0, 5.0));
    let mut reach = 15.0;
    while step > 0.01 {
        best = strongest(&window, rate, steps(best - reach, best + reach, step));
        reach = step;
        step /= 10.0;
    }
    best
}

fn strongest(samples: &[f64], rate: u32, frequencies: impl Iterator<Item = f64>) -> f64 {
    let powers = frequencies.map(|frequency| (power(samples, rate, frequency), frequency));
    powers.max_by(|a, b| a.0.total_cmp(&b.0)).expect("frequencies to try").1
}

/// Power at one frequency (Goertzel).
pub(crate) fn power(samples: &[f64], rate: u32, frequency: f64) -> f64 {
    let factor = 2.0 * (std::f64::consts::TAU * frequency / f64::from(rate)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (sample + factor * last - before, last);
    }
    (last * last + before * before - factor * last * before) / count(samples.len().max(1)).powi(2)
}

/// Level in decibels below full scale (a full-scale sine has -3).
pub(crate) fn level(samples: &[f64]) -> f64 {
    let mean = samples.iter().map(|sample| sample * sample).sum::<f64>() / count(samples.len().max(1));
    10.0 * mean.max(1e-12).log10()
}

/// Stretches of `window` seconds that are more than 12 dB below the whole: each
/// is a gap somebody hears. Beginnings in seconds.
pub(crate) fn gaps(samples: &[f64], rate: u32, window: f64) -> Vec<f64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
    let length = ((f64::from(rate) * window) as usize).max(1);
    let whole = level(samples);
    samples
        .chunks_exact(length)
        .enumerate()
        .filter(|(_, part)| level(part) < whole - 12.0)
        .map(|(index, _)| count(index * length) / f64::from(rate))
        .collect()
}

/// Sound without holes that somebody would call a fault. A machine whose cores
/// are all busy starves player, sound server or client of a few milliseconds now
/// and then; a stream that loses packets or runs dry has holes all along.
///
/// # Panics
/// If more than a fiftieth of the sound is missing.
pub(crate) fn assert_continuous(samples: &[f64], rate: u32, what: &str) {
    let holes = gaps(samples, rate, HOLE);
    let missing = count(holes.len()) * HOLE * f64::from(rate) / count(samples.len().max(1));
    assert!(missing <= 0.02, "{what}: {:.1} % of the sound is missing, at {holes:?} s", missing * 100.0);
}

/// Shortest hole that counts, in seconds: one packet.
const HOLE: f64 = 0.005;

/// Where sound begins: the first sample louder than -60 dB.
pub(crate) fn first_sound(samples: &[f64]) -> Option<usize> {
    samples.iter().position(|sample| sample.abs() > 0.001)
}

#[allow(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, seconds: f64) -> Vec<f64> {
        (0..)
            .map(|index| count(index) / 48_000.0)
            .take_while(|time| *time < seconds)
            .map(|time| 0.25 * (std::f64::consts::TAU * frequency * time).sin())
            .collect()
    }

    #[test]
    fn a_tone_has_its_frequency_and_level() {
        let samples = tone(997.3, 1.0);
        assert!((dominant_frequency(&samples, 48_000) - 997.3).abs() < 0.1);
        assert!((level(&samples) - -15.05).abs() < 0.1);
    }

    #[test]
    fn a_hole_is_a_gap() {
        let mut samples = tone(1000.0, 1.0);
        assert_eq!(gaps(&samples, 48_000, 0.005), [0.0_f64; 0]);
        samples[24_000..24_480].fill(0.0);
        assert_eq!(gaps(&samples, 48_000, 0.005), [0.5, 0.505]);
    }

    #[test]
    fn a_wav_file_is_read_and_other_bytes_are_not() {
        let mut file =
            b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data\x04\0\0\0".to_vec();
        file.extend_from_slice(&[0x00, 0x40, 0x00, 0xC0]);
        let sound = parse(&file).expect("a WAV file");
        assert_eq!((sound.rate, sound.channels), (48_000, 2));
        assert_eq!((sound.channel(0), sound.channel(1)), (vec![0.5], vec![-0.5]));
        for end in 0..44 {
            assert!(parse(&file[..end]).is_none_or(|sound| sound.samples.is_empty()));
        }
    }
}
