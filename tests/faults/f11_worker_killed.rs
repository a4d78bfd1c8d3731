//! docs/reliability.md, 11: workers are killed at random moments of eight streams: each
//! death costs its own client a change-over, the seven others not one frame,
//! and somebody new can start right after.

use std::collections::BTreeSet;
use std::time::Duration;

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::{api, needs, process};

#[test]
fn the_seven_others_lose_not_one_frame() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let players = players::paired(&host, CLIENTS + 1, &["--fps", "15"]);
    let (late, players) = players.split_last().expect("clients");
    block_on(async {
        let mut streams = Vec::new();
        for (number, player) in players.iter().enumerate() {
            // The size tells whose session is whose.
            streams.push(stream(&player.with_mode(Size::new(width(number), 180), 15), TEST_CARD).await);
        }
        for kill in 0..KILLS {
            let victim = (kill * 3) % CLIENTS;
            let before = session(&host, victim);
            // Some place within a frame's way.
            tokio::time::sleep(Duration::from_millis(7 * kill as u64)).await;
            process::signal(api::pid(&before["worker_pid"]), Signal::KILL);
            wait_for("another worker", SOON, || {
                (session(&host, victim)["worker_restarts"] != before["worker_restarts"]).then_some(())
            });
            more_frames(&mut streams[victim], 3).await;
        }
        for stream in &mut streams {
            more_frames(stream, 10).await;
        }
        let new = stream(late, TEST_CARD).await;
        new.leave().await.expect("a client that leaves");
        let mut disturbed = BTreeSet::new();
        for (number, stream) in streams.into_iter().enumerate() {
            let restarts = session(&host, number)["worker_restarts"].as_u64().expect("a count");
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            if restarts > 0 {
                disturbed.insert(number);
            } else {
                assert_eq!((video.counts.frames_lost, audio.lost), (0, 0), "{number}: {video:?}");
            }
        }
        let victims = (0..KILLS).map(|kill| (kill * 3) % CLIENTS).collect();
        assert!(disturbed.is_superset(&victims), "{disturbed:?} are not {victims:?}");
    });
}

fn session(host: &Host, client: usize) -> Value {
    let sessions = api::sessions(host.api());
    sessions.into_iter().find(|session| session["video_width"] == width(client)).expect("its session")
}

fn width(client: usize) -> u32 {
    320 + 16 * u32::try_from(client).expect("a few")
}

const CLIENTS: usize = 8;
const KILLS: usize = 5;
