//! Capacity as the API shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::capacity::{Capacity, Share, Usage, count};
use crate::host::gpus::GpusView;
use crate::host::placement::PlacementView;
use crate::host::supervisor::quarantine::CaptiveView;

/// `GET /api/v1/capacity`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CapacityView {
    /// Whether there are figures: not in the first seconds, nor if measuring
    /// does not go on.
    pub available: bool,
    /// Age of the figures; `null` before the first.
    pub age_seconds: Option<f64>,
    /// How long measuring took.
    pub took_microseconds: u64,
    /// What could not be measured; empty if nothing.
    pub error: String,
    /// Cores that the host may run on.
    pub cores: usize,
    /// Cores that the host's cgroup may use, if that is limited.
    pub cpu_limit_cores: Option<f64>,
    /// Bytes of memory of the machine.
    pub memory_total_bytes: Option<u64>,
    /// Bytes that another stream could have.
    pub memory_available_bytes: Option<u64>,
    /// Bytes that the host's cgroup may have, if that is limited.
    pub memory_limit_bytes: Option<u64>,
    /// Cores that all sessions and lobbies use.
    pub used_cores: f64,
    /// Bytes that all sessions and lobbies have.
    pub used_bytes: u64,
    /// Each session that streams.
    pub sessions: Vec<ShareView>,
    /// Each lobby.
    pub lobbies: Vec<ShareView>,
    /// What GPUs say of themselves.
    pub gpus: GpusView,
    /// Who is placed on which GPU, and what still fits there.
    pub placement: Vec<PlacementView>,
    /// What the operator allows; `null` is no limit.
    pub limits: LimitsView,
    /// Sessions that run.
    pub running_sessions: usize,
    /// Lobbies that run.
    pub running_lobbies: usize,
    /// What another session is expected to need; `null` before one has run for a
    /// while.
    pub another_session: Option<NeedView>,
    /// Sessions like the present ones that still fit.
    pub sessions_that_fit: usize,
    /// The limit that allows no more; empty if that is not a limit of capacity.
    pub limited_by: &'static str,
    /// Processes that cannot be killed.
    pub quarantined: Vec<CaptiveView>,
}

/// What one session or lobby uses, with its desktop.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShareView {
    /// Number of the session or id of the lobby.
    pub id: String,
    /// Cores.
    pub cores: f64,
    /// Resident memory.
    pub memory_bytes: u64,
    /// For how long it has been measured.
    pub measured_seconds: u64,
}

/// What another session is expected to need.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct NeedView {
    /// Cores.
    pub cores: f64,
    /// Resident memory.
    pub memory_bytes: u64,
}

/// What the operator allows.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct LimitsView {
    /// `host.max_sessions`.
    pub max_sessions: usize,
    /// `host.max_lobbies`.
    pub max_lobbies: usize,
    /// `admission.cpu_percent`.
    pub cpu_percent: Option<u32>,
    /// `admission.memory_reserve_mb`.
    pub memory_reserve_mb: Option<u64>,
    /// `admission.max_quarantined`.
    pub max_quarantined: Option<usize>,
    /// `admission.gpu_memory_reserve_mb`.
    pub gpu_memory_reserve_mb: Option<u64>,
    /// `admission.encoder_sessions`, of each GPU.
    pub encoder_sessions: Option<u32>,
}

/// What runs, and how much of it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) sessions: usize,
    /// Of these, those that are about to open an encoder.
    pub(crate) starting: usize,
    pub(crate) lobbies: usize,
    pub(crate) max_sessions: usize,
    pub(crate) max_lobbies: usize,
}

impl Capacity {
    /// All of it, now. Reads what was measured.
    #[must_use]
    pub(crate) fn view(&self, counts: Counts) -> CapacityView {
        let quarantined = self.quarantine.views();
        let usage = self.lock().clone();
        let measured = usage.as_ref();
        let machine = measured.map(|usage| usage.machine.clone()).unwrap_or_default();
        let (need, limits) = (measured.and_then(Usage::need_of_session), self.limits());
        let (sessions_that_fit, limited_by) = self.room(measured, counts, quarantined.len());
        CapacityView {
            available: measured.is_some_and(|usage| usage.error.is_empty() && usage.at.elapsed() < super::USEFUL_FOR),
            age_seconds: measured.map(|usage| usage.at.elapsed().as_secs_f64()),
            took_microseconds: measured.map_or(0, |usage| u64::try_from(usage.took.as_micros()).unwrap_or(u64::MAX)),
            error: measured.map_or_else(|| "not measured yet".to_owned(), |usage| usage.error.clone()),
            cores: machine.cores,
            cpu_limit_cores: machine.cpu_limit,
            memory_total_bytes: machine.total,
            memory_available_bytes: machine.available_bytes(),
            memory_limit_bytes: machine.memory_limit.map(|(limit, _)| limit),
            used_cores: measured.map_or(0.0, Usage::used_cores),
            used_bytes: measured.map_or(0, |usage| usage.shares().map(|share| share.bytes).sum()),
            sessions: measured.map(|usage| views(&usage.sessions)).unwrap_or_default(),
            lobbies: measured.map(|usage| views(&usage.lobbies)).unwrap_or_default(),
            gpus: self.gpus.view(),
            placement: Vec::new(),
            limits: LimitsView {
                max_sessions: counts.max_sessions,
                max_lobbies: counts.max_lobbies,
                cpu_percent: limits.cpu_percent,
                memory_reserve_mb: limits.memory_reserve_mb,
                max_quarantined: limits.max_quarantined,
                gpu_memory_reserve_mb: limits.gpu_memory_reserve_mb,
                encoder_sessions: limits.encoder_sessions,
            },
            running_sessions: counts.sessions,
            running_lobbies: counts.lobbies,
            another_session: need.map(|need| NeedView { cores: need.cores, memory_bytes: need.bytes }),
            sessions_that_fit,
            limited_by,
            quarantined,
        }
    }

    /// How many sessions still fit, and what allows no more.
    fn room(&self, usage: Option<&Usage>, counts: Counts, quarantined: usize) -> (usize, &'static str) {
        let limits = self.limits();
        if limits.max_quarantined.is_some_and(|limit| quarantined > limit) {
            return (0, "admission.max_quarantined");
        }
        let mut room = (counts.max_sessions.saturating_sub(counts.sessions), "host.max_sessions");
        if let Some(on_gpus) = self.room_on_gpus(counts.starting, None).filter(|on_gpus| on_gpus.places < room.0) {
            room = (on_gpus.places, on_gpus.limited_by);
        }
        let Some((usage, need)) = usage.and_then(|usage| Some((usage, usage.need_of_session()?))) else { return room };
        if let Some(allowed) = usage.allowed_cores(&limits).filter(|_| need.cores > 0.0) {
            let mut fit = 0;
            while fit < room.0 && usage.used_cores() + need.cores * count(fit + 1) <= allowed {
                fit += 1;
            }
            if fit < room.0 {
                room = (fit, "admission.cpu_percent");
            }
        }
        if let (Some(reserve), Some(available)) = (limits.memory_reserve_mb, usage.machine.available_bytes()) {
            let left = available.saturating_sub(reserve.saturating_mul(super::MEGABYTE));
            let fit = usize::try_from(left / need.bytes.max(1)).unwrap_or(usize::MAX);
            if fit < room.0 {
                room = (fit, "admission.memory_reserve_mb");
            }
        }
        room
    }
}

fn views<K: ToString>(shares: &[(K, Share)]) -> Vec<ShareView> {
    let view = |(id, share): &(K, Share)| ShareView {
        id: id.to_string(),
        cores: share.cores,
        memory_bytes: share.bytes,
        measured_seconds: share.age.as_secs(),
    };
    shares.iter().map(view).collect()
}
