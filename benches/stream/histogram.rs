//! Histograms as `GET /metrics` gives them, and what happened between two looks.

use std::collections::BTreeMap;

use serde::Serialize;

/// Everything of one scrape that is measured.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
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
pub(crate) struct Distribution {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Scrape {
    /// Reads the text format. There is one session, so its labels say nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            match (name.strip_prefix(STAGES), label(labels, "stage")) {
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
    pub(crate) fn growth(&self, before: &Self, name: &str) -> f64 {
        let value = |scrape: &Self| scrape.counters.get(&format!("earthshine_{name}_total")).copied().unwrap_or(0.0);
        value(self) - value(before)
    }

    /// What a stage took since `before`.
    pub(crate) fn stage(&self, before: &Self, stage: &str) -> Distribution {
        let (now, then) = (self.stages.get(stage), before.stages.get(stage));
        now.cloned().unwrap_or_default().since(&then.cloned().unwrap_or_default())
    }
}

impl Cumulative {
    fn since(mut self, before: &Self) -> Distribution {
        for ((_, frames), (_, earlier)) in self.buckets.iter_mut().zip(&before.buckets) {
            *frames -= earlier;
        }
        let count = self.buckets.last().map_or(0.0, |(_, frames)| *frames);
        let milliseconds = |seconds: f64| seconds * 1e3;
        Distribution {
            count,
            mean: milliseconds((self.sum - before.sum) / count.max(1.0)),
            p50: milliseconds(self.quantile(0.5)),
            p99: milliseconds(self.quantile(0.99)),
        }
    }

    /// In seconds: linear within the bucket that holds it.
    fn quantile(&self, quantile: f64) -> f64 {
        let rank = self.buckets.last().map_or(0.0, |(_, frames)| *frames) * quantile;
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

const STAGES: &str = "earthshine_stage_seconds";
