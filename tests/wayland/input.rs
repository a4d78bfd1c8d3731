//! What the user does arrives in applications.

use std::fs;
use std::time::Duration;

use earthshine::protocol::control::input_event::{DeviceEvent, InputEvent, MouseButton};
use earthshine::stream_plan::Source;
use earthshine::units::Size;
use earthshine::worker::input::InputCommand;
use serde_json::Value;

use crate::capturing::{Capturing, color_at, desktop};
use crate::playing::Playing;
use crate::skip::skip;
use crate::sway::{Log, Sway, wait_for};

const SIZE: Size = Size::new(1280, 720);
const VK_A: u8 = 0x41;
const VK_LSHIFT: u8 = 0xA0;
const VK_RETURN: u8 = 0x0D;

/// A pattern window with the keyboard's focus, and the thread that plays to it.
fn pattern_to_play_with(sway: &mut Sway, stream: Size) -> (Log, Playing) {
    let mut log = sway.show_pattern(&["--still", "--answer-input"]);
    let playing = Playing::start(desktop(sway.socket()), stream);
    log.wait("focus", |event| event["event"] == "focus");
    (log, playing)
}

fn is_key(event: &Value, code: u64, pressed: bool) -> bool {
    event["event"] == "key" && event["code"] == code && event["pressed"] == pressed
}

fn is_button(event: &Value, code: u64, pressed: bool) -> bool {
    event["event"] == "button" && event["code"] == code && event["pressed"] == pressed
}

fn place_of(event: &Value) -> Option<(f64, f64)> {
    (event["event"] == "motion").then(|| (event["x"].as_f64().unwrap(), event["y"].as_f64().unwrap()))
}

fn is_at(event: &Value, x: f64, y: f64) -> bool {
    place_of(event).is_some_and(|place| (place.0 - x).abs() < 1.0 && (place.1 - y).abs() < 1.0)
}

#[test]
fn keys_and_modifiers_arrive() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let (mut log, playing) = pattern_to_play_with(&mut sway, SIZE);
    playing.key(VK_LSHIFT, true, 1);
    playing.key(VK_A, true, 1);
    playing.key(VK_A, false, 1);
    playing.key(VK_LSHIFT, false, 0);
    log.wait("shift", |event| is_key(event, 42, true));
    log.wait("its modifier", |event| event["event"] == "modifiers" && event["depressed"] == 1);
    log.wait("a", |event| is_key(event, 30, true));
    log.wait("a released", |event| is_key(event, 30, false));
    log.wait("shift released", |event| is_key(event, 42, false));
    log.wait("no modifier", |event| event["event"] == "modifiers" && event["depressed"] == 0);
    playing.wait_for_counts(4, 0);
}

#[test]
fn what_is_held_is_released_on_command_and_at_the_end() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let (mut log, playing) = pattern_to_play_with(&mut sway, SIZE);
    playing.play(InputEvent::MousePosition { x: 640, y: 360, width: 1279, height: 719 });
    playing.play(InputEvent::MouseButton { button: MouseButton::Left, pressed: true });
    playing.key(VK_A, true, 0);
    playing.command(InputCommand::ReleaseAll);
    log.wait("the button", |event| is_button(event, 0x110, true));
    log.wait("a", |event| is_key(event, 30, true));
    log.wait("a released", |event| is_key(event, 30, false));
    log.wait("the button released", |event| is_button(event, 0x110, false));
    playing.key(VK_A, true, 0);
    playing.play(InputEvent::MouseButton { button: MouseButton::Left, pressed: true });
    log.wait("a", |event| is_key(event, 30, true));
    log.wait("the button", |event| is_button(event, 0x110, true));
    drop(playing);
    log.wait("a released", |event| is_key(event, 30, false));
    log.wait("the button released", |event| is_button(event, 0x110, false));
}

#[test]
fn positions_in_the_picture_are_positions_on_the_desktop() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let (mut log, playing) = pattern_to_play_with(&mut sway, SIZE);
    for (x, y) in [(100, 50), (1, 1), (0, 0), (1279, 719), (640, 360)] {
        playing.play(InputEvent::MousePosition { x, y, width: 1279, height: 719 });
        log.wait("the place", |event| {
            place_of(event).is_some_and(|(left, top)| left.floor() == f64::from(x) && top.floor() == f64::from(y))
        });
    }
    playing.play(InputEvent::MouseMove { dx: 10, dy: -20 });
    log.wait("the move", |event| is_at(event, 650.5, 340.5));
}

#[test]
fn positions_in_a_letterboxed_picture_are_taken_back() {
    let Some(mut sway) = Sway::start(800, 600) else { return };
    // Of 1280 columns, 960 in the middle show the desktop.
    let (mut log, playing) = pattern_to_play_with(&mut sway, SIZE);
    playing.play(InputEvent::MousePosition { x: 400, y: 360, width: 1280, height: 720 });
    log.wait("the place", |event| is_at(event, 200.0, 300.0));
    playing.play(InputEvent::MousePosition { x: 1120, y: 720, width: 1280, height: 720 });
    log.wait("the corner", |event| is_at(event, 799.5, 599.5));
}

#[test]
fn buttons_and_wheels_arrive() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let (mut log, playing) = pattern_to_play_with(&mut sway, SIZE);
    playing.play(InputEvent::MousePosition { x: 640, y: 360, width: 1279, height: 719 });
    for (button, code) in [
        (MouseButton::Left, 0x110),
        (MouseButton::Right, 0x111),
        (MouseButton::Middle, 0x112),
        (MouseButton::Side, 0x113),
        (MouseButton::Extra, 0x114),
    ] {
        playing.play(InputEvent::MouseButton { button, pressed: true });
        log.wait("press", |event| is_button(event, code, true));
        playing.play(InputEvent::MouseButton { button, pressed: false });
        log.wait("release", |event| is_button(event, code, false));
    }
    playing.play(InputEvent::Scroll(120));
    log.wait("a notch up", |event| event["event"] == "notches" && event["axis"] == "vertical" && event["count"] == -1);
    log.wait("its distance", |event| event["event"] == "scroll" && event["value"] == -15.0);
    playing.play(InputEvent::HorizontalScroll(-240));
    log.wait("two notches left", |event| event["count"] == -2 && event["axis"] == "horizontal");
    playing.play(InputEvent::Scroll(-30));
    log.wait("a quarter down", |event| event["event"] == "scroll" && event["value"] == 3.75);
}

#[test]
fn an_answer_to_a_key_is_seen_in_the_picture() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let (_log, playing) = pattern_to_play_with(&mut sway, SIZE);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    capturing.wait("anything", |_| true);
    playing.key(VK_A, true, 0);
    capturing.wait("the answer", |frame| color_at(frame, 0.75, 0.75) == [200, 40, 200]);
}

#[test]
fn text_of_any_script_and_keys_are_typed_into_a_terminal() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    if std::process::Command::new("foot").arg("--version").output().is_err() {
        return skip("foot (Debian: apt-get install foot)");
    }
    let (started, typed) = (sway.dir().join("started"), sway.dir().join("typed"));
    sway.spawn("foot", &["sh", "-c", "touch started; cat > typed"]);
    let playing = Playing::start(desktop(sway.socket()), SIZE);
    wait_for(Duration::from_secs(20), || started.exists().then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    let lines = "Grüße, 世界! ñ € Ω \"quoted\" {a|b} ~`\\ 😀\nthe quick brown fox JUMPS OVER THE LAZY DOG 0123456789\n";
    playing.text(lines);
    playing.key(VK_LSHIFT, true, 1);
    playing.key(VK_A, true, 1);
    playing.key(VK_A, false, 1);
    playing.key(VK_LSHIFT, false, 0);
    playing.key(VK_A, true, 1);
    playing.key(VK_A, false, 1);
    // Keypad 1, with NumLock on as clients expect.
    playing.key(0x61, true, 0);
    playing.key(0x61, false, 0);
    playing.key(VK_RETURN, true, 0);
    playing.key(VK_RETURN, false, 0);
    let expected = format!("{lines}AA1\n");
    let mut last = String::new();
    wait_for(Duration::from_secs(20), || {
        last = fs::read_to_string(&typed).unwrap_or_default();
        (last.lines().count() == 3).then_some(())
    });
    assert_eq!(last, expected);
}

#[test]
fn input_moves_between_desktops_and_outlives_them() {
    let (Some(mut first), Some(mut second)) = (Sway::start(800, 600), Sway::start(800, 600)) else { return };
    let (mut first_log, playing) = pattern_to_play_with(&mut first, SIZE);
    let mut second_log = second.show_pattern(&["--still"]);
    playing.key(VK_A, true, 0);
    first_log.wait("a", |event| is_key(event, 30, true));
    playing.command(InputCommand::Switch(desktop(second.socket())));
    first_log.wait("a released", |event| is_key(event, 30, false));
    second_log.wait("focus", |event| event["event"] == "focus");
    playing.key(VK_A, true, 0);
    second_log.wait("a", |event| is_key(event, 30, true));
    playing.wait_for_counts(2, 0);
    second.kill();
    std::thread::sleep(Duration::from_millis(500));
    playing.key(VK_A, false, 0);
    playing.wait_for_counts(2, 1);
}

#[test]
fn what_cannot_be_played_is_counted() {
    let playing = Playing::start(Source::TestCard, SIZE);
    playing.key(VK_A, true, 0);
    playing.play(InputEvent::Device(DeviceEvent::GamepadBattery { number: 0, state: 1, percent: 50 }));
    playing.wait_for_counts(0, 2);
    let nowhere = Playing::start(desktop("/nonexistent/wayland-0".as_ref()), SIZE);
    nowhere.play(InputEvent::Text('a'));
    nowhere.wait_for_counts(0, 1);
}

#[test]
fn a_seat_of_ones_own_has_its_own_pointer_and_keyboard() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    // Before the application starts: sway 1.7 sends later seats no pointer.
    sway.message(&["seat", "visitor0", "fallback", "false"]);
    let mut log = sway.show_pattern(&["--still", "--answer-input"]);
    let seated = |name: &str| match desktop(sway.socket()) {
        Source::Desktop { wayland, sound, .. } => Source::Desktop { wayland, sound, seat: Some(name.to_owned()) },
        other => other,
    };
    let playing = Playing::start(seated("visitor0"), SIZE);
    log.wait("focus", |event| event["event"] == "focus");
    playing.key(VK_A, true, 0);
    log.wait("a", |event| is_key(event, 30, true));
    playing.play(InputEvent::MousePosition { x: 640, y: 360, width: 1279, height: 719 });
    log.wait("the pointer", |event| is_at(event, 640.0, 360.0));
    playing.play(InputEvent::MouseButton { button: MouseButton::Left, pressed: true });
    log.wait("the button", |event| is_button(event, 0x110, true));
}
