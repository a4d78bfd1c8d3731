//! A compositor dies: the session's desktop is restarted once, under the same
//! client connection; the second death ends the session with an error.

use rustix::process::Signal;

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, desktop};
use crate::support::{api, needs, process};

#[test]
fn desktop_is_restarted_once_and_then_the_session_ends() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let first = api::pid(&desktop(&host)["compositor_pid"]);

    process::signal(first, Signal::KILL);
    let second = wait_for("another compositor", SOON, || {
        let session = api::sessions(host.api()).pop().unwrap_or_else(|| panic!("the session ended\n{}", host.log()));
        let pid = u32::try_from(session["desktop"]["compositor_pid"].as_u64()?).ok()?;
        (pid != 0 && pid != first).then_some(pid)
    });
    assert!(!process::is_alive(first));
    // Fewer than the restarted desktop's first frames: a still screen is slow.
    stream.wait_frames(5);

    process::signal(second, Signal::KILL);
    assert_ne!(stream.ended_by_host(), 0, "the client is told that something went wrong");
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
    host.assert_nothing_left(&before);
}
