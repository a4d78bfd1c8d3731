//! What each key may be.
//!
//! Types say most of it; this says the rest, and says it in words for error
//! messages.

use std::path::Path;
use std::time::Duration;

use super::Config;

/// What a key may be, in words; empty for keys that do not exist.
pub(super) fn allowed(key: &str) -> &'static str {
    ALLOWED.iter().find(|(name, _)| *name == key).map_or("", |(_, allowed)| allowed)
}

impl Config {
    /// Names the first key, apps aside, that is out of its range.
    pub(super) fn key_out_of_range(&self) -> Option<&'static str> {
        let (host, video, desktop, limits) = (&self.host, &self.video, &self.desktop, &self.limits);
        let network = &self.network;
        let (admission, health) = (&self.admission, &self.health);
        let seconds = Duration::from_secs;
        let checks = [
            ("host.name", host.name.len() <= 64 && !host.name.contains(char::is_control)),
            ("host.max_sessions", (1..=256).contains(&host.max_sessions)),
            ("host.max_lobbies", host.max_lobbies <= 256),
            ("api.token_file", is_path(&self.api.token_file)),
            ("api.certificate_file", is_path(&self.api.certificate_file)),
            ("api.key_file", is_path(&self.api.key_file)),
            ("video.encoders", !video.encoders.is_empty() && all_differ(&video.encoders)),
            ("video.nvenc_preset", (1..=7).contains(&video.nvenc_preset)),
            ("video.minimum_frame_rate", (1..=240).contains(&video.minimum_frame_rate)),
            ("video.max_bitrate_kbps", (500..=1_000_000).contains(&video.max_bitrate_kbps)),
            ("network.minimum_bitrate_kbps", (100..=1_000_000).contains(&network.minimum_bitrate_kbps)),
            // A frame of more than 508 packets has no parity at all with 100 already: four
            // blocks of 255 shards are all there is.
            ("network.maximum_fec_percent", network.maximum_fec_percent <= 100),
            ("video.capture_device", is_path(&video.capture_device)),
            ("desktop.compositor_command", is_command(&desktop.compositor_command)),
            ("desktop.refresh", (1..=8).contains(&desktop.refresh)),
            ("desktop.ready_deadline", (seconds(1)..=seconds(120)).contains(&desktop.ready_deadline)),
            ("desktop.idle_limit", desktop.idle_limit <= seconds(30 * 24 * 3600)),
            ("desktop.adopt_grace", desktop.adopt_grace <= seconds(3600)),
            ("limits.connections", (16..=65_536).contains(&limits.connections)),
            ("limits.connections_per_address", (1..=65_536).contains(&limits.connections_per_address)),
            ("limits.handshakes", (1..=65_536).contains(&limits.handshakes)),
            ("limits.pairings", (1..=1024).contains(&limits.pairings)),
            ("limits.pairings_per_address", (1..=1024).contains(&limits.pairings_per_address)),
            ("limits.requests_per_second", (1..=100_000).contains(&limits.requests_per_second)),
            ("limits.launches_per_minute", (1..=100_000).contains(&limits.launches_per_minute)),
            ("limits.body_bytes", (4096..=64 << 20).contains(&limits.body_bytes)),
            ("limits.rtsp_connections", (1..=65_536).contains(&limits.rtsp_connections)),
            ("limits.api_connections", (2..=4096).contains(&limits.api_connections)),
            ("limits.api_connections_per_desktop", (2..=4096).contains(&limits.api_connections_per_desktop)),
            // Who listens stays: others must get in beside them.
            ("limits.event_subscribers", (1..limits.api_connections).contains(&limits.event_subscribers)),
            (
                "limits.event_subscribers_per_desktop",
                (1..limits.api_connections_per_desktop).contains(&limits.event_subscribers_per_desktop),
            ),
            ("desktop.first_uid", (1000..=2_000_000_000).contains(&desktop.first_uid)),
            ("admission.cpu_percent", admission.cpu_percent.is_none_or(|percent| percent <= 10_000)),
            ("admission.memory_reserve_mb", admission.memory_reserve_mb.is_none_or(|megabytes| megabytes <= 1 << 30)),
            ("admission.max_quarantined", admission.max_quarantined.is_none_or(|limit| limit <= 1000)),
            (
                "admission.gpu_memory_reserve_mb",
                admission.gpu_memory_reserve_mb.is_none_or(|megabytes| megabytes <= 1 << 30),
            ),
            ("admission.encoder_sessions", admission.encoder_sessions.is_none_or(|sessions| sessions <= 1000)),
            ("health.canary_interval", health.canary_interval <= seconds(3600)),
            ("health.canary_deadline", (Duration::from_millis(100)..=seconds(60)).contains(&health.canary_deadline)),
            ("health.canary_command", is_command(&health.canary_command)),
        ];
        checks.into_iter().find(|(_, good)| !good).map(|(key, _)| key)
    }
}

fn all_differ<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().all(|(index, value)| !values[..index].contains(value))
}

fn is_path(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_absolute()
}

fn is_command(arguments: &[String]) -> bool {
    arguments.first().is_none_or(|program| !program.is_empty())
        && arguments.iter().all(|argument| !argument.contains('\0'))
}

const GPU: &str = "\"auto\", a render node as in \"/dev/dri/renderD129\" or a place on the PCI bus as in \"0000:41:00.0\" \
                   (earthshine gpus lists those that are here)";

const ALLOWED: &[(&str, &str)] = &[
    ("host.name", "text of at most 64 bytes, empty for the machine's host name"),
    ("host.discovery", "true or false"),
    ("host.max_sessions", "1 to 256"),
    ("host.max_lobbies", "0 to 256"),
    ("host.real_time", "true or false"),
    ("api.listen", "an address and port as in \"0.0.0.0:47988\" or \"[::]:47988\", or empty for none"),
    ("api.token", "a text of at least 16 letters and digits"),
    ("api.token_file", "absolute path of a file with the token"),
    ("api.tls", "true; false only on loopback"),
    ("api.certificate_file", "absolute path of a PEM file, empty for the host's own certificate"),
    ("api.key_file", "absolute path of a PEM file"),
    ("video.encoders", "a list of \"nvenc\", \"vaapi\", \"vulkan\", \"software\", at least one, each once"),
    ("video.gpu", GPU),
    ("video.gpu_fallback", "true or false"),
    ("video.conversion", "\"auto\", \"cpu\" or \"vulkan\""),
    ("video.nvenc_preset", "1 (fastest) to 7 (best picture)"),
    ("video.nvenc_two_pass", "true or false"),
    ("video.nvenc_spatial_aq", "true or false"),
    ("video.fec_percent", "0 to 255"),
    ("video.minimum_frame_rate", "1 to 240 frames per second"),
    ("video.max_bitrate_kbps", "500 to 1000000 kbit/s"),
    ("video.capture", "\"auto\", \"shm\" or \"dmabuf\""),
    ("video.capture_device", "absolute path of a node in /dev/dri, empty for the compositor's"),
    ("network.adapt", "true or false"),
    ("network.minimum_bitrate_kbps", "100 to 1000000 kbit/s"),
    ("network.maximum_fec_percent", "0 to 100"),
    ("desktop.compositor", "\"sway\", \"cage\" or \"labwc\""),
    ("desktop.compositor_command", "a list of program and arguments, empty for the built-in command"),
    ("desktop.renderer", "\"auto\", \"pixman\", \"gles2\" or \"vulkan\""),
    ("desktop.refresh", "1 to 8 times the stream's frame rate"),
    ("desktop.xwayland", "true or false"),
    ("desktop.ready_deadline", "1 to 120 seconds"),
    ("desktop.idle_limit", "0 to 2592000 seconds"),
    ("desktop.adopt_grace", "0 to 3600 seconds"),
    ("desktop.first_uid", "1000 to 2000000000"),
    ("admission.cpu_percent", "1 to 10000 percent of all cores, or 0 for no limit"),
    ("admission.memory_reserve_mb", "1 to 1073741824 megabytes, or 0 for no limit"),
    ("admission.max_quarantined", "0 to 1000 processes, or -1 for no limit"),
    ("admission.gpu_memory_reserve_mb", "1 to 1073741824 megabytes, or 0 for no limit"),
    ("admission.encoder_sessions", "1 to 1000 encode sessions on each GPU, or 0 for no limit"),
    ("health.canary_interval", "0 to 3600 seconds, 0 for no canaries"),
    ("health.canary_deadline", "0.1 to 60 seconds"),
    ("health.canary_command", "a list of program and arguments, empty for the built-in canary"),
    ("limits.connections", "16 to 65536"),
    ("limits.connections_per_address", "1 to 65536"),
    ("limits.handshakes", "1 to 65536"),
    ("limits.pairings", "1 to 1024"),
    ("limits.pairings_per_address", "1 to 1024"),
    ("limits.requests_per_second", "1 to 100000"),
    ("limits.launches_per_minute", "1 to 100000"),
    ("limits.body_bytes", "4096 to 67108864 bytes"),
    ("limits.rtsp_connections", "1 to 65536"),
    ("limits.api_connections", "2 to 4096"),
    ("limits.api_connections_per_desktop", "2 to 4096"),
    ("limits.event_subscribers", "1 to 4095, fewer than limits.api_connections"),
    ("limits.event_subscribers_per_desktop", "1 to 4095, fewer than limits.api_connections_per_desktop"),
    ("app.title", "text of 1 to 64 bytes without control characters"),
    ("app.id", "1 to 2147483647"),
    ("app.command", "a command line for sh -c, empty for the compositor alone"),
    ("app.test_card", "true (then without a command) or false"),
    ("app.compositor", "\"sway\", \"cage\" or \"labwc\""),
    ("app.gpu", GPU),
    ("app.environment", "a table of names without '=' and texts"),
    ("app.icon", "absolute path of a PNG file"),
    ("app.working_directory", "absolute path of a directory"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_defaults_has_its_range_in_words() {
        let defaults: toml::Table = super::super::file::DEFAULTS.parse().unwrap();
        for (section, keys) in defaults.iter().filter(|(section, _)| *section != "app") {
            for key in keys.as_table().unwrap().keys() {
                assert!(!allowed(&format!("{section}.{key}")).is_empty(), "{section}.{key}");
            }
        }
    }
}
