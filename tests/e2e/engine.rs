//! What the tests of all hardware encoders look at.

use std::net::Ipv4Addr;
use std::time::Duration;

use earthshine::units::Size;

use super::desktop_1080p60::assert_quadrants;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::{api, picture};

/// The pattern at this size.
pub(super) fn pattern(size: Size) -> Wanted {
    Wanted { width: size.width, height: size.height, ..Wanted::app(PATTERN) }
}

/// What the application draws is what this encoder's stream shows.
pub(super) fn assert_shows_pattern(host: &Host, device: &Device, encoder: &str, wanted: &Wanted) {
    let mut stream = device.stream(wanted);
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    assert_eq!(api::the_encoder(host.api()), encoder);
    let files = stream.files.clone();
    stream.quit();
    // The next application must not be taken for ready by it.
    std::fs::remove_file(apps::pattern_log(&host.scratch)).expect("remove the log");
    assert_quadrants(&picture::last(&files.video, Size::new(wanted.width, wanted.height)));
}

/// The newest report that begins like this has these words.
pub(super) fn assert_told(drivers: &Drivers, report: &str, words: &str) {
    let told = drivers.reports(report).pop().expect("a report");
    for word in words.split(' ') {
        assert!(told.split(' ').any(|found| found == word), "no {word} in {told}");
    }
}

/// Frames are lost on the way to a client, and what follows refers to older ones.
pub(super) fn assert_lost_frames_are_not_referred_to(host: &Host, drivers: &Drivers, between: Ipv4Addr) {
    let moment = Duration::from_millis(1);
    let harm = Harm { loss_permille: 1000, delay: moment, jitter: moment, seed: 2026 };
    let relay = LossyRelay::start(between, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), harm);
    let device = Device::paired(host, "device").by_address(&relay.address());
    let size = Size::new(320, 180);
    let mut stream = device.stream(&pattern(size));
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
