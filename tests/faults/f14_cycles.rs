//! docs/reliability.md, 14: what one session tears down does not damage the next. Streams
//! of three sizes begin and end in turns in one host; each starts, and in the end
//! the host holds what it held. The long form is `tests/soak/cycles.rs`.

use serde_json::json;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::{api, needs};

#[test]
fn sessions_of_all_sizes_come_and_go() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let sizes = ["320x180", "640x360", "400x300"];
    let players = sizes.map(|size| players::paired(&host, 1, &["--size", size]).remove(0));
    let mut before = None;
    for round in 0..ROUNDS {
        let mut streaming = block_on(stream(&players[round % players.len()], TEST_CARD));
        block_on(more_frames(&mut streaming, 10));
        let session = api::the_session(host.api());
        let size = format!("{}x{}", session["video_width"], session["video_height"]);
        assert_eq!((size.as_str(), &session["worker_restarts"]), (sizes[round % sizes.len()], &json!(0)));
        let (video, ..) = block_on(streaming.leave()).expect("a client that leaves");
        assert_eq!(video.counts.frames_undecodable, 0, "{video:?}");
        api::post(host.api(), "/api/v1/sessions/stop", &json!({"session_id": session["session_id"]}));
        // What is opened once and kept is open by now.
        before.get_or_insert_with(|| host.holdings());
    }
    host.assert_nothing_left(&before.expect("rounds"));
}

const ROUNDS: usize = 9;
