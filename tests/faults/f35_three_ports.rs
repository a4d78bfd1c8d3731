//! docs/reliability.md, 35: all sessions share three UDP ports. The 64 of the entry are
//! measured by a command (docs/reliability.md); here are fewer.

use std::collections::BTreeSet;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream_all};
use crate::support::{api, needs, process};

#[test]
fn many_sessions_share_three_udp_ports() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let players = players::paired(&host, CLIENTS, &["--size", "160x90", "--fps", "15", "--bitrate", "500"]);
    block_on(async {
        let mut streams = stream_all(&players, TEST_CARD).await;
        for stream in &mut streams {
            more_frames(stream, 15).await;
        }
        let workers = api::sessions(host.api()).into_iter().map(|session| api::pid(&session["worker_pid"]));
        let ports: BTreeSet<u16> =
            workers.chain([host.pid()]).flat_map(|pid| process::udp_ports(pid).into_iter()).collect();
        assert_eq!(ports, host.ready.udp().into());
        for stream in streams {
            let (video, audio, _) = stream.leave().await.expect("a client that leaves");
            assert_eq!((video.counts.frames_lost, audio.lost), (0, 0), "{video:?}");
        }
    });
}

const CLIENTS: usize = 12;
