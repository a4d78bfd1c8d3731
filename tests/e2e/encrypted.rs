//! With every encryption flag on (RTSP, control, video, audio) the client sees,
//! hears and types as without; and on the wire there is no plain RTP video.

use std::net::Ipv4Addr;
use std::time::Duration;

use earthshine::units::Size;
use serde_json::json;

use crate::support::apps::{self, PATTERN, TONES};
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::scratch::Scratch;
use crate::support::{needs, picture};

use super::desktop_1080p60::assert_quadrants;
use super::sound::{NEEDED, assert_tones, hear_for_a_while};

/// Watches from a place between client and host; another address than the
/// other tests' relays.
const BETWEEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);

#[test]
fn encrypted_stream_shows_the_application_and_takes_input() {
    let Some(_turn) = needs::turn(NEEDED) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let tap = tap(&host);
    let device = Device::paired(&host, "device").by_address(&tap.address());
    let mut stream = device.stream(&Wanted { encryption: "all", ..Wanted::app(PATTERN) });
    let session = stream.wait_event("session", Duration::ZERO);
    assert!(session["url"].as_str().is_some_and(|url| url.starts_with("rtspenc://")), "{session}");
    apps::wait_pattern_event(&host.scratch, "focus", |event| event["event"] == "focus");
    stream.order(json!({"do": "key", "code": 0x41}));
    apps::wait_pattern_event(&host.scratch, "the key", |event| event["event"] == "key" && event["code"] == 30);
    stream.wait_frames(30);
    let files = stream.files.clone();
    stream.quit();
    assert_quadrants(&picture::last(&files.video, Size::new(1280, 720)));
    assert_eq!(plain_video_packets(&tap, &host), 0);
}

#[test]
fn encrypted_sound_is_heard() {
    let Some(_turn) = needs::whole_machine(NEEDED) else { return };
    let scratch = Scratch::new();
    let tones = [1000.0, 700.0];
    let tables = apps::tones(&scratch, &tones, "front-left,front-right");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { encryption: "all", ..Wanted::app(TONES) });
    let files = stream.files.clone();
    hear_for_a_while(&mut stream);
    stream.quit();
    files.decode_audio();
    assert_tones(&files.wav, &tones);
}

#[test]
fn plain_stream_is_seen_as_plain() {
    // The check of the first test must be able to fail.
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let tap = tap(&host);
    let device = Device::paired(&host, "device").by_address(&tap.address());
    let mut stream = device.stream(&Wanted::app("Test card"));
    stream.wait_frames(5);
    stream.quit();
    assert!(plain_video_packets(&tap, &host) > 0);
}

fn tap(host: &Host) -> LossyRelay {
    let nothing = Harm { loss_permille: 0, delay: Duration::ZERO, jitter: Duration::ZERO, seed: 1 };
    LossyRelay::start(BETWEEN, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), nothing)
}

/// Datagrams of the video port that begin as the protocol's plain RTP does:
/// version 2 with the extension bit, payload type 0, big enough for a header.
/// An encrypted one begins with a random-looking IV, so one in 2^16 looks so.
fn plain_video_packets(tap: &LossyRelay, host: &Host) -> usize {
    let heads = tap.heads_to_client(host.ready.video);
    assert!(!heads.is_empty(), "no video passed");
    let plain = heads.iter().filter(|head| head[0] == 0x90 && head[1] & 0x7F == 0).count();
    if plain * 100 < heads.len() { 0 } else { plain }
}
