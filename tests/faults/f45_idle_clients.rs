//! docs/reliability.md, 45: who does nothing is not gone. A client that sends no input for
//! longer than the host listens for a sign of life keeps its session, its worker
//! and its desktop; only a connection that is silent ends (`client_vanishes`).

use std::time::{Duration, Instant};

use crate::support::host::{Host, desktop, metric};
use crate::support::players::{self, block_on, more_frames, stream};
use crate::support::{api, needs};

#[test]
fn a_client_without_input_stays() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    let mut streaming = block_on(stream(&player, "Desktop"));
    let (session, compositor) = (api::the_session(host.api()), desktop(&host)["compositor_pid"].clone());
    // What a client says of itself when it begins is over.
    block_on(more_frames(&mut streaming, 10));
    let (begun, played) = (Instant::now(), input_events(&host));
    // A still screen is sent ten times a second.
    while begun.elapsed() < SILENCE {
        block_on(more_frames(&mut streaming, 10));
    }
    let now = api::the_session(host.api());
    for same in ["session_id", "worker_pid", "worker_restarts", "state"] {
        assert_eq!(now[same], session[same], "{same}: {now}");
    }
    assert_eq!(desktop(&host)["compositor_pid"], compositor);
    assert!(input_events(&host) <= played, "nobody played anything");
    let (video, ..) = block_on(streaming.leave()).expect("a client that leaves");
    assert_eq!(video.counts.frames_lost, 0, "{video:?}");
}

fn input_events(host: &Host) -> f64 {
    metric(host, "earthshine_input_events_total") + metric(host, "earthshine_input_ignored_total")
}

/// Longer than a control connection may be without a sign of life, which is ten
/// seconds.
const SILENCE: Duration = Duration::from_secs(14);
