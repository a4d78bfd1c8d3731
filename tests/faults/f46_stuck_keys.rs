//! docs/reliability.md, 46: a client that is gone in the middle of a chord, or whose
//! worker is killed then, leaves no key and no button down: the application sees
//! each of them released, or its pointer taken away, and a click after it is one.

use std::collections::BTreeSet;

use earthshine::bench::clients::player::{Order, Stream};
use earthshine::protocol::control::input_event::{InputEvent, MouseButton};
use rustix::process::Signal;
use serde_json::Value;

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
        wait_for("the chord", SOON, || (held(&apps::pattern_events(&host.scratch)).len() == HELD).then_some(()));
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
        settle("released keys and buttons", SOON, || {
            let seen = apps::pattern_events(&host.scratch);
            let held = held(&seen);
            if held.is_empty() { Ok(()) } else { Err(format!("{held:?} held after {seen:?}")) }
        });
        // What has come up in the compositor as well can be pressed again. Clicks
        // before the application has bound the new pointer are nobody's.
        let clicks = || seen_of(&apps::pattern_events(&host.scratch), "button", true);
        let before = clicks();
        wait_for("a click", SOON, || {
            block_on(click(&streaming));
            (clicks() > before).then_some(())
        });
        wait_for("its end", SOON, || held(&apps::pattern_events(&host.scratch)).is_empty().then_some(()));
    }
    let seen = apps::pattern_events(&host.scratch);
    let (down, up) = (seen_of(&seen, "button", true), seen_of(&seen, "button", false));
    eprintln!("f46: of {down} buttons {up} were seen to come up, the others went with their pointer");
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

async fn click(stream: &Stream) {
    for pressed in [true, false] {
        let button = InputEvent::MouseButton { button: MouseButton::Left, pressed };
        stream.say(Order::Input(button)).await.expect("a connection");
    }
}

/// Keys and buttons that are down, as an application sees it: by events, and by
/// the loss of its pointer, which ends what that one held.
fn held(events: &[Value]) -> BTreeSet<(&str, u64)> {
    let mut held = BTreeSet::new();
    for event in events {
        let kind = event["event"].as_str().unwrap_or_default();
        match (kind, event["code"].as_u64()) {
            ("key" | "button", Some(code)) if event["pressed"] == true => _ = held.insert((kind, code)),
            ("key" | "button", Some(code)) => _ = held.remove(&(kind, code)),
            ("pointer gone", _) => held.retain(|(kind, _)| *kind != "button"),
            _ => {}
        }
    }
    held
}

fn seen_of(events: &[Value], kind: &str, pressed: bool) -> usize {
    events.iter().filter(|event| event["event"] == kind && event["pressed"] == pressed).count()
}

const VK_LSHIFT: u8 = 0xA0;
const VK_LCONTROL: u8 = 0xA2;
const VK_A: u8 = 0x41;

/// Three keys and a button.
const HELD: usize = 4;
const ROUNDS: usize = 3;
