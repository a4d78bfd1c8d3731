//! From what a client announced and what the operator decided to a stream.

use crate::config::VideoConfig;
use crate::gpu::GpuAddress;
use crate::ids::SessionId;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::secret::SessionKey;
use crate::stream_plan::{AudioPlan, CapturePlan, NvencTuning, PointerSpeed, Source, StreamPlan, VideoPlan};
use crate::units::{FecPercent, FrameRate};

/// What a plan is made of besides the announcement.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) session: SessionId,
    pub(crate) source: Source,
    pub(crate) key: &'a SessionKey,
    pub(crate) rikeyid: u32,
    pub(crate) config: &'a VideoConfig,
    pub(crate) pointer: PointerSpeed,
    pub(crate) real_time: bool,
    /// GPUs to encode on, the desktop's first; none known is any.
    pub(crate) gpus: &'a [GpuAddress],
}

/// Plans a stream.
pub(crate) fn plan(announced: &StreamParameters, circumstances: Circumstances<'_>) -> StreamPlan {
    let Circumstances { session, source, key, rikeyid, config, pointer, real_time, gpus } = circumstances;
    let StreamParameters { video, audio, encryption, .. } = announced;
    let fec = FecPercent(config.fec_percent);
    let bitrate = video.budget.for_encoder(fec, audio.bitrate);
    let limit = crate::units::Bitrate::from_kbps(config.max_bitrate_kbps);
    StreamPlan {
        session,
        source,
        source_number: 0,
        video: VideoPlan {
            profile: video.profile,
            size: video.size,
            frame_rate: video.frame_rate,
            minimum_frame_rate: FrameRate::from_hz(config.minimum_frame_rate).min(video.frame_rate),
            bitrate: bitrate.min(limit),
            slices: video.slices,
            single_reference: video.single_reference,
            intra_refresh: video.intra_refresh,
            colorimetry: video.colorimetry,
            packet_size: video.packet_size,
            fec,
            minimum_parity: video.minimum_parity,
            encrypted: encryption.video,
            dscp: video.dscp,
            encoders: config.encoders.clone(),
            gpu: gpus.first().cloned(),
            other_gpus: gpus.iter().skip(1).cloned().collect(),
            conversion: config.conversion,
            nvenc: NvencTuning {
                preset: config.nvenc_preset,
                two_pass: config.nvenc_two_pass,
                spatial_aq: config.nvenc_spatial_aq,
            },
            capture: CapturePlan {
                memory: config.capture,
                device: Some(config.capture_device.clone()).filter(|path| !path.as_os_str().is_empty()),
                placed: gpus.first().and_then(|gpu| gpu.render_node.clone()),
            },
        },
        audio: AudioPlan {
            layout: audio.layout.clone(),
            bitrate: audio.bitrate,
            packet_duration_ms: audio.packet_duration_ms,
            encrypted: encryption.audio,
            rikeyid,
            dscp: audio.dscp,
        },
        pointer,
        key: key.clone(),
        real_time,
    }
}
