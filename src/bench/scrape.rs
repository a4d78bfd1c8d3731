//! A host's metrics: histograms as `GET /metrics` gives them, and what happened between two
//! looks.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde::Serialize;

/// Everything of one scrape that is measured.
#[derive(Debug, Default)]
pub struct Scrape {
    stages: BTreeMap<String, Cumulative>,
    counters: BTreeMap<String, f64>,
}

/// Frames counted so far.
#[derive(Debug, Default, Clone)]
struct Cumulative {
    /// Upper bound in seconds, and frames at or below it.
    buckets: Vec<(f64, f64)>,
    sum: f64,
}

/// Distribution of one stage in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Distribution {
    /// Frames.
    pub count: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Half took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

/// Stages of a frame's way in a worker, in their order; all but the last, which is what is not
/// the encoder's, count from capture.
pub const STAGES: [&str; 6] = ["captured", "converted", "encoded", "first_packet", "last_packet", "ours"];

impl Scrape {
    /// Asks the endpoint at `address`.
    ///
    /// # Errors
    /// What the network says.
    pub fn look(address: &str) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(Self::parse(&text))
    }

    /// Reads the text format. There is one session, so its labels say nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            match (name.strip_prefix(METRIC), label(labels, "stage")) {
                (Some("_bucket"), Some(stage)) => {
                    let bound = label(labels, "le").and_then(|bound| bound.parse().ok()).unwrap_or(f64::INFINITY);
                    scrape.stages.entry(stage.to_owned()).or_default().buckets.push((bound, value));
                }
                (Some("_sum"), Some(stage)) => scrape.stages.entry(stage.to_owned()).or_default().sum = value,
                _ => *scrape.counters.entry(name.to_owned()).or_default() += value,
            }
        }
        scrape
    }

    /// How much a counter has grown since `before`.
    #[must_use]
    pub fn growth(&self, before: &Self, name: &str) -> f64 {
        let value = |scrape: &Self| scrape.counters.get(&format!("earthshine_{name}_total")).copied().unwrap_or(0.0);
        value(self) - value(before)
    }

    /// What a stage took since `before`.
    #[must_use]
    pub fn stage(&self, before: &Self, stage: &str) -> Distribution {
        self.since(before, stage).distribution()
    }

    /// What a curve of it needs, in milliseconds: a hundred steps; none without frames.
    #[must_use]
    pub fn curve(&self, before: &Self, stage: &str) -> Vec<f64> {
        let frames = self.since(before, stage);
        let steps = if frames.count() > 0.0 { 100 } else { 0 };
        (1..=steps).map(|step| frames.quantile(f64::from(step) / 100.0) * 1e3).collect()
    }

    fn since(&self, before: &Self, stage: &str) -> Cumulative {
        let (now, then) = (self.stages.get(stage), before.stages.get(stage));
        now.cloned().unwrap_or_default().since(&then.cloned().unwrap_or_default())
    }
}

impl Cumulative {
    fn since(mut self, before: &Self) -> Self {
        for ((_, frames), (_, earlier)) in self.buckets.iter_mut().zip(&before.buckets) {
            *frames -= earlier;
        }
        self.sum -= before.sum;
        self
    }

    fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, frames)| *frames)
    }

    fn distribution(&self) -> Distribution {
        let milliseconds = |seconds: f64| seconds * 1e3;
        Distribution {
            count: self.count(),
            mean: milliseconds(self.sum / self.count().max(1.0)),
            p50: milliseconds(self.quantile(0.5)),
            p99: milliseconds(self.quantile(0.99)),
        }
    }

    /// In seconds: linear within the bucket that holds it.
    fn quantile(&self, quantile: f64) -> f64 {
        let rank = self.count() * quantile;
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, frames) in &self.buckets {
            if *frames >= rank && *frames > below {
                return if bound.is_finite() { low + (bound - low) * (rank - below) / (frames - below) } else { low };
            }
            (low, below) = (*bound, *frames);
        }
        0.0
    }
}

/// Value of a label.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

const METRIC: &str = "earthshine_stage_seconds";

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# HELP earthshine_stage_seconds x\n\
        earthshine_stage_seconds_bucket{session=\"1\",stage=\"encoded\",le=\"0.001\"} 10\n\
        earthshine_stage_seconds_bucket{session=\"1\",stage=\"encoded\",le=\"+Inf\"} 10\n\
        earthshine_stage_seconds_sum{session=\"1\",stage=\"encoded\"} 0.005\n\
        earthshine_frames_encoded_total{session=\"1\"} 10\n";

    #[test]
    fn what_happened_in_between_is_told() {
        let after =
            BEFORE.replace("le=\"0.001\"} 10", "le=\"0.001\"} 15").replace("le=\"+Inf\"} 10", "le=\"+Inf\"} 20");
        let after = after.replace("} 0.005", "} 0.035").replace("total{session=\"1\"} 10", "total{session=\"1\"} 25");
        let (before, after) = (Scrape::parse(BEFORE), Scrape::parse(&after));
        assert!((after.growth(&before, "frames_encoded") - 15.0).abs() < 1e-9);
        let stage = after.stage(&before, "encoded");
        assert!((stage.count - 10.0).abs() < 1e-9 && (stage.mean - 3.0).abs() < 1e-9, "{stage:?}");
        assert!((stage.p50 - 1.0).abs() < 1e-9 && stage.p99 >= 1.0, "{stage:?}");
        let curve = after.curve(&before, "encoded");
        assert!(curve.len() == 100 && curve.is_sorted(), "{curve:?}");
        assert_eq!(before.curve(&before, "encoded"), [0.0; 0], "no frame");
        assert!(after.stage(&before, "unknown").count.abs() < 1e-9);
    }
}
