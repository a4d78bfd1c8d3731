//! failures.md 46: a client that is gone in the middle of a chord, or whose
//! worker is killed then, leaves no key and no button down: the application sees
//! each of them released.

use earthshine::bench::clients::player::{Order, Stream};
use earthshine::protocol::control::input_event::{InputEvent, MouseButton};
use rustix::process::Signal;

use crate::support::apps::{self, PATTERN};
use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::host::Host;
use crate::support::players::{self, block_on, idr_frames, next_idr, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn keys_and_buttons_of_a_client_that_is_gone_are_released() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let player = players::paired(&host, 1, &["--size", "640x360"]).remove(0);
    let mut streaming = block_on(stream(&player, PATTERN));
    apps::wait_pattern_ready(&host.scratch);
    for round in 0..ROUNDS {
        block_on(hold(&streaming));
        wait_for("the chord", SOON, || (pressed(&host) == (round + 1) * HELD).then_some(()));
        streaming = match round % 3 {
            // Superseded: it never says goodbye.
            0 => block_on(stream(&player, PATTERN)),
            1 => {
                block_on(streaming.leave()).expect("a client that leaves");
                block_on(stream(&player, PATTERN))
            }
            // The worker has no time to let go: its successor does.
            _ => {
                let before = idr_frames(&streaming);
                process::signal(api::pid(&api::the_session(host.api())["worker_pid"]), Signal::KILL);
                block_on(next_idr(&mut streaming, before));
                streaming
            }
        };
        settle("released keys", SOON, || {
            // The pointer goes with its killed worker, and comes anew: the release
            // of its button is between compositor and successor.
            let unseen = usize::from(round % 3 == 2);
            let (down, up) = (pressed(&host) - unseen, count(&host, false).min(pressed(&host) - unseen));
            let seen = || apps::pattern_events(&host.scratch);
            if down == up { Ok(()) } else { Err(format!("{down} pressed, {up} released: {:?}", seen())) }
        });
    }
    block_on(streaming.leave()).expect("a client that leaves");
}

async fn hold(stream: &Stream) {
    let key = |code| InputEvent::Key { code, pressed: true, modifiers: 0, not_normalized: false };
    let aim = InputEvent::MouseMove { dx: 20, dy: 20 };
    let button = InputEvent::MouseButton { button: MouseButton::Left, pressed: true };
    for event in [aim, key(VK_LSHIFT), key(VK_LCONTROL), key(VK_A), button] {
        stream.say(Order::Input(event)).await.expect("a connection");
    }
}

fn pressed(host: &Host) -> usize {
    count(host, true)
}

fn count(host: &Host, pressed: bool) -> usize {
    let events = apps::pattern_events(&host.scratch);
    let input = events.iter().filter(|event| event["event"] == "key" || event["event"] == "button");
    input.filter(|event| event["pressed"] == pressed).count()
}

const VK_LSHIFT: u8 = 0xA0;
const VK_LCONTROL: u8 = 0xA2;
const VK_A: u8 = 0x41;

/// Three keys and a button.
const HELD: usize = 4;
const ROUNDS: usize = 3;
