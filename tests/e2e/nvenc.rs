//! NVENC, against a stand-in for NVIDIA's driver: what an application draws is what
//! the client decodes, and the interface is used as its documentation asks.

use std::net::Ipv4Addr;
use std::time::Duration;

use earthshine::units::Size;

use super::desktop_1080p60::assert_quadrants;
use super::engine::{assert_shows_pattern, assert_told, pattern};
use crate::support::apps::{self, PATTERN};
use crate::support::client::{self, Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, picture, vulkan};

#[test]
fn pixels_are_the_applications_in_every_range_and_matrix() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\"", &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    for (color_space, color_range, matrix) in [(1, 0, 1), (0, 1, 6)] {
        let wanted = Wanted { color_space, color_range, ..Wanted::app(PATTERN) };
        assert_shows_pattern(&host, &device, "nvenc", &wanted);
        assert_told(&drivers, "settings", &format!("codec=h264 width=1280 height=720 matrix={matrix}"));
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

#[test]
fn picture_comes_back_at_another_size() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\"", &tables);
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(PATTERN));
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(10);
    stream.stop();
    // Nothing of it is a whole number of macroblocks.
    let size = Size::new(1366, 766);
    let wanted = Wanted { verb: "resume", width: size.width, height: size.height, ..Wanted::app(PATTERN) };
    let mut stream = device.stream(&wanted);
    stream.wait_frames(30);
    let files = stream.files.clone();
    stream.quit();
    assert_quadrants(&picture::last(&files.video, size));
    drivers.assert_clean();
}

/// As the stand-in's orders have it; `None`, said loudly, where Vulkan has no device.
fn vulkan_uuid() -> Option<String> {
    Some(vulkan::device()?.uuid.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Vulkan runs on the CPU here, and CUDA's stand-in says that it is the same device:
/// the engine encodes what a shader wrote into memory that CUDA imported.
#[test]
fn pictures_that_vulkan_converts_are_encoded_where_they_are() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(uuid) = vulkan_uuid() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    drivers.order(&format!("uuid {uuid}\n"));
    let host = drivers.host_that_converts(scratch, "\"nvenc\"", "vulkan", &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    // The last is another size than the desktop's first, and no whole macroblocks.
    for (color_space, color_range, size) in
        [(1, 0, Size::new(1280, 720)), (0, 1, Size::new(1280, 720)), (2, 0, Size::new(1366, 766))]
    {
        let wanted = Wanted { color_space, color_range, ..pattern(size) };
        let imports = drivers.reports("import external").len();
        assert_shows_pattern(&host, &device, "nvenc", &wanted);
        assert_eq!(drivers.reports("import external").len(), imports + 1, "once a stream, not once a picture");
    }
    host.assert_nothing_left(&before);
    drivers.assert_clean();
}

/// CUDA refuses the memory, or the engine to read it: the stream is there all the same.
#[test]
fn pictures_that_cannot_be_shared_are_converted_on_the_cpu() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(uuid) = vulkan_uuid() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\"", &tables);
    let device = Device::paired(&host, "device");
    for refusal in ["cuImportExternalMemory fail 999", "cuExternalMemoryGetMappedBuffer fail 1"] {
        drivers.order(&format!("uuid {uuid}\n{refusal}\n"));
        assert_shows_pattern(&host, &device, "nvenc", &Wanted::app(PATTERN));
    }
    drivers.assert_clean();
}

#[test]
fn frames_that_a_client_lost_are_invalidated() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\"", "");
    // More than parity repairs.
    let harm =
        Harm { loss_permille: 300, delay: Duration::from_millis(1), jitter: Duration::from_millis(1), seed: 2026 };
    let between = Ipv4Addr::new(127, 0, 0, 7);
    let relay = LossyRelay::start(between, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), harm);
    let device = Device::paired(&host, "device").by_address(&relay.address());
    let mut stream = device.stream(&Wanted::app("Test card"));
    stream.wait_frames(30);
    assert!(drivers.reports("invalidate").is_empty(), "nothing was lost yet");
    relay.set_harming(true);
    wait_for("a report of lost frames", SOON, || (!drivers.reports("invalidate").is_empty()).then_some(()));
    relay.set_harming(false);
    stream.wait_frames(60);
    stream.quit();
    drivers.assert_clean();
}

#[test]
fn every_codec_shows_the_applications_pixels() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\", \"software\"", &tables);
    assert_every_profile(&host, &drivers);
    assert_eq!(drivers.reports("import external"), [""; 0], "the CPU converts");
    drivers.assert_clean();
}

#[test]
fn every_codec_shows_the_pixels_that_vulkan_converts() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let Some(uuid) = vulkan_uuid() else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let drivers = Drivers::install(&scratch);
    drivers.order(&format!("uuid {uuid}\n"));
    let host = drivers.host_that_converts(scratch, "\"nvenc\", \"software\"", "vulkan", &tables);
    assert_every_profile(&host, &drivers);
    // The host's canary is one more.
    assert!(drivers.reports("import external").len() >= PROFILES.len(), "once a stream");
    drivers.assert_clean();
}

/// What clients can ask for besides H.264 of 8 bits in 4:2:0, in which colour space,
/// and what the driver is to be told.
const PROFILES: [(u32, u32, &str); 7] = [
    (client::HEVC, 1, "codec=hevc profile=main chroma=1 depth=8 matrix=1"),
    (client::HEVC_10, 2, "codec=hevc profile=main10 chroma=1 depth=10 matrix=9"),
    (client::AV1, 1, "codec=av1 profile=main chroma=1 depth=8 matrix=1"),
    (client::AV1_10, 1, "codec=av1 profile=main chroma=1 depth=10 matrix=1"),
    (client::H264_444, 1, "codec=h264 profile=high444 chroma=3 depth=8 matrix=1"),
    (client::HEVC_444, 1, "codec=hevc profile=frext chroma=3 depth=8 matrix=1"),
    (client::HEVC_444_10, 1, "codec=hevc profile=frext chroma=3 depth=10 matrix=1"),
];

fn assert_every_profile(host: &Host, drivers: &Drivers) {
    let device = Device::paired(host, "device");
    let small = Wanted { bitrate_kbps: 4000, ..pattern(Size::new(640, 360)) };
    for (formats, color_space, settings) in PROFILES {
        assert_shows_pattern(host, &device, "nvenc", &Wanted { formats, color_space, ..small.clone() });
        assert_told(drivers, "settings", settings);
        // One engine does, no client asks for waves of intra blocks, and nothing is HDR.
        let split = if settings.starts_with("codec=h264") { "split=0" } else { "split=15" };
        assert_told(drivers, "settings", &format!("{split} intra_refresh=0/0"));
    }
    assert_eq!(drivers.reports("message"), [""; 0]);
}

/// The real client gives up if it has no frame after ten seconds: an encoder that
/// never opens costs three of them, and a second one three more.
#[test]
fn encoders_that_never_open_cost_the_client_no_launch() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    for (orders, encoder, restarts) in [
        ("cuInit hang", "vaapi", 1),
        ("nvEncInitializeEncoder hang", "vaapi", 1),
        ("nvEncOpenEncodeSessionEx hang\nvaInitialize hang", "software/openh264", 2),
        ("", "nvenc", 0),
    ] {
        // Each with a host of its own, which doubts no GPU yet.
        let scratch = Scratch::new();
        let drivers = Drivers::install(&scratch);
        let host = drivers.host(scratch, "\"nvenc\", \"vaapi\", \"software\"", "");
        let device = Device::paired(&host, "device");
        drivers.order(orders);
        let mut stream = device.stream(&Wanted::app("Test card"));
        stream.wait_frames(30);
        let session = api::the_session(host.api());
        assert_eq!((&session["encoder"], &session["worker_restarts"]), (&encoder.into(), &restarts.into()), "{orders}");
        stream.quit();
        let is_logged = host.log().contains("nvenc encoder did not open within 3 seconds");
        assert_eq!(is_logged, restarts > 0, "{orders}");
        assert_eq!(drivers.reports("violation"), [""; 0]);
    }
}
