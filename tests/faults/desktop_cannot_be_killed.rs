//! A program of a desktop that even SIGKILL does not end, as one inside a driver
//! that never returns (failures 13 and 15): its session ends all the same, it is
//! counted and shown, others can start, and when it lets go nothing is left. One
//! that is only stopped is killed like any other.
//!
//! A task in a frozen cgroup of the first version cannot be killed before it is
//! thawed; that takes root and such a hierarchy. In the second version it can.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::bystander::another_client_can_start;
use crate::support::apps;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, desktop, metric, metrics};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process, skip};

#[test]
fn a_program_that_cannot_be_killed_is_set_aside_and_its_session_ends() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    if !Path::new(FREEZER).join("cgroup.procs").exists() || !rustix::process::geteuid().is_root() {
        return skip::say(&format!("root and a freezer of cgroup v1 at {FREEZER}"));
    }
    let scratch = Scratch::new();
    let host = Host::with_apps(scratch, &apps::table("Stuck", "exec sleep 1000"));
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Stuck"));
    stream.wait_frames(5);
    let session = api::the_session(host.api());
    let program = api::pid(&desktop(&host)["app_pid"]);
    let frozen = Frozen::process(program);

    // The client is told at once, the session ends without it.
    let stop = json!({"session_id": session["session_id"]});
    let answer = api::request(host.api(), "/api/v1/sessions/stop", Some(&stop));
    eprintln!("stopping it was answered with {:?}", answer.map(|answer| answer.status));
    let captive = wait_for("a captive", SOON, || {
        let captives = health(&host)["quarantined"].as_array()?.clone();
        captives.into_iter().find(|captive| api::pid(&captive["pid"]) == program)
    });
    assert_eq!(captive["kind"], "desktop", "{captive}");
    wait_for("the session's end", SOON, || api::sessions(host.api()).is_empty().then_some(()));
    assert!((metric(&host, "earthshine_quarantined") - 1.0).abs() < 0.5);
    let told = "earthshine_events_total{event=\"ProcessQuarantined\"} 1";
    assert!(metrics(&host).contains(told), "no {told}");
    assert!(process::is_alive(program), "{:?}", process::read(program));
    another_client_can_start(&host);

    drop(frozen);
    wait_for("an empty quarantine", SOON, || (health(&host)["quarantined"] == json!([])).then_some(()));
    wait_for("the program's end", SOON, || (!process::is_alive(program)).then_some(()));
    drop(stream);
    host.assert_nothing_left(&before);
}

#[test]
fn a_program_that_is_stopped_is_killed_with_its_desktop() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    // One that has left its group and its session as well.
    let pid_file = scratch.exchange("pid");
    let command = format!(
        "setsid sh -c 'echo $$ >{0}.new && mv {0}.new {0}; exec sleep 1000' & exec sleep 1000",
        pid_file.display()
    );
    let host = Host::with_apps(scratch, &apps::table("Stopped", &command));
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Stopped"));
    stream.wait_frames(5);
    let apart: u32 = wait_for("its process id", SOON, || fs::read_to_string(&pid_file).ok()?.trim().parse().ok());
    let program = api::pid(&desktop(&host)["app_pid"]);
    for pid in [program, apart] {
        process::signal(pid, Signal::STOP);
    }
    stream.quit();
    for pid in [program, apart] {
        wait_for("the program's end", SOON, || (!process::is_alive(pid)).then_some(()));
    }
    assert_eq!(health(&host)["quarantined"], json!([]));
    host.assert_nothing_left(&before);
}

fn health(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/system/health")
}

/// A process in a frozen cgroup; thawed when dropped.
struct Frozen(PathBuf);

impl Frozen {
    fn process(pid: u32) -> Self {
        let directory = Path::new(FREEZER).join(format!("es-test-{pid}"));
        fs::create_dir(&directory).expect("a cgroup");
        let frozen = Self(directory);
        fs::write(frozen.0.join("cgroup.procs"), pid.to_string()).expect("move the process");
        fs::write(frozen.0.join("freezer.state"), "FROZEN").expect("freeze it");
        wait_for("a frozen process", SOON, || {
            (fs::read_to_string(frozen.0.join("freezer.state")).ok()?.trim() == "FROZEN").then_some(())
        });
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        // What it held may take a moment to die; an empty one is left otherwise.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

const FREEZER: &str = "/sys/fs/cgroup/freezer";
