//! docs/reliability.md, 1: a stream whose worker answers nobody holds up no request of
//! anybody else, and can itself be cancelled.

use rustix::process::Signal;

use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, stream};
use crate::support::{api, needs, process};
use earthshine::protocol::gamestream::answer::Verb;

#[test]
fn requests_are_answered_while_a_worker_hangs() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, 4, &[]);
    let (victim, others) = players.split_first().expect("four");
    block_on(async {
        let stopped = stream(victim, TEST_CARD).await;
        let worker = api::pid(&api::the_session(host.api())["worker_pid"]);
        process::signal(worker, Signal::STOP);
        let asking: Vec<_> = others.iter().cloned().map(|player| tokio::spawn(ask_everything(player))).collect();
        let cancelled = victim.cancel().await;
        let mut answered = 0;
        for asking in asking {
            answered += asking.await.expect("every request is answered");
        }
        assert_eq!(answered, 3 * ROUNDS * 5);
        cancelled.expect("also of the stream that hangs");
        assert!(!process::is_alive(worker));
        drop(stopped);
    });
    assert!(api::sessions(host.api()).is_empty());
}

/// Requests of all kinds; how many were answered well.
async fn ask_everything(player: earthshine::bench::clients::player::Player) -> usize {
    let mut answered = 0;
    for _ in 0..ROUNDS {
        let standing = player.standing().await.expect("serverinfo");
        assert!(standing.paired && standing.running == 0);
        let app = player.app(TEST_CARD).await.expect("applist");
        player.begin(Verb::Launch, app).await.expect("launch");
        assert_eq!(player.standing().await.expect("serverinfo").running, app.0);
        player.cancel().await.expect("cancel");
        answered += 5;
    }
    answered
}

const ROUNDS: usize = 6;
