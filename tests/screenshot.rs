//! Screenshots of sessions and lobbies: they show what is on the screen, in
//! every format, and streams do not notice.

use std::process::{Command, Stdio};

use image::RgbImage;

use crate::support::apps::{self, colors};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric};
use crate::support::load::Load;
use crate::support::lobbies::pattern_lobby;
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[path = "support/mod.rs"]
mod support;

#[test]
fn a_session_is_shown_in_every_format_and_its_stream_goes_on() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let pattern = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &pattern);
    let flags = ["--size", "640x360", "--bitrate", "2000", "--app", apps::PATTERN];
    let _load = Load::start(&host, &flags);
    let session = api::streaming_session(host.api());
    let session = session["session_id"].as_str().expect("an id");
    apps::wait_pattern_ready(&host.scratch);
    let path = format!("/api/v1/sessions/{session}/screenshot");
    wait_for("the pattern in a screenshot", SOON, || {
        let answer = api::request(host.api(), &path, None).ok()?;
        (answer.status == 200 && shows_pattern(&decode(&answer.body))).then_some(())
    });
    for format in ["png", "jpeg", "webp"] {
        let picture = decode(&get(&host, &format!("{path}?format={format}")));
        assert_eq!(picture.dimensions(), (640, 360), "{format}");
        assert!(shows_pattern(&picture), "{format}");
        let small = decode(&get(&host, &format!("{path}?format={format}&width=320")));
        assert_eq!(small.dimensions(), (320, 180), "{format}");
        assert!(shows_pattern(&small), "{format}");
    }

    let dropped = metric(&host, "earthshine_frames_dropped_total");
    let encoded = metric(&host, "earthshine_frames_encoded_total");
    for _ in 0..20 {
        get(&host, &format!("{path}?format=jpeg&width=320"));
    }
    wait_for("more frames", SOON, || (metric(&host, "earthshine_frames_encoded_total") > encoded).then_some(()));
    assert!(metric(&host, "earthshine_frames_dropped_total") <= dropped);

    for (wrong, why) in [("?format=bmp", "expected png"), ("?width=0", "width"), ("?width=x", "width")] {
        let answer = api::request(host.api(), &format!("{path}{wrong}"), None).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 500 && text.contains(why), "{wrong}: {text}");
    }
    let unknown = api::request(host.api(), "/api/v1/sessions/987654/screenshot", None).expect("an answer");
    assert_eq!(unknown.status, 404);
}

#[test]
fn a_lobby_without_visitors_is_shown() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let wanted = pattern_lobby(&host.scratch, &serde_json::json!({}));
    let lobby =
        api::post(host.api(), "/api/v1/lobbies/create", &wanted)["lobby_id"].as_str().expect("an id").to_owned();
    apps::wait_pattern_ready(&host.scratch);
    let picture = wait_for("the pattern in a screenshot", SOON, || {
        let picture = decode(&get(&host, &format!("/api/v1/lobbies/{lobby}/screenshot?format=webp")));
        shows_pattern(&picture).then_some(picture)
    });
    assert_eq!(picture.dimensions(), (1280, 720));
    // The same from the command line.
    let file = host.scratch.join("shot.jpeg");
    let status = Command::new(env!("CARGO_BIN_EXE_earthshine"))
        .args(["screenshot", "lobby", &lobby, "--format", "jpeg", "--output"])
        .arg(&file)
        .arg("--api-socket")
        .arg(host.api())
        .stdout(Stdio::null())
        .status()
        .expect("run it");
    assert!(status.success());
    assert!(shows_pattern(&decode(&std::fs::read(&file).expect("a file"))));
}

/// The quadrants of the pattern window, in thousandths of the picture as in
/// other tests.
fn shows_pattern(picture: &RgbImage) -> bool {
    let (width, height) = picture.dimensions();
    let at = |x: u32, y: u32| picture.get_pixel(width * x / 1000, height * y / 1000).0;
    let near = |pixel: [u8; 3], color: [u8; 3]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 12);
    near(at(250, 250), colors::RED) && near(at(750, 250), colors::GREEN)
}

fn decode(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).expect("a picture").into_rgb8()
}

fn get(host: &Host, path: &str) -> Vec<u8> {
    let answer = api::request(host.api(), path, None).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.body
}
