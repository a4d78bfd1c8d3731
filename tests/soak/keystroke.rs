//! failures.md 37: from a keystroke on a screen where nothing moves to the first
//! picture that shows it, over the whole path: control, worker, compositor,
//! terminal, capture, encoder, network.

use std::time::{Duration, Instant};

use earthshine::bench::clients::player::{Order, Player};
use earthshine::protocol::control::input_event::InputEvent;
use serde_json::Value;

use crate::figures::quantiles;
use crate::support::deadline::SOON;
use crate::support::host::Host;
use crate::support::players::{self, block_on};

/// Types into the default desktop's terminal. A picture that is only repeated
/// has no latency of its own to tell and does not count.
pub(crate) fn times(_host: &Host, player: &Player, strokes: usize) -> Value {
    let mut times = Vec::new();
    block_on(async {
        let mut stream = players::stream(player, "Desktop").await;
        // The terminal's first pictures.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for stroke in 0..strokes {
            quiet(&stream).await;
            let before = fresh(&stream);
            let key = |pressed| InputEvent::Key { code: VK_A, pressed, modifiers: 0, not_normalized: false };
            let begin = Instant::now();
            stream.say(Order::Input(key(true))).await.expect("a connection");
            stream.say(Order::Input(key(false))).await.expect("a connection");
            let seen = stream.wait_seen(SOON, |seen| seen.fresh_frames > before).await;
            let Ok(seen) = seen else { panic!("stroke {stroke}: no new picture") };
            times.push(seen.last_frame.expect("a frame") - begin);
        }
        stream.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });
    quantiles(times)
}

fn fresh(stream: &earthshine::bench::clients::player::Stream) -> u64 {
    stream.seen().fresh_frames
}

/// Waits until nothing has moved for a while.
async fn quiet(stream: &earthshine::bench::clients::player::Stream) {
    let begin = Instant::now();
    let (mut before, mut since) = (fresh(stream), Instant::now());
    while since.elapsed() < STILL && begin.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = fresh(stream);
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

const VK_A: u8 = 0x41;
const STILL: Duration = Duration::from_millis(250);
