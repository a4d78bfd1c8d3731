//! What the host says of a stream that runs: its threads, what it uses, and how
//! long its frames take.

use serde_json::{Value, json};

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::{api, needs};

#[test]
fn threads_use_and_latency_of_a_stream_are_shown() {
    let Some(_turn) = needs::whole_machine(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::small_test_card());
    stream.wait_frames(30);
    let session = api::the_session(host.api());
    let id = session["session_id"].as_str().expect("an id");

    let latency = api::get(host.api(), &format!("/api/v1/sessions/latency?session_id={id}"));
    let stages = latency["sessions"][0]["stages"].as_array().expect("stages");
    let names: Vec<_> = stages.iter().filter_map(|stage| stage["stage"].as_str()).collect();
    assert_eq!(names, ["captured", "converted", "encoded", "first_packet", "last_packet", "ours"]);
    let number = |value: &Value| value.as_u64().expect("a number");
    for stage in stages {
        let buckets = stage["buckets"].as_array().expect("buckets");
        let sum: u64 = buckets.iter().map(|bucket| number(&bucket["count"])).sum();
        assert_eq!(number(&stage["count"]), sum, "{stage}");
        assert!(sum >= 29, "a stage of 30 frames: {stage}");
        let quantiles = ["p50_us", "p90_us", "p99_us"].map(|name| number(&stage[name]));
        assert!(quantiles.is_sorted(), "{stage}");
    }
    let all = api::get(host.api(), "/api/v1/sessions/latency");
    assert_eq!(all["sessions"].as_array().map(Vec::len), Some(1));
    let unknown = api::request(host.api(), "/api/v1/sessions/latency?session_id=999", None).expect("an answer");
    assert_eq!(unknown.status, 500);

    let details = format!("session {id} worker {}", session["worker_pid"]);
    let health = wait_for("all threads of the worker", SOON, || {
        let health = api::get(host.api(), "/api/v1/wolf/health");
        let threads = health["threads"].as_array()?.iter().filter(|thread| thread["details"] == details.as_str());
        (threads.count() == 6).then_some(health)
    });
    assert_eq!(health["can_create_new_pipelines"], json!(true), "{health}");
    let threads = health["threads"].as_array().expect("threads");
    assert_eq!(health["total_thread_count"], threads.len());
    for name in ["host", "control", "main", "capture", "encode", "send", "audio", "input"] {
        let thread = threads.iter().find(|thread| thread["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert!(number(&thread["heartbeat_count"]) > 0, "{thread}");
        assert!(thread["seconds_since_heartbeat"].as_f64().is_some(), "{thread}");
    }
    let encode = threads.iter().find(|thread| thread["name"] == "encode").expect("the encode thread");
    let comm = format!("/proc/{}/task/{}/comm", session["worker_pid"], encode["tid"]);
    assert_eq!(std::fs::read_to_string(&comm).expect("the thread").trim(), "encode");

    let capacity = wait_for("figures of the stream", SOON, || {
        let capacity = api::get(host.api(), "/api/v1/capacity");
        let measured = capacity["sessions"][0]["cores"].as_f64().is_some_and(|cores| cores > 0.0);
        measured.then_some(capacity)
    });
    assert_eq!((&capacity["running_sessions"], &capacity["sessions_that_fit"]), (&json!(1), &json!(15)), "{capacity}");
    assert!(number(&capacity["cores"]) > 0 && number(&capacity["memory_available_bytes"]) > 0, "{capacity}");
    stream.quit();
}
