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
    let Some(_turn) = needs::turn(NEEDED) else { return };
    let scratch = Scratch::new();
    let tones: Vec<f64> = (0..channels).map(|channel| 500.0 + 200.0 * f64::from(channel)).collect();
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
