//! One function per parser of foreign bytes: takes any bytes, must not panic,
//! and checks what must hold for bytes that were accepted.
//!
//! Shared by the libFuzzer binaries in `fuzz_targets/` and by the ordinary test
//! `tests/fuzz_corpus.rs`. A new parser gets a function in one of the
//! modules, a line in [`TARGETS`], a binary, and seeds in `corpus/NAME/`.

#[path = "targets/api.rs"]
pub mod api;
#[path = "targets/control.rs"]
pub mod control;
#[path = "targets/desktop.rs"]
pub mod desktop;
#[path = "enet_driver.rs"]
mod enet_driver;
#[path = "targets/files.rs"]
pub mod files;
#[path = "targets/gamestream.rs"]
pub mod gamestream;
#[path = "targets/media.rs"]
pub mod media;
#[path = "targets/processes.rs"]
pub mod processes;
#[path = "targets/rtsp.rs"]
pub mod rtsp;

use earthshine::protocol::secret::SessionKey;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All of them by name, which is also the folder of their seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("rtsp_request", rtsp::rtsp_request),
    ("rtsp_sealed", rtsp::rtsp_sealed),
    ("announce", rtsp::announce),
    ("enet_server", control::enet_server),
    ("checkpoint", control::checkpoint),
    ("control_packet", control::control_packet),
    ("control_message", control::control_message),
    ("input_packet", control::input_packet),
    ("launch_query", gamestream::launch_query),
    ("pairing", gamestream::pairing),
    ("certificate", gamestream::certificate),
    ("ping", gamestream::ping),
    ("host_answer", gamestream::host_answer),
    ("video_packet", media::video_packet),
    ("video_assembler", media::video_assembler),
    ("rtp_h264", media::rtp_h264),
    ("fec_repair", media::fec_repair),
    ("audio_packet", media::audio_packet),
    ("audio_assembler", media::audio_assembler),
    ("api_head", api::api_head),
    ("api_body", api::api_body),
    ("ipc_message", processes::ipc_message),
    ("keeper_message", processes::keeper_message),
    ("counters_page", processes::counters_page),
    ("raw_picture", processes::raw_picture),
    ("gpu_report", processes::gpu_report),
    ("config", files::config),
    ("state_file", files::state_file),
    ("adoption_record", files::adoption_record),
    ("desktop_files", desktop::desktop_files),
    ("dmabuf_feedback", desktop::dmabuf_feedback),
];

/// Of the test vectors, so that recorded packets open.
fn key() -> SessionKey {
    SessionKey::new(std::array::from_fn(|at| 0x10 + u8::try_from(at).unwrap_or(0)))
}
