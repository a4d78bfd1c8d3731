//! docs/reliability.md, 21, 22 and 40: viewers of one lobby come, go and stand still, and
//! the others lose nothing; whoever comes begins with an IDR frame.

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::json;

use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::lobbies::{
    create, expect, join_patiently, leave, list, pattern_lobby, session_of_width, small_picture,
};
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, next_idr, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn viewers_that_come_and_go_interrupt_nobody() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let players = players::paired(&host, 3, &[]);
    let lobby = create(&host, &wanted);
    block_on(async {
        let mut streams = Vec::new();
        let mut sessions = Vec::new();
        for (number, player) in players.iter().enumerate() {
            let size = size(number);
            streams.push(stream(&player.with_mode(size, 30), TEST_CARD).await);
            sessions.push(session_of_width(&host, size.width));
        }
        let [a, b, c] = &sessions[..] else { panic!("three") };
        for (session, stream) in [(a, 0), (b, 1)] {
            let before = idr_frames(&streams[stream]);
            join_patiently(&host, &lobby, session);
            next_idr(&mut streams[stream], before).await;
        }
        more_frames(&mut streams[1], 15).await;
        let undisturbed = worker_of(&host, b);
        leave(&host, &lobby, a);
        more_frames(&mut streams[1], 15).await;
        let before = idr_frames(&streams[2]);
        join_patiently(&host, &lobby, c);
        next_idr(&mut streams[2], before).await;
        more_frames(&mut streams[1], 15).await;
        assert_eq!(worker_of(&host, b), undisturbed, "nothing made the second viewer begin anew");
        assert_eq!(list(&host)[0]["connected_sessions"], json!([b, c]));
        for stream in streams {
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            assert_eq!((video.counts.frames_lost, video.counts.frames_undecodable, audio.lost), (0, 0, 0), "{video:?}");
        }
    });
}

#[test]
fn a_viewer_that_stands_still_loses_only_its_own_frames() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let players = players::paired(&host, VIEWERS, &[]);
    let lobby = create(&host, &wanted);
    block_on(async {
        let mut streams = Vec::new();
        for (number, player) in players.iter().enumerate() {
            expect(&host, number, &lobby);
            let fps = [30, 24, 15, 10][number % 4];
            streams.push(stream(&player.with_mode(size(number), fps), TEST_CARD).await);
        }
        assert_eq!(list(&host)[0]["connected_sessions"].as_array().map(Vec::len), Some(VIEWERS));
        settle("one worker for each viewer, and none beside them", SOON, || match host.workers() {
            all if all.len() == VIEWERS => Ok(()),
            others => Err(format!("{others:?}")),
        });
        let still = api::sessions(host.api()).remove(0);
        assert_eq!(still["video_width"], size(0).width);
        let worker = api::pid(&still["worker_pid"]);
        process::signal(worker, Signal::STOP);
        for stream in &mut streams[1..] {
            more_frames(stream, 8).await;
        }
        // Unless that took so long that it was replaced.
        if worker_of(&host, still["session_id"].as_str().expect("an id")) == still["worker_pid"] {
            process::signal(worker, Signal::CONT);
        }
        for stream in &mut streams[1..] {
            more_frames(stream, 10).await;
        }
        // What becomes of the one that stood still is another scenario.
        for stream in streams.into_iter().skip(1) {
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            assert_eq!((video.counts.frames_lost, audio.lost), (0, 0), "{video:?}");
        }
    });
}

/// Of every client its own, so that sessions can be told apart.
fn size(number: usize) -> Size {
    let step = u32::try_from(number).expect("a few");
    Size::new(320 + 32 * step, 180 + 18 * step)
}

fn worker_of(host: &Host, session: &str) -> serde_json::Value {
    let sessions = api::sessions(host.api());
    sessions.iter().find(|one| one["session_id"] == session).expect("the session")["worker_pid"].clone()
}

const VIEWERS: usize = 4;
