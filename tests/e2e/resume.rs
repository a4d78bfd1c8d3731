//! A client that disconnects finds its application again, also at another
//! resolution: the same process, counting on.

use earthshine::units::Size;

use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::host::{Host, desktop};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, picture};

use super::desktop_1080p60::assert_quadrants;

#[test]
fn resume_at_another_resolution_shows_the_same_application() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();

    let mut stream = device.stream(&Wanted { verb: "launch", ..Wanted::app(PATTERN) });
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    let first_files = stream.files.clone();
    let client = api::the_session(host.api())["client_unique_id"].clone();
    assert!(client.as_str().is_some_and(|name| !name.is_empty()), "{client}");
    stream.stop();
    let first = picture::last(&first_files.video, Size::new(1280, 720)).marker().expect("a marker");
    let app = desktop(&host)["app_pid"].clone();

    let size = Size::new(1600, 900);
    let wanted = Wanted { verb: "resume", width: size.width, height: size.height, ..Wanted::app(PATTERN) };
    let mut stream = device.stream(&wanted);
    stream.wait_frames(60);
    assert_eq!(desktop(&host)["app_pid"], app, "the application is the same process");
    assert_eq!(api::the_session(host.api())["client_unique_id"], client);
    let files = stream.files.clone();
    stream.quit();

    assert_eq!(picture::declared_size(&files.video), size);
    let last = picture::last(&files.video, size);
    assert_quadrants(&last);
    let marker = last.marker().expect("a marker");
    assert!(marker.number > first.number, "{marker:?} after {first:?}");
    host.assert_nothing_left(&before);
}
