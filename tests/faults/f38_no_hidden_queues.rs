//! docs/reliability.md, 38 and 40: what could not be sent in time is not sent late: after
//! a worker stood still, its client gets the newest picture and no burst of old
//! ones. Clients that do not read hold up nobody.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::load::Load;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream, stream_all};
use crate::support::{api, needs, process};

#[test]
fn a_worker_that_stood_still_sends_the_newest_picture_only() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    block_on(async {
        let mut stream = stream(&player, TEST_CARD).await;
        more_frames(&mut stream, 10).await;
        let mut stops = 0;
        while stops < STOPS {
            let worker = api::pid(&api::the_session(host.api())["worker_pid"]);
            let before = stream.seen().counts.frames_complete;
            process::signal(worker, Signal::STOP);
            // Below the deadline of its heartbeat, unless the machine is so busy
            // that it is replaced: then it tells nothing.
            tokio::time::sleep(STILL).await;
            if api::the_session(host.api())["worker_pid"] != worker {
                more_frames(&mut stream, 3).await;
                continue;
            }
            process::signal(worker, Signal::CONT);
            more_frames(&mut stream, 3).await;
            let came = stream.seen().counts.frames_complete - before;
            // 18 beats of the card have passed. A queue would send them all.
            assert!(came < 12, "{came} frames after a stop");
            stops += 1;
        }
        let (video, ..) = stream.leave().await.expect("a client that leaves");
        assert_eq!(video.counts.frames_lost, 0, "{video:?}");
    });
}

#[test]
fn clients_that_do_not_read_hold_up_nobody() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let players = players::paired(&host, 4, &["--bitrate", "4000"]);
    block_on(async {
        let mut streams = stream_all(&players[..3], TEST_CARD).await;
        // The fourth is a process of its own, which can be stopped whole.
        let deaf = Load::start_as(&host, 3, &["--bitrate", "4000"]);
        wait_for("the fourth stream", SOON, || {
            let sessions = api::sessions(host.api());
            (sessions.iter().filter(|session| session["state"] == "streaming").count() == 4).then_some(())
        });
        process::signal(deaf.pid(), Signal::STOP);
        for stream in &mut streams {
            more_frames(stream, 60).await;
        }
        assert_eq!(api::sessions(host.api()).len(), 4, "to be slow is no reason to be thrown out");
        drop(deaf);
        for stream in streams {
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            assert_eq!((video.counts.frames_lost, audio.lost), (0, 0), "{video:?}");
        }
    });
}

const STOPS: u32 = 3;
const STILL: Duration = Duration::from_millis(600);
