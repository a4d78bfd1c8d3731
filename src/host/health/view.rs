//! Health as the API shows it: Wolf's `SystemHealth`, with more.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::health::tried::Tried;
use crate::host::health::verdict::Status;
use crate::host::health::{Health, STUCK_AFTER};
use crate::host::monitor::LOOK_INTERVAL;
use crate::host::supervisor::quarantine::{CaptiveView, Quarantine};

/// `GET /api/v1/system/health`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HealthView {
    /// Seconds since the start of the host.
    pub process_uptime_seconds: u64,
    /// Loops of the host, and every thread of every worker.
    pub threads: Vec<ThreadView>,
    /// How many of them stand still.
    pub stuck_thread_count: usize,
    /// How many there are.
    pub total_thread_count: usize,
    /// Whether a new stream would work, as far as canaries know.
    pub can_create_new_pipelines: bool,
    /// `healthy`, `degraded` or `critical`; the last if and only if a new stream
    /// would not work.
    pub overall_status: Status,
    /// In words, what is wrong; empty if nothing is.
    pub reason: String,
    /// How canaries did.
    pub canary: CanaryView,
    /// Processes that cannot be killed.
    pub quarantined: Vec<CaptiveView>,
    /// The longest that a task of the host has waited beyond its time.
    pub longest_lag_milliseconds: u64,
}

/// One thread.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ThreadView {
    /// Kernel's number of the thread; 0 for a loop without a thread of its own.
    pub tid: u32,
    /// Name of the thread.
    pub name: String,
    /// Whose it is.
    pub details: String,
    /// How long it has not shown that it lives.
    pub seconds_since_heartbeat: f64,
    /// For how long it has run.
    pub seconds_alive: f64,
    /// How often it has shown that it lives.
    pub heartbeat_count: u64,
    /// It stands still.
    pub is_stuck: bool,
    /// Empty: nothing here serves requests on a thread of its own.
    pub current_request_path: String,
    /// 0, for the same reason.
    pub request_duration_seconds: f64,
    /// False, for the same reason.
    pub has_active_request: bool,
    /// Where in the kernel it waits, if it is stuck.
    pub stack_trace: String,
}

/// How canaries did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CanaryView {
    /// `healthy`, `degraded` or `critical`.
    pub status: Status,
    /// So far.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many failed one after the other, up to now.
    pub failures_in_a_row: u32,
    /// Seconds since the last one ended; `null` before the first.
    pub seconds_since_last: Option<f64>,
    /// How long the last one took.
    pub last_milliseconds: u64,
    /// Encoder that the last one used.
    pub encoder: String,
    /// What was wrong with the last one that failed.
    pub last_failure: String,
    /// How they did on each GPU that encodes; empty where none has said so.
    pub gpus: Vec<GpuCanaryView>,
}

/// How canaries did on one GPU.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GpuCanaryView {
    /// Its place on the PCI bus; its render node, where it is on none.
    pub gpu: String,
    /// `healthy`, `degraded` or `critical`; healthy before the first.
    pub status: Status,
    /// How many failed one after the other, up to now.
    pub failures_in_a_row: u32,
    /// Seconds since the last one ended; `null` before the first.
    pub seconds_since_last: Option<f64>,
    /// Encoder that the last one used.
    pub encoder: String,
    /// What was wrong with the last one that failed.
    pub last_failure: String,
    /// Why it is passed over at the moment; empty if it is not.
    pub spared: String,
}

impl GpuCanaryView {
    fn of((gpu, tried): (&String, &Tried)) -> Self {
        let last = tried.last.as_ref();
        Self {
            gpu: gpu.clone(),
            status: tried.status(),
            failures_in_a_row: tried.failures(),
            seconds_since_last: last.map(|(at, _)| at.elapsed().as_secs_f64()),
            encoder: last.map(|(_, outcome)| outcome.encoder.clone()).unwrap_or_default(),
            last_failure: tried.last_failure.clone(),
            spared: tried.spared.clone(),
        }
    }
}

impl Health {
    /// All of it, now. Reads what was collected.
    #[must_use]
    pub(crate) fn view(&self, quarantine: &Quarantine, limit: Option<usize>) -> HealthView {
        let threads = self.threads();
        let stuck = threads.iter().filter(|thread| thread.is_stuck).count();
        let quarantined = quarantine.views();
        let canary = self.canary_view();
        let crowded = limit.is_some_and(|limit| quarantined.len() > limit);
        let mut status = canary.status;
        let mut reasons = Vec::new();
        if status != Status::Healthy {
            reasons.push(format!("canary: {}", self.canary_reason()));
        }
        if stuck > 0 {
            status = status.max(Status::Degraded);
            reasons.push(format!("{stuck} threads stand still"));
        }
        if !quarantined.is_empty() {
            status = status.max(if crowded { Status::Critical } else { Status::Degraded });
            reasons.push(format!("{} processes cannot be killed", quarantined.len()));
        }
        HealthView {
            process_uptime_seconds: self.uptime().as_secs(),
            stuck_thread_count: stuck,
            total_thread_count: threads.len(),
            threads,
            can_create_new_pipelines: status != Status::Critical,
            overall_status: status,
            reason: reasons.join("; "),
            canary,
            quarantined,
            longest_lag_milliseconds: milliseconds(self.longest_lag()),
        }
    }

    fn canary_view(&self) -> CanaryView {
        let canary = self.canary();
        let last = canary.last.as_ref();
        CanaryView {
            status: canary.status(),
            runs: canary.runs,
            failures: canary.failures,
            failures_in_a_row: canary.tried.values().map(Tried::failures).max().unwrap_or(0),
            seconds_since_last: last.map(|(at, _)| at.elapsed().as_secs_f64()),
            last_milliseconds: last.map_or(0, |(_, outcome)| milliseconds(outcome.took)),
            encoder: last.map(|(_, outcome)| outcome.encoder.clone()).unwrap_or_default(),
            last_failure: canary.last_failure.clone(),
            gpus: canary.tried.iter().filter(|(gpu, _)| !gpu.is_empty()).map(GpuCanaryView::of).collect(),
        }
    }

    /// What is wrong, with the name of each GPU where it is.
    fn canary_reason(&self) -> String {
        let canary = self.canary();
        let unwell = canary.tried.iter().filter(|(_, tried)| tried.status() != Status::Healthy);
        let reason = |(gpu, tried): (&String, &Tried)| match gpu.as_str() {
            "" => tried.last_failure.clone(),
            gpu => format!("{gpu}: {}", tried.last_failure),
        };
        unwell.map(reason).collect::<Vec<_>>().join("; ")
    }

    fn threads(&self) -> Vec<ThreadView> {
        let alive = self.uptime().as_secs_f64();
        let own = self.host_beats().map(|(name, beat)| ThreadView {
            tid: 0,
            name: name.to_owned(),
            details: "host".to_owned(),
            seconds_since_heartbeat: beat.age.as_secs_f64(),
            seconds_alive: alive,
            heartbeat_count: beat.count,
            is_stuck: beat.age > STUCK_AFTER,
            current_request_path: String::new(),
            request_duration_seconds: 0.0,
            has_active_request: false,
            stack_trace: String::new(),
        });
        let (looked, workers) = self.workers();
        // If nobody looks any more, ages show that.
        let since = looked.elapsed().saturating_sub(LOOK_INTERVAL);
        let theirs = workers.into_iter().map(|seen| ThreadView {
            tid: seen.tid,
            name: seen.thread.name().to_owned(),
            details: format!("session {} worker {}", seen.session, seen.pid),
            seconds_since_heartbeat: (seen.silent + since).as_secs_f64(),
            seconds_alive: (seen.alive + since).as_secs_f64(),
            heartbeat_count: seen.beats,
            is_stuck: seen.stuck,
            current_request_path: String::new(),
            request_duration_seconds: 0.0,
            has_active_request: false,
            stack_trace: seen.stack,
        });
        own.into_iter().chain(theirs).collect()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
