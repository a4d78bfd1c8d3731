//! A desktop where nothing moves until a key is pressed.

use std::time::{Duration, Instant};

use earthshine::bench::clients::player::{Order, Stream};
use earthshine::protocol::control::input_event::InputEvent;

use super::deadline::SOON;

/// What a keystroke brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// From the keystroke to the first picture that nobody has seen before.
    pub(crate) after: Duration,
    /// Pictures that came before that and showed nothing new.
    pub(crate) repeats: u64,
}

/// Presses and releases a key that a terminal shows, once its screen is still,
/// and waits for a new picture. One that is only repeated has no latency of its
/// own to tell, and does not count.
///
/// # Panics
/// If none comes.
pub(crate) async fn keystroke(stream: &mut Stream) -> Answer {
    settle(stream).await;
    let before = stream.seen();
    let key = |pressed| InputEvent::Key { code: VK_A, pressed, modifiers: 0, not_normalized: false };
    let begin = Instant::now();
    stream.say(Order::Input(key(true))).await.expect("a connection");
    stream.say(Order::Input(key(false))).await.expect("a connection");
    let seen = stream.wait_seen(SOON, |seen| seen.fresh_frames > before.fresh_frames).await.expect("a new picture");
    let came = seen.counts.frames_complete - before.counts.frames_complete;
    Answer {
        after: seen.last_frame.expect("a frame") - begin,
        repeats: came.saturating_sub(seen.fresh_frames - before.fresh_frames),
    }
}

/// Waits until nothing has moved for a while.
async fn settle(stream: &Stream) {
    let begin = Instant::now();
    let (mut before, mut since) = (stream.seen().fresh_frames, Instant::now());
    while since.elapsed() < STILL && begin.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = stream.seen().fresh_frames;
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

const VK_A: u8 = 0x41;
const STILL: Duration = Duration::from_millis(250);
