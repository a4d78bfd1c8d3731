//! failures.md 36: with more programs that want the processor than there are
//! processors, streams go on without a loss, the API answers, and the time from
//! capture to each stage is there to be read.

use std::process::{Child, Command, Stdio};

use crate::support::host::{Host, metrics};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream_all};
use crate::support::{api, needs};

#[test]
fn streams_go_on_while_every_processor_is_busy() {
    let _turn = needs::turn_alone();
    let host = Host::start();
    let players = players::paired(&host, 2, &[]);
    block_on(async {
        let mut streams = stream_all(&players, TEST_CARD).await;
        let busy = Busy::start();
        for stream in &mut streams {
            more_frames(stream, 45).await;
        }
        assert_eq!(api::sessions(host.api()).len(), 2);
        let exported = metrics(&host);
        for stage in ["converted", "encoded", "first_packet", "last_packet"] {
            let series = format!("earthshine_stage_seconds_bucket{{stage=\"{stage}\"");
            assert!(
                exported.contains(&series) || exported.contains(&format!("stage=\"{stage}\"")),
                "{stage}: {exported}"
            );
        }
        drop(busy);
        for stream in streams {
            let (video, ..) = stream.leave().await.expect("a client that leaves");
            assert_eq!(video.counts.frames_lost, 0, "{video:?}");
            eprintln!("f36: frame to frame {:?}, in the host {:?}", video.frame_gap_ms, video.host_latency_ms);
        }
    });
}

/// Two endless loops for each processor; ended when dropped.
struct Busy(Vec<Child>);

impl Busy {
    fn start() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let endless = || Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn();
        Self((0..2 * processors).map(|_| endless().expect("sh")).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
