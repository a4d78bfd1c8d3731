//! Vulkan Video, against a stand-in for an engine under the real loader: what an
//! application draws is what the client decodes, and what a client lost is not referred to.
//! The stand-in codes raw macroblocks, so pictures are small.

use std::net::Ipv4Addr;
use std::time::Duration;

use earthshine::units::Size;

use super::desktop_1080p60::assert_quadrants;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{self, Device, Wanted};
use crate::support::drivers::Drivers;
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, picture, vulkan};

#[test]
fn pixels_are_the_applications_whatever_the_engine_can() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, "\"vulkan\"", &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let (full, half) = (Size::new(640, 360), Size::new(426, 240));
    for (orders, size, (color_space, color_range), told) in [
        ("", full, (1, 0), ["profile=100", "cabac=1", "slices=4", "full_range=0"]),
        ("cap profiles 1\ncap slices 2", half, (1, 1), ["profile=66", "cabac=0", "slices=2", "full_range=1"]),
    ] {
        drivers.order(orders);
        let (width, height) = (size.width, size.height);
        let wanted = Wanted { width, height, color_space, color_range, slices: 4, ..Wanted::app(PATTERN) };
        let mut stream = device.stream(&wanted);
        apps::wait_pattern_ready(&host.scratch);
        stream.wait_frames(30);
        assert_eq!(api::the_encoder(host.api()), "vulkan");
        let files = stream.files.clone();
        stream.quit();
        std::fs::remove_file(apps::pattern_log(&host.scratch)).expect("remove the log");
        assert_quadrants(&picture::last(&files.video, size));
        let line = drivers.reports("stream ").pop().expect("settings");
        for word in told {
            assert!(line.split(' ').any(|found| found == word), "no {word} in {line}");
        }
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

#[test]
fn hevc_shows_the_applications_pixels_by_vulkan_too() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, "\"vulkan\"", &tables);
    let device = Device::paired(&host, "device");
    let size = Size::new(426, 240);
    let small = Wanted { width: size.width, height: size.height, slices: 4, ..Wanted::app(PATTERN) };
    for (orders, formats, color_space, told) in [
        ("", client::HEVC, 1, "codec=hevc depth=8 matrix=1 both_lists=0"),
        ("cap both_lists 1", client::HEVC_10, 2, "codec=hevc depth=10 matrix=9 both_lists=1"),
    ] {
        drivers.order(orders);
        let mut stream = device.stream(&Wanted { formats, color_space, ..small.clone() });
        apps::wait_pattern_ready(&host.scratch);
        stream.wait_frames(30);
        assert_eq!(api::the_encoder(host.api()), "vulkan");
        let files = stream.files.clone();
        stream.quit();
        std::fs::remove_file(apps::pattern_log(&host.scratch)).expect("remove the log");
        assert_quadrants(&picture::last(&files.video, size));
        let line = drivers.reports("stream ").pop().expect("settings");
        for word in told.split(' ') {
            assert!(line.split(' ').any(|found| found == word), "no {word} in {line}");
        }
    }
    drivers.assert_clean();
}

#[test]
fn what_a_client_lost_is_not_referred_to_by_vulkan_either() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, "\"vulkan\"", &tables);
    let moment = Duration::from_millis(1);
    let harm = Harm { loss_permille: 1000, delay: moment, jitter: moment, seed: 2026 };
    let between = Ipv4Addr::new(127, 0, 0, 9);
    let relay = LossyRelay::start(between, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), harm);
    let device = Device::paired(&host, "device").by_address(&relay.address());
    let size = Size::new(320, 180);
    let mut stream = device.stream(&Wanted { width: size.width, height: size.height, ..Wanted::app(PATTERN) });
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    // Longer than a picture, and shorter than as many as are kept: by chance it may be
    // too long all the same, or hit no picture of a still screen.
    let avoided = (0..20).any(|_| {
        let before = (drivers.reports("refer ").len(), drivers.reports("idr ").len());
        relay.set_harming(true);
        std::thread::sleep(Duration::from_millis(70));
        relay.set_harming(false);
        stream.wait_frames(15);
        let after = (drivers.reports("refer ").len(), drivers.reports("idr ").len());
        after.0 > before.0 && after.1 == before.1
    });
    assert!(avoided, "every loss led to an IDR frame: {:?}", drivers.reports("idr "));
    stream.wait_frames(30);
    let files = stream.files.clone();
    stream.quit();
    assert_quadrants(&picture::last(&files.video, size));
    drivers.assert_clean();
}
