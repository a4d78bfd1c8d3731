//! A network that loses 5 % of all datagrams each way, delays and reorders
//! them: the stream goes on, and parity repairs what was lost.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use earthshine::units::Size;

use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::scratch::Scratch;
use crate::support::{needs, picture};

const BETWEEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

#[test]
fn stream_survives_loss_and_fec_repairs() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "--game");
    let host = Host::with_apps(scratch, &tables);
    let harm =
        Harm { loss_permille: 50, delay: Duration::from_millis(5), jitter: Duration::from_millis(3), seed: 2026 };
    let relay = LossyRelay::start(BETWEEN, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), harm);
    let device = Device::paired(&host, "device").by_address(&relay.address());
    let mut stream = device.stream(&Wanted { fps: 60, bitrate_kbps: 10_000, ..Wanted::app(PATTERN) });
    apps::wait_pattern_ready(&host.scratch);
    relay.set_harming(true);
    stream.wait_frames(300);
    let harmed = stream.stats();
    let (passed, lost) = relay.counts();
    assert!(lost * 100 > passed * 3, "the network was too good: {lost} of {passed} lost");
    let repaired_sound = harmed["packets"]["audio"]["recovered"].as_u64().expect("a counter");
    assert!(repaired_sound > 0, "parity repaired no sound: {harmed}");

    // On a good network again everything is whole.
    relay.set_harming(false);
    stream.wait_frames(60);
    let files = stream.files.clone();
    let summary = stream.quit();
    assert_eq!(summary["end_code"], serde_json::Value::Null, "the stream was not ended by anybody else");
    // The client core's own counter of repaired video packets stays at 0 in
    // this build, so the proof is ours: frames that arrived whole although data
    // packets of theirs were lost.
    let damaged = relay.damaged_frames(host.ready.video);
    let arrived: BTreeSet<_> = files.frame_records().iter().filter_map(|frame| frame["number"].as_u64()).collect();
    let repaired = damaged.iter().filter(|number| arrived.contains(&u64::from(**number))).count();
    assert!(repaired * 2 > damaged.len(), "of {} damaged frames parity repaired {repaired}", damaged.len());
    let last = picture::last(&files.video, Size::new(1280, 720));
    for (x, y, color) in [(450, 450, apps::colors::RED), (950, 50, apps::colors::GREEN)] {
        assert!(picture::is_close(last.color(x, y), color), "{:?}", last.color(x, y));
    }
}
