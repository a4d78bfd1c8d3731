//! `/cancel` during a stream ends it in order: the client is told, the
//! application goes, nothing stays.

use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::{api, needs};

#[test]
fn cancel_ends_a_running_stream_in_order() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    device.run(&["cancel"]).expect("cancel");
    assert_eq!(stream.ended_by_host(), 0, "a graceful end has code 0");
    assert!(api::sessions(host.api()).is_empty());
    host.assert_nothing_left(&before);
}

#[test]
fn operator_can_stop_a_session() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let session = api::the_session(host.api());
    api::post(host.api(), "/api/v1/sessions/stop", &serde_json::json!({"session_id": session["session_id"]}));
    assert_eq!(stream.ended_by_host(), 0);
    host.assert_nothing_left(&before);
}

#[test]
fn stranger_cannot_cancel() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Desktop"));
    let refusal = Device::new(&host, "stranger").run(&["cancel"]).expect_err("a stranger");
    assert!(refusal.contains("answered 401"), "{refusal}");
    let other = Device::paired(&host, "other");
    // Another paired client has nothing to cancel, and cancels nothing.
    let _ = other.run(&["cancel"]);
    stream.wait_frames(5);
    stream.quit();
}
