//! Quitting ends the application and leaves nothing behind.

use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::{api, needs, process};

#[test]
fn quit_leaves_nothing() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let session = api::the_session(host.api());
    let pids = ["compositor_pid", "sound_server_pid"].map(|name| api::pid(&session["desktop"][name]));
    let worker = api::pid(&session["worker_pid"]);
    let busy = device.run(&["serverinfo", "--https"]).expect("serverinfo");
    assert_eq!(busy["state"], "SUNSHINE_SERVER_BUSY");
    assert_eq!(busy["currentgame"], session["app_id"]);

    // The driver itself checks that serverinfo no longer reports the app.
    stream.quit();

    for pid in pids.into_iter().chain([worker]) {
        assert!(!process::is_alive(pid), "{:?} is still there", process::read(pid));
    }
    assert!(api::sessions(host.api()).is_empty());
    host.assert_nothing_left(&before);
    host.stop();
}

#[test]
fn ten_sessions_one_after_the_other_leave_nothing() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    for round in 0..10 {
        let app = if round % 2 == 0 { "Desktop" } else { "Test card" };
        let mut stream = device.stream(&Wanted::app(app));
        stream.wait_frames(3);
        stream.quit();
    }
    host.assert_nothing_left(&before);
}
