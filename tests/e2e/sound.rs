//! What the application plays is what the client hears: each channel's own
//! tone, at its level, without a gap.

use std::path::Path;

use serde_json::json;

use crate::support::apps::{self, TONE_LEVEL, TONES};
use crate::support::client::{Device, Stream, Wanted};
use crate::support::host::Host;
use crate::support::needs;
use crate::support::scratch::Scratch;
use crate::support::sound::{Sound, assert_continuous, dominant_frequency, first_sound, level};

/// Programs that tests with sound need.
pub(crate) const NEEDED: &[&str] = &["sway", "foot", "pulseaudio", "pacat", "ffmpeg"];

#[test]
fn stereo_tones_are_heard() {
    let Some(_turn) = needs::whole_machine(NEEDED) else { return };
    let scratch = Scratch::new();
    let tones = [1000.0, 1500.0];
    let tables = apps::tones(&scratch, &tones, "front-left,front-right");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(TONES));
    let files = stream.files.clone();
    hear_for_a_while(&mut stream);
    stream.quit();
    files.decode_audio();
    assert_tones(&files.wav, &tones);
}

/// Waits until enough sound for [`assert_tones`] has come.
pub(crate) fn hear_for_a_while(stream: &mut Stream) {
    stream.order(json!({"do": "wait_audio", "packets": 1000, "timeout": 40}));
}

/// Every channel carries its own tone, at [`TONE_LEVEL`], without a gap.
pub(crate) fn assert_tones(wav: &Path, frequencies: &[f64]) {
    let sound = Sound::read(wav);
    assert_eq!(sound.channels, frequencies.len());
    for (channel, frequency) in frequencies.iter().enumerate() {
        let samples = sound.channel(channel);
        let begin = first_sound(&samples).unwrap_or_else(|| panic!("channel {channel} is silent"));
        // The player's start may stutter on a loaded machine; a second later
        // everything is in its stride. The last moment may be cut off.
        let rate = usize::try_from(sound.rate).expect("rate");
        let steady = samples.get(begin + rate..samples.len() - rate / 10).unwrap_or_default();
        assert!(steady.len() > rate, "channel {channel}: only {} samples", steady.len());
        let heard = dominant_frequency(steady, sound.rate);
        // Drift correction drops or repeats one sample of a packet at most: 0.4 %.
        assert!(
            (heard - frequency).abs() < frequency * 0.005,
            "channel {channel}: {heard} Hz instead of {frequency} Hz"
        );
        let loudness = level(steady);
        assert!((loudness - TONE_LEVEL).abs() < 1.0, "channel {channel}: {loudness} dB instead of {TONE_LEVEL} dB");
        assert_continuous(steady, sound.rate, &format!("channel {channel}"));
    }
}
