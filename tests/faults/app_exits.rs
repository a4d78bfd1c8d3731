//! An application that ends, or crashes, ends its session in order.

use super::bystander::another_client_can_start;
use crate::support::apps::table;
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn session_ends_with_its_application() {
    for command in ["exec foot sh -c 'sleep 3'", "sleep 3; kill -SEGV $$"] {
        let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
        let host = Host::with_apps(Scratch::new(), &table("Short", command));
        let device = Device::paired(&host, "device");
        let before = host.holdings();
        let stream = device.stream(&Wanted::app("Short"));
        assert_eq!(stream.ended_by_host(), 0, "{command}: a closed application is no error");
        assert!(api::sessions(host.api()).is_empty());
        host.assert_nothing_left(&before);
        another_client_can_start(&host);
        host.assert_nothing_left(&before);
    }
}

#[test]
fn application_that_cannot_start_is_a_clear_end() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::with_apps(Scratch::new(), &table("Missing", "exec /nonexistent/program"));
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    // It may end before the client is connected: both are fine, hanging is not.
    let stream = device.start_stream(&Wanted::app("Missing"));
    stream.wait_for("an end", crate::support::deadline::SOON * 2, |event| {
        event["event"] == "terminated" || event["event"] == "error"
    });
    drop(stream);
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
}
