//! The command line against the built host: each command does what it says, in
//! JSON and for people, and what goes wrong is said.

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::host::{Host, metric};
use crate::support::load::Load;
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[path = "support/mod.rs"]
mod support;

#[test]
fn sessions_are_listed_shown_and_stopped() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    assert_eq!(columns(&table(&host, &["sessions"])[0]).first().copied(), Some("SESSION"));
    let _load = Load::start(&host, &[]);
    let session = api::streaming_session(host.api());
    let id = text(&session["session_id"]);
    let lines = table(&host, &["sessions", "list"]);
    let head = columns(&lines[0]);
    for column in ["SESSION", "CLIENT", "APP", "STATE", "WIDTH", "HZ", "ENCODER", "LOBBY", "RESTARTS"] {
        assert!(head.contains(&column), "{column}: {lines:?}");
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(columns(&lines[1])[0], id);
    assert!(lines[1].contains("Test card") && lines[1].contains("streaming"), "{lines:?}");
    let shown = table(&host, &["sessions", "show", &id]);
    assert!(shown.iter().any(|line| columns(line) == ["video_width", "320"]), "{shown:?}");
    assert_eq!(json(&host, &["sessions", "show", &id])["session_id"], id.as_str());
    let stages = table(&host, &["sessions", "latency", &id]);
    assert_eq!(columns(&stages[0]), ["SESSION", "STAGE", "FRAMES", "MEAN", "P50", "P90", "P99"]);
    assert!(stages.iter().any(|line| columns(line)[..2] == [id.as_str(), "encoded"]), "{stages:?}");

    let complaint = refused(&host, &["sessions", "stop", "987654"]);
    assert!(complaint.contains("no session \"987654\"") && complaint.contains("earthshine sessions"), "{complaint}");
    assert!(refused(&host, &["sessions", "show", "x"]).contains("no session"));
    assert!(table(&host, &["sessions", "stop", &id])[0].contains("has ended"));
    wait_for("no session", SOON, || api::sessions(host.api()).is_empty().then_some(()));
}

#[test]
fn encoders_say_what_they_make_and_are_tested() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let output =
        earthshine(&["encoders", "--encoders", "software", "--json"]).output().expect("run earthshine encoders");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(made[0]["able"][0]["profile"]["codec"], "h264", "{made}");
    let output = earthshine(&["doctor", "--encode-test"]).output().expect("run earthshine doctor");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}");
    let row = report.lines().find(|line| line.starts_with("| software | h264 8 bit 4:2:0 |")).expect("a row");
    assert!(row.contains("| 60 | 0 20 45 | IDR frame |") && row.ends_with("| good |"), "{row}");
}

#[test]
fn encoders_of_drivers_are_tested() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let test = |orders: &str, nodes: &str| {
        drivers.order(orders);
        let mut doctor = earthshine(&["doctor", "--encode-test"]);
        let output = doctor.envs(drivers.environment()).env("EARTHSHINE_RENDER_NODES", nodes).output().expect("doctor");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let assert_good = |report: &str, tried: &[&str]| {
        for tried in tried {
            let row = report.lines().find(|line| line.starts_with(&format!("| {tried}"))).expect("a row");
            assert!(row.contains("stand-in") && row.ends_with("| good |"), "{row}");
        }
    };
    // Some profiles stand for all.
    let (is_good, report) = test("cap SUPPORT_10BIT_ENCODE 0\ncap SUPPORT_YUV444_ENCODE 0", "/nonexistent");
    assert!(is_good, "{report}");
    assert_good(&report, &["nvenc | h264", "nvenc | hevc 8 bit", "nvenc | av1 8 bit"]);
    let (is_good, report) = test("cuInit fail 100", "/dev/null");
    assert!(is_good, "{report}");
    assert_good(
        &report,
        &["vaapi | h264", "vaapi | hevc 8 bit", "vaapi | hevc 10 bit", "vaapi | av1 8", "vaapi | av1 10"],
    );
    drivers.assert_clean();
}

#[test]
fn doctor_says_by_its_exit_status_whether_streaming_can_work() {
    let host = Host::start();
    let port = host.ready.http.to_string();
    let examine = || {
        let output = earthshine(&["doctor", "--json", "--port", &port]).output().expect("run earthshine doctor");
        let report = parse(&output);
        assert_eq!(report["can_stream"], output.status.success(), "{report:#}");
        let failed = |finding: &&Value| finding["area"] == "network" && finding["verdict"] == "fail";
        report["findings"].as_array().expect("findings").iter().filter(failed).count()
    };
    assert!(examine() > 0, "the ports are the running host's");
    host.stop();
    assert_eq!(examine(), 0);
}

#[test]
fn a_session_is_paused_and_played_to() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let player = Load::start(&host, &[]);
    let id = text(&api::streaming_session(host.api())["session_id"]);
    // A mouse that moves, as a packet of the control stream; the test card has
    // no desktop to play it in, which its worker counts.
    let ignored = metric(&host, "earthshine_input_ignored_total");
    assert!(table(&host, &["sessions", "input", &id, MOVES])[0].contains("played"), "{id}");
    wait_for("an input event", SOON, || (metric(&host, "earthshine_input_ignored_total") > ignored).then_some(()));
    let complaint = refused(&host, &["sessions", "input", &id, "zz"]);
    assert!(complaint.contains("input_packet_hex"), "{complaint}");
    assert!(refused(&host, &["sessions", "input", "987654", MOVES]).contains("no session"));

    // A player that hears of the pause would quit the app.
    process::signal(player.pid(), Signal::STOP);
    assert!(table(&host, &["sessions", "pause", &id])[0].contains("is paused"));
    let paused = wait_for("a paused session", SOON, || {
        let session = json(&host, &["sessions", "show", &id]);
        (session["state"] == "paused").then_some(session)
    });
    assert_eq!(paused["worker_pid"], 0, "{paused:#}");
    let complaint = refused(&host, &["sessions", "input", &id, MOVES]);
    assert!(complaint.contains("has no stream"), "{complaint}");
    assert!(refused(&host, &["sessions", "pause", "987654"]).contains("no session"));
    assert!(table(&host, &["sessions", "stop", &id])[0].contains("has ended"));
    drop(player);
}

#[test]
fn settings_of_a_client_are_changed_and_last() {
    let _turn = needs::turn_without_client();
    let mut host = Host::start();
    let player = Load::start(&host, &[]);
    api::streaming_session(host.api());
    let id = text(&json(&host, &["clients"])["clients"][0]["client_id"]);
    let factors = ["--mouse-acceleration", "2.5", "--v-scroll-acceleration", "0.5"];
    let said = table(&host, &[&["clients", "settings", &id, "--state-folder", "ann"][..], &factors].concat());
    assert!(said[0].contains("next connection"), "{said:?}");
    let settings = |host: &Host| json(host, &["clients", "show", &id]);
    let decided = settings(&host);
    assert_eq!(decided["app_state_folder"], "ann", "{decided:#}");
    assert_eq!(decided["settings"]["mouse_acceleration"], 2.5, "{decided:#}");
    assert_eq!(decided["settings"]["v_scroll_acceleration"], 0.5, "{decided:#}");
    assert_eq!(decided["settings"]["h_scroll_acceleration"], 1.0, "{decided:#}");
    let complaint = refused(&host, &["clients", "settings", &id, "--mouse-acceleration=-1"]);
    assert!(complaint.contains("mouse_acceleration"), "{complaint}");
    assert!(refused(&host, &["clients", "settings", "7", "--state-folder", "x"]).contains("no client"));
    assert_eq!(settings(&host), decided, "what was refused has changed nothing");
    drop(player);
    host.kill();
    host.start_again();
    assert_eq!(settings(&host), decided, "they outlive the host");
}

#[test]
fn apps_are_started_with_and_without_a_client() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let id = |title: &str| {
        let apps = json(&host, &["apps"])["apps"].clone();
        let app = apps.as_array().unwrap().iter().find(|app| app["title"] == title).cloned();
        text(&app.unwrap_or_else(|| panic!("no {title} in {apps:#}"))["id"])
    };
    let card = id("Test card");
    assert!(table(&host, &["apps", "start", &card])[0].contains("runs"));
    let nobodys = json(&host, &["sessions"])["sessions"].clone();
    assert_eq!(nobodys.as_array().map(Vec::len), Some(1), "{nobodys:#}");
    assert_eq!((&nobodys[0]["app"], &nobodys[0]["state"]), (&"Test card".into(), &"paused".into()));
    let session = text(&nobodys[0]["session_id"]);
    let complaint = refused(&host, &["apps", "start", &card, "--session", &session]);
    assert!(complaint.contains("no program"), "{complaint}");
    assert!(refused(&host, &["apps", "start", &card, "--session", "987654"]).contains("session"));
    let complaint = refused(&host, &["apps", "start", "987654"]);
    assert!(complaint.contains("app"), "{complaint}");
    assert!(refused(&host, &["apps", "start", &card, "--client", "7"]).contains("client"));
    table(&host, &["sessions", "stop", &session]);

    // A paired client finds the app that was started for it.
    let player = Load::start(&host, &[]);
    let streams = api::streaming_session(host.api());
    let client = text(&json(&host, &["clients"])["clients"][0]["client_id"]);
    drop(player);
    table(&host, &["sessions", "stop", &text(&streams["session_id"])]);
    table(&host, &["apps", "start", &card, "--client", &client]);
    let own = json(&host, &["sessions"])["sessions"].clone();
    assert_eq!((own.as_array().map(Vec::len), &own[0]["app"]), (Some(1), &"Test card".into()), "{own:#}");
    table(&host, &["sessions", "stop", &text(&own[0]["session_id"])]);
}

#[test]
fn clients_are_listed_and_unpaired_and_capacity_and_health_are_told() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    assert_eq!(columns(&table(&host, &["pair"])[0]), ["ADDRESS", "SECRET"]);
    assert_eq!(json(&host, &["pair"])["requests"].as_array().map(Vec::len), Some(0));
    assert!(refused(&host, &["pair", "1234"]).contains("no client is waiting"));
    let load = Load::start(&host, &[]);
    api::streaming_session(host.api());
    let clients = json(&host, &["clients"])["clients"].clone();
    let id = text(&clients[0]["client_id"]);
    let lines = table(&host, &["clients"]);
    assert_eq!(columns(&lines[0]), ["CLIENT", "NAME", "FOLDER", "PAIRED"]);
    assert_eq!((lines.len(), columns(&lines[1])[0]), (2, id.as_str()));
    assert!(refused(&host, &["clients", "unpair", "7"]).contains("no client \"7\""));

    assert_eq!(json(&host, &["capacity"])["running_sessions"], 1);
    let capacity = table(&host, &["capacity"]);
    assert!(capacity.iter().any(|line| columns(line) == ["sessions", "1"]), "{capacity:?}");
    let health = wait_for("a first canary", SOON, || {
        let output = run(&host, &["health", "--json"]);
        output.status.success().then(|| parse(&output))
    });
    assert!(["healthy", "degraded"].contains(&health["overall_status"].as_str().unwrap()), "{health:#}");

    table(&host, &["clients", "unpair", &id]);
    assert_eq!(json(&host, &["clients"])["clients"].as_array().map(Vec::len), Some(0));
    wait_for("no session", SOON, || api::sessions(host.api()).is_empty().then_some(()));
    drop(load);
}

#[test]
fn apps_are_added_listed_and_deleted() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let before = json(&host, &["apps"])["apps"].as_array().unwrap().len();
    table(&host, &["apps", "add", "Editor", "--id", "77", "--run", "exec vim", "--env", "A=B"]);
    let lines = table(&host, &["apps"]);
    assert_eq!(columns(&lines[0]), ["APP", "TITLE", "RUNS"]);
    assert_eq!(lines.len(), before + 2, "{lines:?}");
    assert!(lines.iter().any(|line| columns(line) == ["77", "Editor", "exec", "vim"]), "{lines:?}");
    assert_eq!(json(&host, &["apps", "show", "77"])["runner"]["env"][0], "A=B");
    // The same as a file.
    let file = host.scratch.join("app.json");
    std::fs::write(&file, r#"{"title": "Paint", "id": "78", "runner": {"type": "process", "run_cmd": "paint"}}"#)
        .unwrap();
    table(&host, &["apps", "add", "--file", file.to_str().unwrap()]);
    table(&host, &["apps", "delete", "77"]);
    let ids = json(&host, &["apps"])["apps"].clone();
    let has = |id: &str| ids.as_array().unwrap().iter().any(|app| app["id"] == id);
    assert!(!has("77") && has("78"), "{ids:#}");
    assert!(refused(&host, &["apps", "delete", "77"]).contains("no app \"77\""));
    std::fs::write(&file, "{").unwrap();
    assert!(refused(&host, &["apps", "add", "--file", file.to_str().unwrap()]).contains("not JSON"));
    assert!(refused(&host, &["apps", "add", "", "--run", "x"]).contains("title"));
}

#[test]
fn lobbies_are_created_joined_left_renewed_and_stopped() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = Host::start();
    let create = ["lobbies", "create", "Shared", "--run", "exec sleep 1000", "--size", "640x360", "--fps", "30"];
    let lobby = table(&host, &[&create[..], &["--pin", "1234", "--lease", "600", "--idempotency-key", "k"]].concat());
    let lobby = lobby[0].as_str();
    let lines = table(&host, &["lobbies"]);
    let head = columns(&lines[0]);
    for column in ["LOBBY", "NAME", "STATE", "WIDTH", "PIN", "SESSIONS", "LEASE"] {
        assert!(head.contains(&column), "{column}: {lines:?}");
    }
    assert!(lines[1].starts_with(lobby) && lines[1].contains("Shared"), "{lines:?}");
    let shown = json(&host, &["lobbies", "show", lobby]);
    assert_eq!((shown["video_width"].as_u64(), shown["pin_required"].as_bool()), (Some(640), Some(true)));
    table(&host, &["lobbies", "renew", lobby]);

    let _load = Load::start(&host, &[]);
    let session = text(&api::streaming_session(host.api())["session_id"]);
    assert!(refused(&host, &["lobbies", "join", lobby, &session, "--pin", "4321"]).contains("PIN"));
    assert!(refused(&host, &["lobbies", "leave", lobby, &session]).contains("is not in lobby"));
    table(&host, &["lobbies", "join", lobby, &session, "--pin", "1234"]);
    assert_eq!(json(&host, &["lobbies", "show", lobby])["connected_sessions"][0], session.as_str());
    table(&host, &["lobbies", "leave", lobby, &session]);
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert!(refused(&host, &["lobbies", "join", unknown, &session]).contains("Invalid lobby"));
    assert!(refused(&host, &["lobbies", "leave", unknown, &session]).contains("no lobby"));

    assert!(refused(&host, &["lobbies", "stop", lobby]).contains("PIN"));
    table(&host, &["lobbies", "stop", lobby, "--force"]);
    assert_eq!(json(&host, &["lobbies"])["lobbies"].as_array().map(Vec::len), Some(0));
}

#[test]
fn events_are_followed_from_a_number_on() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let _load = Load::start(&host, &[]);
    api::streaming_session(host.api());
    let lines = |flags: &[&str]| {
        let output = run(&host, &[&["events", "--count", "4"], flags].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let told: Vec<Value> =
        lines(&["--after", "0", "--json"]).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["event"], "earthshine::Hello");
    let numbers: Vec<u64> = told[1..].iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(told[1..].iter().all(|event| event["data"].is_object()), "{told:?}");
    let after = lines(&["--after", "1"]);
    assert!(after[1].trim_start().starts_with("2 "), "{after:?}");
}

#[test]
fn without_a_host_and_with_wrong_flags_the_error_says_what_to_do() {
    let scratch = Scratch::new();
    let socket = scratch.join("api.sock");
    for command in ["sessions", "lobbies", "apps", "clients", "events", "capacity", "health", "pair"] {
        let output = earthshine(&[command]).arg("--api-socket").arg(&socket).output().expect("run it");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command}: {complaint}");
        assert!(complaint.contains("no host answers at") && complaint.contains("earthshine serve"), "{complaint}");
    }
    let wrong = earthshine(&["sessions", "stop"]).output().expect("run it");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("<SESSION>"));
}

/// Relative motion: length, magic 7, then right 3 and down -4.
const MOVES: &str = "00000008070000000003fffc";

fn earthshine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earthshine"));
    command.args(arguments);
    command
}

fn run(host: &Host, arguments: &[&str]) -> Output {
    earthshine(arguments).arg("--api-socket").arg(host.api()).output().expect("run earthshine")
}

fn parse(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"))
}

/// What a command that succeeds says in JSON.
fn json(host: &Host, arguments: &[&str]) -> Value {
    let output = run(host, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    parse(&output)
}

/// The lines that a command that succeeds prints for people.
fn table(host: &Host, arguments: &[&str]) -> Vec<String> {
    let output = run(host, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

/// What a command that fails complains about.
fn refused(host: &Host, arguments: &[&str]) -> String {
    let output = run(host, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {complaint}");
    complaint
}

fn columns(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}")).to_owned()
}
