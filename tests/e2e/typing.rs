//! What is typed on the client arrives in the desktop's terminal: by key
//! events and as UTF-8 text. And a key held by a client that leaves is let go.

use serde_json::json;

use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Stream, Wanted};
use crate::support::deadline::SOON;
use crate::support::host::Host;
use crate::support::needs;
use crate::support::scratch::Scratch;

#[test]
fn terminal_gets_keys_and_text() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Desktop"));
    wait_for_a_shell(&host, &mut stream);

    let typed = host.scratch.exchange("typed.txt");
    let line = "Hello, World! 0123456789 ~`@#$%^&*()_+-={}[]|\\:;<>,.?/";
    stream.order(json!({"do": "type", "text": format!("cat > {}\n{line}\n", typed.display())}));
    stream.order(json!({"do": "text", "text": "grüße: żółw € 漢字 \u{1F319}"}));
    // Enter and Ctrl+D, the end of cat's input.
    stream.order(json!({"do": "type", "text": "\n"}));
    stream.order(json!({"do": "key", "code": 0xA2, "action": "down", "modifiers": 2}));
    stream.order(json!({"do": "key", "code": 0x44, "modifiers": 2}));
    stream.order(json!({"do": "key", "code": 0xA2, "action": "up"}));

    let wanted = format!("{line}\ngrüße: żółw € 漢字 \u{1F319}\n");
    crate::support::deadline::settle("the terminal's file", SOON, || {
        let content = std::fs::read_to_string(&typed).unwrap_or_default();
        if content == wanted { Ok(()) } else { Err(format!("{content:?} instead of {wanted:?}")) }
    });
    stream.quit();
}

/// Types until a shell answers: before the terminal has the focus, keys go nowhere.
fn wait_for_a_shell(host: &Host, stream: &mut Stream) {
    let answer = host.scratch.exchange("shell");
    for _ in 0..20 {
        stream.order(json!({"do": "type", "text": format!("\n:>{}\n", answer.display())}));
        stream.order(json!({"do": "wait_frames", "count": 2, "timeout": 30}));
        if answer.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("no shell answers in the terminal\n{}", host.log());
}

#[test]
fn held_key_is_released_when_the_client_leaves() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "--answer-input");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(PATTERN));
    apps::wait_pattern_event(&host.scratch, "focus", |event| event["event"] == "focus");
    stream.order(json!({"do": "key", "code": 0x41, "action": "down"}));
    let a_key = |pressed: bool| {
        // 30 is KEY_A.
        move |event: &serde_json::Value| event["event"] == "key" && event["code"] == 30 && event["pressed"] == pressed
    };
    apps::wait_pattern_event(&host.scratch, "the press", a_key(true));
    stream.stop();
    apps::wait_pattern_event(&host.scratch, "the release", a_key(false));
    device.run(&["cancel"]).expect("cancel");
}
