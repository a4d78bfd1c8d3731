//! docs/reliability.md, 37, measured: from a keystroke on a screen where nothing moves to
//! the first picture that shows it, over the whole path: control, worker,
//! compositor, terminal, capture, encoder, network.

use std::time::Duration;

use earthshine::bench::clients::player::Player;
use serde_json::Value;

use crate::figures::quantiles;
use crate::support::host::Host;
use crate::support::players::{self, block_on};
use crate::support::still_screen::keystroke;

/// Types into the default desktop's terminal.
pub(crate) fn times(_host: &Host, player: &Player, strokes: usize) -> Value {
    let mut times = Vec::new();
    block_on(async {
        let mut stream = players::stream(player, "Desktop").await;
        // The terminal's first pictures.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for _ in 0..strokes {
            times.push(keystroke(&mut stream).await.after);
        }
        stream.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });
    quantiles(times)
}
