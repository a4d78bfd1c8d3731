//! A client that is gone without a word: its worker ends, its desktop waits for
//! the idle limit and can be resumed, and then goes too.

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, settle};
use crate::support::host::{Host, desktop};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn vanished_client_finds_its_desktop_again() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let session = api::the_session(host.api());
    let worker = api::pid(&session["worker_pid"]);
    stream.vanish();

    settle("the worker of a vanished client", SOON * 2, || {
        if process::is_alive(worker) { Err(format!("{:?}", process::read(worker))) } else { Ok(()) }
    });
    another_client_can_start(&host);
    assert_eq!(desktop(&host)["compositor_pid"], session["desktop"]["compositor_pid"], "the desktop waits");

    let mut again = device.stream(&Wanted { verb: "resume", ..Wanted::app("Desktop") });
    again.wait_frames(10);
    again.quit();
    host.assert_nothing_left(&before);
}

#[test]
fn client_that_reconnects_at_once_replaces_its_old_self() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(5);
    stream.vanish();
    // Long before the host's control timeout: it still thinks the old one lives.
    let mut again = device.stream(&Wanted::app("Desktop"));
    again.wait_frames(10);
    assert_eq!(api::sessions(host.api()).len(), 1);
    again.quit();
    host.assert_nothing_left(&before);
}

#[test]
fn idle_desktop_goes_by_itself() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let config = "[host]\ndiscovery = false\n\n[desktop]\nidle_limit = 2\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(5);
    stream.stop();
    settle("an idle desktop", SOON, || {
        let sessions = api::sessions(host.api());
        if sessions.is_empty() { Ok(()) } else { Err(format!("{sessions:?}")) }
    });
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
}

#[test]
fn client_that_launches_and_never_connects_leaves_nothing_for_ever() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let config = "[host]\ndiscovery = false\n\n[desktop]\nidle_limit = 2\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let stream = device.start_stream(&Wanted::app("Desktop"));
    stream.wait_event("session", SOON);
    stream.vanish();
    settle("a session that nobody connects to", SOON * 2, || {
        let sessions = api::sessions(host.api());
        if sessions.is_empty() { Ok(()) } else { Err(format!("{sessions:?}")) }
    });
    host.assert_nothing_left(&before);
}
