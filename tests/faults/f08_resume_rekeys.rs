//! docs/reliability.md, 8 and 9: every resume brings new keys, and input and video work
//! under them each time; a client that is gone and launches again at once, the
//! same app or another, gets video each time, in a session of a number of its
//! own where it is another.

use earthshine::bench::clients::player::Order;
use earthshine::protocol::control::input_event::InputEvent;
use earthshine::protocol::gamestream::answer::Verb;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric};
use crate::support::players::{self, TEST_CARD, block_on, stream, stream_by};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn every_resume_has_new_keys_and_input_works() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = players::paired(&host, 1, &["--encrypt"]).remove(0);
    let session = block_on(async {
        let first = stream(&player, TEST_CARD).await;
        let session = api::the_session(host.api())["session_id"].clone();
        first.leave().await.expect("a client that leaves");
        session
    });
    for _ in 0..ROUNDS {
        let stream = block_on(stream_by(&player, Verb::Resume, TEST_CARD));
        assert_eq!(api::the_session(host.api())["session_id"], session);
        for _ in 0..MOVES {
            block_on(stream.say(Order::Input(InputEvent::MouseMove { dx: 1, dy: 0 }))).expect("a connection");
        }
        // The test card has no seat, so its worker counts input as ignored:
        // that it counts it shows that it was understood. Two moves of its own
        // begin every connection.
        wait_for("input under the new key", SOON, || {
            let counted = ["events", "ignored"].map(|what| metric(&host, &format!("earthshine_input_{what}_total")));
            (counted.iter().sum::<f64>() >= f64::from(MOVES + 2)).then_some(())
        });
        let (video, audio, control) = block_on(stream.leave()).expect("a client that leaves");
        assert_eq!(control.packets_dropped, 0, "{control:?}");
        assert_eq!((video.counts.packets_undecryptable, audio.undecryptable), (0, 0));
        assert!(video.counts.frames_complete > 0);
    }
}

#[test]
fn relaunches_right_after_a_disconnect_get_video() {
    let _turn = needs::turn_without_client();
    let host = Host::with_apps(Scratch::new(), "[[app]]\ntitle = \"Other card\"\ntest_card = true\n");
    let player = players::paired(&host, 1, &[]).remove(0);
    let mut last = 0;
    for round in 0..2 * ROUNDS {
        let app = if round % 2 == 0 { TEST_CARD } else { "Other card" };
        let stream = block_on(stream(&player, app));
        let sessions = api::sessions(host.api());
        // The last ones may be on their way out: nobody waits for that.
        let number = |session: &serde_json::Value| session["session_id"].as_str()?.parse::<u64>().ok();
        let newest = sessions.iter().filter_map(number).max().expect("a session");
        assert!(newest > last, "another app is another session");
        last = newest;
        match round % 3 {
            0 => drop(stream),
            1 => drop(block_on(stream.leave()).expect("a client that leaves")),
            _ => {
                let late = std::time::Duration::from_millis(u64::from(round) * 4);
                drop(stream);
                std::thread::sleep(late);
            }
        }
    }
    block_on(player.cancel()).expect("cancel");
    wait_for("the end of all sessions", SOON, || api::sessions(host.api()).is_empty().then_some(()));
}

const ROUNDS: u32 = 5;
const MOVES: u32 = 5;
