//! docs/reliability.md, 37: a screen where nothing moves is not captured again and again,
//! and a keystroke on it is seen at once: the next picture is the one that shows
//! it, not one that was due anyway.

use std::time::Duration;

use crate::support::host::{Host, metric};
use crate::support::needs;
use crate::support::players::{self, block_on, more_frames};
use crate::support::scratch::Scratch;
use crate::support::still_screen::keystroke;

#[test]
fn a_still_screen_costs_no_capture_and_answers_a_key_at_once() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    // A picture that waited for one that is due anyway would come after that.
    let config = "[host]\ndiscovery = false\n[video]\nminimum_frame_rate = 1\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let player = players::paired(&host, 1, &[]).remove(0);
    block_on(async {
        let mut stream = players::stream(&player, "Desktop").await;
        // The terminal's first pictures.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut repeats = 0;
        for _ in 0..STROKES {
            repeats += keystroke(&mut stream).await.repeats;
        }
        // One may be on its way when a key is pressed.
        assert!(repeats < STROKES / 2, "{repeats} repeated pictures came before the answers to {STROKES} keys");

        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = metric(&host, "earthshine_frames_captured_total");
        more_frames(&mut stream, 3).await;
        let captured = metric(&host, "earthshine_frames_captured_total") - before;
        assert!(captured < 1.0, "{captured} pictures of a still screen were captured");
        stream.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });
}

const STROKES: u64 = 8;
