//! What is shown on a desktop arrives as frames, whatever happens to it.

use std::path::Path;
use std::time::Duration;

use crate::capturing::{Capturing, color_at, desktop, marker};
use crate::sway::{Sway, wait_for};
use earthshine::clock::Micros;
use earthshine::ipc::counters_page::{Counter, Stage, WorkerThread};
use earthshine::stream_plan::Source;
use earthshine::units::Size;
use earthshine::worker::capture::{CaptureError, WaylandError};

const SIZE: Size = Size::new(1280, 720);

#[test]
fn a_window_is_captured_pixel_by_pixel() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&[]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    let frame = capturing.wait("a marker", |frame| marker(frame).is_some());
    assert_eq!(frame.size, SIZE);
    for (x, y, color) in [
        (0.45, 0.45, [200, 40, 40]),
        (0.75, 0.25, [40, 200, 40]),
        (0.25, 0.75, [40, 40, 200]),
        (0.75, 0.75, [200, 200, 40]),
    ] {
        assert_eq!(color_at(&frame, x, y), color, "at {x}, {y}");
    }
    assert!(frame.presented <= frame.captured && frame.captured <= Micros::now());
}

#[test]
fn frames_follow_each_other_within_the_frame_rate() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&[]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 30);
    let first = capturing.wait("a marker", |frame| marker(frame).is_some());
    let (started, mut last, mut frames) = (first.captured, marker(&first).unwrap().number, 0);
    drop(first);
    let mut end = started;
    while frames < 60 {
        let frame = capturing.wait("a marker", |frame| marker(frame).is_some());
        let number = marker(&frame).unwrap().number;
        assert!(number > last, "{number} after {last}");
        (last, end) = (number, frame.captured);
        frames += 1;
    }
    // No more than the rate, and one that a pause had earned.
    assert!(frames <= end.since(started) * 30 / 1_000_000 + 2, "{frames} in {} µs", end.since(started));
    assert!(capturing.counters.get(Counter::FramesCaptured) >= 60);
    assert!(capturing.counters.histogram(Stage::Captured).count() >= 60);
}

#[test]
fn a_still_screen_gives_no_frames_and_keeps_the_heart_beating() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&["--still"]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    capturing.wait("a marker", |frame| marker(frame).is_some());
    // The compositor may still have to repaint once after its window came.
    while capturing.frame_within(Duration::from_millis(500)).is_some() {}
    let beats = capturing.counters.beats(WorkerThread::Capture);
    assert!(capturing.frame_within(Duration::from_secs(3)).is_none());
    assert!(capturing.counters.beats(WorkerThread::Capture) >= beats + 3);
    assert!(capturing.ended().is_none());
}

#[test]
fn what_changes_while_nobody_asks_is_shown_afterwards() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&["--still"]);
    // One frame in two seconds: the change falls into the pause.
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 1);
    capturing.wait("red", |frame| color_at(frame, 0.45, 0.45) == [200, 40, 40]);
    sway.message(&["workspace", "2"]);
    capturing.wait("the background", |frame| color_at(frame, 0.45, 0.45) == [0x20, 0x40, 0x60]);
}

#[test]
fn an_output_that_changes_its_mode_is_followed() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&[]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    capturing.wait("the first size", |frame| frame.size == SIZE && marker(frame).is_some());
    for (width, height) in [(1920, 1080), (800, 600), (1366, 768)] {
        sway.message(&["output", "HEADLESS-1", "mode", "--custom", &format!("{width}x{height}@60Hz")]);
        capturing.wait("the new size", |frame| frame.size == Size::new(width, height) && marker(frame).is_some());
    }
}

#[test]
fn a_frame_that_is_held_keeps_its_pixels() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    sway.show_pattern(&[]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    let held = capturing.wait("a marker", |frame| marker(frame).is_some());
    let number = marker(&held).unwrap().number;
    // Others come and go meanwhile, in the other buffer.
    for _ in 0..30 {
        assert!(marker(&capturing.wait("a marker", |frame| marker(frame).is_some())).unwrap().number > number);
    }
    assert_eq!(marker(&held).unwrap().number, number);
}

#[test]
fn frames_tell_which_rows_changed_and_nothing_else_did() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    // All that changes is its marker.
    sway.show_pattern(&[]);
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    let mut last = capturing.wait("a marker", |frame| marker(frame).is_some());
    let (mut before, mut told) = (last.read().unwrap().to_vec(), 0);
    for _ in 0..40 {
        let number = last.number;
        drop(last);
        last = capturing.wait("another frame", |frame| frame.number > number);
        let now = last.read().unwrap().to_vec();
        if let (Some(changed), true) = (&last.changed, last.number == number + 1) {
            let rows = before.chunks_exact(last.stride).zip(now.chunks_exact(last.stride));
            for (row, (before, now)) in (0..).zip(rows) {
                assert!(changed.contains(&row) || before == now, "row {row} changed, told were {changed:?}");
            }
            told += u32::from(changed.len() < 360);
        }
        before = now;
    }
    assert!(told > 20, "a part was told {told} times of 40");
}

#[test]
fn a_killed_compositor_ends_capture_with_an_error() {
    let Some(mut sway) = Sway::start(1280, 720) else { return };
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    capturing.wait("anything", |_| true);
    sway.kill();
    let failed = wait_for(Duration::from_secs(10), || capturing.ended()).unwrap_err();
    assert!(matches!(failed.error, CaptureError::Wayland(_)), "{failed:?}");
}

#[test]
fn what_cannot_be_switched_to_is_blamed_and_not_what_was_there_before() {
    let capturing = Capturing::start(Source::TestCard, SIZE, 60);
    capturing.wait("anything", |_| true);
    capturing.switch(desktop(Path::new("/nobody/listens/here")));
    let failed = wait_for(Duration::from_secs(10), || capturing.ended()).unwrap_err();
    assert!(matches!(failed.error, CaptureError::Wayland(WaylandError::Connect { .. })), "{failed:?}");
    assert_eq!(failed.number, 1);
}

#[test]
fn a_frozen_compositor_ends_capture_with_an_error() {
    let Some(sway) = Sway::start(1280, 720) else { return };
    let capturing = Capturing::start(desktop(sway.socket()), SIZE, 60);
    capturing.wait("anything", |_| true);
    let compositor = rustix::process::Pid::from_raw(i32::try_from(sway.pid()).unwrap()).unwrap();
    rustix::process::kill_process(compositor, rustix::process::Signal::STOP).unwrap();
    let failed = wait_for(Duration::from_secs(20), || capturing.ended()).unwrap_err();
    assert!(matches!(failed.error, CaptureError::Wayland(WaylandError::Silent(_))), "{failed:?}");
}

#[test]
fn nobody_at_the_socket_is_an_error() {
    let capturing = Capturing::start(desktop("/nonexistent/wayland-0".as_ref()), SIZE, 60);
    assert!(wait_for(Duration::from_secs(10), || capturing.ended()).is_err());
}

#[test]
fn a_running_capture_moves_between_sources() {
    let Some(mut sway) = Sway::start(800, 600) else { return };
    sway.show_pattern(&["--still"]);
    let capturing = Capturing::start(Source::TestCard, SIZE, 60);
    capturing.wait("the test card", |frame| frame.size == SIZE && marker(frame).is_some());
    capturing.switch(desktop(sway.socket()));
    capturing.wait("the desktop", |frame| color_at(frame, 0.75, 0.75) == [200, 200, 40]);
    capturing.switch(Source::TestCard);
    capturing.wait("the test card", |frame| frame.size == SIZE && marker(frame).is_some());
    assert!(capturing.ended().is_none());
}
