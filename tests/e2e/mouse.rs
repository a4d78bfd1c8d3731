//! The mouse points, clicks and scrolls where the client does, and the client
//! sees the application's answer.

use earthshine::units::Size;
use serde_json::{Value, json};

use crate::support::apps::{self, PATTERN, colors};
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::needs;
use crate::support::picture::{self, is_close};
use crate::support::scratch::Scratch;

#[test]
fn pointing_clicking_and_scrolling_reach_the_application() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "--answer-input");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(PATTERN));
    apps::wait_pattern_ready(&host.scratch);

    // Half the size of the picture: the position is relative to it.
    stream.order(json!({"do": "move_to", "x": 160, "y": 90, "width": 640, "height": 360}));
    let at = |x: f64, y: f64| {
        move |event: &Value| {
            let near = |name: &str, wanted: f64| event[name].as_f64().is_some_and(|seen| (seen - wanted).abs() < 4.0);
            event["event"] == "motion" && near("x", x) && near("y", y)
        }
    };
    apps::wait_pattern_event(&host.scratch, "motion to 320/180", at(320.0, 180.0));
    stream.order(json!({"do": "move", "dx": 100, "dy": -50}));
    apps::wait_pattern_event(&host.scratch, "motion to 420/130", at(420.0, 130.0));
    stream.order(json!({"do": "scroll", "amount": 120}));
    let scrolled = apps::wait_pattern_event(&host.scratch, "scrolling", |event| {
        event["event"] == "scroll" && event["axis"] == "vertical"
    });
    assert!(scrolled["value"].as_f64().is_some_and(|value| value < 0.0), "away from the user is up: {scrolled}");
    stream.order(json!({"do": "hscroll", "amount": 120}));
    let scrolled = apps::wait_pattern_event(&host.scratch, "scrolling aside", |event| {
        event["event"] == "scroll" && event["axis"] == "horizontal"
    });
    assert!(scrolled["value"].as_f64().is_some_and(|value| value > 0.0), "positive is to the right: {scrolled}");
    // evdev's codes of the left, right and side buttons.
    for (button, code) in [("right", 0x111), ("side", 0x113), ("left", 0x110)] {
        stream.order(json!({"do": "button", "button": button}));
        for pressed in [true, false] {
            apps::wait_pattern_event(&host.scratch, button, |event| {
                event["event"] == "button" && event["code"] == code && event["pressed"] == pressed
            });
        }
    }

    stream.wait_frames(30);
    let files = stream.files.clone();
    stream.quit();
    let seen = picture::last(&files.video, Size::new(1280, 720)).color(900, 900);
    assert!(is_close(seen, colors::CYAN), "the client does not see the answer to its click: {seen:?}");
}
