//! 1920x1080 at 60 frames a second: what an application draws is what the
//! client decodes, in colour and in time.

use earthshine::units::Size;

use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::needs;
use crate::support::picture::{self, Picture, is_close};
use crate::support::scratch::Scratch;

const SIZE: Size = Size::new(1920, 1080);

#[test]
fn pixels_and_order_of_frames_are_the_applications() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let wanted = Wanted { width: 1920, height: 1080, fps: 60, bitrate_kbps: 20_000, ..Wanted::app(PATTERN) };
    let mut stream = device.stream(&wanted);
    apps::wait_pattern_ready(&host.scratch);
    let ready_at = usize::try_from(stream.stats()["frames"].as_u64().expect("frames")).expect("few");
    stream.wait_frames(120);
    let files = stream.files.clone();
    stream.quit();

    let pictures = picture::pictures(&files.video, SIZE, |index| index == ready_at + 60);
    assert_quadrants(pictures.first().expect("a picture"));
    let markers: Vec<_> = picture::markers(&files.video, SIZE).split_off(ready_at + 10);
    let numbers: Vec<u32> = markers.iter().flatten().map(|marker| marker.number).collect();
    assert_eq!(numbers.len(), markers.len(), "a picture without a readable marker: {markers:?}");
    assert!(numbers.is_sorted(), "frames out of order: {numbers:?}");
    let mut different = numbers.clone();
    different.dedup();
    assert!(different.len() > numbers.len() / 2, "the picture hardly moves: {numbers:?}");
}

/// The pattern window's four colours.
pub(crate) fn assert_quadrants(picture: &Picture) {
    for (x, y, color) in [
        (450, 450, apps::colors::RED),
        (950, 50, apps::colors::GREEN),
        (50, 950, apps::colors::BLUE),
        (950, 950, apps::colors::YELLOW),
        (550, 450, apps::colors::GREEN),
        (450, 550, apps::colors::BLUE),
        (550, 550, apps::colors::YELLOW),
    ] {
        let seen = picture.color(x, y);
        assert!(is_close(seen, color), "at {x}/{y} per mille: {seen:?} instead of {color:?}");
    }
}

#[test]
fn full_range_and_bt601_show_the_same_colours() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    for (color_space, color_range) in [(0, 0), (0, 1), (1, 1)] {
        let wanted = Wanted { color_space, color_range, ..Wanted::app(PATTERN) };
        let mut stream = device.stream(&wanted);
        apps::wait_pattern_ready(&host.scratch);
        stream.wait_frames(30);
        let files = stream.files.clone();
        stream.quit();
        std::fs::remove_file(apps::pattern_log(&host.scratch)).expect("remove the log");
        assert_quadrants(&picture::last(&files.video, Size::new(1280, 720)));
    }
}
