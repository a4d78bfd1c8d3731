//! The canary hangs, as it does where a driver does (failure 17): health turns
//! critical and back, the service manager hears nothing meanwhile, and streams go
//! on.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric, metrics};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn health_turns_critical_and_back_while_streams_go_on() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let hang = scratch.join("hang");
    let script = scratch.join("canary.sh");
    let binary = env!("CARGO_BIN_EXE_earthshine");
    let text = format!("[ -e {} ] && exec sleep 1000\nexec {binary} canary\n", hang.display());
    std::fs::write(&script, text).expect("a script");
    let manager = UnixDatagram::bind(scratch.join("notify")).expect("a socket");
    manager.set_nonblocking(true).expect("a socket that does not block");
    // Generous, because the machine is loaded; the interval is short instead.
    let config = format!(
        "[host]\ndiscovery = false\n[health]\ncanary_interval = 0.5\ncanary_deadline = 3\n\
         canary_command = [\"/bin/sh\", \"{}\"]\n",
        script.display()
    );
    let environment = [
        ("NOTIFY_SOCKET", scratch.join("notify").display().to_string()),
        // Asks to hear of us at each look.
        ("WATCHDOG_USEC", "300000".to_owned()),
    ];
    let host = Host::with_environment(scratch, &config, "127.0.0.1", &environment);
    let device = Device::paired(&host, "device");
    wait_for_status(&host, "healthy");
    assert_eq!(health_command(&host), (Some(0), "healthy".to_owned()));
    wait_for("the watchdog's food", SOON, || heard(&manager).contains(&"WATCHDOG=1".to_owned()).then_some(()));
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(30);

    std::fs::write(&hang, "").expect("a file");
    let critical = wait_for_status(&host, "critical");
    assert_eq!(critical["can_create_new_pipelines"], false);
    assert!(critical["reason"].as_str().is_some_and(|reason| reason.contains("not done within")), "{critical}");
    assert_eq!(health_command(&host).0, Some(1));
    let evidence = std::fs::read_dir(host.scratch.join("state/evidence")).expect("evidence").flatten();
    let names: Vec<_> = evidence.map(|entry| entry.file_name().into_string().expect("a name")).collect();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("canary-")), "{names:?}");
    // From one failure to another, nobody says that we are well.
    another_failure(&host);
    heard(&manager);
    another_failure(&host);
    let said = heard(&manager);
    assert!(!said.iter().any(|word| word == "WATCHDOG=1"), "{said:?}");
    // Streams know nothing of it.
    stream.wait_frames(30);
    assert_eq!(api::the_session(host.api())["worker_restarts"], 0);

    std::fs::remove_file(&hang).expect("the file");
    let healthy = wait_for_status(&host, "healthy");
    assert_eq!(healthy["can_create_new_pipelines"], true);
    wait_for("the watchdog's food", SOON, || heard(&manager).contains(&"WATCHDOG=1".to_owned()).then_some(()));
    assert!(metric(&host, "earthshine_canary_failures_total") >= 2.0);
    let told = "earthshine_events_total{event=\"CanaryChanged\"}";
    assert!(metrics(&host).contains(told), "no {told}");
    stream.quit();
    another_client_can_start(&host);

    process::signal(host.pid(), Signal::TERM);
    wait_for("the word that it ends", SOON, || heard(&manager).contains(&"STOPPING=1".to_owned()).then_some(()));
}

fn wait_for_status(host: &Host, status: &str) -> Value {
    wait_for(status, SOON, || {
        let health = api::get(host.api(), "/api/v1/system/health");
        let looked = health["canary"]["runs"].as_u64().is_some_and(|runs| runs > 0);
        (looked && health["overall_status"] == status).then_some(health)
    })
}

fn another_failure(host: &Host) {
    let before = failures(host);
    wait_for("another failure of a canary", SOON, || (failures(host) > before).then_some(()));
}

fn failures(host: &Host) -> u64 {
    let health = api::get(host.api(), "/api/v1/system/health");
    health["canary"]["failures"].as_u64().expect("a number")
}

/// Exit status and first word of `earthshine health`.
fn health_command(host: &Host) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earthshine"));
    let output = command.args(["health", "--api-socket"]).arg(host.api()).output().expect("run earthshine health");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text.split_whitespace().next().unwrap_or_default().to_owned())
}

/// What a service manager has heard since the last call.
fn heard(manager: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 1000];
    std::iter::from_fn(|| {
        let length = manager.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })
    .collect()
}
