//! Applications that tests launch, as `[[app]]` tables, and what they leave.

use std::f64::consts::TAU;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::deadline::{SOON, wait_for};
use super::scratch::Scratch;

/// Title of the app with known colours and a frame marker.
pub(crate) const PATTERN: &str = "Pattern";
/// Title of the app that plays a tone on every channel.
pub(crate) const TONES: &str = "Tones";

/// Colours of the pattern window's quadrants, and what they become.
pub(crate) mod colors {
    pub(crate) const RED: [u8; 3] = [200, 40, 40];
    pub(crate) const GREEN: [u8; 3] = [40, 200, 40];
    pub(crate) const BLUE: [u8; 3] = [40, 40, 200];
    pub(crate) const YELLOW: [u8; 3] = [200, 200, 40];
    /// The lower right quadrant after a mouse button.
    pub(crate) const CYAN: [u8; 3] = [40, 200, 200];
}

/// Table of an app with a command.
pub(crate) fn table(title: &str, command: &str) -> String {
    format!("[[app]]\ntitle = \"{title}\"\ncommand = {}\n\n", toml_string(command))
}

/// Table of the pattern window; installs it. It logs to [`pattern_log`].
pub(crate) fn pattern(scratch: &Scratch, arguments: &str) -> String {
    table(PATTERN, &pattern_command(scratch, arguments))
}

/// Command line of the pattern window; installs it. It logs to [`pattern_log`].
pub(crate) fn pattern_command(scratch: &Scratch, arguments: &str) -> String {
    let program = scratch.install("pattern_window");
    let log = pattern_log(scratch);
    format!("exec {} {arguments} --log {}", program.display(), log.display())
}

/// Where the pattern window logs what happened to it.
pub(crate) fn pattern_log(scratch: &Scratch) -> PathBuf {
    scratch.exchange("pattern.jsonl")
}

/// What the pattern window has logged.
pub(crate) fn pattern_events(scratch: &Scratch) -> Vec<Value> {
    let text = std::fs::read_to_string(pattern_log(scratch)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Waits until the pattern window has logged an event like this.
///
/// # Panics
/// If it does not come; the message has the log.
pub(crate) fn wait_pattern_event(scratch: &Scratch, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for(&format!("{what} in the pattern window's log"), SOON, || pattern_events(scratch).into_iter().find(&wanted))
}

/// Waits until the pattern window is on the screen.
pub(crate) fn wait_pattern_ready(scratch: &Scratch) {
    wait_pattern_event(scratch, "ready", |event| event["event"] == "ready");
}

/// Level in dB of each tone of [`tones`].
pub(crate) const TONE_LEVEL: f64 = -15.05;

/// Table of an app that plays a tone of its own frequency, in hertz, on every
/// channel for a minute, at a quarter of full scale.
///
/// `channel_map` is PulseAudio's, so that the server remixes nothing.
pub(crate) fn tones(scratch: &Scratch, frequencies: &[f64], channel_map: &str) -> String {
    let file = scratch.exchange("tones.raw");
    std::fs::write(&file, sine_waves(frequencies, Duration::from_secs(60))).expect("write the tones");
    let play = format!(
        "exec pacat --playback --raw --rate=48000 --format=s16le --channels={} --channel-map={channel_map} {}",
        frequencies.len(),
        file.display()
    );
    table(TONES, &play)
}

fn sine_waves(frequencies: &[f64], length: Duration) -> Vec<u8> {
    let count = u32::try_from(length.as_secs() * 48_000).expect("a minute");
    let times = (0..count).map(|index| f64::from(index) / 48_000.0);
    times
        .flat_map(|time| frequencies.iter().flat_map(move |frequency| sample((TAU * frequency * time).sin())))
        .collect()
}

#[allow(clippy::cast_possible_truncation, reason = "at most 8192")]
fn sample(value: f64) -> [u8; 2] {
    ((value * 8192.0).round() as i16).to_le_bytes()
}

fn toml_string(text: &str) -> String {
    // JSON's escapes are a subset of TOML's basic strings.
    serde_json::to_string(text).expect("a string")
}
