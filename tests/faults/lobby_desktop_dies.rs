//! A lobby's desktop dies: its visitors see it come back once, under the same
//! client connection; the second time they are sent home. What ends in a lobby
//! ends no session.

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::json;

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{
    self, create, expect, join, list, pattern_lobby, session_of_width, shows_pattern, small_picture,
};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
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

#[test]
fn many_visitors_blame_a_dead_compositor_and_not_the_one_after_it() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let players = players::paired(&host, 4, &[]);
    let lobby = create(&host, &wanted);
    block_on(async {
        let mut streams = Vec::new();
        for (number, player) in players.iter().enumerate() {
            expect(&host, number, &lobby);
            streams.push(stream(player, TEST_CARD).await);
        }
        let visitors = list(&host)[0]["connected_sessions"].clone();
        let compositor = |host: &Host| api::pid(&list(host)[0]["desktop"]["compositor_pid"]);
        let before = compositor(&host);
        process::signal(before, Signal::KILL);
        wait_for("another compositor", SOON, || (compositor(&host) != before).then_some(()));
        for stream in &mut streams {
            more_frames(stream, 30).await;
        }
        let lobbies = list(&host);
        assert_eq!(lobbies.len(), 1, "one crash is no reason to end it");
        assert_eq!(lobbies[0]["connected_sessions"], visitors);
        for stream in streams {
            stream.leave().await.expect("a client that leaves");
        }
    });
}

#[test]
fn a_join_that_is_refused_does_not_end_a_lobby_that_waits_for_its_first_visitor() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let ends_when_left = |name: &str| {
        pattern_lobby(&scratch, &json!({"name": name, "runner_state_folder": name, "stop_when_everyone_leaves": true}))
    };
    let wanted = ["first", "second"].map(ends_when_left);
    let host = Host::with_apps(scratch, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    let [first, second] = wanted.map(|lobby| create(&host, &lobby));
    block_on(async {
        expect(&host, 0, &first);
        let stream = stream(&player, TEST_CARD).await;
        let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();
        let visit = json!({"lobby_id": second, "moonlight_session_id": session});
        let answer = api::request(host.api(), "/api/v1/lobbies/join", Some(&visit)).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains("leave first"), "{text}");
        assert_eq!(list(&host).len(), 2, "nobody was in the second one");
        stream.leave().await.expect("a client that leaves");
    });
    wait_for("the end of the first one", SOON, || {
        let left = list(&host);
        (left.len() == 1 && left[0]["id"] == json!(second)).then_some(())
    });
}
