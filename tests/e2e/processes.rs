//! What an operator sees of the processes: names, limits, and nothing in the
//! home directory.

use std::fs;

use rustix::process::{Resource, getrlimit};
use serde_json::json;

use crate::support::client::{Device, Wanted};
use crate::support::host::{Host, desktop, home};
use crate::support::{api, needs, process};

#[test]
fn processes_have_names_and_limits_and_leave_the_operators_home_alone() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.order(json!({"do": "wait_audio", "packets": 100, "timeout": 30}));
    let worker = api::pid(&api::the_session(host.api())["worker_pid"]);
    let main = fs::read_to_string(format!("/proc/{worker}/comm")).expect("a worker");
    assert_eq!(main.trim(), "earthshine-work");
    assert!(process::threads(worker).contains(&"audio".to_owned()), "the worker listens to the sound server");

    let (soft, hard) = open_files(host.pid());
    assert_eq!(soft, hard, "the host takes what it may");
    let ours = getrlimit(Resource::Nofile).current.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    // Compositors and sound servers choose limits of their own.
    let app = api::pid(&desktop(&host)["app_pid"]);
    assert_eq!(open_files(app).0, ours, "what the host was started with");

    stream.quit();
    let left: Vec<_> = process::files(&home(&host.scratch)).into_iter().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Soft and hard limit of open files.
fn open_files(pid: u32) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("a process");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("proc(5) names this limit");
    let mut fields = line.split_whitespace().map(str::to_owned);
    (fields.next().expect("a soft limit"), fields.next().expect("a hard limit"))
}
