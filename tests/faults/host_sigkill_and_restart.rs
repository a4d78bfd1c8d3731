//! The host is killed in mid-stream and started again: paired clients stay
//! paired, what nobody adopts is cleaned up, and streaming works as before.

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, settle};
use crate::support::host::Host;
use crate::support::{api, needs, process};

#[test]
fn killed_host_comes_back_without_leftovers() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = Host::start();
    let device = Device::paired(&host, "device");
    let before_files = process::files(&host.runtime_dir());
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(10);
    let session = api::the_session(host.api());
    let orphans = ["compositor_pid", "sound_server_pid"].map(|name| api::pid(&session["desktop"][name]));
    let worker = api::pid(&session["worker_pid"]);

    host.kill();
    stream.vanish();
    host.start_again();

    settle("what the killed host left", SOON * 2, || {
        let mut known: Vec<_> = orphans.iter().chain([&worker]).filter(|pid| process::is_alive(**pid)).collect();
        known.sort();
        let strangers: Vec<_> =
            process::that_know(host.scratch.path()).into_iter().filter(|process| process.pid != host.pid()).collect();
        if known.is_empty() && strangers.is_empty() { Ok(()) } else { Err(format!("{strangers:?}")) }
    });
    let files = process::files(&host.runtime_dir());
    assert!(files.is_subset(&before_files), "left: {:?}", files.difference(&before_files).collect::<Vec<_>>());

    let info = device.run(&["serverinfo", "--https"]).expect("serverinfo");
    assert_eq!((&info["PairStatus"], &info["state"]), (&"1".into(), &"SUNSHINE_SERVER_FREE".into()));
    let before = host.holdings();
    let mut again = device.stream(&Wanted::app("Desktop"));
    again.wait_frames(10);
    again.quit();
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
    host.assert_nothing_left(&before);
}
