//! docs/reliability.md, 25 and 30: while many create, join, leave and stop at the same
//! time, everybody's next look shows what their last call did; one key makes
//! one lobby, however many ask.

use std::collections::BTreeSet;

use earthshine::protocol::gamestream::answer::Verb;
use serde_json::json;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{create, join, join_patiently, leave, list, pattern_lobby, small_picture};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream, stream_all, stream_by};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn lists_show_what_the_last_call_did() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let mut wanted = pattern_lobby(&scratch, &small_picture());
    wanted["runner"] = json!({"type": "process", "run_cmd": "sleep 600"});
    let host = Host::with_apps(scratch, "");
    let players = players::paired(&host, SESSIONS, &[]);
    let streams = block_on(stream_all(&players, TEST_CARD));
    let sessions: Vec<_> = api::sessions(host.api())
        .iter()
        .map(|session| session["session_id"].as_str().expect("an id").to_owned())
        .collect();
    let lobbies = [create(&host, &wanted), create(&host, &wanted)];
    let (host, wanted, lobbies) = (&host, &wanted, &lobbies);
    std::thread::scope(|scope| {
        for (number, session) in sessions.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..MOVES {
                    let lobby = &lobbies[(number + round) % 2];
                    join_patiently(host, lobby, session);
                    join_patiently(host, lobby, session);
                    assert!(visitors(host, lobby).contains(session), "after a join");
                    let other = &lobbies[(number + round + 1) % 2];
                    let body = json!({"lobby_id": other, "moonlight_session_id": session});
                    let refused = api::request(host.api(), "/api/v1/lobbies/join", Some(&body)).expect("an answer");
                    assert!(String::from_utf8_lossy(&refused.body).contains("leave first"), "{refused:?}");
                    leave(host, lobby, session);
                    assert!(!visitors(host, lobby).contains(session), "after leaving");
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(move || {
                for _ in 0..2 {
                    let lobby = create(host, wanted);
                    assert!(ids(host).contains(&lobby), "after a creation");
                    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby}));
                    assert!(!ids(host).contains(&lobby), "after a stop");
                }
            });
        }
    });
    assert_eq!(ids(host), lobbies.clone().into());
    drop(streams);
}

#[test]
fn a_paused_session_that_joins_shows_the_lobby_when_its_client_comes_back() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    let lobby = create(&host, &wanted);
    block_on(async {
        stream(&player, TEST_CARD).await.leave().await.expect("a client that leaves");
        let paused = || api::sessions(host.api()).into_iter().find(|session| session["state"] == "paused");
        let session = wait_for("a paused session", SOON, paused)["session_id"].as_str().expect("an id").to_owned();
        join(&host, &lobby, &session);
        let visitors = || visitors(&host, &lobby);
        assert!(visitors().contains(&session), "after the join");
        let mut stream = stream_by(&player, Verb::Resume, TEST_CARD).await;
        more_frames(&mut stream, 5).await;
        assert!(visitors().contains(&session), "after its client came back");
        stream.leave().await.expect("a client that leaves");
        wait_for("an empty lobby", SOON, || visitors().is_empty().then_some(()));
        player.cancel().await.expect("cancel");
    });
}

#[test]
fn one_key_is_one_lobby_however_many_ask() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let runner = json!({"type": "process", "run_cmd": "sleep 600"});
    let wanted = pattern_lobby(&scratch, &json!({"idempotency_key": "mine", "runner": runner}));
    let host = Host::with_apps(scratch, "");
    let (host, wanted) = (&host, &wanted);
    let made: BTreeSet<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..10).map(|_| scope.spawn(move || create(host, wanted))).collect();
        asking.into_iter().map(|asking| asking.join().expect("a lobby")).collect()
    });
    assert_eq!(made, ids(host));
    assert_eq!(made.len(), 1, "{made:?}");
}

fn ids(host: &Host) -> BTreeSet<String> {
    list(host).iter().map(|lobby| lobby["id"].as_str().expect("an id").to_owned()).collect()
}

fn visitors(host: &Host, lobby: &str) -> BTreeSet<String> {
    let lobbies = list(host);
    let found = lobbies.iter().find(|listed| listed["id"] == lobby).expect("the lobby");
    let sessions = found["connected_sessions"].as_array().expect("a list");
    sessions.iter().map(|session| session.as_str().expect("an id").to_owned()).collect()
}

const SESSIONS: usize = 3;
const MOVES: usize = 3;
