//! What this machine can still take, measured on what it already does.
//!
//! The monitor measures the cores and the memory that each stream and lobby
//! uses, with its desktop. Another one is expected to need what those that have
//! run for a while need on average. How busy the machine is with other things is
//! not our business, so a host with nothing to do takes its first client always.
//! Each limit can be changed or switched off; a refusal names it.
//!
//! GPUs are another matter (`host/gpus`): a full one stops even the first, if its
//! stream can be encoded nowhere else.

pub(crate) mod machine;
pub(crate) mod sampler;
pub mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::AdmissionConfig;
use crate::config::live::LiveConfig;
use crate::gpu::GpuAddress;
use crate::host::capacity::machine::Machine;
use crate::host::gpus::{GpuFull, GpuLimits, Gpus, Room};
use crate::host::supervisor::quarantine::Quarantine;
use crate::ids::SessionId;
use crate::stream_plan::EncoderFamily;

/// Handle to what was measured; cheap to clone.
#[derive(Debug, Clone)]
pub struct Capacity {
    config: LiveConfig,
    /// What streams are encoded with: as workers were told at the start.
    encoders: Arc<[EncoderFamily]>,
    quarantine: Quarantine,
    gpus: Gpus,
    usage: Arc<Mutex<Option<Usage>>>,
}

/// What was measured at one time.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub(crate) at: Instant,
    /// How long measuring took.
    pub(crate) took: Duration,
    pub(crate) machine: Machine,
    pub(crate) sessions: Vec<(SessionId, Share)>,
    /// By id.
    pub(crate) lobbies: Vec<(String, Share)>,
    /// What could not be read, empty if nothing.
    pub(crate) error: String,
}

/// What one session or lobby uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Share {
    /// Cores, averaged over the last ten seconds or so.
    pub(crate) cores: f64,
    /// Resident memory of all its processes; what several share counts for each.
    pub(crate) bytes: u64,
    /// For how long it has been measured.
    pub(crate) age: Duration,
}

impl Share {
    /// Whether it has run for long enough to tell what another would need.
    fn is_settled(&self) -> bool {
        self.age >= SETTLED_AFTER
    }
}

/// Why nobody else is taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoRoom {
    /// Too many processes are stuck inside the kernel.
    #[error(
        "{stuck} processes of this host cannot be killed, and it allows {limit} (admission.max_quarantined). \
         A device or its driver may be broken: the machine needs an administrator."
    )]
    Quarantine {
        /// Now.
        stuck: usize,
        /// `admission.max_quarantined`.
        limit: usize,
    },
    /// The processor is in use.
    #[error(
        "This host's processor is in use: its streams take {used:.1} of {allowed:.1} cores, and another one needs \
         about {needed:.1} (admission.cpu_percent). Try later."
    )]
    Cores {
        /// By all that runs.
        used: f64,
        /// By another.
        needed: f64,
        /// By all together.
        allowed: f64,
    },
    /// Memory is in use.
    #[error(
        "This host's memory is in use: {available_mb} MB are left, another stream needs about {needed_mb} MB, and \
         {reserve_mb} MB are kept in reserve (admission.memory_reserve_mb). Try later."
    )]
    Memory {
        /// Left now.
        available_mb: u64,
        /// By another.
        needed_mb: u64,
        /// `admission.memory_reserve_mb`.
        reserve_mb: u64,
    },
    /// No GPU has room for a stream that needs one.
    #[error("No GPU of this host has room for another stream: {}. Try later.", listed(.0))]
    Gpus(Vec<GpuFull>),
}

/// What another session or lobby would need.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Need {
    cores: f64,
    bytes: u64,
}

impl Capacity {
    /// Nothing is measured yet.
    pub(crate) fn new(config: LiveConfig, quarantine: Quarantine, gpus: Gpus) -> Self {
        let encoders = config.now().video.encoders.clone().into();
        Self { config, encoders, quarantine, gpus, usage: Arc::default() }
    }

    /// The monitor has measured.
    pub(crate) fn measured(&self, usage: Usage) {
        *self.lock() = Some(usage);
    }

    /// Quarantined processes above which nobody is taken, if that is limited.
    #[must_use]
    pub fn quarantine_limit(&self) -> Option<usize> {
        self.limits().max_quarantined
    }

    /// Whether there is room for another session beside these, so many of which are
    /// about to open an encoder; on one GPU, if it must be encoded there.
    ///
    /// # Errors
    /// [`NoRoom`], for the user to read.
    pub(crate) fn admit_session(
        &self,
        running: &[SessionId],
        starting: usize,
        gpu: Option<&GpuAddress>,
    ) -> Result<(), NoRoom> {
        self.admit(Some(running), |usage| usage.need_of_session())?;
        match self.room_on_gpus(starting, gpu) {
            Some(room) if room.places == 0 => Err(NoRoom::Gpus(room.full)),
            _ => Ok(()),
        }
    }

    /// Whether there is room for another lobby, which encodes nothing itself.
    ///
    /// # Errors
    /// [`NoRoom`], for the user to read.
    pub(crate) fn admit_lobby(&self) -> Result<(), NoRoom> {
        self.admit(None, |usage| usage.need_of_lobby())
    }

    /// `running`: the sessions that count; all, if not given.
    fn admit(&self, running: Option<&[SessionId]>, need: impl Fn(&Usage) -> Option<Need>) -> Result<(), NoRoom> {
        let (stuck, limits) = (self.quarantine.count(), self.limits());
        if let Some(limit) = limits.max_quarantined.filter(|limit| stuck > *limit) {
            return Err(NoRoom::Quarantine { stuck, limit });
        }
        let usage = self.lock();
        // What is old says nothing.
        let Some(usage) = usage.as_ref().filter(|usage| usage.at.elapsed() < USEFUL_FOR) else { return Ok(()) };
        let Some(need) = need(usage) else { return Ok(()) };
        usage.has_room(&limits, running, need)
    }

    fn room_on_gpus(&self, starting: usize, only: Option<&GpuAddress>) -> Option<Room> {
        let limits = self.limits();
        let on_gpus =
            GpuLimits { memory_reserve_mb: limits.gpu_memory_reserve_mb, encoder_sessions: limits.encoder_sessions };
        self.gpus.room(&self.encoders, on_gpus, starting, only)
    }

    /// Those in force now.
    fn limits(&self) -> AdmissionConfig {
        self.config.now().admission
    }

    fn lock(&self) -> MutexGuard<'_, Option<Usage>> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    fn has_room(&self, config: &AdmissionConfig, running: Option<&[SessionId]>, need: Need) -> Result<(), NoRoom> {
        let counts = |session: &SessionId| running.is_none_or(|running| running.contains(session));
        let sessions = self.sessions.iter().filter(|(session, _)| counts(session)).map(|(_, share)| share);
        let shares: Vec<_> = sessions.chain(self.lobbies.iter().map(|(_, share)| share)).collect();
        let is_measured = |session: &SessionId| self.sessions.iter().any(|(measured, _)| measured == session);
        let unmeasured = running.map_or(0, |running| running.iter().filter(|session| !is_measured(session)).count());
        if shares.is_empty() && unmeasured == 0 {
            return Ok(());
        }
        if let Some(allowed) = self.allowed_cores(config) {
            // One that has just begun is expected to become like the others.
            let settled = |share: &&Share| if share.is_settled() { share.cores } else { share.cores.max(need.cores) };
            let used = shares.iter().map(settled).sum::<f64>() + need.cores * count(unmeasured);
            if used + need.cores > allowed {
                return Err(NoRoom::Cores { used, needed: need.cores, allowed });
            }
        }
        if let (Some(reserve), Some(available)) = (config.memory_reserve_mb, self.machine.available_bytes()) {
            let (available_mb, needed_mb) = (available / MEGABYTE, need.bytes / MEGABYTE);
            if available_mb < needed_mb + reserve {
                return Err(NoRoom::Memory { available_mb, needed_mb, reserve_mb: reserve });
            }
        }
        Ok(())
    }

    fn allowed_cores(&self, config: &AdmissionConfig) -> Option<f64> {
        config.cpu_percent.map(|percent| self.machine.usable_cores() * f64::from(percent) / 100.0)
    }

    fn used_cores(&self) -> f64 {
        self.shares().map(|share| share.cores).sum()
    }

    fn shares(&self) -> impl Iterator<Item = &Share> {
        self.sessions.iter().map(|(_, share)| share).chain(self.lobbies.iter().map(|(_, share)| share))
    }

    /// What another session would need; `None` before any has settled.
    fn need_of_session(&self) -> Option<Need> {
        mean(self.sessions.iter().map(|(_, share)| share))
    }

    /// What another lobby would need: as lobbies do, or else as sessions do.
    fn need_of_lobby(&self) -> Option<Need> {
        mean(self.lobbies.iter().map(|(_, share)| share)).or_else(|| self.need_of_session())
    }
}

fn mean<'a>(shares: impl Iterator<Item = &'a Share>) -> Option<Need> {
    let settled: Vec<_> = shares.filter(|share| share.is_settled()).collect();
    let number = settled.len();
    (number > 0).then(|| Need {
        cores: settled.iter().map(|share| share.cores).sum::<f64>() / count(number),
        bytes: settled.iter().map(|share| share.bytes).sum::<u64>() / number as u64,
    })
}

fn listed(full: &[GpuFull]) -> String {
    full.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[allow(clippy::cast_precision_loss, reason = "a number of sessions")]
const fn count(number: usize) -> f64 {
    number as f64
}

const MEGABYTE: u64 = 1 << 20;

/// A stream's first seconds cost more: the desktop and its application start.
const SETTLED_AFTER: Duration = Duration::from_secs(20);

/// If the monitor has not measured for so long, it is stuck itself.
const USEFUL_FOR: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::desktop::process::ProcessId;
    use crate::host::capacity::view::Counts;
    use crate::host::events::Events;
    use crate::host::supervisor::quarantine::{Captive, Kind};

    const LIMITS: AdmissionConfig = AdmissionConfig {
        cpu_percent: Some(100),
        memory_reserve_mb: Some(256),
        max_quarantined: Some(3),
        gpu_memory_reserve_mb: Some(512),
        encoder_sessions: Some(2),
    };

    fn share(cores: f64, seconds: u64) -> Share {
        Share { cores, bytes: 100 * MEGABYTE, age: Duration::from_secs(seconds) }
    }

    fn usage(shares: &[Share]) -> Usage {
        let machine =
            Machine { cores: 2, available: Some(8192 * MEGABYTE), total: Some(16384 * MEGABYTE), ..Machine::default() };
        let sessions = shares.iter().enumerate().map(|(number, share)| (SessionId(number as u64), *share)).collect();
        let (at, took) = (Instant::now(), Duration::ZERO);
        Usage { at, took, machine, sessions, lobbies: Vec::new(), error: String::new() }
    }

    fn unmeasured(admission: AdmissionConfig) -> Capacity {
        let config = Config { admission, ..Config::parse("", Path::new("test.toml")).unwrap() };
        Capacity::new(LiveConfig::new(config), Quarantine::new(Events::new("test")), Gpus::default())
    }

    fn capacity(config: AdmissionConfig, usage: Usage) -> Capacity {
        let capacity = unmeasured(config);
        capacity.measured(usage);
        capacity
    }

    fn ids(number: u64) -> Vec<SessionId> {
        (0..number).map(SessionId).collect()
    }

    #[test]
    fn the_first_is_always_admitted_and_so_is_what_nobody_has_measured() {
        let mut full = usage(&[]);
        full.machine.available = Some(0);
        let full = capacity(LIMITS, full);
        assert_eq!(full.admit_session(&[], 0, None), Ok(()));
        assert_eq!(full.admit_lobby(), Ok(()));
        let young = capacity(LIMITS, usage(&[share(0.9, 5), share(0.9, 5)]));
        assert_eq!(young.admit_session(&ids(2), 0, None), Ok(()), "nobody knows yet what a stream needs here");
        let unknown = unmeasured(LIMITS);
        assert_eq!(unknown.admit_session(&ids(50), 0, None), Ok(()));
    }

    #[test]
    fn sixty_four_tiny_streams_fit_on_two_cores() {
        let tiny = vec![share(0.02, 60); 63];
        assert_eq!(capacity(LIMITS, usage(&tiny)).admit_session(&ids(63), 0, None), Ok(()));
    }

    #[test]
    fn a_stream_for_which_there_are_no_cores_is_refused_with_figures() {
        let busy = [share(0.6, 60), share(0.6, 60), share(0.6, 60)];
        let refusal = capacity(LIMITS, usage(&busy)).admit_session(&ids(3), 0, None).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "This host's processor is in use: its streams take 1.8 of 2.0 cores, and another one needs about 0.6 \
             (admission.cpu_percent). Try later."
        );
        // Two are about to end and do not count.
        assert_eq!(capacity(LIMITS, usage(&busy)).admit_session(&ids(1), 0, None), Ok(()));
        let off = AdmissionConfig { cpu_percent: None, ..LIMITS };
        assert_eq!(capacity(off, usage(&busy)).admit_session(&ids(3), 0, None), Ok(()));
    }

    #[test]
    fn those_that_have_just_begun_count_as_what_they_will_be() {
        let shares = [share(0.5, 60), share(0.0, 1), share(0.1, 3)];
        assert!(matches!(
            capacity(LIMITS, usage(&shares)).admit_session(&ids(4), 0, None),
            Err(NoRoom::Cores { used, .. }) if (used - 2.0).abs() < 1e-9
        ));
    }

    #[test]
    fn memory_is_kept_in_reserve() {
        let mut usage = usage(&[share(0.1, 60)]);
        usage.machine.available = Some(355 * MEGABYTE);
        let refusal = capacity(LIMITS, usage.clone()).admit_session(&ids(1), 0, None).unwrap_err();
        assert_eq!(refusal, NoRoom::Memory { available_mb: 355, needed_mb: 100, reserve_mb: 256 });
        assert!(matches!(capacity(LIMITS, usage.clone()).admit_lobby(), Err(NoRoom::Memory { .. })));
        usage.machine.available = Some(356 * MEGABYTE);
        assert_eq!(capacity(LIMITS, usage).admit_session(&ids(1), 0, None), Ok(()));
    }

    #[test]
    fn too_many_processes_that_cannot_be_killed_close_the_host() {
        let capacity = capacity(LIMITS, usage(&[]));
        let captive = || Captive::helper(Kind::Canary, ProcessId { pid: 1, start_time: 0 });
        (0..3).for_each(|_| capacity.quarantine.take(captive()));
        assert_eq!(capacity.admit_session(&[], 0, None), Ok(()));
        capacity.quarantine.take(captive());
        assert_eq!(capacity.admit_session(&[], 0, None), Err(NoRoom::Quarantine { stuck: 4, limit: 3 }));
    }

    #[test]
    fn old_figures_refuse_nobody() {
        let mut old = usage(&[share(2.0, 60)]);
        if let Some(then) = Instant::now().checked_sub(USEFUL_FOR) {
            old.at = then;
            assert_eq!(capacity(LIMITS, old).admit_session(&ids(1), 0, None), Ok(()));
        }
    }

    #[test]
    fn a_gpu_without_room_stops_even_the_first_who_can_use_nothing_else() {
        let full = |encoders: &str| {
            let text = format!("[video]\nencoders = {encoders}\n");
            let config = Config { admission: LIMITS, ..Config::parse(&text, Path::new("test.toml")).unwrap() };
            let quarantine = Quarantine::new(Events::new("test"));
            Capacity::new(LiveConfig::new(config), quarantine, Gpus::with_sessions(1))
        };
        let counts = |sessions| Counts { sessions, starting: sessions, lobbies: 0, max_sessions: 9, max_lobbies: 9 };
        let capacity = full(r#"["nvenc"]"#);
        assert_eq!(capacity.admit_session(&[], 0, None), Ok(()));
        assert_eq!(capacity.admit_lobby(), Ok(()));
        let view = capacity.view(counts(0));
        assert_eq!((view.sessions_that_fit, view.limited_by), (1, "admission.encoder_sessions"));
        let refusal = capacity.admit_session(&[], 1, None).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "No GPU of this host has room for another stream: a GPU has 2 encode sessions, open or about to be, and 2 \
             are allowed (admission.encoder_sessions). Try later."
        );
        assert_eq!(capacity.view(counts(1)).sessions_that_fit, 0);
        let capacity = full(r#"["nvenc", "software"]"#);
        assert_eq!(capacity.admit_session(&[], 5, None), Ok(()));
        assert_eq!(capacity.view(counts(0)).limited_by, "host.max_sessions");
    }
}
