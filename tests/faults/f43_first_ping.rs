//! docs/reliability.md, 43: no video leaves before the client's first ping; then the
//! first frame is an IDR frame.

use std::time::Duration;

use earthshine::protocol::gamestream::answer::Verb;
use earthshine::protocol::rtsp::client_handshake::Step;
use tokio::sync::mpsc;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric};
use crate::support::needs;
use crate::support::players::{self, TEST_CARD, block_on};

#[test]
fn video_waits_for_the_first_ping_and_begins_with_an_idr_frame() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    for late in [0, 300, 1500] {
        block_on(async {
            let app = player.app(TEST_CARD).await.expect("the app");
            let mut connection = player.begin(Verb::Launch, app).await.expect("launch");
            for step in Step::ALL {
                connection.step(step).await.expect("RTSP");
            }
            let control = connection.connect().await.expect("control");
            tokio::time::sleep(Duration::from_millis(late)).await;
            assert_eq!(metric(&host, "earthshine_video_packets_total"), 0.0, "nobody has pinged");
            let (orders, _inbox) = mpsc::channel(8);
            let (video, mut seen) = connection.see(orders).await.expect("a socket");
            let first = tokio::time::timeout(SOON, seen.wait_for(|seen| seen.counts.frames_complete > 0)).await;
            let first = first.expect("a frame").expect("a receiver").clone();
            assert_eq!((first.counts.idr_frames, first.counts.frames_lost), (1, 0), "{late} ms: {first:?}");
            drop(video);
            control.close().await;
            player.cancel().await.expect("cancel");
        });
        wait_for("the end of its counters", SOON, || {
            (metric(&host, "earthshine_video_packets_total") == 0.0).then_some(())
        });
    }
}
