//! docs/reliability.md, 42: screenshots are made of the last captured picture, by a
//! process of their own. Many of them, of a session and of one that does not
//! exist, cost its stream and its neighbour no frame, and begin nothing anew.

use serde_json::Value;

use crate::support::host::{Host, metrics};
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, stream_all};
use crate::support::{api, needs};

#[test]
fn screenshots_do_not_disturb_the_stream() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, 2, &[]);
    let mut streams = block_on(stream_all(&players, TEST_CARD));
    for stream in &mut streams {
        block_on(more_frames(stream, 30));
    }
    let workers = |sessions: &[Value]| sessions.iter().map(|session| session["worker_pid"].clone()).collect::<Vec<_>>();
    let before = api::sessions(host.api());
    let idr = streams.iter().map(idr_frames).sum::<u64>();
    let reasons = reasons_for_idr(&host);
    let session = before[0]["session_id"].as_str().expect("an id");

    // One after the other, as fast as they are made, while both streams go on.
    let mut shown = 0;
    for round in 0..SCREENSHOTS {
        let format = ["jpeg", "png", "webp"][round % 3];
        let path = format!("/api/v1/sessions/{session}/screenshot?format={format}");
        let answer = api::request(host.api(), &path, None).expect("an answer");
        shown += usize::from(answer.status == 200 && !answer.body.is_empty());
        let nobody = api::request(host.api(), "/api/v1/sessions/987654/screenshot", None).expect("an answer");
        assert_eq!(nobody.status, 404);
    }
    assert_eq!(shown, SCREENSHOTS);
    for stream in &mut streams {
        block_on(more_frames(stream, 30));
    }

    assert_eq!(workers(&api::sessions(host.api())), workers(&before), "the same workers");
    // On a busy machine sending may fall behind, or a client ask; screenshots
    // are no reason.
    let begun = streams.iter().map(idr_frames).sum::<u64>() - idr;
    let reasons = reasons_for_idr(&host) - reasons;
    assert!(begun <= reasons, "{begun} IDR frames for {reasons} reasons");
    for stream in streams {
        let (video, ..) = block_on(stream.leave()).expect("a client that leaves");
        assert_eq!(video.counts.frames_lost, 0, "{video:?}");
        eprintln!("f42: frame to frame {:?}", video.frame_gap_ms);
    }
}

/// Frames that sending had no room for, and requests, so far.
fn reasons_for_idr(host: &Host) -> u64 {
    let count = |name: &str| {
        let lines = metrics(host);
        let values = lines.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit_once(' '));
        values.filter_map(|(_, value)| value.parse::<u64>().ok()).sum::<u64>()
    };
    count("earthshine_frames_dropped_total") + count("earthshine_idr_requests_total")
}

const SCREENSHOTS: usize = 30;
