//! The host dies or is replaced under streams: their clients notice nothing.
//!
//! Workers go on without it, because the keeper holds what they hang on; the next
//! host takes them over, and the control connections where they were.

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::bystander::another_client_can_start;
use super::host_sigkill_and_restart::settle_alone;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Stream, Wanted};
use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::host::Host;
use crate::support::scratch::Scratch;
use crate::support::{api, lobbies, needs, process};

/// A host whose pattern app tells what it is sent.
fn pattern_host(adopt_grace: u32) -> Host {
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "--answer-input");
    let config =
        format!("[host]\ndiscovery = false\n[desktop]\nidle_limit = 60\nadopt_grace = {adopt_grace}\n{tables}");
    Host::with_config(scratch, &config, "127.0.0.1")
}

/// The only session, once it streams.
fn streaming(host: &Host) -> Value {
    let mut found = Value::Null;
    settle("a session that streams", SOON, || {
        found = api::sessions(host.api()).into_iter().next().unwrap_or_default();
        if found["state"] == "streaming" { Ok(()) } else { Err(found.to_string()) }
    });
    found
}

/// Presses and releases a key (a Windows code); the application must hear of it
/// (an evdev code).
fn press(host: &Host, stream: &mut Stream, code: u32, evdev: u32) {
    stream.order(json!({"do": "key", "code": code}));
    apps::wait_pattern_event(&host.scratch, "a key", |event| {
        event["event"] == "key" && event["code"] == evdev && event["pressed"] == false
    });
}

/// What a client counts that misses frames: IDR frames, and numbers left out.
fn troubles(stream: &mut Stream) -> [Value; 2] {
    let stats = stream.stats();
    ["idr_frames", "skipped_frames"].map(|name| stats[name].clone())
}

fn same_stream(before: &Value, after: &Value) {
    for same in ["session_id", "client_id", "client_ip", "worker_pid", "worker_restarts", "encoder", "desktop"] {
        assert_eq!(after[same], before[same], "{same}");
    }
}

/// A host is killed under a stream; frames go on to come, and what the client
/// types meanwhile arrives as soon as the next host is there.
fn goes_on(encryption: &'static str) {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let mut stream = device.stream(&Wanted { encryption, ..Wanted::app(PATTERN) });
    apps::wait_pattern_event(&host.scratch, "focus", |event| event["event"] == "focus");
    stream.wait_frames(30);
    press(&host, &mut stream, 0x41, 30);
    let before = streaming(&host);
    let troubles_before = troubles(&mut stream);

    host.kill();
    stream.wait_frames(30);
    stream.order(json!({"do": "key", "code": 0x42}));
    host.start_again();
    same_stream(&before, &streaming(&host));
    apps::wait_pattern_event(&host.scratch, "what was typed without a host", |event| {
        event["event"] == "key" && event["code"] == 48 && event["pressed"] == false
    });
    press(&host, &mut stream, 0x43, 46);
    stream.wait_frames(30);
    assert_eq!(troubles(&mut stream), troubles_before, "nothing was interrupted");

    // Once more, and then in order: what the host says is understood still.
    host.kill();
    host.start_again();
    same_stream(&before, &streaming(&host));
    press(&host, &mut stream, 0x44, 32);
    api::post(host.api(), "/api/v1/sessions/stop", &json!({"session_id": before["session_id"]}));
    assert_eq!(stream.ended_by_host(), 0);
    settle("the end of the session", SOON, || match api::sessions(host.api()).as_slice() {
        [] => Ok(()),
        sessions => Err(format!("{sessions:?}")),
    });
    another_client_can_start(&host);
    settle_alone(&host, &files);
    host.stop();
}

#[test]
fn stream_goes_on_without_a_host_and_with_the_next() {
    goes_on("none");
}

#[test]
fn encrypted_stream_goes_on_without_a_host_and_with_the_next() {
    goes_on("all");
}

#[test]
fn another_process_takes_over_under_a_stream() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { encryption: "all", ..Wanted::app(PATTERN) });
    apps::wait_pattern_event(&host.scratch, "focus", |event| event["event"] == "focus");
    stream.wait_frames(30);
    let (before, troubles_before) = (streaming(&host), troubles(&mut stream));
    for code in [0x41, 0x42] {
        host.take_over();
        same_stream(&before, &streaming(&host));
        press(&host, &mut stream, code, if code == 0x41 { 30 } else { 48 });
    }
    stream.wait_frames(30);
    assert_eq!(troubles(&mut stream), troubles_before, "nothing was interrupted");
    stream.quit();
    another_client_can_start(&host);
    host.stop();
}

#[test]
fn visitors_stay_in_their_lobby_and_come_home_from_it() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { width: 640, height: 360, ..Wanted::app("Test card") });
    stream.wait_frames(10);
    let lobby = lobbies::create(&host, &lobbies::pattern_lobby(&host.scratch, &json!({})));
    let session = lobbies::session_of_width(&host, 640);
    lobbies::join_patiently(&host, &lobby, &session);
    stream.wait_frames(10);
    let before = streaming(&host);

    host.kill();
    host.start_again();

    let after = streaming(&host);
    same_stream(&before, &after);
    assert_eq!(after["lobby_id"], json!(lobby));
    assert_eq!(lobbies::list(&host)[0]["connected_sessions"], json!([session]));
    stream.wait_frames(30);
    lobbies::leave(&host, &lobby, &session);
    stream.wait_idr();
    stream.wait_frames(30);
    let video = stream.files.video.clone();
    stream.quit();
    let shown = lobbies::shows_pattern(&video, Size::new(640, 360));
    assert_eq!((shown.first(), shown.last()), (Some(&false), Some(&false)), "its own, the lobby's, its own again");
    assert!(shown.contains(&true));
    lobbies::stop(&host, &lobby);
    host.stop();
}

#[test]
fn a_worker_that_dies_without_a_host_has_a_successor_with_the_next() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { encryption: "all", ..Wanted::app(PATTERN) });
    stream.wait_frames(30);
    let before = streaming(&host);
    host.kill();
    process::signal(api::pid(&before["worker_pid"]), Signal::KILL);
    host.start_again();
    stream.wait_idr();
    stream.wait_frames(30);
    let after = wait_for("another worker", SOON, || {
        let session = streaming(&host);
        (session["worker_pid"] != before["worker_pid"] && session["worker_pid"] != 0).then_some(session)
    });
    assert_eq!(after["session_id"], before["session_id"]);
    assert_eq!(after["worker_restarts"], 1);
    // An adopted worker is watched like any other.
    process::signal(api::pid(&after["worker_pid"]), Signal::STOP);
    stream.wait_idr();
    stream.wait_frames(30);
    stream.quit();
    host.stop();
}

#[test]
fn a_worker_that_counts_otherwise_is_replaced() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted { encryption: "all", ..Wanted::small_test_card() });
    stream.wait_frames(10);
    let before = streaming(&host);
    host.kill();
    // As a host of another version would have written it.
    let record = host.runtime_dir().join("sessions/1.json");
    let mut said: Value = serde_json::from_slice(&std::fs::read(&record).expect("the record")).expect("JSON");
    said["body"]["connection"]["stream"]["page_layout"] = json!(0);
    std::fs::write(&record, said.to_string()).expect("another record");
    host.start_again();
    stream.wait_idr();
    stream.wait_frames(30);
    let after = streaming(&host);
    assert_ne!(after["worker_pid"], before["worker_pid"]);
    assert_eq!(after["worker_restarts"], 1);
    assert!(!process::is_alive(api::pid(&before["worker_pid"])));
    stream.quit();
    host.stop();
}

#[test]
fn a_worker_that_hangs_without_a_host_ends_all_the_same() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(1);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Test card"));
    stream.wait_frames(10);
    let worker = api::pid(&streaming(&host)["worker_pid"]);
    process::signal(worker, Signal::STOP);
    host.kill();
    stream.vanish();
    settle("the end of all", SOON, || {
        let left = process::that_know(host.scratch.path());
        if left.is_empty() && !process::is_alive(worker) { Ok(()) } else { Err(format!("{left:?} {worker}")) }
    });
}

#[test]
fn a_worker_that_hangs_and_is_not_adopted_ends_all_the_same() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(10);
    let session = streaming(&host);
    let worker = api::pid(&session["worker_pid"]);
    process::signal(worker, Signal::STOP);
    host.kill();
    stream.vanish();
    let record = host.runtime_dir().join(format!("sessions/{}.json", session["session_id"].as_str().expect("an id")));
    std::fs::write(&record, "{").expect("a torn record");
    host.start_again();
    assert!(api::sessions(host.api()).is_empty());
    wait_for("the worker's end", SOON, || (!process::is_alive(worker)).then_some(()));
    settle_alone(&host, &files);
    host.stop();
}

#[test]
fn a_stream_does_not_outlive_host_after_host() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(10);
    let before = streaming(&host);
    for _ in 0..5 {
        host.kill();
        host.start_again();
        same_stream(&before, &streaming(&host));
    }
    host.kill();
    host.start_again();
    let after = api::the_session(host.api());
    assert_eq!((&after["state"], &after["session_id"]), (&json!("paused"), &before["session_id"]));
    let worker = api::pid(&before["worker_pid"]);
    wait_for("the worker's end", SOON, || (!process::is_alive(worker)).then_some(()));
    stream.vanish();
    let mut stream = device.stream(&Wanted { verb: "resume", ..Wanted::small_test_card() });
    stream.wait_frames(10);
    stream.quit();
    host.stop();
}
