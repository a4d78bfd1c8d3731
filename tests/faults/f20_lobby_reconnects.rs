//! docs/reliability.md, 20 and 24: a client that comes back to a lobby at another size,
//! again and again, gets a first frame each time, from the lobby; the lobby's
//! compositor and application never notice, and nothing waits beside it: no
//! desktop of the client's own, and one worker.

use earthshine::units::Size;
use serde_json::json;

use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::lobbies::{create, expect, list, pattern_lobby, small_picture, stop};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn reconnects_at_other_sizes_leave_the_lobby_untouched() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &small_picture());
    let host = Host::with_apps(scratch, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    let before = host.holdings().but_threads();
    let lobby = create(&host, &wanted);
    let desktop = list(&host)[0]["desktop"].clone();
    for (round, (width, height)) in SIZES.into_iter().cycle().take(ROUNDS).enumerate() {
        expect(&host, 0, &lobby);
        let player = player.with_mode(Size::new(width, height), 30);
        let mut stream = block_on(stream(&player, TEST_CARD));
        let session = api::the_session(host.api());
        assert_eq!((&session["lobby_id"], &session["desktop"]), (&json!(lobby), &json!(null)));
        assert_eq!((&session["video_width"], &session["video_height"]), (&json!(width), &json!(height)));
        settle("one worker for one viewer", SOON, || match host.workers() {
            one if one.len() == 1 => Ok(()),
            others => Err(format!("{others:?}")),
        });
        block_on(more_frames(&mut stream, 5));
        assert_eq!(stream.seen().counts.frames_lost, 0);
        if round % 2 == 0 {
            block_on(stream.leave()).expect("a client that leaves");
        }
        assert_eq!(list(&host)[0]["desktop"], desktop, "the same processes");
    }
    block_on(player.cancel()).expect("cancel");
    stop(&host, &lobby);
    settle("what visits leave", SOON, || host.holdings().not_more_than(&before));
}

const SIZES: [(u32, u32); 4] = [(640, 360), (320, 180), (800, 600), (366, 222)];
const ROUNDS: usize = 6;
