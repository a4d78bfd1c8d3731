//! The private sound server: PulseAudio with one null sink.
//!
//! What applications play ends in the sink `earthshine`; the worker records
//! its monitor. Access is by the directory's permissions: only the desktop's
//! user and root reach the socket.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::child::ChildCommand;
use super::environment::Environment;
use super::runtime_dir::RuntimeDir;
use super::spec::DesktopSpec;

/// Name of the sink; its monitor is `earthshine.monitor`.
pub const SINK: &str = "earthshine";

/// Where the server listens.
pub(super) fn socket(directories: &RuntimeDir) -> PathBuf {
    directories.run().join("pulse.socket")
}

/// The command that starts it; as tried with PulseAudio 16.1. Without
/// `norewinds` its null sink leaves the first listener in silence for seconds.
pub(super) fn command(spec: &DesktopSpec, environment: &Environment, socket: &Path) -> ChildCommand {
    let channels = spec.channels;
    let map = channel_map(channels);
    let sink = format!(
        "--load=module-null-sink sink_name={SINK} rate=48000 format=s16le channels={channels} channel_map={map} norewinds=1 \
         sink_properties=device.description=Earthshine"
    );
    let protocol = format!("--load=module-native-protocol-unix socket={} auth-anonymous=1", socket.display());
    let arguments = [
        "pulseaudio",
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--use-pid-file=no",
        // Its shared memory would be another thing to clean up.
        "--disable-shm=yes",
        "--log-target=stderr",
        "--log-level=warn",
        &sink,
        &protocol,
    ];
    ChildCommand {
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: environment.for_sound_server(),
        directory: PathBuf::from("/"),
        identity: spec.place.identity.clone(),
    }
}

/// The order that the stream's layout has: FL FR C LFE BL BR SL SR.
fn channel_map(channels: u8) -> &'static str {
    match channels {
        6 => "front-left,front-right,front-center,lfe,rear-left,rear-right",
        8 => "front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right",
        _ => "front-left,front-right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_names_as_many_channels_as_it_has() {
        for channels in [2, 6, 8] {
            assert_eq!(channel_map(channels).split(',').count(), usize::from(channels));
        }
    }
}
