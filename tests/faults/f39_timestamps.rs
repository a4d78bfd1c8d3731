//! docs/reliability.md, 39: a frame's RTP time is that of its picture. It goes forward
//! from frame to frame and no faster than pictures are made, also where another
//! worker goes on with the stream.

use rustix::process::Signal;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, next_idr, stream};
use crate::support::{api, needs, process};

#[test]
fn every_frame_has_a_later_time_than_the_one_before() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    let mut streaming = block_on(stream(&player, TEST_CARD));
    for _ in 0..2 {
        block_on(more_frames(&mut streaming, 45));
        let before = idr_frames(&streaming);
        process::signal(api::pid(&api::the_session(host.api())["worker_pid"]), Signal::KILL);
        block_on(next_idr(&mut streaming, before));
    }
    block_on(more_frames(&mut streaming, 45));
    let (video, ..) = block_on(streaming.leave()).expect("a client that leaves");
    let counts = &video.counts;
    assert_eq!(counts.frames_back_in_time, 0, "{counts:?}");
    // Thirty pictures a second are 3000 ticks apart; two that are close have
    // others farther away.
    let between = counts.rtp_ticks / (counts.frames_complete - 1);
    assert!(between >= 2000, "{between} ticks from frame to frame: {counts:?}");
    eprintln!("f39: {between} ticks of 90 kHz from frame to frame, {} frames", counts.frames_complete);
}
