//! Drain, reload and take-over: what runs goes on, what is new is refused with
//! a reason or admitted by new rules, and no connection is refused meanwhile.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::bystander::another_client_can_start;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::events::Subscriber;
use crate::support::host::{Host, desktop, metric};
use crate::support::scratch::Scratch;
use crate::support::{api, lobbies, needs, process};

fn pattern_host() -> Host {
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "");
    Host::with_apps(scratch, &tables)
}

fn host_view(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/host")
}

#[test]
fn a_drained_host_takes_nobody_new_and_ends_when_it_is_empty() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host();
    let [old, new] = ["old", "new"].map(|name| Device::paired(&host, name));
    let mut stream = old.stream(&Wanted::app("Test card"));
    assert_eq!(host_view(&host)["state"], "serving");

    let answer = api::post(host.api(), "/api/v1/host/drain", &json!({}));
    assert_eq!((&answer["state"], &answer["sessions"]), (&json!("draining"), &json!(1)));
    let refused = new.start_stream(&Wanted::app("Test card"));
    let refusal = refused.wait_event("error", SOON);
    assert!(refusal["text"].as_str().expect("a text").contains("drained for maintenance"), "{refusal}");
    let lobby =
        api::request(host.api(), "/api/v1/lobbies/create", Some(&lobbies::pattern_lobby(&host.scratch, &json!({}))));
    assert_eq!(lobby.expect("an answer").status, 500);
    stream.wait_frames(30);
    // One that runs goes on, also after a reconnect.
    stream.stop();
    let mut stream = old.stream(&Wanted { verb: "resume", ..Wanted::app("Test card") });
    stream.wait_frames(10);

    api::post(host.api(), "/api/v1/host/drain", &json!({"cancel": true}));
    another_client_can_start(&host);
    api::post(host.api(), "/api/v1/host/drain", &json!({"exit_when_empty": true}));
    stream.wait_frames(10);
    assert!(host.has_ended().is_none(), "somebody streams");
    stream.quit();
    let status = wait_for("the end of the drained host", SOON, || host.has_ended());
    assert!(status.success(), "{status}");
    assert_eq!(process::that_know(host.scratch.path()), []);
}

#[test]
fn sigterm_tells_clients_and_ends_in_time() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = pattern_host();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(PATTERN));
    stream.wait_frames(10);
    process::signal(host.pid(), Signal::TERM);
    assert_eq!(stream.ended_by_host(), 0, "the client is told that it was in order");
    host.stop();
}

#[test]
fn a_reload_counts_for_what_comes_and_a_bad_file_for_nothing() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let base = "[host]\ndiscovery = false\n[desktop]\nidle_limit = 60\n";
    let host = Host::with_config(scratch, base, "127.0.0.1");
    let devices = ["a", "b"].map(|name| Device::paired(&host, name));
    let mut stream = devices[0].stream(&Wanted::app("Test card"));
    let file = host.scratch.join("config.toml");

    std::fs::write(&file, format!("{base}idle_limitt = 3\n")).expect("a bad file");
    let answer = api::request(host.api(), "/api/v1/host/reload", Some(&json!({}))).expect("an answer");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 500 && text.contains("idle_limitt") && text.contains("config.toml:"), "{text}");

    let more = "[[app]]\ntitle = \"Another card\"\ntest_card = true\n";
    let changed = base.replace("discovery = false", "discovery = false\nname = \"renamed\"\nmax_sessions = 1");
    std::fs::write(&file, format!("{changed}{more}")).expect("a good file");
    let answer = api::post(host.api(), "/api/v1/host/reload", &json!({}));
    assert_eq!(answer["changed"], json!(["app", "host.max_sessions", "host.name"]));
    assert_eq!(answer["needs_restart"], json!(["host.name"]));
    let refused = devices[1].start_stream(&Wanted::app("Test card"));
    let refusal = refused.wait_event("error", SOON);
    assert!(refusal["text"].as_str().expect("a text").contains("host.max_sessions"), "{refusal}");
    assert!(metric(&host, "earthshine_refused_total") >= 1.0);

    // The signal does the same.
    std::fs::write(&file, format!("{base}{more}")).expect("a good file");
    process::signal(host.pid(), Signal::HUP);
    settle("a reload by SIGHUP", SOON, || {
        let view = api::get(host.api(), "/api/v1/apps");
        let reloaded = host.log().matches("configuration reloaded").count();
        if reloaded == 2 { Ok(()) } else { Err(view.to_string()) }
    });
    let mut other = devices[1].stream(&Wanted::app("Another card"));
    other.wait_frames(10);
    stream.wait_frames(10);
    let restarts: Vec<_> = api::sessions(host.api()).iter().map(|session| session["worker_restarts"].clone()).collect();
    assert_eq!(restarts, [0, 0], "running streams are not touched");
    other.quit();
    stream.quit();
    host.stop();
}

#[test]
fn canaries_admission_and_limits_are_reloaded() {
    let _turn = needs::turn_without_client();
    let base = "[host]\ndiscovery = false\n";
    let host = Host::with_config(Scratch::new(), &format!("{base}[health]\ncanary_interval = 0\n"), "127.0.0.1");
    let reload = |text: &str| {
        std::fs::write(host.scratch.join("config.toml"), format!("{base}{text}")).expect("a file");
        let answer = api::post(host.api(), "/api/v1/host/reload", &json!({}));
        assert_eq!(answer["needs_restart"], json!([]), "{answer}");
    };
    let status = || api::get(host.api(), "/api/v1/system/health")["overall_status"].clone();
    assert_eq!(status(), "healthy", "nothing is known against it");

    // Canaries that fail, from now on; and then none.
    reload("[health]\ncanary_interval = 0.2\ncanary_command = [\"/bin/false\"]\n");
    wait_for("canaries that fail", SOON, || (status() == "critical").then_some(()));
    reload("[health]\ncanary_interval = 0\n");
    wait_for("canaries that are forgotten", SOON, || (status() == "healthy").then_some(()));

    reload("[health]\ncanary_interval = 0\n[admission]\nmax_quarantined = 7\ncpu_percent = 0\n");
    let limits = api::get(host.api(), "/api/v1/capacity")["limits"].clone();
    assert_eq!((&limits["max_quarantined"], &limits["cpu_percent"]), (&json!(7), &Value::Null), "{limits}");

    // One may listen to events, the next is told why not.
    reload("[health]\ncanary_interval = 0\n[limits]\nevent_subscribers = 1\n");
    let _listener = Subscriber::new(host.api(), None);
    let answer = api::request(host.api(), "/api/v1/events?after=0", None).expect("an answer");
    let refused = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 500, "{refused}");
    assert!(refused.contains("limits.event_subscribers"), "{refused}");
    host.stop();
}

#[test]
fn another_process_takes_over_and_no_connection_is_refused() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app(PATTERN));
    stream.wait_frames(10);
    let sleeper = json!({"runner": {"type": "process", "run_cmd": "exec sleep 600"}});
    let lobby = lobbies::create(&host, &lobbies::pattern_lobby(&host.scratch, &sleeper));
    let before = desktop(&host);
    let refused = Arc::new(AtomicU32::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let knocking = std::thread::spawn({
        let (ports, socket) = (host.ready.tcp(), host.api().to_owned());
        let (refused, stop) = (Arc::clone(&refused), Arc::clone(&stop));
        move || {
            let mut knocks = 0_u32;
            while !stop.load(Ordering::Acquire) {
                let tcp = ports.iter().filter(|port| TcpStream::connect(("127.0.0.1", **port)).is_err()).count();
                let unix = std::os::unix::net::UnixStream::connect(&socket).is_err();
                refused.fetch_add(u32::try_from(tcp).expect("three") + u32::from(unix), Ordering::Relaxed);
                knocks += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            knocks
        }
    });

    let old = host.pid();
    host.take_over();
    assert_ne!(host.pid(), old);
    stop.store(true, Ordering::Release);
    assert!(knocking.join().expect("knocking") > 1);
    assert_eq!(refused.load(Ordering::Relaxed), 0, "connections refused");
    stream.wait_frames(10);
    stream.stop();

    assert_eq!(desktop(&host), before);
    assert_eq!(lobbies::list(&host)[0]["id"], json!(lobby));
    let mut stream = device.stream(&Wanted { verb: "resume", ..Wanted::app(PATTERN) });
    stream.wait_frames(10);
    assert_eq!(desktop(&host), before);
    stream.quit();
    lobbies::stop(&host, &lobby);
    another_client_can_start(&host);
    host.stop();
}

#[test]
fn a_program_that_cannot_start_leaves_the_old_one_serving() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let host = pattern_host();
    let device = Device::paired(&host, "device");
    let mut stream = device.stream(&Wanted::app("Test card"));
    let file = host.scratch.join("config.toml");
    let good = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, "[host]\nno_such_key = 1\n").expect("a bad file");
    let complaint = host.try_take_over().expect_err("it cannot start");
    assert!(complaint.contains("no_such_key"), "{complaint}");
    std::fs::write(&file, good).expect("the configuration");
    // Another state directory is another host.
    stream.wait_frames(30);
    assert_eq!(host_view(&host)["state"], "serving");
    stream.quit();
    another_client_can_start(&host);
    host.stop();
}

#[test]
fn an_heir_that_hangs_up_takes_nothing_over() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = lobbies::pattern_lobby(&scratch, &json!({}));
    let config =
        "[host]\ndiscovery = false\n[desktop]\nready_deadline = 5\ncompositor_command = [\"sleep\", \"600\"]\n";
    let host = Host::with_config(scratch, config, "127.0.0.1");
    // A desktop that does not get ready is what a take-over waits for.
    let socket = host.api().to_owned();
    let creating = std::thread::spawn(move || api::request(&socket, "/api/v1/lobbies/create", Some(&wanted)));
    wait_for("a lobby that starts", SOON, || (!lobbies::list(&host).is_empty()).then_some(()));
    let heir =
        json!({"pid": std::process::id(), "state_dir": host.scratch.join("state"), "runtime_dir": host.runtime_dir()});
    let body = heir.to_string();
    let mut asking = UnixStream::connect(host.api()).expect("the API");
    write!(asking, "POST /api/v1/host/hand-over HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("a request");
    let is = |state: &str| host_view(&host)["state"] == state;
    wait_for("a host that leaves", SOON, || is("leaving").then_some(()));
    drop(asking);
    wait_for("a host that stays", SOON, || is("serving").then_some(()));
    assert_eq!(creating.join().expect("no panic").expect("an answer").status, 500);
    another_client_can_start(&host);
}
