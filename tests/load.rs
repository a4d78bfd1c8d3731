//! The load generator against the built host: every frame arrives, plain and
//! encrypted, parity repairs what a bad network loses, and what goes wrong is
//! said.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric, metrics};
use crate::support::lossy_relay::{Harm, LossyRelay};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[path = "support/mod.rs"]
mod support;

/// Other addresses than the other tests' relays.
const BETWEEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// Small enough for many beside a debug build's encoder.
const SMALL: &[&str] = &["--size", "320x180", "--fps", "30", "--bitrate", "1000", "--seconds", "3"];

const JSON: &[&str] = &["--json", "-"];

#[test]
fn four_clients_get_every_frame_and_sound() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let report = play(&host, &["-n", "4"]);
    for client in clients(&report, 4) {
        assert_streamed(client);
        assert_eq!(client["video"]["frames_lost"], 0, "{client:#}");
        assert_eq!(client["video"]["frames_undecodable"], 0, "{client:#}");
        assert_eq!(client["video"]["packets_undecryptable"], 0, "{client:#}");
        assert_eq!(client["audio"]["lost"], 0, "{client:#}");
        for step in ["serverinfo", "launch", "rtsp_describe", "rtsp_announce", "rtsp_play", "control_connect", "quit"] {
            assert!(client["steps_ms"][step].is_number(), "{step}: {client:#}");
        }
    }
    assert_eq!(report["totals"]["frames_lost"], 0);
    // The same, for comparing runs: each client is a round.
    let figures = report["report"]["cases"][0]["figures"].as_array().expect("figures");
    let lost = figures.iter().find(|figure| figure["name"] == "frames lost").expect("a figure");
    assert_eq!(lost["rounds"], serde_json::json!([0.0, 0.0, 0.0, 0.0]), "{lost:#}");
    // Quitting has ended everything.
    wait_for("the end of all sessions", SOON, || api::sessions(host.api()).is_empty().then_some(()));
    host.stop();
}

#[test]
fn encrypted_clients_with_input_pair_once() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    for _ in 0..2 {
        let report = play(&host, &["-n", "4", "--encrypt", "--input", "--stagger", "50"]);
        for client in clients(&report, 4) {
            assert_streamed(client);
            assert_eq!(client["video"]["frames_lost"], 0, "{client:#}");
            assert_eq!(client["video"]["packets_undecryptable"], 0, "{client:#}");
            assert_eq!(client["audio"]["undecryptable"], 0, "{client:#}");
            assert!(client["control"]["input_sent"].as_u64() > Some(50), "{client:#}");
            assert_eq!(client["control"]["packets_dropped"], 0, "{client:#}");
        }
    }
    let paired = api::get(host.api(), "/api/v1/clients")["clients"].as_array().map(Vec::len);
    assert_eq!(paired, Some(4), "the second run found its certificates");
}

#[test]
fn clients_with_plain_rtsp_take_turns_at_the_handshake() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let report = play(&host, &["-n", "2", "--plain-rtsp"]);
    clients(&report, 2).iter().for_each(assert_streamed);
}

#[test]
fn parity_repairs_what_a_bad_network_loses() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let harm = Harm { loss_permille: 30, delay: Duration::ZERO, jitter: Duration::ZERO, seed: 2027 };
    let relay = LossyRelay::start(BETWEEN, Ipv4Addr::LOCALHOST, &host.ready.tcp(), &host.ready.udp(), harm);
    relay.set_harming(true);
    // Of few packets lost, those of one client may all be parity.
    let mut repaired = 0;
    for encrypt in [&[][..], &["--encrypt"]] {
        let address = relay.address();
        let flags = [&["-n", "2", "--host", &address, "--bitrate", "4000"], encrypt].concat();
        let report = play(&host, &flags);
        for client in clients(&report, 2) {
            assert_streamed(client);
            let video = &client["video"];
            assert!(video["packets_lost"].as_u64() > Some(0), "{client:#}");
            repaired += video["frames_repaired"].as_u64().expect("a counter");
            assert!(client["audio"]["repaired"].as_u64() > Some(0), "{client:#}");
            // Three of a hundred packets lost are few for a fifth of parity.
            let (whole, lost) = (video["frames_complete"].as_u64(), video["frames_lost"].as_u64());
            assert!(lost.map(|lost| lost * 4) < whole, "{client:#}");
        }
    }
    assert!(repaired > 0);
}

#[test]
fn a_killed_worker_costs_its_own_client_frames_and_no_other() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let (socket, mut playing) = (host.api().to_owned(), command(&host, &["-n", "3", "--seconds", "6", "--json", "-"]));
    let (killed, output) = std::thread::scope(|scope| {
        let playing = scope.spawn(move || playing.output().expect("run the load generator"));
        let session = wait_for("three sessions that stream", SOON, || {
            let sessions = api::sessions(&socket);
            let streaming = |session: &&Value| session["state"] == "streaming";
            let sent = metric(&host, "earthshine_frames_sent_total");
            (sessions.iter().filter(streaming).count() == 3 && sent > 90.0).then(|| sessions[1].clone())
        });
        process::signal(api::pid(&session["worker_pid"]), Signal::KILL);
        (session, playing.join().expect("the load generator"))
    });
    let report = json(&output);
    assert_eq!(killed["state"], "streaming");
    let mut begun_again = 0;
    for client in clients(&report, 3) {
        assert_streamed(client);
        // A worker's first frame is an IDR frame. So is the one after a frame for which
        // there was no processor, which any worker may have.
        if client["video"]["idr_frames"].as_u64() > Some(1) {
            begun_again += 1;
        } else {
            assert_eq!(client["video"]["frames_lost"], 0, "{client:#}");
        }
    }
    assert!(begun_again > 0, "{report:#}");
    let told = "earthshine_events_total{event=\"WorkerReplaced\"} 1";
    assert!(metrics(&host).contains(told), "no {told}");
}

#[test]
fn handshakes_are_timed_beside_stalled_ones() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let flags = ["-n", "1", "--stalled-handshakes", "200", "--tls-handshakes", "50"];
    let report = play(&host, &flags);
    clients(&report, 1).iter().for_each(assert_streamed);
    let tls = &report["tls"];
    assert_eq!((&tls["stalled"], &tls["failed"]), (&200.into(), &0.into()), "{tls:#}");
    assert!(tls["handshake_ms"]["count"].as_u64() > Some(0), "{tls:#}");
    // Without clients nobody has to pair.
    let alone = play(&host, &["-n", "0", "--tls-handshakes", "20"]);
    assert_eq!(alone["tls"]["handshake_ms"]["count"], 20);
    assert_eq!(alone["clients"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_client_that_cannot_stream_says_where_it_stopped() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let output =
        command(&host, &["-n", "2", "--app", "No such app", "--json", "-"]).output().expect("run the load generator");
    assert!(!output.status.success());
    for client in clients(&json(&output), 2) {
        let error = &client["errors"][0];
        assert_eq!(error["step"], "applist", "{client:#}");
        assert!(error["error"].as_str().is_some_and(|text| text.contains("\"Test card\"")), "{client:#}");
    }
    let codec = command(&host, &["--codec", "av1", "--json", "-"]).output().expect("run the load generator");
    let error = json(&codec)["clients"][0]["errors"][0].clone();
    assert!(error["error"].as_str().is_some_and(|text| text.contains("does not offer av1")), "{error:#}");
    // The human form says it too, and nothing is left behind.
    let table = command(&host, &["--app", "No such app"]).output().expect("run the load generator");
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(text.contains("client 0: applist: ") && text.contains("0 of 1 clients"), "{text}");
    wait_for("the end of all sessions", SOON, || api::sessions(host.api()).is_empty().then_some(()));
}

#[test]
fn without_a_host_the_error_says_what_to_do() {
    let scratch = Scratch::new();
    let complaint = |flags: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_earthshine"))
            .args(["bench", "clients", "--identities"])
            .arg(scratch.join("clients"))
            .args(flags)
            .output()
            .expect("run the load generator");
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // Bound and never listened on: nobody answers there.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = free.local_addr().expect("address").port().to_string();
    drop(free);
    let text = complaint(&["--port", &port]);
    assert!(text.contains(&format!("no host answers at 127.0.0.1 port {port}")), "{text}");
    assert!(text.contains("earthshine serve"), "{text}");
    let text = complaint(&["--host", "no-such-host.invalid"]);
    assert!(text.contains("no-such-host.invalid"), "{text}");
    let text = complaint(&["-n", "0"]);
    assert!(text.contains("nothing to do"), "{text}");
}

/// Plays clients that must all be fine.
fn play(host: &Host, flags: &[&str]) -> Value {
    let output = command(host, &[flags, JSON].concat()).output().expect("run the load generator");
    let report = json(&output);
    assert!(output.status.success(), "{report:#}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report["ok"], true);
    report
}

/// Flags given here win over [`SMALL`].
fn command(host: &Host, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earthshine"));
    command.args(["bench", "clients", "--port", &host.ready.http.to_string()]);
    command.arg("--api-socket").arg(host.api()).arg("--identities").arg(host.scratch.join("clients"));
    for pair in SMALL.chunks(2).filter(|pair| !flags.contains(&pair[0])) {
        command.args(pair);
    }
    command.args(flags);
    command
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn clients(report: &Value, count: usize) -> &[Value] {
    let clients = report["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), count);
    clients
}

/// Frames and sound came to the end, beginning with an IDR frame.
fn assert_streamed(client: &Value) {
    assert_eq!(client["ok"], true, "{client:#}");
    assert!(client["video"]["frames_complete"].as_u64() > Some(20), "{client:#}");
    assert!(client["video"]["idr_frames"].as_u64() > Some(0), "{client:#}");
    assert!(client["video"]["frame_gap_ms"]["count"].as_u64() > Some(20), "{client:#}");
    assert!(client["audio"]["packets"].as_u64() > Some(50), "{client:#}");
    assert!(client["launch_to_first_frame_ms"].is_number(), "{client:#}");
}
