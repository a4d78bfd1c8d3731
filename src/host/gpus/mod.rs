//! What is known of this machine's GPUs: memory, load, encode sessions.
//!
//! A process of its own asks their drivers ([`watch`]), because that may hang; the
//! host reads what it prints. Requests read the newest figures, which have an age and
//! the error that keeps newer ones away. Who is refused for want of room on a GPU
//! says [`room`]: nobody without figures, or with old ones. Who is on which GPU says
//! [`placed`], and which comes first [`choice`].

pub(crate) mod choice;
pub(crate) mod known;
pub(crate) mod placed;
mod room;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tracing::{info, warn};

pub use self::room::GpuFull;
pub(crate) use self::room::{GpuLimits, Room};
pub(crate) use self::watch::GpuWatch;

use self::choice::Standing;
use self::placed::Placed;
use crate::gpu::GpuAddress;
use crate::host::scope::Scope;
use crate::ipc::gpu_report::{Gpu, GpuReport};
use crate::render_nodes::{self, RenderNode};
use crate::stream_plan::EncoderFamily;

/// Handle to what is known; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gpus {
    told: Arc<Mutex<State>>,
    placed: Arc<Mutex<Placed>>,
    /// What the kernel lists: looked up when figures come, and not in requests.
    nodes: Arc<Mutex<Vec<RenderNode>>>,
}

#[derive(Debug, Default)]
struct State {
    newest: Option<(Instant, GpuReport)>,
    /// Why there is nothing newer; empty while there is.
    problem: String,
    restarts: u64,
}

/// GPUs as the API shows them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GpusView {
    /// Whether there are figures, and new ones.
    pub available: bool,
    /// Age of the figures; `null` before the first.
    pub age_seconds: Option<f64>,
    /// How long asking took, the last time.
    pub took_microseconds: u64,
    /// Why there are no figures, or no newer ones; empty if there are.
    pub error: String,
    /// How often the process that asks was started anew.
    pub restarts: u64,
    /// Each GPU.
    pub list: Vec<Gpu>,
}

impl Gpus {
    /// Nobody has told anything yet, but for the kernel.
    pub(crate) fn new() -> Self {
        let gpus = Self::default();
        gpus.look();
        gpus
    }

    fn look(&self) {
        let nodes = render_nodes::all();
        *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }

    /// Render nodes, as the kernel lists them.
    pub(crate) fn nodes(&self) -> Vec<RenderNode> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Newer figures.
    fn reported(&self, report: GpuReport) {
        self.look();
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.problem, report.error.clone());
        state.newest = Some((Instant::now(), report));
        let now = state.problem.clone();
        drop(state);
        match (before.is_empty(), now.is_empty()) {
            (false, true) => info!("GPUs tell of themselves again"),
            (_, false) if before != now => warn!(error = now, "GPUs"),
            _ => {}
        }
    }

    /// There are no newer figures, and why.
    fn failed(&self, problem: impl Into<String>) {
        let problem = problem.into();
        let before = std::mem::replace(&mut self.lock().problem, problem.clone());
        if before != problem {
            warn!(error = problem, "GPUs");
        }
    }

    /// There is nothing to ask.
    fn none(&self) {
        *self.lock() = State { problem: NO_GPU.to_owned(), ..State::default() };
    }

    fn restarted(&self) {
        self.lock().restarts += 1;
    }

    /// What streams of a host with these encoders find on GPUs, or on one that they
    /// must have, if `starting` of its sessions are about to open an encoder. `None` if
    /// that stops nobody.
    pub(crate) fn room(
        &self,
        encoders: &[EncoderFamily],
        limits: GpuLimits,
        starting: usize,
        only: Option<&GpuAddress>,
    ) -> Option<Room> {
        let (counted, gpus) = self.figures()?;
        let placed = self.placed();
        let unplaced = if only.is_some() { 0 } else { starting.saturating_sub(placed.starting()) };
        let address = |gpu: &Gpu| GpuAddress::at(gpu.bus_id.clone());
        let fitting = gpus.iter().filter(|gpu| only.is_none_or(|only| only.is(&address(gpu))));
        let pending = |gpu: &Gpu| placed.standing(&address(gpu), None, Some(counted)).pending;
        let fitting: Vec<_> = fitting.map(|gpu| (gpu, pending(gpu))).collect();
        room::room(&fitting, encoders, limits, unplaced)
    }

    /// What this host does on a GPU, `except` for one.
    pub(crate) fn standing(&self, gpu: &GpuAddress, except: Option<Scope>) -> Standing {
        let counted = self.figures().map(|(counted, _)| counted);
        self.placed().standing(gpu, except, counted)
    }

    /// The newest figures that are no older than useful, and when they were asked for.
    pub(crate) fn figures(&self) -> Option<(Instant, Vec<Gpu>)> {
        let state = self.lock();
        let (at, report) = state.newest.as_ref().filter(|(at, _)| at.elapsed() < USEFUL_FOR)?;
        let asked = at.checked_sub(Duration::from_micros(report.took_microseconds)).unwrap_or(*at);
        Some((asked, report.gpus.clone()))
    }

    /// All of it, now.
    pub(crate) fn view(&self) -> GpusView {
        let state = self.lock();
        let newest = state.newest.as_ref();
        GpusView {
            available: newest.is_some_and(|(at, report)| at.elapsed() < USEFUL_FOR && !report.gpus.is_empty()),
            age_seconds: newest.map(|(at, _)| at.elapsed().as_secs_f64()),
            took_microseconds: newest.map_or(0, |(_, report)| report.took_microseconds),
            error: match newest {
                None if state.problem.is_empty() => NOT_ASKED.to_owned(),
                _ => state.problem.clone(),
            },
            restarts: state.restarts,
            list: newest.map(|(_, report)| report.gpus.clone()).unwrap_or_default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn tell_for_tests(&self, report: GpuReport) {
        self.reported(report);
    }

    #[cfg(test)]
    pub(crate) fn none_for_tests(&self) {
        self.none();
    }

    /// One GPU of NVIDIA, with so many encode sessions.
    #[cfg(test)]
    pub(crate) fn with_sessions(sessions: u32) -> Self {
        use crate::ipc::gpu_report::GpuVendor;

        let gpus = Self::default();
        let unknown = Gpu::unknown(GpuVendor::Nvidia, "a GPU".to_owned());
        let gpu = Gpu { encoder_sessions: Some(sessions), ..unknown };
        gpus.reported(GpuReport { gpus: vec![gpu], ..GpuReport::default() });
        gpus
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn placed(&self) -> MutexGuard<'_, Placed> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NO_GPU: &str = "no GPU: no /dev/nvidiactl, no libnvidia-ml.so.1, no card of NVIDIA, AMD or Intel in \
                      /sys/class/drm";
const NOT_ASKED: &str = "GPUs were not asked yet";

/// Figures come every two seconds. Older ones show what was, and decide nothing.
const USEFUL_FOR: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::gpu_report::GpuVendor;

    const LIMITS: GpuLimits = GpuLimits { memory_reserve_mb: None, encoder_sessions: Some(1) };

    fn full() -> GpuReport {
        let gpu = Gpu { encoder_sessions: Some(1), ..Gpu::unknown(GpuVendor::Nvidia, "0000:01:00.0".to_owned()) };
        GpuReport { gpus: vec![gpu], ..GpuReport::default() }
    }

    #[test]
    fn figures_have_an_age_and_what_keeps_newer_ones_away() {
        let gpus = Gpus::default();
        let view = gpus.view();
        assert_eq!((view.available, view.age_seconds, view.error.as_str()), (false, None, NOT_ASKED));
        gpus.reported(full());
        let view = gpus.view();
        assert!(view.available && view.error.is_empty() && view.list.len() == 1, "{view:?}");
        gpus.failed("late");
        let view = gpus.view();
        assert!(view.available && view.error == "late" && view.age_seconds.is_some(), "{view:?}");
        gpus.reported(GpuReport { error: "no driver".to_owned(), ..GpuReport::default() });
        let view = gpus.view();
        assert!(!view.available && view.error == "no driver" && view.list.is_empty(), "{view:?}");
        gpus.none();
        assert_eq!((gpus.view().age_seconds, gpus.view().error.as_str()), (None, NO_GPU));
    }

    #[test]
    fn a_stream_that_begins_takes_its_place_on_its_own_gpu() {
        let gpus = Gpus::default();
        let two = ["0000:01:00.0", "0000:02:00.0"]
            .map(|place| Gpu { encoder_sessions: Some(0), ..Gpu::unknown(GpuVendor::Nvidia, place.to_owned()) });
        gpus.reported(GpuReport { gpus: two.into(), ..GpuReport::default() });
        let places = |starting, only: Option<&GpuAddress>| {
            gpus.room(&[EncoderFamily::Nvenc], LIMITS, starting, only).map(|room| room.places)
        };
        let [one, other] = ["0000:01:00.0", "0000:02:00.0"].map(GpuAddress::at);
        let scope = Scope::Session(crate::ids::SessionId(1));
        let _place = placed::Place::take(&gpus, scope, Some(other.clone()), placed::Work::Starts);
        assert_eq!((places(1, None), places(1, Some(&one)), places(1, Some(&other))), (Some(1), Some(1), Some(0)));
        assert_eq!(places(2, None), Some(0), "one more starts, who knows where");
    }

    #[test]
    fn old_figures_refuse_nobody() {
        let gpus = Gpus::default();
        let places = || gpus.room(&[EncoderFamily::Nvenc], LIMITS, 0, None).map(|room| room.places);
        assert_eq!(places(), None, "nothing is known");
        gpus.reported(full());
        assert_eq!(places(), Some(0));
        if let Some(then) = Instant::now().checked_sub(USEFUL_FOR) {
            gpus.lock().newest = Some((then, full()));
            assert_eq!(places(), None);
            assert!(!gpus.view().available);
        }
    }
}
