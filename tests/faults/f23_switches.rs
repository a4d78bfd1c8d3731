//! docs/reliability.md, 23: one session is switched again and again between its own
//! picture and lobbies of other sizes: each call answers, each picture begins
//! with an IDR frame, and nothing is lost or cannot be decoded.

use std::time::Duration;

use serde_json::json;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::lobbies::{create, join_patiently, leave, list, pattern_lobby, small_picture};
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, next_idr, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn switches_between_sources_of_different_sizes() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let large = pattern_lobby(&scratch, &small_picture());
    let small = pattern_lobby(
        &scratch,
        &json!({
            "name": "Small",
            "video_settings": {"width": 400, "height": 300, "refresh_rate": 30},
            "runner": {"type": "process", "run_cmd": "sleep 600"},
        }),
    );
    let host = Host::with_apps(scratch, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    let lobbies = [&large, &small].map(|wanted| create(&host, wanted));
    block_on(async {
        let mut stream = stream(&player, TEST_CARD).await;
        let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();
        for _ in 0..ROUNDS {
            for lobby in &lobbies {
                let before = idr_frames(&stream);
                join_patiently(&host, lobby, &session);
                next_idr(&mut stream, before).await;
                more_frames(&mut stream, 2).await;
                assert_eq!(api::the_session(host.api())["lobby_id"], json!(lobby));
                let before = idr_frames(&stream);
                leave(&host, lobby, &session);
                next_idr(&mut stream, before).await;
                more_frames(&mut stream, 2).await;
            }
        }
        let restarts = api::the_session(host.api())["worker_restarts"].clone();
        let (video, audio, _) = stream.leave().await.expect("a client that leaves");
        let counts = &video.counts;
        let lost = (counts.frames_lost, counts.frames_undecodable, counts.idr_requests, audio.lost);
        // A worker that a busy machine starves is replaced, which is another matter.
        assert!(restarts != 0 || lost == (0, 0, 0, 0), "{video:?}");
        eprintln!("f23: {} switches; frame to frame {:?}", ROUNDS * 4, video.frame_gap_ms);
    });
    assert_eq!(list(&host).len(), 2);
}

const ROUNDS: usize = 3;

#[test]
fn who_leaves_while_joining_is_either_there_or_not() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    let lobby = create(&host, &wanted);
    block_on(async {
        let mut stream = stream(&player, TEST_CARD).await;
        let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();
        // A join takes some tens of milliseconds.
        for pause in [0, 1, 5, 10, 20, 40, 80] {
            std::thread::scope(|scope| {
                let visit = json!({"lobby_id": lobby, "moonlight_session_id": session});
                let joining = scope.spawn({
                    let (socket, visit) = (host.api().to_owned(), visit.clone());
                    move || api::request(&socket, "/api/v1/lobbies/join", Some(&visit))
                });
                std::thread::sleep(Duration::from_millis(pause));
                api::post(host.api(), "/api/v1/lobbies/leave", &visit);
                joining.join().expect("no panic").expect("an answer");
            });
            wait_for("one opinion of where the session is", SOON, || {
                let there = list(&host)[0]["connected_sessions"] == json!([session]);
                let nobody = list(&host)[0]["connected_sessions"] == json!([]);
                let thinks = api::the_session(host.api())["lobby_id"] == json!(lobby);
                ((there && thinks) || (nobody && !thinks)).then_some(())
            });
            leave(&host, &lobby, &session);
            wait_for("an empty lobby", SOON, || (list(&host)[0]["connected_sessions"] == json!([])).then_some(()));
            more_frames(&mut stream, 2).await;
        }
        stream.leave().await.expect("a client that leaves");
    });
}
