//! What a client does one after the other, and how long each took.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::bench::histogram::milliseconds;

/// Durations of steps in order.
#[derive(Debug, Default)]
pub(super) struct Steps(Vec<(&'static str, Duration)>);

/// A step that failed.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Which step.
    pub step: &'static str,
    /// Why.
    pub error: String,
}

impl Failure {
    /// A step and its reason.
    pub(super) fn new(step: &'static str, error: &anyhow::Error) -> Self {
        Self { step, error: format!("{error:#}") }
    }
}

impl Steps {
    /// Does a step and notes how long it took, whether it succeeds or not.
    pub(super) async fn time<T>(
        &mut self,
        step: &'static str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<T, Failure> {
        let begin = Instant::now();
        let outcome = work.await;
        self.note(step, begin.elapsed());
        outcome.map_err(|error| Failure::new(step, &error))
    }

    /// Notes a duration.
    pub(super) fn note(&mut self, step: &'static str, duration: Duration) {
        self.0.push((step, duration));
    }

    /// In milliseconds, by name.
    pub(super) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0.iter().map(|(step, duration)| ((*step).to_owned(), milliseconds(*duration).into())).collect()
    }
}
