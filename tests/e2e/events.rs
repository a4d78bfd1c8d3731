//! A session's life and a lobby's, as a subscriber sees them.

use serde_json::{Value, json};

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::events::{Subscriber, Told};
use crate::support::host::Host;
use crate::support::lobbies::{create, leave, pattern_lobby, stop};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn lives_are_told_in_order() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"pin": [4, 7, 1, 1]}));
    let unlocked = pattern_lobby(&scratch, &json!({}));
    let host = Host::with_apps(scratch, "");
    let subscriber = Subscriber::new(host.api(), None);
    let device = Device::paired(&host, "device");
    let locked = create(&host, &wanted);
    let lobby = create(&host, &unlocked);
    let mut stream = device.stream(&Wanted::app("Desktop"));
    stream.wait_frames(5);
    let view = api::the_session(host.api());
    let session = view["session_id"].as_str().expect("an id").to_owned();
    join_patiently(&host, &lobby, &session);
    leave(&host, &lobby, &session);
    let worker = api::the_session(host.api())["worker_pid"].clone();
    process::signal(api::pid(&worker), rustix::process::Signal::KILL);
    let failed = subscriber.wait("WorkerFailed", |told| told.data["pid"] == worker);
    subscriber.wait("WorkerReplaced", |told| told.id > failed.id);
    stream.wait_frames(5);
    stream.quit();
    stop_with_pin(&host, &locked);
    stop(&host, &lobby);
    subscriber.wait("StopLobbyEvent", |told| told.data == json!({"lobby_id": lobby}));
    subscriber.wait("StopStreamEvent", |_| true);

    let heard = subscriber.heard();
    let numbers: Vec<_> = heard[1..].iter().map(|told| told.id).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no number is missing: {numbers:?}");
    assert_order(
        &heard,
        |told| told.data["session_id"] == session || told.data["client_id"] == session,
        &[
            "StartRunner",
            "StreamSession",
            "VideoSession",
            "AudioSession",
            "WorkerReady",
            "SwitchStreamProducerEvents",
            "SwitchStreamProducerEvents",
            "SessionEnding",
            "StopStreamEvent",
        ],
    );
    // The client leaves before it quits; whether that is heard first is chance.
    let of_session = |told: &Told| told.data["session_id"] == session;
    assert_order(&heard, of_session, &["WorkerReady", "PauseStreamEvent", "StopStreamEvent"]);
    for ping in ["RTPVideoPingEvent", "RTPAudioPingEvent"] {
        let told = subscriber.wait(ping, |_| true);
        assert_eq!((&told.data["client_ip"], &told.data["session_id"]), (&json!("127.0.0.1"), &json!(session)));
    }
    assert_order(
        &heard,
        |told| told.data["lobby_id"] == lobby || told.data["id"] == lobby,
        &["CreateLobbyEvent", "JoinLobbyEvent", "LeaveLobbyEvent", "LobbyEnding", "StopLobbyEvent"],
    );
    assert_order(&heard, |_| true, &["PairSignal", "ClientPaired", "StreamSession"]);

    let created = subscriber.wait("CreateLobbyEvent", |told| told.data["id"] == locked).data;
    assert_eq!((&created["pin_required"], &created["pin"]), (&json!(true), &Value::Null), "a PIN is not told");
    assert_eq!(created["runner"], wanted["runner"], "word for word");
    let video = subscriber.wait("VideoSession", |_| true).data;
    assert_eq!((&video["display_mode"]["width"], &video["port"]), (&json!(1280), &json!(host.ready.video)));
    let why = subscriber.wait("SessionEnding", |_| true).data;
    assert_eq!(why["reason"], "cancelled");

    // Who comes back hears the same again.
    let again = Subscriber::new(host.api(), Some(heard[3].id));
    again.wait("StopLobbyEvent", |told| told.data == json!({"lobby_id": lobby}));
    assert_eq!(again.heard()[1..][..heard.len() - 4], heard[4..]);
    assert_eq!(again.heard()[0].data["instance"], heard[0].data["instance"]);
    host.stop();
}

/// That these come in this order among what `wanted` picks; others may be
/// between them.
fn assert_order(heard: &[Told], wanted: impl Fn(&Told) -> bool, names: &[&str]) {
    let picked: Vec<_> = heard.iter().filter(|told| wanted(told)).map(Told::short).collect();
    let mut rest = picked.iter();
    for name in names {
        assert!(rest.any(|told| told == name), "{name} is not where it belongs in {picked:?}");
    }
}

/// A busy machine may need more than the time that one join has.
fn join_patiently(host: &Host, lobby: &str, session: &str) {
    let visit = json!({"lobby_id": lobby, "moonlight_session_id": session});
    wait_for("the join", SOON, || {
        let answer = api::request(host.api(), "/api/v1/lobbies/join", Some(&visit)).ok()?;
        (answer.status == 200).then_some(())
    });
}

fn stop_with_pin(host: &Host, lobby: &str) {
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby, "pin": [4, 7, 1, 1]}));
}
