//! Lobbies: a running stream is moved to another desktop and back, and several
//! clients look at one.

use earthshine::units::Size;
use serde_json::json;

use crate::support::apps;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{create, join, leave, list, pattern_lobby, session_of_width, shows_pattern, stop};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn a_stream_is_moved_to_a_lobby_and_back() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let listed = &list(&host)[0];
    assert_eq!(listed["id"], lobby);
    assert_eq!(listed["runner"]["env"][0], "HELIX_SESSION_ID=ses_1", "word for word");
    assert_eq!(listed["connected_sessions"], json!([]));

    let size = Size::new(960, 540);
    let mut stream = device.stream(&Wanted { width: size.width, height: size.height, ..Wanted::app("Desktop") });
    let session = session_of_width(&host, size.width);
    stream.wait_frames(5);
    for _ in 0..2 {
        let idr_frames = stream.stats()["idr_frames"].as_u64().expect("a count");
        join(&host, &lobby, &session);
        assert_eq!(list(&host)[0]["connected_sessions"], json!([session]), "read your writes");
        assert_eq!(api::the_session(host.api())["lobby_id"], lobby);
        stream.wait_frames(20);
        assert!(stream.stats()["idr_frames"].as_u64().expect("a count") > idr_frames);
        leave(&host, &lobby, &session);
        assert_eq!(list(&host)[0]["connected_sessions"], json!([]));
        stream.wait_frames(5);
    }
    let files = stream.files.clone();
    stream.quit();
    stop(&host, &lobby);

    let shown = shows_pattern(&files.video, size);
    let turns = shown.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((turns, shown.first(), shown.last()), (4, Some(&false), Some(&false)), "{shown:?}");
    host.assert_nothing_left(&before);
}

#[test]
fn client_that_is_expected_goes_straight_to_the_lobby() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"pin": [4, 7, 1, 1]}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let lobby = create(&host, &wanted);
    apps::wait_pattern_ready(&host.scratch);
    let client = api::get(host.api(), "/api/v1/clients")["clients"][0]["client_id"].clone();
    let appointment = json!({"client_unique_id": client, "immediate_lobby_id": lobby});
    api::post(host.api(), "/api/v1/sessions/configure", &appointment);

    let size = Size::new(1280, 720);
    let mut first = device.stream(&Wanted::app("Desktop"));
    first.wait_frames(5);
    // The same client again, while its first connection still stands.
    api::post(host.api(), "/api/v1/sessions/configure", &appointment);
    let mut stream = device.stream(&Wanted { verb: "launch", ..Wanted::app("Desktop") });
    stream.wait_frames(20);
    drop(first);
    let session = api::the_session(host.api());
    assert_eq!((&session["lobby_id"], &session["desktop"]), (&json!(lobby), &json!(null)), "no desktop of its own");
    let files = stream.files.clone();
    stream.quit();
    let shown = shows_pattern(&files.video, size);
    assert!(shown.iter().all(|shown| *shown), "{shown:?}");

    let without_pin = json!({"lobby_id": lobby});
    let refused = api::request(host.api(), "/api/v1/lobbies/stop", Some(&without_pin)).expect("an answer");
    assert_eq!(refused.status, 500);
    assert!(String::from_utf8_lossy(&refused.body).contains("Invalid PIN"));
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby, "pin": [4, 7, 1, 1]}));
}

#[test]
fn clients_with_different_modes_share_a_lobby_and_each_can_leave() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"stop_when_everyone_leaves": true}));
    let host = Host::with_apps(scratch, "");
    let devices = [(640, 360), (1280, 720)].map(|(width, height)| {
        let device = Device::paired(&host, &format!("device-{width}"));
        (device, Size::new(width, height))
    });
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let mut streams = devices.map(|(device, size)| {
        let wanted = Wanted { width: size.width, height: size.height, ..Wanted::app("Test card") };
        let stream = device.stream(&wanted);
        let session = session_of_width(&host, size.width);
        join(&host, &lobby, &session);
        (stream, session, size)
    });
    assert_eq!(list(&host)[0]["connected_sessions"].as_array().map(Vec::len), Some(2));
    for (stream, ..) in &mut streams {
        stream.wait_frames(30);
    }
    // Each holds a button and a key at the same time as the other, which one
    // seat for all could not show.
    let count = |event: &str, code: u64| {
        let events = apps::pattern_events(&host.scratch);
        let of_kind = events.iter().filter(|seen| seen["event"] == event && seen["pressed"] == true);
        of_kind.filter(|seen| seen["code"] == code).count()
    };
    for (stream, _, size) in &mut streams {
        stream.order(json!({"do": "move_to", "x": 200, "y": 200, "width": size.width, "height": size.height}));
        stream.order(json!({"do": "button", "button": "left", "action": "down"}));
    }
    wait_for("both buttons", SOON, || (count("button", BTN_LEFT) == 2).then_some(()));
    for (stream, ..) in &mut streams {
        stream.order(json!({"do": "button", "button": "left", "action": "up"}));
        stream.order(json!({"do": "key", "code": VK_A, "action": "down"}));
    }
    wait_for("both keys", SOON, || (count("key", KEY_A) == 2).then_some(()));
    assert!(!host.log().contains("no such seat"), "{}", host.log());
    let [(first, first_session, first_size), (mut second, _, second_size)] = streams;
    let first_files = first.files.clone();
    leave(&host, &lobby, &first_session);
    second.wait_frames(30);
    assert_eq!(list(&host).len(), 1, "somebody is there");
    first.quit();
    let second_files = second.files.clone();
    second.quit();
    wait_for("the end of the lobby that everybody left", SOON, || list(&host).is_empty().then_some(()));

    for (files, size) in [(first_files, first_size), (second_files, second_size)] {
        let shown = shows_pattern(&files.video, size);
        assert!(shown.iter().filter(|shown| **shown).count() > 20, "{size}: {shown:?}");
    }
    host.assert_nothing_left(&before);
}

/// linux/input-event-codes.h.
const BTN_LEFT: u64 = 0x110;
const KEY_A: u64 = 30;

/// Windows virtual-key code, as clients send it.
const VK_A: u64 = 0x41;
