//! docs/reliability.md, 12: no library with locks for a whole process (GLib, GStreamer) is
//! in the host or in a worker that streams, not even loaded later.

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::{api, needs};

#[test]
fn neither_host_nor_worker_has_glib_or_gstreamer() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    block_on(async {
        let mut stream = stream(&player, TEST_CARD).await;
        more_frames(&mut stream, 5).await;
        let worker = api::pid(&api::the_session(host.api())["worker_pid"]);
        for pid in [host.pid(), worker] {
            let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process lives");
            assert!(maps.contains("libc.so"), "{maps}");
            for library in ["libglib", "libgobject", "libgio", "libgst", "libpipewire"] {
                assert!(!maps.contains(library), "{library} in {pid}");
            }
        }
        stream.leave().await.expect("a client that leaves");
    });
}
