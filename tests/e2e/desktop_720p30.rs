//! The default Desktop at 1280x720 and 30 frames a second: a flawless stream of
//! the asked size whose picture shows a terminal, not one colour.

use std::collections::BTreeSet;

use earthshine::units::Size;

use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::{needs, picture};

#[test]
fn default_desktop_is_seen() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Desktop"));
    // The terminal's first prompt makes the picture change a last time.
    stream.wait_frames(20);
    let files = stream.files.clone();
    let summary = stream.quit();
    assert_eq!(summary["skipped_frames"], 0, "no frame number is left out");

    assert_eq!(picture::declared_size(&files.video), Size::new(1280, 720));
    let last = picture::last(&files.video, Size::new(1280, 720));
    let colors: BTreeSet<[u8; 3]> = last.rgb.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    assert!(colors.len() > 8, "the picture has only the colours {colors:?}");
    // A repeated frame has no capture to count from: its latency is 0.
    let latencies: Vec<f64> =
        files.frame_records().iter().map(|frame| frame["host_latency_ms"].as_f64().expect("latency")).collect();
    assert!(latencies.iter().any(|latency| *latency > 0.0), "no frame has a latency: {latencies:?}");
    assert!(latencies.iter().all(|latency| *latency < 1000.0), "latencies are out of range: {latencies:?}");
}
