//! A sound server dies: video goes on, silence meanwhile, a new sound server
//! comes and Opus packets go on without a reconnect.

use rustix::process::Signal;
use serde_json::json;

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, desktop};
use crate::support::{api, needs, process};

#[test]
fn sound_server_is_restarted_and_video_goes_on() {
    for signal in [Signal::KILL, Signal::STOP] {
        let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
        let host = Host::start();
        let device = Device::paired(&host, "device");
        let before = host.holdings();
        let mut stream = device.stream(&Wanted::app("Desktop"));
        stream.order(json!({"do": "wait_audio", "packets": 100, "timeout": 30}));
        let first = api::pid(&desktop(&host)["sound_server_pid"]);
        let worker = api::the_session(host.api())["worker_pid"].clone();

        process::signal(first, signal);
        stream.wait_frames(10);
        wait_for("another sound server", SOON, || {
            let pid = u32::try_from(desktop(&host)["sound_server_pid"].as_u64()?).ok()?;
            (pid != 0 && pid != first && process::is_alive(pid)).then_some(())
        });
        stream.order(json!({"do": "wait_audio", "packets": 200, "timeout": 30}));
        stream.wait_frames(10);
        assert_eq!(api::the_session(host.api())["worker_pid"], worker, "sound is no reason to restart a worker");
        assert!(!process::is_alive(first));

        stream.quit();
        host.assert_nothing_left(&before);
        another_client_can_start(&host);
    }
}
