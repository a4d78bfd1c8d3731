//! A worker dies in mid-stream: the same client decodes a new IDR frame from a
//! new worker without reconnecting. Three deaths inside a minute end the
//! session with a message that the client shows; other sessions notice nothing.

use earthshine::units::Size;
use rustix::process::Signal;

use super::bystander::another_client_can_start;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::scratch::Scratch;
use crate::support::{api, needs, picture, process};

#[test]
fn killed_worker_is_replaced_and_the_client_sees_a_new_idr() {
    survives(Signal::KILL, "none");
}

#[test]
fn killed_worker_of_an_encrypted_stream_is_replaced() {
    survives(Signal::KILL, "all");
}

/// Sends the signal to a streaming worker, and expects everything to go on.
pub(crate) fn survives(signal: Signal, encryption: &'static str) {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted { encryption, ..Wanted::app(PATTERN) });
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    let session = api::the_session(host.api());
    let worker = api::pid(&session["worker_pid"]);

    process::signal(worker, signal);
    stream.wait_idr();
    stream.wait_frames(30);

    assert!(!process::is_alive(worker), "{:?} is still there", process::read(worker));
    let session_now = api::the_session(host.api());
    assert_ne!(api::pid(&session_now["worker_pid"]), worker);
    assert_eq!(session_now["worker_restarts"], 1);
    assert_eq!(session_now["session_id"], session["session_id"], "the session is the same");
    assert_eq!(session_now["desktop"], session["desktop"], "the desktop is the same");

    let files = stream.files.clone();
    stream.quit();
    let markers = picture::markers(&files.video, Size::new(1280, 720));
    let last = markers.last().copied().flatten().expect("the last picture has a marker");
    // The compositor shows its pointer, over the marker, until the window hides the new one.
    let before_half = markers[..markers.len() / 2].iter().flatten().next_back().expect("pictures have markers");
    assert!(last.number > before_half.number, "the new worker shows the living application");
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
    host.assert_nothing_left(&before);
}

#[test]
fn three_deaths_inside_a_minute_end_the_session_only() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let before_device = Device::paired(&host, "other");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut other = before_device.stream(&Wanted::app("Test card"));
    let stream = device.stream(&Wanted::app("Desktop"));
    let mut last_worker = 0;
    for _ in 0..3 {
        let worker = wait_for("a worker for the desktop", SOON, || {
            let sessions = api::sessions(host.api());
            let session = sessions.iter().find(|session| session["app"] == "Desktop")?;
            let pid = u32::try_from(session["worker_pid"].as_u64()?).ok()?;
            (pid != 0 && pid != last_worker && process::is_alive(pid)).then_some(pid)
        });
        last_worker = worker;
        process::signal(worker, Signal::KILL);
    }
    let code = stream.ended_by_host();
    assert_ne!(code, 0, "the client is told that something went wrong");
    other.wait_frames(10);
    let untouched = api::the_session(host.api());
    assert_eq!(untouched["worker_restarts"], 0, "the other session noticed nothing");
    other.quit();
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
}
