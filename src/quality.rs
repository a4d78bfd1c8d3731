//! How much of a picture is left after coding.
//!
//! Two measures, because they disagree about what eyes mind: PSNR counts errors, SSIM
//! compares structure (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from
//! error visibility to structural similarity", 2004).

/// One plane of samples of 8 bits, without gaps between its rows.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// `width` times `height` samples.
    pub samples: &'a [u8],
    /// Samples of a row.
    pub width: usize,
}

/// Peak signal-to-noise ratio in decibels: 30 is poor, 40 good; at most [`LOSSLESS`], which
/// equal planes have.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "less than 2^53 samples")]
pub fn psnr(one: Plane<'_>, other: Plane<'_>) -> f64 {
    let squared = |(one, other): (&u8, &u8)| u64::from(one.abs_diff(*other)).pow(2);
    let error: u64 = one.samples.iter().zip(other.samples).map(squared).sum();
    let mean = error as f64 / one.samples.len().max(1) as f64;
    (10.0 * (255.0_f64.powi(2) / mean).log10()).min(LOSSLESS)
}

/// Mean structural similarity, of windows of 8 by 8 samples every 4: 1 for equal planes,
/// 0.95 for good pictures.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a count of windows")]
pub fn ssim(one: Plane<'_>, other: Plane<'_>) -> f64 {
    let (width, height) = (one.width, one.samples.len() / one.width.max(1));
    if width < WINDOW || height < WINDOW {
        return if one.samples == other.samples { 1.0 } else { 0.0 };
    }
    let (mut sum, mut count) = (0.0, 0_u64);
    for top in (0..=height - WINDOW).step_by(STEP) {
        for left in (0..=width - WINDOW).step_by(STEP) {
            sum += window(one, other, top * width + left);
            count += 1;
        }
    }
    sum / count as f64
}

/// Similarity of two windows that begin at sample `first`.
fn window(one: Plane<'_>, other: Plane<'_>, first: usize) -> f64 {
    let (mut sums, mut squares, mut products) = ([0_u32; 2], [0_u32; 2], 0_u32);
    for row in 0..WINDOW {
        let samples = first + row * one.width..first + row * one.width + WINDOW;
        for (a, b) in one.samples[samples.clone()].iter().zip(&other.samples[samples]) {
            let (a, b) = (u32::from(*a), u32::from(*b));
            sums = [sums[0] + a, sums[1] + b];
            squares = [squares[0] + a * a, squares[1] + b * b];
            products += a * b;
        }
    }
    let samples = f64::from(SAMPLES);
    let [mean_a, mean_b] = sums.map(|sum| f64::from(sum) / samples);
    let variance = |squares: u32, mean: f64| f64::from(squares) / samples - mean * mean;
    let (variance_a, variance_b) = (variance(squares[0], mean_a), variance(squares[1], mean_b));
    let covariance = f64::from(products) / samples - mean_a * mean_b;
    (2.0 * mean_a * mean_b + C1) * (2.0 * covariance + C2)
        / ((mean_a * mean_a + mean_b * mean_b + C1) * (variance_a + variance_b + C2))
}

/// What equal planes have instead of infinity, in decibels.
pub const LOSSLESS: f64 = 100.0;
const WINDOW: usize = 8;
const STEP: usize = 4;
const SAMPLES: u32 = 64;
/// (0.01 * 255)^2 and (0.03 * 255)^2, the paper's.
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Vec<u8> {
        (0..64 * 32).map(|at: usize| (at * 7 % 251).to_le_bytes()[0]).collect()
    }

    fn plane(samples: &[u8]) -> Plane<'_> {
        Plane { samples, width: 64 }
    }

    #[test]
    fn equal_planes_are_perfect() {
        let samples = ramp();
        assert!((psnr(plane(&samples), plane(&samples)) - LOSSLESS).abs() < 1e-9);
        assert!((ssim(plane(&samples), plane(&samples)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_error_of_one_everywhere_is_48_decibels() {
        let samples = ramp();
        let off: Vec<u8> = samples.iter().map(|sample| sample + 1).collect();
        // 20 log10(255).
        assert!((psnr(plane(&samples), plane(&off)) - 48.130_803_6).abs() < 1e-6);
    }

    #[test]
    fn structure_counts_more_than_brightness() {
        let samples = ramp();
        let brighter: Vec<u8> = samples.iter().map(|sample| sample.saturating_add(4)).collect();
        let flat = vec![125; samples.len()];
        let (brighter, flat) = (ssim(plane(&samples), plane(&brighter)), ssim(plane(&samples), plane(&flat)));
        assert!(brighter > 0.99 && flat < 0.1, "{brighter} {flat}");
    }

    #[test]
    fn small_planes_have_no_window_and_no_panic() {
        let tiny = Plane { samples: &[1, 2, 3], width: 3 };
        assert!((ssim(tiny, tiny) - 1.0).abs() < 1e-9);
        assert!(ssim(Plane { samples: &[], width: 0 }, Plane { samples: &[], width: 0 }) > 0.0);
        assert!(psnr(Plane { samples: &[], width: 0 }, Plane { samples: &[], width: 0 }) > 0.0);
    }
}
