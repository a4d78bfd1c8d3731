//! 5.1 and 7.1: every speaker plays what the application sent to it.

use crate::support::apps::{self, TONES};
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::needs;
use crate::support::scratch::Scratch;

use super::sound::{NEEDED, assert_tones, hear_for_a_while};

#[test]
fn six_speakers_have_their_own_tones() {
    every_speaker_has_its_tone(6, "front-left,front-right,front-center,lfe,rear-left,rear-right");
}

#[test]
fn eight_speakers_have_their_own_tones() {
    let map = "front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right";
    every_speaker_has_its_tone(8, map);
}

fn every_speaker_has_its_tone(channels: u32, map: &str) {
    let Some(_turn) = needs::whole_machine(NEEDED) else { return };
    let scratch = Scratch::new();
    let tones: Vec<f64> = (0..channels).map(|channel| LOWEST + STEP * f64::from(channel)).collect();
    let tables = apps::tones(&scratch, &tones, map);
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { channels, ..Wanted::app(TONES) });
    let files = stream.files.clone();
    hear_for_a_while(&mut stream);
    stream.quit();
    files.decode_audio();
    assert_tones(&files.wav, &tones);
}

/// The tones in hertz: no packet holds a whole number of half waves of any.
///
/// A tone that repeats from packet to packet is coded with the same error each
/// time, which makes it louder or softer for good: multiples of 100 Hz come out
/// of Opus alone, at 256 kbit/s for six speakers and 5 ms a packet, up to 1.3 dB
/// beside their level, as it falls with their phase. These are within 0.6 dB.
const LOWEST: f64 = 517.3;
/// Between neighbours.
const STEP: f64 = 207.1;
