//! Which GPU comes first.
//!
//! Those that encode come before those that do not, sound ones before those in doubt,
//! those with room before full ones. Then the operator's list of encoders counts, then
//! how full a GPU is: the fullest of sessions, load and memory. What nobody knows of a
//! GPU does not count, so that without any figures the one with fewest streams of ours
//! comes first, and of equals the first on the bus: the same again for the same state.

use crate::gpu::GpuAddress;
use crate::host::gpus::known::KnownGpu;
use crate::host::gpus::room::{self, GpuFull, GpuLimits};
use crate::ipc::gpu_report::Gpu;
use crate::stream_plan::EncoderFamily;

/// What this host does on a GPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Streams that are encoded on it or about to be.
    pub(crate) streams: usize,
    /// Of these, those that its figures do not count yet.
    pub(crate) pending: usize,
    /// A stream had to go elsewhere a moment ago.
    pub(crate) doubted: bool,
}

/// What decides, best first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    encodes_nothing: bool,
    is_troubled: bool,
    is_full: bool,
    family: usize,
    /// Thousandths in use of what there is least of.
    used: u64,
    streams: usize,
}

/// The GPUs, best first.
pub(crate) fn order<'a>(
    gpus: &'a [KnownGpu],
    encoders: &[EncoderFamily],
    limits: GpuLimits,
    standing: impl Fn(&GpuAddress) -> Standing,
) -> Vec<&'a KnownGpu> {
    let mut ranked: Vec<_> =
        gpus.iter().map(|gpu| (rank(gpu, encoders, limits, standing(&gpu.address)), gpu)).collect();
    // Stable: equals stay in the order of the bus.
    ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
    ranked.into_iter().map(|(_, gpu)| gpu).collect()
}

/// Why a GPU takes no more, if it does not.
pub(crate) fn full(gpu: &KnownGpu, limits: GpuLimits, standing: Standing) -> Option<GpuFull> {
    room::full(gpu.figures.as_ref()?, limits, standing.pending)
}

fn rank(gpu: &KnownGpu, encoders: &[EncoderFamily], limits: GpuLimits, standing: Standing) -> Rank {
    let family = gpu.first_family(encoders);
    let figures = gpu.figures.as_ref();
    Rank {
        encodes_nothing: family.is_none(),
        is_troubled: standing.doubted || figures.is_some_and(|figures| !figures.error.is_empty()),
        is_full: full(gpu, limits, standing).is_some(),
        family: family.unwrap_or(usize::MAX),
        used: used(figures, limits, standing),
        streams: standing.streams,
    }
}

fn used(figures: Option<&Gpu>, limits: GpuLimits, standing: Standing) -> u64 {
    let open = figures.and_then(|figures| figures.encoder_sessions).map(u64::from);
    let sessions = open.map_or(standing.streams as u64, |open| open.saturating_add(standing.pending as u64));
    let most = limits.encoder_sessions.map_or(USUAL_SESSIONS, u64::from).max(1);
    let of_sessions = sessions.saturating_mul(1000) / most;
    let load = figures.and_then(|figures| figures.busy_percent.max(figures.encoder_percent));
    let of_load = load.map_or(0, |percent| u64::from(percent) * 10);
    let memory = figures.and_then(|figures| Some((figures.memory_used_bytes?, figures.memory_total_bytes?.max(1))));
    let of_memory = memory.map_or(0, |(used, total)| used.saturating_mul(1000) / total);
    of_sessions.max(of_load).max(of_memory)
}

/// Sessions that count as a full GPU where the operator sets no limit: what drivers
/// of consumers' GPUs allow.
const USUAL_SESSIONS: u64 = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ipc::gpu_report::GpuVendor;
    use crate::stream_plan::EncoderFamily::{Nvenc, Software, Vaapi};

    const LIMITS: GpuLimits = GpuLimits { memory_reserve_mb: Some(512), encoder_sessions: Some(4) };

    fn silent(bus: u8, vendor: GpuVendor) -> KnownGpu {
        let render_node = Some(format!("/dev/dri/renderD{bus}").into());
        KnownGpu {
            address: GpuAddress { render_node, ..GpuAddress::at(format!("0000:{bus:02x}:00.0")) },
            vendor: Some(vendor),
            figures: None,
            reports: Vec::new(),
        }
    }

    fn gpu(bus: u8, sessions: u32, busy: u32, used_mb: u64) -> KnownGpu {
        let known = silent(bus, GpuVendor::Nvidia);
        let figures = Gpu {
            encoder_sessions: Some(sessions),
            busy_percent: Some(busy),
            memory_total_bytes: Some(4096 << 20),
            memory_used_bytes: Some(used_mb << 20),
            ..Gpu::unknown(GpuVendor::Nvidia, known.address.to_string())
        };
        KnownGpu { figures: Some(figures), ..known }
    }

    fn first(gpus: &[KnownGpu], standing: impl Fn(&GpuAddress) -> Standing) -> String {
        order(gpus, &[Nvenc, Vaapi, Software], LIMITS, standing)[0].address.to_string()
    }

    fn nothing(_: &GpuAddress) -> Standing {
        Standing::default()
    }

    #[test]
    fn the_gpu_with_most_room_comes_first() {
        assert_eq!(first(&[gpu(1, 0, 0, 0), gpu(2, 0, 0, 0)], nothing), "0000:01:00.0", "the first of equals");
        assert_eq!(first(&[gpu(1, 1, 0, 0), gpu(2, 0, 0, 0)], nothing), "0000:02:00.0", "sessions");
        assert_eq!(first(&[gpu(1, 0, 60, 0), gpu(2, 1, 20, 0)], nothing), "0000:02:00.0", "load");
        assert_eq!(first(&[gpu(1, 0, 0, 3000), gpu(2, 2, 0, 0)], nothing), "0000:02:00.0", "memory");
        assert_eq!(first(&[gpu(1, 4, 0, 0), gpu(2, 3, 99, 0)], nothing), "0000:02:00.0", "a full one is last");
        assert_eq!(first(&[gpu(1, 0, 0, 4000), gpu(2, 3, 99, 0)], nothing), "0000:02:00.0", "so without memory");
        let mut lost = gpu(1, 0, 0, 0);
        lost.figures.as_mut().unwrap().error = "GPU is lost".to_owned();
        assert_eq!(first(&[lost, gpu(2, 4, 99, 0)], nothing), "0000:02:00.0", "even after a full one");
        let doubt = |address: &GpuAddress| Standing {
            doubted: address.is(&GpuAddress::at("0000:01:00.0")),
            ..nothing(address)
        };
        assert_eq!(first(&[gpu(1, 0, 0, 0), gpu(2, 3, 0, 0)], doubt), "0000:02:00.0");
    }

    #[test]
    fn the_list_of_encoders_comes_before_room() {
        let gpus = [silent(1, GpuVendor::Intel), gpu(2, 3, 80, 0)];
        assert_eq!(first(&gpus, nothing), "0000:02:00.0", "NVENC is preferred while it has room");
        let gpus = [silent(1, GpuVendor::Intel), gpu(2, 4, 80, 0)];
        assert_eq!(first(&gpus, nothing), "0000:01:00.0");
        let order = order(&gpus, &[Nvenc], LIMITS, nothing);
        assert_eq!(order[0].address, gpus[1].address, "full, but the other encodes nothing");
    }

    #[test]
    fn without_figures_streams_are_spread_evenly() {
        let gpus = [silent(1, GpuVendor::Nvidia), silent(2, GpuVendor::Nvidia), silent(3, GpuVendor::Nvidia)];
        let mut streams = [0_usize; 3];
        for _ in 0..9 {
            let at = |address: &GpuAddress| gpus.iter().position(|gpu| gpu.address.is(address)).unwrap();
            let chosen = first(&gpus, |address| Standing { streams: streams[at(address)], ..Standing::default() });
            streams[at(&GpuAddress::at(chosen))] += 1;
        }
        assert_eq!(streams, [3, 3, 3]);
    }

    #[test]
    fn what_has_begun_counts_before_the_figures_count_it() {
        let gpus = [gpu(1, 1, 0, 0), gpu(2, 0, 0, 0)];
        let two_begin = |address: &GpuAddress| match *address == gpus[1].address {
            true => Standing { streams: 2, pending: 2, doubted: false },
            false => Standing { streams: 1, pending: 0, doubted: false },
        };
        assert_eq!(first(&gpus, two_begin), "0000:01:00.0");
    }

    fn any_gpu() -> impl Strategy<Value = KnownGpu> {
        (0_u8..4, 0_u32..6, 0_u32..=100, 0_u64..=4096, any::<bool>(), any::<bool>()).prop_map(
            |(vendor, sessions, busy, used, tells, lost)| {
                let mut gpu = gpu(0, sessions, busy, used);
                gpu.vendor =
                    [Some(GpuVendor::Nvidia), Some(GpuVendor::Amd), Some(GpuVendor::Intel), None][usize::from(vendor)];
                if let Some(figures) = gpu.figures.as_mut().filter(|_| lost) {
                    figures.error = "lost".to_owned();
                }
                gpu.figures = gpu.figures.filter(|_| tells);
                gpu
            },
        )
    }

    proptest! {
        #[test]
        fn nobody_is_left_out_and_no_full_gpu_goes_before_one_with_room(
            found in proptest::collection::vec(any_gpu(), 0..6),
            streams in proptest::collection::vec((0_usize..5, 0_usize..3), 6),
        ) {
            let mut gpus = found;
            for (bus, gpu) in gpus.iter_mut().enumerate() {
                gpu.address = GpuAddress::at(format!("0000:{bus:02x}:00.0"));
            }
            let standing = |address: &GpuAddress| {
                let place = gpus.iter().position(|gpu| gpu.address.is(address)).unwrap();
                let (streams, pending) = streams[place];
                Standing { streams: streams + pending, pending, doubted: false }
            };
            let encoders = [Nvenc, Vaapi, Software];
            let order = order(&gpus, &encoders, LIMITS, standing);
            let mut all: Vec<_> = order.iter().map(|gpu| gpu.address.clone()).collect();
            all.sort();
            prop_assert_eq!(all, gpus.iter().map(|gpu| gpu.address.clone()).collect::<Vec<_>>());
            for (before, after) in order.iter().zip(order.iter().skip(1)) {
                let encodes = |gpu: &KnownGpu| gpu.first_family(&encoders).is_some();
                prop_assert!(encodes(before) || !encodes(after));
                let is_well = |gpu: &KnownGpu| {
                    let troubled = gpu.figures.as_ref().is_some_and(|figures| !figures.error.is_empty());
                    encodes(gpu) && !troubled && full(gpu, LIMITS, standing(&gpu.address)).is_none()
                };
                prop_assert!(is_well(before) || !is_well(after), "{:?} before {:?}", before, after);
            }
        }
    }
}
