//! VA-API, against a stand-in for a driver under the real libva: what an application
//! draws is what the client decodes, and what a client lost is not referred to. The
//! stand-in codes raw macroblocks, so pictures are small.

use std::net::Ipv4Addr;

use earthshine::units::Size;

use super::desktop_1080p60::assert_quadrants;
use super::engine::{assert_lost_frames_are_not_referred_to, assert_shows_pattern, assert_told, pattern};
use crate::support::apps;
use crate::support::client::{self, Device, Wanted};
use crate::support::drivers::{Drivers, IMPORTS};
use crate::support::scratch::Scratch;
use crate::support::{needs, picture, vulkan};

#[test]
fn pixels_are_the_applications_whatever_the_driver_can() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"vaapi\"", &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let (full, half) = (Size::new(640, 360), Size::new(426, 240));
    for (orders, size, (color_space, color_range), told) in [
        ("", full, (1, 0), "profile=100 cabac=1 full_range=0"),
        ("cap profiles 1", half, (1, 1), "profile=66 cabac=0 full_range=1"),
        // Drivers that write all headers say no colours, and decoders take these then.
        ("cap EncPackedHeaders 0", full, (0, 0), "profile=100 references=1 slices=4"),
    ] {
        drivers.order(orders);
        let wanted = Wanted { color_space, color_range, slices: 4, ..pattern(size) };
        assert_shows_pattern(&host, &device, "vaapi", &wanted);
        assert_told(&drivers, "stream ", told);
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

#[test]
fn hevc_shows_the_applications_pixels() {
    show_the_applications_pixels(&[
        ("", client::HEVC, 1, "codec=hevc depth=8 matrix=1 both_lists=0"),
        ("cap PredictionDirection 4", client::HEVC_10, 2, "codec=hevc depth=10 matrix=9 both_lists=1"),
    ]);
}

#[test]
fn av1_shows_the_applications_pixels() {
    show_the_applications_pixels(&[
        ("", client::AV1, 1, "codec=av1 depth=8 matrix=1 block=64"),
        // Superblocks of 128, and no directional filter.
        ("cap EncAV1 2", client::AV1_10, 2, "codec=av1 depth=10 matrix=9 block=128"),
    ]);
}

/// With a driver that was ordered, in a format, in a colour space, and what the driver is
/// to be told.
fn show_the_applications_pixels(streams: &[(&str, u32, u32, &str)]) {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"vaapi\"", &tables);
    let device = Device::paired(&host, "device");
    let small = Wanted { slices: 4, ..pattern(Size::new(426, 240)) };
    for &(orders, formats, color_space, told) in streams {
        drivers.order(orders);
        assert_shows_pattern(&host, &device, "vaapi", &Wanted { formats, color_space, ..small.clone() });
        assert_told(&drivers, "stream ", told);
    }
    drivers.assert_clean();
}

/// Vulkan runs on the CPU here, and hands its memory out as if it were a GPU's.
#[test]
fn pictures_that_vulkan_converts_are_encoded_where_they_are() {
    pictures_are_shared(&format!("{IMPORTS}cap export 0\n"), "import surface");
}

/// An encoder that reads no memory but its own: Vulkan copies what it converts into that.
#[test]
fn pictures_that_vulkan_converts_are_copied_into_the_encoders_own_surface() {
    pictures_are_shared("cap import 0\n", "export surface");
}

/// Streams of which each reports once that encoder and Vulkan share memory.
fn pictures_are_shared(orders: &str, report: &str) {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_with_dma_bufs(&scratch);
    drivers.order(orders);
    let host = drivers.host_that_converts(scratch, "\"vaapi\"", "vulkan", &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    for (formats, size) in [
        (client::H264, Size::new(640, 360)),
        (client::HEVC_10, Size::new(426, 240)),
        (client::AV1_10, Size::new(426, 240)),
    ] {
        let shared = drivers.reports(report).len();
        assert_shows_pattern(&host, &device, "vaapi", &Wanted { formats, ..pattern(size) });
        assert_eq!(drivers.reports(report).len(), shared + 1, "once a stream, not once a picture");
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

/// A driver that reads no other's memory, and keeps its own to itself: the stream is there
/// all the same.
#[test]
fn pictures_that_cannot_be_shared_are_converted_on_the_cpu() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_with_dma_bufs(&scratch);
    drivers.order("cap import 0\ncap export 0\n");
    let host = drivers.host(scratch, "\"vaapi\"", &tables);
    let device = Device::paired(&host, "device");
    let size = Size::new(426, 240);
    let mut stream = device.stream(&pattern(size));
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    let files = stream.files.clone();
    stream.quit();
    assert_quadrants(&picture::last(&files.video, size));
    for step in ["the encoder's own surface is tried", "pictures are converted on the CPU"] {
        assert!(host.log().contains(step), "no {step}");
    }
    drivers.assert_clean();
}

#[test]
fn what_a_client_lost_is_not_referred_to_and_no_idr_frame_is_needed() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"vaapi\"", &tables);
    assert_lost_frames_are_not_referred_to(&host, &drivers, Ipv4Addr::new(127, 0, 0, 8));
}
