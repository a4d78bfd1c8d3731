//! A compositor freezes in mid-stream: two workers get no answer from it, the
//! desktop is started again, and the same client decodes the new picture
//! without reconnecting. A screen that only stands still is left alone.

use std::time::Duration;

use rustix::process::Signal;

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::wait_for;
use crate::support::host::{Host, desktop};
use crate::support::{api, needs, process};

#[test]
fn frozen_compositor_is_replaced_and_the_client_sees_a_new_picture() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let session = api::the_session(host.api());
    let first = api::pid(&desktop(&host)["compositor_pid"]);

    // Nothing moves on this screen for longer than silence is put up with.
    let worker = session["worker_pid"].clone();
    std::thread::sleep(STILL);
    assert_eq!(api::the_session(host.api())["worker_pid"], worker, "a still screen is no hang");

    process::signal(first, Signal::STOP);
    wait_for("another compositor", PATIENCE, || {
        let session = api::sessions(host.api()).pop().unwrap_or_else(|| panic!("the session ended\n{}", host.log()));
        let pid = u32::try_from(session["desktop"]["compositor_pid"].as_u64()?).ok()?;
        (pid != 0 && pid != first).then_some(())
    });
    assert!(!process::is_alive(first), "the frozen one is gone");
    stream.wait_idr();
    stream.wait_frames(10);
    let session_now = api::the_session(host.api());
    assert_eq!(session_now["session_id"], session["session_id"], "the session is the same");
    assert_eq!(session_now["worker_restarts"], 2, "one worker noticed, another confirmed it");

    stream.quit();
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
    host.assert_nothing_left(&before);
}

/// Longer than a worker waits for an answer, and asks for one.
const STILL: Duration = Duration::from_secs(6);
/// Two workers' waits, the old desktop's end, the new one's start; on a machine
/// with other things to do.
const PATIENCE: Duration = Duration::from_secs(40);
