//! Durations in buckets, so that a run of days takes as much memory as one of
//! seconds.

use std::time::Duration;

use serde::Serialize;

/// Counts durations in buckets of a 64th of an octave: under 1.6 % wide, from a
/// microsecond to a day.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: Duration,
    max: Duration,
}

/// What is worth telling of a histogram, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// How many there were.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Half were no longer.
    pub p50: f64,
    /// 99 of 100 were no longer.
    pub p99: f64,
    /// The longest, exactly.
    pub max: f64,
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, sum: Duration::ZERO, max: Duration::ZERO }
    }

    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        self.buckets[bucket_of(duration)] += 1;
        self.count += 1;
        self.sum += duration;
        self.max = self.max.max(duration);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(ours, theirs)| *ours += theirs);
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// What is worth telling; all zeros if it is empty.
    #[must_use]
    pub fn summary(&self) -> Summary {
        if self.count == 0 {
            return Summary::default();
        }
        #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let mean = milliseconds(self.sum) / self.count as f64;
        Summary {
            count: self.count,
            mean: (mean * 1000.0).round() / 1000.0,
            p50: milliseconds(self.quantile(50)),
            p99: milliseconds(self.quantile(99)),
            max: milliseconds(self.max),
        }
    }

    /// What a curve of it needs, in milliseconds: a hundred steps up to the longest.
    #[must_use]
    pub fn quantiles(&self) -> Vec<f64> {
        if self.count == 0 {
            return Vec::new();
        }
        (1..=100).map(|percent| milliseconds(self.quantile(percent))).collect()
    }

    /// The end of the bucket that so many of a hundred are not beyond.
    fn quantile(&self, percent: u64) -> Duration {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return end_of(bucket).min(self.max);
            }
        }
        self.max
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Milliseconds to the microsecond.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Short durations have a bucket per microsecond; above, the leading bit tells
/// the octave and the next six bits the place in it.
fn bucket_of(duration: Duration) -> usize {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
    let octave = micros.ilog2().saturating_sub(STEPS_LOG2);
    let place = usize::try_from(micros >> octave).unwrap_or(usize::MAX);
    (place.saturating_add(octave as usize * STEPS)).min(BUCKETS - 1)
}

/// The longest duration of a bucket.
fn end_of(bucket: usize) -> Duration {
    let octave = (bucket / STEPS).saturating_sub(1);
    let place = (bucket - octave * STEPS) as u64;
    Duration::from_micros((place << octave) + (1 << octave) - 1)
}

/// Buckets per octave.
const STEPS: usize = 64;
const STEPS_LOG2: u32 = 6;

/// Up to 2^37 µs, 38 hours.
const BUCKETS: usize = (37 - 6 + 2) * STEPS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_in_a_bucket_that_ends_little_beyond_it() {
        let mut micros = 1_u64;
        let mut last = 0;
        while micros < 86_400_000_000 {
            let duration = Duration::from_micros(micros);
            let bucket = bucket_of(duration);
            assert!(bucket >= last, "{micros}");
            let end = u64::try_from(end_of(bucket).as_micros()).unwrap();
            assert!(end >= micros && end - micros <= micros / 60, "{micros} ends at {end}");
            last = bucket;
            micros += 1 + micros / 1000;
        }
        assert_eq!(bucket_of(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket_of(Duration::ZERO), bucket_of(Duration::from_micros(1)));
    }

    #[test]
    fn quantiles_are_near_and_the_maximum_is_exact() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.summary(), Summary::default());
        (1..=1000).for_each(|number| histogram.add(Duration::from_millis(number)));
        let curve = histogram.quantiles();
        assert!(curve.len() == 100 && curve.is_sorted() && curve[99] >= 1000.0, "{curve:?}");
        assert_eq!(Histogram::new().quantiles(), [0.0; 0]);
        let Summary { count, mean, p50, p99, max } = histogram.summary();
        assert_eq!((count, mean, max), (1000, 500.5, 1000.0));
        assert!((500.0..508.0).contains(&p50) && (990.0..=1000.0).contains(&p99), "{p50} {p99}");
    }

    #[test]
    fn merged_histograms_are_as_if_counted_together() {
        let (mut one, mut other, mut both) = (Histogram::new(), Histogram::new(), Histogram::new());
        for number in 1..100 {
            let half = if number % 2 == 0 { &mut one } else { &mut other };
            half.add(Duration::from_micros(number * number));
            both.add(Duration::from_micros(number * number));
        }
        one.merge(&other);
        assert_eq!(one.summary(), both.summary());
    }
}
