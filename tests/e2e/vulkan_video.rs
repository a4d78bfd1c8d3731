//! Vulkan Video, against a stand-in for an engine under the real loader: what an
//! application draws is what the client decodes, and what a client lost is not referred to.
//! The stand-in codes raw macroblocks, so pictures are small.

use std::net::Ipv4Addr;

use earthshine::units::Size;

use super::engine::{assert_lost_frames_are_not_referred_to, assert_shows_pattern, assert_told, pattern};
use crate::support::apps;
use crate::support::client::{self, Device, Wanted};
use crate::support::drivers::Drivers;
use crate::support::scratch::Scratch;
use crate::support::{needs, vulkan};

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
        ("", full, (1, 0), "profile=100 cabac=1 slices=4 full_range=0"),
        ("cap profiles 1\ncap slices 2", half, (1, 1), "profile=66 cabac=0 slices=2 full_range=1"),
    ] {
        drivers.order(orders);
        let wanted = Wanted { color_space, color_range, slices: 4, ..pattern(size) };
        assert_shows_pattern(&host, &device, "vulkan", &wanted);
        assert_told(&drivers, "stream ", told);
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

#[test]
fn hevc_shows_the_applications_pixels_by_vulkan_too() {
    show_the_applications_pixels(&[
        ("", client::HEVC, 1, "codec=hevc depth=8 matrix=1 both_lists=0"),
        ("cap both_lists 1", client::HEVC_10, 2, "codec=hevc depth=10 matrix=9 both_lists=1"),
    ]);
}

#[test]
fn av1_shows_the_applications_pixels_by_vulkan_too() {
    show_the_applications_pixels(&[
        ("", client::AV1, 1, "codec=av1 depth=8 matrix=1 block=64"),
        ("cap superblocks 2", client::AV1_10, 2, "codec=av1 depth=10 matrix=9 block=128"),
    ]);
}

/// With an engine that was ordered, in a format, in a colour space, and what the engine is
/// to be told.
fn show_the_applications_pixels(streams: &[(&str, u32, u32, &str)]) {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, "\"vulkan\"", &tables);
    let device = Device::paired(&host, "device");
    let small = Wanted { slices: 4, ..pattern(Size::new(426, 240)) };
    for &(orders, formats, color_space, told) in streams {
        drivers.order(orders);
        assert_shows_pattern(&host, &device, "vulkan", &Wanted { formats, color_space, ..small.clone() });
        assert_told(&drivers, "stream ", told);
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
    assert_lost_frames_are_not_referred_to(&host, &drivers, Ipv4Addr::new(127, 0, 0, 9));
}
