//! The host is killed and started again: what lives is adopted (failures 28,
//! 44), what does not is cleaned up, and without another host all of it ends.

use std::fs;

use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::bystander::another_client_can_start;
use crate::support::apps::{self, PATTERN};
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::host::{Host, desktop};
use crate::support::scratch::Scratch;
use crate::support::{api, lobbies, needs, picture, process};

/// A host with the pattern app, whose desktops live for so many seconds without
/// a host.
fn pattern_host(adopt_grace: u32) -> Host {
    let scratch = Scratch::new();
    // Users differ, so only one of them can write the pattern's log.
    let tables = apps::pattern(&scratch, "") + &apps::table("Sleeper", "exec sleep 600");
    let config =
        format!("[host]\ndiscovery = false\n[desktop]\nidle_limit = 60\nadopt_grace = {adopt_grace}\n{tables}");
    Host::with_config(scratch, &config, "127.0.0.1")
}

fn programs(desktop: &Value) -> [u32; 3] {
    ["compositor_pid", "sound_server_pid", "app_pid"].map(|name| api::pid(&desktop[name]))
}

/// Waits until nobody but the host and its keeper is left.
pub(crate) fn settle_alone(host: &Host, files: &std::collections::BTreeSet<std::path::PathBuf>) {
    settle("what the killed host left", SOON * 2, || {
        let strangers: Vec<_> = process::that_know(host.scratch.path())
            .into_iter()
            .filter(|process| process.pid != host.pid() && process.parent != host.pid())
            .collect();
        let left = process::files(&host.runtime_dir());
        let left: Vec<_> = left.difference(files).collect();
        if strangers.is_empty() && left.is_empty() { Ok(()) } else { Err(format!("{strangers:?} {left:?}")) }
    });
}

#[test]
fn resume_after_a_crash_shows_the_same_application() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let mut stream = device.stream(&Wanted::app(PATTERN));
    apps::wait_pattern_ready(&host.scratch);
    stream.wait_frames(30);
    let before = api::the_session(host.api());
    let first_files = stream.files.clone();
    stream.stop();
    let first = picture::last(&first_files.video, Size::new(1280, 720)).marker().expect("a marker");
    wait_for("the session to pause", SOON, || (api::the_session(host.api())["state"] == "paused").then_some(()));

    host.kill();
    host.start_again();

    let session = api::the_session(host.api());
    assert_eq!(session["state"], "paused");
    for same in ["session_id", "client_id", "app", "desktop"] {
        assert_eq!(session[same], before[same], "{same}");
    }
    let info = device.run(&["serverinfo", "--https"]).expect("serverinfo");
    assert_eq!((&info["PairStatus"], &info["state"]), (&"1".into(), &"SUNSHINE_SERVER_BUSY".into()));

    let size = Size::new(1600, 900);
    let wanted = Wanted { verb: "resume", width: size.width, height: size.height, ..Wanted::app(PATTERN) };
    let mut stream = device.stream(&wanted);
    stream.wait_frames(30);
    assert_eq!(desktop(&host), before["desktop"], "the desktop is the same");
    // Its programs are nobody's children now; their ends are seen all the same.
    process::signal(api::pid(&before["desktop"]["sound_server_pid"]), Signal::KILL);
    wait_for("another sound server", SOON, || {
        (desktop(&host)["sound_server_pid"] != before["desktop"]["sound_server_pid"]).then_some(())
    });
    stream.wait_frames(30);
    let last_files = stream.files.clone();
    stream.quit();
    let last = picture::last(&last_files.video, size).marker().expect("a marker");
    assert!(last.number > first.number, "{last:?} after {first:?}");
    settle_alone(&host, &files);
    another_client_can_start(&host);
    host.stop();
}

#[test]
fn end_of_an_adopted_application_ends_its_session() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let mut stream = device.stream(&Wanted::app(PATTERN));
    stream.wait_frames(10);
    stream.stop();
    host.kill();
    host.start_again();
    let left = programs(&desktop(&host));
    process::signal(left[2], Signal::KILL);
    settle("the session's end", SOON, || match api::sessions(host.api()).as_slice() {
        [] => Ok(()),
        sessions => Err(format!("{sessions:?}")),
    });
    settle_alone(&host, &files);
    host.stop();
}

#[test]
fn lobbies_outlive_their_host() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let changes = json!({"pin": [1, 2, 3, 4], "idempotency_key": "mine", "runner_state_folder": ""});
    let wanted = lobbies::pattern_lobby(&host.scratch, &changes);
    let lobby = lobbies::create(&host, &wanted);
    let before = lobbies::list(&host).remove(0);

    host.kill();
    host.start_again();

    let after = lobbies::list(&host).remove(0);
    for same in ["id", "name", "pin_required", "runner", "idempotency_key", "desktop", "video_width", "multi_user"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["connected_sessions"], json!([]));
    assert_eq!(lobbies::create(&host, &wanted), lobby, "the same key finds the same lobby");
    let mut stream = device.stream(&Wanted { width: 640, height: 360, ..Wanted::app("Test card") });
    let session = lobbies::session_of_width(&host, 640);
    let join = |pin: Value| {
        let body = json!({"lobby_id": lobby, "moonlight_session_id": session, "pin": pin});
        api::request(host.api(), "/api/v1/lobbies/join", Some(&body)).expect("an answer").status
    };
    assert_ne!(join(json!([4, 3, 2, 1])), 200, "a wrong PIN");
    assert_eq!(join(json!([1, 2, 3, 4])), 200);
    stream.wait_frames(30);
    let video = stream.files.video.clone();
    stream.quit();
    assert!(lobbies::shows_pattern(&video, Size::new(640, 360)).last().copied().unwrap_or_default());
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby, "pin": [1, 2, 3, 4]}));
    settle_alone(&host, &files);
    host.stop();
}

#[test]
fn what_cannot_be_adopted_is_cleaned_up() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    host.wait_kept();
    let files = process::files(&host.runtime_dir());
    let devices = ["torn", "dead"].map(|name| Device::paired(&host, name));
    for device in &devices {
        let mut stream = device.stream(&Wanted::app("Sleeper"));
        stream.wait_frames(10);
        stream.stop();
    }
    let sessions = api::sessions(host.api());
    assert_eq!(sessions.len(), 2);
    host.kill();
    let record = host.runtime_dir().join("sessions/1.json");
    let content = fs::read(&record).expect("the record of the first session");
    fs::write(&record, &content[..content.len() / 2]).expect("a torn record");
    process::signal(api::pid(&sessions[1]["desktop"]["app_pid"]), Signal::KILL);
    host.start_again();

    assert!(api::sessions(host.api()).is_empty());
    settle_alone(&host, &files);
    let log = host.log();
    assert!(log.contains("torn") && log.contains("its application has ended"), "the log says why");
    another_client_can_start(&host);
    host.stop();
}

#[test]
fn without_another_host_everything_ends() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(1);
    let device = Device::paired(&host, "device");
    let sleeper = json!({"runner": {"type": "process", "run_cmd": "exec sleep 600"}});
    lobbies::create(&host, &lobbies::pattern_lobby(&host.scratch, &sleeper));
    let mut stream = device.stream(&Wanted::app(PATTERN));
    stream.wait_frames(10);
    host.kill();
    stream.vanish();
    settle("the end of all", SOON, || {
        let left = process::that_know(host.scratch.path());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    let sockets = process::unix_sockets(host.scratch.path());
    assert!(sockets.is_empty(), "{sockets:?}");
}

#[test]
fn a_killed_keeper_is_replaced_and_a_stopped_one_is_not_waited_for() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let mut host = pattern_host(60);
    let device = Device::paired(&host, "device");
    let keeper = || {
        let all = process::all();
        let of_host = |process: &&process::Process| process.parent == host.pid() && process.state != 'Z';
        all.iter().filter(of_host).find(|process| process.command.contains(" keeper ")).map(|process| process.pid)
    };
    let first = wait_for("a keeper", SOON, keeper);
    process::signal(first, Signal::KILL);
    let second = wait_for("another keeper", SOON, || keeper().filter(|pid| *pid != first));
    let mut stream = device.stream(&Wanted::app(PATTERN));
    stream.wait_frames(10);
    stream.stop();
    let before = desktop(&host);
    process::signal(second, Signal::STOP);
    host.kill();
    host.start_again();
    assert_eq!(desktop(&host), before);
    assert!(!process::is_alive(second), "it held the ports");
    host.stop();
}
