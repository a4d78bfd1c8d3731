//! Whether a GPU can take another stream.
//!
//! It matters only where nothing else can: a list of encoders with `software` in it
//! goes on with the CPU, and one that works on several GPUs goes on while one of them
//! has room. What a GPU does not tell is no reason to refuse anybody.

use crate::host::gpus::known::works_on;
use crate::ipc::gpu_report::Gpu;
use crate::stream_plan::EncoderFamily;

/// What the operator allows on each GPU; `None` is no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GpuLimits {
    /// Megabytes that must be left.
    pub(crate) memory_reserve_mb: Option<u64>,
    /// Encode sessions, of all programs.
    pub(crate) encoder_sessions: Option<u32>,
}

/// What GPUs can still take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// Streams.
    pub(crate) places: usize,
    /// GPUs that can take none, and why: all of them where there is no place.
    pub(crate) full: Vec<GpuFull>,
    /// The limit that counts.
    pub(crate) limited_by: &'static str,
}

/// Why a GPU takes no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuFull {
    /// Its memory is in use.
    #[error("{gpu} has {left_mb} MB of memory left, and {reserve_mb} MB are kept in reserve ({MEMORY})")]
    Memory {
        /// Name.
        gpu: String,
        /// Left now.
        left_mb: u64,
        /// `admission.gpu_memory_reserve_mb`.
        reserve_mb: u64,
    },
    /// Its encode sessions are.
    #[error("{gpu} has {sessions} encode sessions, open or about to be, and {limit} are allowed ({SESSIONS})")]
    Sessions {
        /// Name.
        gpu: String,
        /// Of all programs, and of sessions that start.
        sessions: usize,
        /// `admission.encoder_sessions`.
        limit: u32,
    },
}

impl GpuFull {
    const fn limit(&self) -> &'static str {
        match self {
            Self::Memory { .. } => MEMORY,
            Self::Sessions { .. } => SESSIONS,
        }
    }
}

/// What streams find on these GPUs, each with so many sessions that are about to open
/// an encoder on it, if `starting` more are about to, nobody knows where. `None` if it
/// stops nobody.
pub(super) fn room(
    gpus: &[(&Gpu, usize)],
    encoders: &[EncoderFamily],
    limits: GpuLimits,
    mut starting: usize,
) -> Option<Room> {
    if encoders.contains(&EncoderFamily::Software) {
        return None;
    }
    let useful: Vec<_> =
        gpus.iter().filter(|(gpu, _)| encoders.iter().any(|family| works_on(*family, Some(gpu.vendor)))).collect();
    let (mut places, mut full) = (0_usize, Vec::new());
    for (gpu, pending) in &useful {
        if let Some(reason) = memory_full(gpu, limits) {
            full.push(reason);
            continue;
        }
        // Without a limit, or where nobody knows: as many as come.
        let (limit, open) = limits.encoder_sessions.zip(gpu.encoder_sessions)?;
        let open = sessions(open, *pending);
        let left = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(open);
        let taken = starting.min(left);
        starting -= taken;
        places = places.saturating_add(left - taken);
        if left == taken {
            let sessions = open.saturating_add(taken);
            full.push(GpuFull::Sessions { gpu: gpu.label().to_owned(), sessions, limit });
        }
    }
    // Without a GPU that is known, the launch itself says what is wrong.
    let limited_by = full.first().filter(|_| places == 0).map_or(SESSIONS, GpuFull::limit);
    (!useful.is_empty()).then_some(Room { places, full, limited_by })
}

/// Why a GPU on which so many sessions are about to open an encoder takes no more.
pub(super) fn full(gpu: &Gpu, limits: GpuLimits, pending: usize) -> Option<GpuFull> {
    let by_sessions = || {
        let (limit, open) = limits.encoder_sessions.zip(gpu.encoder_sessions)?;
        let sessions = sessions(open, pending);
        let is_full = sessions >= usize::try_from(limit).unwrap_or(usize::MAX);
        is_full.then(|| GpuFull::Sessions { gpu: gpu.label().to_owned(), sessions, limit })
    };
    memory_full(gpu, limits).or_else(by_sessions)
}

fn sessions(open: u32, pending: usize) -> usize {
    usize::try_from(open).unwrap_or(usize::MAX).saturating_add(pending)
}

fn memory_full(gpu: &Gpu, limits: GpuLimits) -> Option<GpuFull> {
    let (reserve_mb, left) = limits.memory_reserve_mb.zip(gpu.memory_left_bytes())?;
    let left_mb = left >> 20;
    (left_mb < reserve_mb).then(|| GpuFull::Memory { gpu: gpu.label().to_owned(), left_mb, reserve_mb })
}

const MEMORY: &str = "admission.gpu_memory_reserve_mb";
const SESSIONS: &str = "admission.encoder_sessions";

#[cfg(test)]
mod tests {
    use EncoderFamily::{Nvenc, Software, Vaapi, Vulkan};

    use super::*;
    use crate::ipc::gpu_report::GpuVendor;

    const NO_LIMITS: GpuLimits = GpuLimits { memory_reserve_mb: None, encoder_sessions: None };
    const THREE: GpuLimits = GpuLimits { memory_reserve_mb: Some(512), encoder_sessions: Some(3) };

    fn gpu(vendor: GpuVendor, left_mb: u64, sessions: Option<u32>) -> Gpu {
        Gpu {
            name: format!("{vendor:?}"),
            memory_total_bytes: Some(4096 << 20),
            memory_used_bytes: Some((4096 - left_mb) << 20),
            encoder_sessions: sessions,
            ..Gpu::unknown(vendor, "0000:01:00.0".to_owned())
        }
    }

    fn nvidia(left_mb: u64, sessions: u32) -> Gpu {
        gpu(GpuVendor::Nvidia, left_mb, Some(sessions))
    }

    fn on(gpus: &[Gpu], encoders: &[EncoderFamily], limits: GpuLimits, starting: usize) -> Option<Room> {
        room(&gpus.iter().map(|gpu| (gpu, 0)).collect::<Vec<_>>(), encoders, limits, starting)
    }

    fn places(gpus: &[Gpu], encoders: &[EncoderFamily], starting: usize) -> Option<usize> {
        on(gpus, encoders, THREE, starting).map(|room| room.places)
    }

    #[test]
    fn a_full_gpu_stops_those_who_have_nothing_else() {
        assert_eq!(places(&[nvidia(511, 0)], &[Nvenc], 0), Some(0));
        assert_eq!(places(&[nvidia(511, 0)], &[Nvenc, Software], 0), None);
        assert_eq!(places(&[nvidia(511, 0)], &[Software, Nvenc], 0), None);
        assert_eq!(places(&[nvidia(512, 2)], &[Nvenc], 0), Some(1));
        assert_eq!(on(&[nvidia(0, 9)], &[Nvenc], NO_LIMITS, 9), None);
    }

    #[test]
    fn another_gpu_goes_on_where_the_list_has_an_encoder_for_it() {
        let amd = gpu(GpuVendor::Amd, 2000, None);
        let machine = [nvidia(0, 0), amd];
        assert_eq!(places(&machine, &[Nvenc], 0), Some(0));
        for encoders in [&[Nvenc, Vaapi][..], &[Nvenc, Vulkan], &[Vaapi]] {
            assert_eq!(places(&machine, encoders, 50), None, "{encoders:?}: an AMD GPU counts no sessions");
        }
        assert_eq!(places(&[nvidia(0, 0), nvidia(2000, 1)], &[Nvenc], 0), Some(2));
        assert_eq!(places(&machine[..1], &[Vaapi], 0), None, "no GPU that it could work on");
    }

    #[test]
    fn sessions_that_start_take_places_before_they_are_seen() {
        let machine = [nvidia(2000, 2), nvidia(2000, 1)];
        assert_eq!(places(&machine, &[Nvenc], 0), Some(3));
        assert_eq!(places(&machine, &[Nvenc], 2), Some(1));
        let room = on(&machine, &[Nvenc], THREE, 5).unwrap();
        assert_eq!((room.places, room.limited_by), (0, "admission.encoder_sessions"));
        assert_eq!(room.full.len(), 2);
        assert_eq!(
            room.full[1].to_string(),
            "Nvidia has 3 encode sessions, open or about to be, and 3 are allowed (admission.encoder_sessions)"
        );
    }

    #[test]
    fn what_a_gpu_does_not_tell_refuses_nobody() {
        let silent = Gpu::unknown(GpuVendor::Nvidia, "0000:01:00.0".to_owned());
        assert_eq!(places(&[silent], &[Nvenc], 9), None);
        assert_eq!(places(&[gpu(GpuVendor::Nvidia, 511, None)], &[Nvenc], 0), Some(0));
        assert_eq!(places(&[], &[Nvenc], 9), None);
        let room = on(&[nvidia(100, 0)], &[Nvenc], THREE, 0).unwrap();
        assert_eq!(
            room.full[0].to_string(),
            "Nvidia has 100 MB of memory left, and 512 MB are kept in reserve (admission.gpu_memory_reserve_mb)"
        );
    }
}
