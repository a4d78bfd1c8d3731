//! What sessions tell: from what they know to the events that Wolf's clients
//! know.

use std::net::{IpAddr, SocketAddr};

use serde_json::json;

use crate::color::{ColorRange, ColorSpace};
use crate::config::apps::AppConfig;
use crate::host::events::Event;
use crate::host::events::wolf::{AudioMode, AudioSession, DisplayMode, StreamSession, VideoSession};
use crate::host::ports::Ports;
use crate::host::sessions::command::Ending;
use crate::ids::SessionId;
use crate::ipc::message::MediaKind;
use crate::stream_plan::StreamPlan;
use crate::units::{FrameRate, Size};

/// A client launched an app.
pub(super) fn launched(
    session: SessionId,
    app: &AppConfig,
    peer: IpAddr,
    mode: (Size, FrameRate),
    channels: u8,
) -> Event {
    Event::StreamSession(StreamSession {
        app_id: app.id().to_string(),
        session,
        client_ip: peer.to_string(),
        aes_key: String::new(),
        aes_iv: String::new(),
        rtsp_fake_ip: String::new(),
        video_width: mode.0.width,
        video_height: mode.0.height,
        video_refresh_rate: mode.1.whole_hz(),
        audio_channel_count: channels,
    })
}

/// The app of a session is started.
pub(super) fn app_starts(session: SessionId, app: &AppConfig) -> Event {
    Event::StartRunner {
        stop_stream_when_over: true,
        runner: json!({"type": "process", "run_cmd": app.command}),
        session_id: session,
    }
}

/// A stream begins.
pub(super) fn stream_begins(plan: &StreamPlan, peer: IpAddr, ports: Ports) -> [Event; 2] {
    let (video, audio) = (&plan.video, &plan.audio);
    let client_ip = peer.to_string();
    [
        Event::VideoSession(Box::new(VideoSession {
            display_mode: DisplayMode {
                width: video.size.width,
                height: video.size.height,
                refresh_rate: video.frame_rate.whole_hz(),
            },
            gst_pipeline: String::new(),
            render_node: video
                .gpu
                .as_ref()
                .and_then(|gpu| gpu.render_node.as_ref())
                .map_or_else(String::new, |node| node.display().to_string()),
            session_id: plan.session,
            port: ports.video,
            wait_for_ping: true,
            packet_size: video.packet_size,
            fec_percentage: video.fec.0,
            min_required_fec_packets: video.minimum_parity,
            bitrate_kbps: video.bitrate.kbps(),
            slices_per_frame: video.slices,
            color_range: match video.colorimetry.range {
                ColorRange::Full => "JPEG",
                ColorRange::Limited => "MPEG",
            },
            color_space: match video.colorimetry.space {
                ColorSpace::Bt601 => "BT601",
                ColorSpace::Bt709 => "BT709",
                ColorSpace::Bt2020 => "BT2020",
            },
            client_ip: client_ip.clone(),
        })),
        Event::AudioSession(Box::new(AudioSession {
            gst_pipeline: String::new(),
            session_id: plan.session,
            encrypt_audio: audio.encrypted,
            aes_key: String::new(),
            aes_iv: String::new(),
            port: ports.audio,
            wait_for_ping: true,
            client_ip,
            packet_duration: audio.packet_duration_ms,
            audio_mode: AudioMode {
                channels: audio.layout.channels,
                streams: audio.layout.streams,
                coupled_streams: audio.layout.coupled,
                bitrate: audio.bitrate.bps(),
                sample_rate: OPUS_RATE,
            },
        })),
    ]
}

/// Packets of one kind go to `peer` from now on.
pub(super) fn pinged(session: SessionId, kind: MediaKind, peer: SocketAddr) -> Event {
    let (client_ip, client_port) = (peer.ip().to_string(), peer.port());
    match kind {
        MediaKind::Video => Event::RtpVideoPing { client_ip, client_port, session_id: session },
        MediaKind::Audio => Event::RtpAudioPing { client_ip, client_port, session_id: session },
    }
}

/// A session ends.
pub(super) fn ending(session: SessionId, ending: Ending) -> Event {
    let reason = match ending {
        Ending::Cancelled => "cancelled",
        Ending::Stopped => "stopped",
        Ending::Superseded => "superseded",
        Ending::HostStops => "host_stops",
        Ending::AppClosed => "app_closed",
        Ending::Idle => "idle",
        Ending::Broken => "broken",
    };
    Event::SessionEnding { session_id: session, reason: reason.to_owned() }
}

/// What Opus is coded at, in hertz.
const OPUS_RATE: u32 = 48_000;
