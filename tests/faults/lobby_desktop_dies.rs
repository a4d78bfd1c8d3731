//! A lobby's desktop dies: its visitors see it come back once, under the same
//! client connection; the second time they are sent home. What ends in a lobby
//! ends no session.

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::json;

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{self, create, join, list, pattern_lobby, session_of_width, shows_pattern};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn visitors_of_a_lobby_whose_compositor_dies_see_it_again_and_then_their_own() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let size = Size::new(640, 360);
    let mut stream = device.stream(&Wanted { width: size.width, height: size.height, ..Wanted::app("Test card") });
    let session = session_of_width(&host, size.width);
    join(&host, &lobby, &session);
    stream.wait_frames(20);

    let first = api::pid(&list(&host)[0]["desktop"]["compositor_pid"]);
    process::signal(first, Signal::KILL);
    let second = wait_for("another compositor", SOON, || {
        let pid = api::pid(&list(&host).first().expect("the lobby goes on")["desktop"]["compositor_pid"]);
        (pid != first).then_some(pid)
    });
    stream.wait_frames(30);
    assert_eq!(list(&host)[0]["connected_sessions"], json!([session]));

    process::signal(second, Signal::KILL);
    wait_for("the end of the lobby", SOON, || list(&host).is_empty().then_some(()));
    stream.wait_frames(30);
    assert_eq!(api::the_session(host.api())["lobby_id"], json!(null));
    let files = stream.files.clone();
    stream.quit();

    let shown = shows_pattern(&files.video, size);
    let seen = shown.iter().filter(|shown| **shown).count();
    assert!(seen > 30, "{shown:?}");
    assert_eq!(shown.last(), Some(&false), "the session's own picture again");
    host.assert_nothing_left(&before);
}

#[test]
fn application_that_ends_takes_its_lobby_and_nobody_elses_session() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"runner": {"type": "process", "run_cmd": "sleep 3"}}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let mut stream = device.stream(&Wanted { width: 640, height: 360, ..Wanted::app("Test card") });
    join(&host, &lobby, &session_of_width(&host, 640));
    wait_for("the end of the lobby", SOON, || list(&host).is_empty().then_some(()));
    stream.wait_frames(30);
    stream.quit();

    // What cannot start leaves nothing either, and says why.
    let failed = json!({"runner": {"type": "docker", "image": "x"}});
    let answer = api::request(host.api(), "/api/v1/lobbies/create", Some(&pattern_lobby(&host.scratch, &failed)));
    assert_eq!(answer.expect("an answer").status, 500);
    assert_eq!(list(&host), [] as [serde_json::Value; 0]);
    host.assert_nothing_left(&before);
}

#[test]
fn lease_that_nobody_renews_and_a_key_used_twice() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"lease_seconds": 2, "idempotency_key": "mine"}));
    let host = Host::with_apps(scratch, "");
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    assert_eq!(create(&host, &wanted), lobby, "one lobby for one key");
    assert_eq!(list(&host).len(), 1);
    api::post(host.api(), "/api/v1/lobbies/renew", &json!({"lobby_id": lobby}));
    wait_for("the end of the lease", SOON, || list(&host).is_empty().then_some(()));
    let next = create(&host, &wanted);
    assert_ne!(next, lobby);
    lobbies::stop(&host, &next);
    host.assert_nothing_left(&before);
}
