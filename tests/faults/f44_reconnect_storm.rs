//! docs/reliability.md, 44: a client that connects anew again and again, often before
//! the last attempt is through, never has more than two sessions, and nothing
//! of the earlier ones is left.

use std::sync::atomic::{AtomicBool, Ordering};

use earthshine::protocol::gamestream::answer::Verb;
use earthshine::protocol::rtsp::client_handshake::Step;

use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, stream};
use crate::support::{api, needs};

#[test]
fn a_storm_of_reconnects_has_at_most_two_sessions() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &[]).remove(0);
    block_on(async {
        stream(&player, TEST_CARD).await.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });
    let before = host.holdings().but_threads();
    let over = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(api::sessions(host.api()).len());
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            most
        });
        block_on(async {
            let app = player.app(TEST_CARD).await.expect("the app");
            for attempt in 0..ATTEMPTS {
                let mut connection = player.begin(Verb::Launch, app).await.expect("launch");
                for step in Step::ALL.into_iter().take(attempt % 9) {
                    connection.step(step).await.expect("RTSP");
                }
                if attempt % 9 > 7 {
                    drop(connection.connect().await.expect("control"));
                }
            }
            stream(&player, TEST_CARD).await.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        over.store(true, Ordering::Relaxed);
        looking.join().expect("the looker")
    });
    assert!((1..=2).contains(&most), "{most} sessions at the same time");
    settle("what a storm leaves", SOON, || host.holdings().not_more_than(&before));
}

const ATTEMPTS: usize = 45;
