//! The ways to the API: from within desktops, and over TCP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::inside::Inside;
use crate::support::lobbies::{create, list, pattern_lobby};
use crate::support::scratch::Scratch;
use crate::support::{api, apps, needs, skip};

#[test]
fn from_inside_a_lobby_nobody_else_is_seen_or_touched() {
    let Some(_turn) = needs::turn(NEEDED) else { return };
    let scratch = Scratch::new();
    let inside = Inside::new(&scratch, "lobby");
    let runner = |command: String| json!({"type": "process", "run_cmd": command, "env": ["SECRET=of-this-lobby"]});
    let own = pattern_lobby(&scratch, &json!({"name": "Own", "runner": runner(inside.command())}));
    let other = pattern_lobby(&scratch, &json!({"name": "Other", "runner_state_folder": "other", "pin": [1, 2, 3, 4]}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let (own, other) = (create(&host, &own), create(&host, &other));
    let mut stream = device.stream(&Wanted::app("Test card"));
    let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();

    let (status, seen) = inside.call("/api/v1/lobbies", None);
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!((status, seen["lobbies"].as_array().map(Vec::len)), (200, Some(1)), "{seen}");
    assert_eq!(seen["lobbies"][0]["id"], own);
    let (status, answer) = inside.call("/status", None);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["lobby_id"], &answer["status"]), (200, &json!(own), &json!("running")));
    for read in ["sessions", "clients", "apps", "pair/pending", "nothing"] {
        let (status, answer) = inside.call(&format!("/api/v1/{read}"), None);
        assert_eq!(status, 403, "{read}: {answer}");
        assert!(!answer.contains(&other), "{answer}");
    }
    let visit = json!({"lobby_id": other, "moonlight_session_id": session, "pin": [1, 2, 3, 4], "force": true});
    let foreign = visit.to_string();
    for act in ["lobbies/stop", "lobbies/join", "lobbies/leave", "lobbies/renew", "lobbies/create", "sessions/stop"] {
        let (status, answer) = inside.call(&format!("/api/v1/{act}"), Some(&foreign));
        assert_eq!(status, 403, "{act}: {answer}");
    }
    // Neither by the operator's socket nor by the other's.
    let others_door = list(&host)[1]["desktop"]["wayland_socket"].as_str().expect("a path").to_owned();
    let others_door = std::path::Path::new(&others_door).ancestors().nth(2).expect("a desktop's directory");
    assert!(others_door.join("api.sock").exists(), "{}", others_door.display());
    if rustix::process::geteuid().is_root() {
        for door in [host.api(), &others_door.join("api.sock")] {
            let (status, answer) = inside.call_by(&door.display().to_string(), "/api/v1/lobbies", None);
            assert_eq!((status, answer.as_str()), (0, ""), "{}", door.display());
        }
    }
    let heard = inside.run(
        "curl --silent --max-time 2 --unix-socket $WOLF_SOCKET_PATH 'http://localhost/api/v1/events?after=0' || true",
    );
    assert!(heard.contains("CreateLobbyEvent") && heard.contains(&own), "{heard}");
    assert!(!heard.contains(&other) && !heard.contains("session_id"), "{heard}");

    assert_eq!(list(&host).len(), 2, "nothing has happened to anybody");
    stream.wait_frames(5);
    stream.quit();
    // What it may: end itself.
    let order = json!({ "lobby_id": own });
    inside.order(&format!(
        "curl --silent --unix-socket $WOLF_SOCKET_PATH --data '{order}' http://localhost/api/v1/lobbies/stop"
    ));
    wait_for("the lobby's end", SOON, || (list(&host).len() == 1).then_some(()));
    assert_eq!(list(&host)[0]["id"], other);
    host.stop();
}

#[test]
fn a_sessions_programs_move_their_own_session_alone() {
    let Some(_turn) = needs::turn(NEEDED) else { return };
    let scratch = Scratch::new();
    let inside = Inside::new(&scratch, "session");
    let others = pattern_lobby(&scratch, &json!({"name": "Others", "idempotency_key": "others-key"}));
    let app = apps::table("Caller", &inside.command());
    let host = Host::with_apps(scratch, &app);
    let (one, two) = (Device::paired(&host, "one"), Device::paired(&host, "two"));
    let others = create(&host, &others);
    let mut stream = one.stream(&Wanted::app("Caller"));
    let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();
    let mut bystander = two.stream(&Wanted::app("Test card"));
    let both = api::sessions(host.api());
    let other = both.iter().find(|view| view["session_id"] != session.as_str()).expect("two sessions");
    let other = other["session_id"].as_str().expect("an id").to_owned();

    assert_eq!(inside.run("echo $WOLF_SESSION_ID").trim(), session);
    let (status, seen) = inside.call("/api/v1/sessions", None);
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!((status, seen["sessions"].as_array().map(Vec::len)), (200, Some(1)), "{seen}");
    assert_eq!(seen["sessions"][0]["session_id"], session);
    let (status, seen) = inside.call("/api/v1/lobbies", None);
    assert_eq!(status, 200, "{seen}");
    let lobby: Value = serde_json::from_str::<Value>(&seen).expect("JSON")["lobbies"][0].take();
    assert_eq!((&lobby["id"], &lobby["runner"]), (&json!(others), &json!({"type": "process"})));
    assert!(!seen.contains("HELIX_SESSION_ID") && !seen.contains("others-key"), "what others run is theirs: {seen}");

    for act in ["join", "leave"] {
        let order = json!({"lobby_id": others, "moonlight_session_id": other}).to_string();
        let (status, answer) = inside.call(&format!("/api/v1/lobbies/{act}"), Some(&order));
        assert_eq!(status, 403, "{act}: {answer}");
    }
    let stop = json!({"lobby_id": others}).to_string();
    assert_eq!(inside.call("/api/v1/lobbies/stop", Some(&stop)).0, 403);
    assert_eq!(inside.call("/api/v1/sessions/stop", Some(&json!({"session_id": other}).to_string())).0, 403);

    // Another program beside it, in its own desktop alone.
    let mark = host.scratch.exchange("started");
    let start = |session: &str| {
        let runner = json!({"type": "process", "run_cmd": format!("touch {}", mark.display())});
        json!({"stop_stream_when_over": false, "runner": runner, "session_id": session}).to_string()
    };
    assert_eq!(inside.call("/api/v1/runners/start", Some(&start(&other))).0, 403);
    let (status, answer) = inside.call("/api/v1/runners/start", Some(&start(&session)));
    assert_eq!(status, 200, "{answer}");
    wait_for("what the program does", SOON, || mark.exists().then_some(()));

    // Its own lobby, under a user of its own, whatever is asked for.
    let own = json!({
        "name": "Own", "video_settings": {"width": 640, "height": 360, "refresh_rate": 30},
        "audio_settings": {"channel_count": 2}, "runner_state_folder": "/wolf-state/agent-1",
        "client_settings": {"run_uid": 1000}, "stop_when_everyone_leaves": false, "runner": {"type": "process", "run_cmd": "exec sleep 600"},
    });
    let (status, answer) = inside.call("/api/v1/lobbies/create", Some(&own.to_string()));
    assert_eq!(status, 200, "{answer}");
    let own: String = serde_json::from_str::<Value>(&answer).expect("JSON")["lobby_id"].as_str().expect("an id").into();
    let pid = list(&host)
        .iter()
        .find(|lobby| lobby["id"] == own.as_str())
        .map(|lobby| api::pid(&lobby["desktop"]["app_pid"]));
    assert_ne!(uid_of(pid.expect("an app")), 1000);
    let visit = json!({"lobby_id": own, "moonlight_session_id": session}).to_string();
    let (status, answer) = inside.call("/api/v1/lobbies/join", Some(&visit));
    assert_eq!(status, 200, "{answer}");
    let there = list(&host).into_iter().find(|lobby| lobby["id"] == own.as_str()).expect("its lobby");
    assert_eq!(there["connected_sessions"], json!([session]));
    assert_eq!(inside.call("/api/v1/lobbies/leave", Some(&visit)).0, 200);
    stream.wait_frames(3);
    let stop = json!({"lobby_id": own}).to_string();
    let (status, answer) = inside.call("/api/v1/lobbies/stop", Some(&stop));
    assert_eq!(status, 200, "{answer}");
    wait_for("the end of its lobby", SOON, || (list(&host).len() == 1).then_some(()));
    bystander.wait_frames(3);
    stream.quit();
    bystander.quit();
    host.stop();
}

fn uid_of(pid: u32) -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(format!("/proc/{pid}")).expect("a process").uid()
}

#[test]
fn over_tcp_a_token_is_needed() {
    let Some(_turn) = needs::turn(&["curl"]) else { return };
    let scratch = Scratch::new();
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(scratch.join("token"), format!("{token}\n")).expect("write the token");
    let config = format!(
        "[host]\ndiscovery = false\n\n[api]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"{}\"\n",
        scratch.join("token").display()
    );
    let host = Host::with_config(scratch, &config, "127.0.0.1");
    let address = host.ready.api_listen.clone().expect("an address");
    let call = |scheme: &str, token: Option<&str>| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--max-time", "20", "--write-out", "\n%{http_code}"]);
        if let Some(token) = token {
            curl.arg("--header").arg(format!("Authorization: Bearer {token}"));
        }
        let output = curl.arg(format!("{scheme}://{address}/api/v1/sessions")).output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.to_owned(), body.to_owned())
    };
    assert_eq!(call("https", Some(token)), ("200".into(), "{\"sessions\":[],\"success\":true}".into()));
    assert_eq!(call("https", None).0, "401");
    assert_eq!(call("https", Some("0123456789abcdef0123456789abcdeg")).0, "401");
    assert_eq!(call("http", Some(token)).0, "000", "nothing in the clear");
    host.stop();
}

#[test]
fn the_tcp_door_outlives_its_host() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let config = "[host]\ndiscovery = false\n\n[api]\nlisten = \"127.0.0.1:0\"\ntls = false\n\
                  token = \"0123456789abcdef0123456789abcdef\"\n[health]\ncanary_interval = 0\n";
    let mut host = Host::with_config(Scratch::new(), config, "127.0.0.1");
    let address = host.ready.api_listen.clone().expect("an address");
    host.wait_kept();
    for how in ["taken over", "killed"] {
        if how == "killed" {
            host.kill();
            // The keeper holds the port: whoever calls waits for the next host.
            TcpStream::connect(&address).expect("somebody listens");
            host.start_again();
        } else {
            host.take_over();
        }
        assert_eq!(host.ready.api_listen.as_ref(), Some(&address), "{how}");
        let mut caller = TcpStream::connect(&address).expect("the door");
        caller.set_read_timeout(Some(SOON)).expect("a timeout");
        let request = "GET /api/v1/sessions HTTP/1.0\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n";
        caller.write_all(request.as_bytes()).expect("a call");
        let mut answer = String::new();
        caller.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.0 200"), "{how}: {answer}");
        host.wait_kept();
    }
    host.stop();
}

/// The file's permissions keep others out already; who calls is looked at all
/// the same, because permissions can be changed.
#[test]
fn others_who_reach_the_operators_socket_are_refused() {
    let _turn = needs::turn_without_client();
    if !rustix::process::geteuid().is_root() {
        return skip::say("root, who alone can call as another user");
    }
    let host = Host::start();
    std::fs::set_permissions(host.api(), std::fs::Permissions::from_mode(0o777)).expect("open it to all");
    let program = host.scratch.exchange("earthshine");
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_earthshine")).arg(&program).status();
    assert!(copied.is_ok_and(|status| status.success()), "copy our program");
    let call = |uid: u32| {
        let mut command = Command::new(&program);
        command.args(["sessions", "--api-socket"]).arg(host.api()).current_dir("/");
        command.uid(uid).gid(uid).output().expect("run it")
    };
    let refused = call(65_533);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("This socket is for another user"), "{complaint}");
    let welcome = call(0);
    assert!(welcome.status.success(), "{}", String::from_utf8_lossy(&welcome.stderr));
    host.stop();
}

const NEEDED: &[&str] = &["sway", "foot", "pulseaudio", "ffmpeg", "curl"];
