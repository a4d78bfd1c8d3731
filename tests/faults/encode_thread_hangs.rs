//! The encode thread alone stops, as inside a driver that never returns
//! (failures 13 and 18): the client goes on with another worker, and what was
//! written down names the session, the thread and what it was doing. The rest of
//! the dead worker cannot be killed before the thread is let go.

use serde_json::{Value, json};

use super::bystander::another_client_can_start;
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::frozen_thread::FrozenThread;
use crate::support::host::{Host, metric, metrics};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
fn evidence_names_the_thread_that_hangs() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(30);
    let session = api::the_session(host.api());
    let (id, worker) = (session["session_id"].as_str().expect("an id"), api::pid(&session["worker_pid"]));

    let frozen = FrozenThread::of(worker, "encode");
    stream.wait_idr();
    stream.wait_frames(30);

    let evidence = evidence(&host);
    assert_eq!(evidence.len(), 1, "{evidence:?}");
    let (name, text) = &evidence[0];
    assert!(name.starts_with(&format!("session-{id}-worker-0-")), "{name}");
    assert!(text.contains("worker thread encode stands still"), "{text}");
    // What the thread did last, in the flight recorder and in the kernel's eyes.
    let threads = section(text, "threads: heartbeats, last event");
    assert_eq!(threads.lines().count(), 6, "{threads}");
    assert!(threads.lines().any(|line| line.starts_with("encode ") && line.contains(" -")), "{threads}");
    let events = section(text, "events: ");
    for what in ["captured", "encode begins", "encoded", "send begins", "sent"] {
        assert!(events.contains(what), "no {what:?} among the events:\n{events}");
    }
    assert!(section(text, "log of the worker").contains("encoder open"), "{text}");
    assert!(section(text, "plan").contains("SessionKey(..)"), "{text}");
    let task = format!("/proc/{worker}/task/{}", frozen.tid);
    assert_eq!(section(text, &format!("{task}/comm")).trim(), "encode");
    assert!(text.contains(&format!("== {task}/wchan")), "{text}");

    for event in ["WorkerHung", "WorkerFailed", "WorkerReplaced", "EvidenceWritten"] {
        let told = format!("earthshine_events_total{{event=\"{event}\"}} 1");
        assert!(metrics(&host).contains(&told), "no {told}");
    }

    drop(frozen);
    stream.quit();
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
}

#[test]
fn a_worker_that_cannot_be_killed_is_quarantined_and_too_many_close_the_host() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let config = "[host]\ndiscovery = false\n[admission]\nmax_quarantined = 0\n[health]\ncanary_interval = 60\n";
    let host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let (device, newcomer) = (Device::paired(&host, "device"), Device::paired(&host, "newcomer"));
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(30);
    let session = api::the_session(host.api());
    let worker = api::pid(&session["worker_pid"]);

    let frozen = FrozenThread::of(worker, "encode");
    stream.wait_idr();
    // The stream goes on beside what is left of its first worker.
    let captive = wait_for("a captive whose threads were looked at", SOON, || {
        let quarantined = health(&host)["quarantined"].as_array()?.clone();
        quarantined.into_iter().find(|captive| captive["wait_channel"] != "")
    });
    assert_eq!((&captive["kind"], api::pid(&captive["pid"])), (&json!("worker"), worker));
    assert_eq!(captive["session_id"], session["session_id"]);
    let channel = captive["wait_channel"].as_str().expect("a text");
    assert!(channel.contains("encode:"), "{channel}");
    assert!((metric(&host, "earthshine_quarantined") - 1.0).abs() < 0.5);
    let now = health(&host);
    assert_eq!((&now["can_create_new_pipelines"], &now["overall_status"]), (&json!(false), &json!("critical")));
    assert_eq!(capacity(&host)["sessions_that_fit"], 0);

    let refused = newcomer.start_stream(&Wanted::small_test_card());
    let text = refused.wait_event("error", SOON)["text"].to_string();
    assert!(text.contains("cannot be killed") && text.contains("admission.max_quarantined"), "{text}");
    stream.wait_frames(30);

    drop(frozen);
    wait_for("an empty quarantine", SOON, || (health(&host)["quarantined"] == json!([])).then_some(()));
    let mut welcome = newcomer.stream(&Wanted::small_test_card());
    welcome.wait_frames(10);
    welcome.quit();
    stream.quit();
    host.assert_nothing_left(&before);
}

fn health(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/system/health")
}

fn capacity(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/capacity")
}

/// Names and texts of what was written down, oldest first.
fn evidence(host: &Host) -> Vec<(String, String)> {
    wait_for("evidence", SOON, || {
        let directory = host.scratch.join("state/evidence");
        let mut files: Vec<_> = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let read = |path: &std::path::PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((name, std::fs::read_to_string(path).ok()?))
        };
        Some(files.iter().filter_map(read).collect::<Vec<_>>()).filter(|found| !found.is_empty())
    })
}

/// What is below a heading that begins so.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = text.find(&format!("\n== {heading}")).unwrap_or_else(|| panic!("no section {heading:?} in:\n{text}"));
    let body = text[start..].split_once("==").map_or("", |(_, rest)| rest);
    let body = body.split_once('\n').map_or("", |(_, rest)| rest);
    body.split("\n== ").next().unwrap_or_default()
}
