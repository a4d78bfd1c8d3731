//! docs/reliability.md, 19: threads are named and bounded: the host has the same ones
//! whether it serves nobody or many, and each session adds one worker with the
//! threads that docs/architecture.md lists.

use std::collections::BTreeSet;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::{api, needs, process};

#[test]
fn threads_are_the_same_for_one_session_and_for_many() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, 6, &[]);
    let of_host = |host: &Host| -> Vec<String> {
        // tokio's blocking pool has the name of its runtime and its own limit.
        process::threads(host.pid()).into_iter().filter(|name| name != "host").collect()
    };
    block_on(async {
        let mut streams = Vec::new();
        let mut seen = Vec::new();
        for player in &players {
            streams.push(stream(player, TEST_CARD).await);
            more_frames(streams.last_mut().expect("just pushed"), 3).await;
            seen.push(of_host(&host));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        let counts: BTreeSet<_> = api::sessions(host.api())
            .iter()
            .map(|session| {
                let threads = process::threads(api::pid(&session["worker_pid"]));
                for expected in ["capture", "encode", "send", "audio", "input"] {
                    assert!(threads.iter().any(|name| name == expected), "{expected}: {threads:?}");
                }
                threads.len()
            })
            .collect();
        eprintln!("f19: {} threads of the host beside its pool, {counts:?} of a worker", seen[0].len());
        assert!(counts.iter().all(|count| *count <= MOST_OF_A_WORKER), "{counts:?}");
    });
}

/// Six of its own, and an encoder may have one per slice, at most four.
const MOST_OF_A_WORKER: usize = 10;
