//! failures.md 11: workers are killed at random moments of eight streams: each
//! death costs its own client a change-over, the seven others not one frame,
//! and somebody new can start right after.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, next_idr, stream, stream_all};
use crate::support::{api, needs, process};

#[test]
fn the_seven_others_lose_not_one_frame() {
    let _turn = needs::turn_alone();
    let host = Host::start();
    let players = players::paired(&host, CLIENTS + 1, &["--fps", "15"]);
    let (late, players) = players.split_last().expect("clients");
    block_on(async {
        let mut streams = stream_all(players, TEST_CARD).await;
        let mut slowest = Duration::ZERO;
        for kill in 0..KILLS {
            let victim = (kill * 3) % CLIENTS;
            let before: Vec<_> = streams.iter().map(idr_frames).collect();
            let session = api::sessions(host.api()).swap_remove(victim);
            // Some place within a frame's way.
            tokio::time::sleep(Duration::from_millis(7 * kill as u64)).await;
            let killed = Instant::now();
            process::signal(api::pid(&session["worker_pid"]), Signal::KILL);
            // Which of our clients it is, the new worker's IDR frame tells.
            let whose = loop {
                let now = streams.iter().zip(&before).position(|(stream, before)| idr_frames(stream) > *before);
                if let Some(index) = now {
                    break index;
                }
                assert!(killed.elapsed() < crate::support::deadline::SOON, "no new worker\n{}", host.log());
                tokio::time::sleep(Duration::from_millis(1)).await;
            };
            slowest = slowest.max(killed.elapsed());
            next_idr(&mut streams[whose], before[whose]).await;
        }
        eprintln!("f11: {KILLS} kills among {CLIENTS} streams; slowest to the next IDR frame {slowest:?}");
        for stream in &mut streams {
            more_frames(stream, 10).await;
        }
        let new = stream(late, TEST_CARD).await;
        new.leave().await.expect("a client that leaves");
        let mut restarted = 0;
        for stream in streams {
            let (video, ..) = stream.leave().await.expect("a client that leaves");
            if video.counts.idr_frames == 1 {
                assert_eq!(video.counts.frames_lost, 0, "{video:?}");
            } else {
                restarted += video.counts.idr_frames - 1;
            }
        }
        assert_eq!(restarted, KILLS as u64);
    });
}

const CLIENTS: usize = 8;
const KILLS: usize = 5;
