//! docs/reliability.md, 29, 34 and 45: lobbies that end with their last visitor do so
//! however it went: it left, it quit, its cable was pulled; persistent ones
//! outlive them all. A client that is gone without a word is noticed by its
//! silence: its worker ends, its session waits.

use serde_json::{Value, json};

use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{create, expect, leave, list, pattern_lobby};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn lobbies_end_with_their_last_visitor_or_outlive_all() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let runner = json!({"type": "process", "run_cmd": "sleep 600"});
    let size = json!({"width": 640, "height": 360, "refresh_rate": 30});
    let passing = json!({"stop_when_everyone_leaves": true, "runner": runner, "video_settings": size});
    let lasting = json!({"name": "Lasting", "pin": [1, 2], "runner": runner, "video_settings": size});
    let (passing, lasting) = (pattern_lobby(&scratch, &passing), pattern_lobby(&scratch, &lasting));
    let host = Host::with_apps(scratch, "");
    let players = players::paired(&host, 2, &[]);
    let lasts = create(&host, &lasting);
    let before = host.holdings().but_threads();

    // Left or quit, one of them at a time.
    for quits in [false, true] {
        let passes = create(&host, &passing);
        for (number, lobby) in [&passes, &lasts].into_iter().enumerate() {
            expect(&host, number, lobby);
            let mut streaming = block_on(stream(&players[number], TEST_CARD));
            block_on(more_frames(&mut streaming, 3));
            let session = session_in(&host, lobby);
            if quits {
                block_on(players[number].cancel()).expect("cancel");
            } else {
                leave(&host, lobby, &session);
                block_on(more_frames(&mut streaming, 3));
                block_on(streaming.leave()).expect("a client that leaves");
            }
        }
        wait_for("the end of the lobby that everybody left", SOON, || (list(&host).len() == 1).then_some(()));
        assert_eq!(list(&host)[0]["id"], lasts);
        assert_eq!(list(&host)[0]["connected_sessions"], json!([]));
    }

    // Both cables are pulled.
    let passes = create(&host, &passing);
    let mut streams = Vec::new();
    for (number, lobby) in [&passes, &lasts].into_iter().enumerate() {
        expect(&host, number, lobby);
        streams.push(block_on(stream(&players[number], TEST_CARD)));
    }
    wait_for("both workers", SOON, || (host.workers().len() == 2).then_some(()));
    drop(streams);
    wait_for("the end of the lobby whose visitor is gone", SOON, || (list(&host).len() == 1).then_some(()));
    settle("workers of clients that are gone", SOON, || match host.workers() {
        gone if gone.is_empty() => Ok(()),
        left => Err(format!("{left:?}")),
    });
    assert!(api::sessions(host.api()).iter().all(|session| session["state"] == "paused"));
    assert_eq!(list(&host)[0]["connected_sessions"], json!([]));
    for player in &players {
        block_on(player.cancel()).expect("cancel");
    }
    settle("what is left", SOON, || host.holdings().not_more_than(&before));

    // An operator needs no PIN.
    let refused = api::request(host.api(), "/api/v1/lobbies/stop", Some(&json!({"lobby_id": lasts})));
    assert_eq!(refused.expect("an answer").status, 500);
    assert!(list(&host)[0]["age_seconds"].as_u64() > Some(0));
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lasts, "force": true}));
    assert_eq!(list(&host), [] as [Value; 0]);
}

fn session_in(host: &Host, lobby: &str) -> String {
    let sessions = api::sessions(host.api());
    let found = sessions.iter().find(|session| session["lobby_id"] == lobby).expect("a visitor");
    found["session_id"].as_str().expect("an id").to_owned()
}
