//! What does not fit is refused with words that the client's user reads, and
//! what runs goes on (failure 31, as far as cores go). What fits is measured on
//! the streams that run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metrics};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn a_launch_without_room_is_refused_in_words_and_the_first_never() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let config = "[host]\ndiscovery = false\n[admission]\ncpu_percent = 1\n[health]\ncanary_interval = 60\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let (device, newcomer) = (Device::paired(&host, "device"), Device::paired(&host, "newcomer"));
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(30);

    let full = wait_for("figures of a stream that has settled", SETTLING, || {
        let capacity = capacity(&host);
        capacity["another_session"].is_object().then_some(capacity)
    });
    assert_eq!((&full["available"], &full["error"]), (&json!(true), &json!("")), "{full}");
    assert_eq!((&full["sessions_that_fit"], &full["limited_by"]), (&json!(0), &json!("admission.cpu_percent")));
    let share = &full["sessions"][0];
    assert_eq!(share["id"], api::the_session(host.api())["session_id"]);
    assert!(share["cores"].as_f64() > Some(0.02), "a test card takes more than 1 % of two cores: {share}");
    assert!(share["memory_bytes"].as_u64() > Some(1 << 20), "{share}");

    let refused = newcomer.start_stream(&Wanted::small_test_card());
    let text = refused.wait_event("error", SOON)["text"].to_string();
    assert!(text.contains("This host's processor is in use") && text.contains("admission.cpu_percent"), "{text}");
    let lobby = json!({
        "name": "no room",
        "video_settings": {"width": 640, "height": 360, "refresh_rate": 30},
        "audio_settings": {"channel_count": 2},
        "runner": {"type": "process", "run_cmd": ""},
    });
    let answer = api::request(host.api(), "/api/v1/lobbies/create", Some(&lobby)).expect("an answer");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 500 && text.contains("admission.cpu_percent"), "{text}");
    let told = "earthshine_events_total{event=\"SessionRefused\"} 2";
    assert!(metrics(&host).contains(told), "no {told}");

    // What runs goes on, and its client may come back at any time.
    stream.wait_frames(30);
    stream.stop();
    let mut again = device.stream(&Wanted { verb: "resume", ..Wanted::small_test_card() });
    again.wait_frames(10);
    again.quit();
    let mut first = newcomer.stream(&Wanted::small_test_card());
    first.wait_frames(10);
    first.quit();
}

fn capacity(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/capacity")
}

/// A stream is believed after 20 s.
const SETTLING: Duration = Duration::from_secs(90);
