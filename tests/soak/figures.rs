//! The figures of docs/reliability.md that are times: each many times over,
//! with the machine as it is. No figure is judged here.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::churn::setting;
use crate::keystroke;
use crate::support::deadline::SOON;
use crate::support::host::Host;
use crate::support::lobbies::{create, join, leave, pattern_lobby};
use crate::support::players::{self, TEST_CARD, block_on, idr_frames, more_frames, stream, stream_all};
use crate::support::scratch::Scratch;
use crate::support::{api, apps, needs, process};

#[test]
#[ignore = "measures; make figures"]
fn figures() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let rounds: usize = setting("ROUNDS", 20);
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({}));
    let mut host = Host::with_apps(scratch, "");
    let players = players::paired(&host, 8, &["--size", "640x360"]);
    let summary = json!({
        "launch_to_first_frame_warm_ms": {
            "test card": launches(&host, &players[0], TEST_CARD, rounds),
            "desktop": launches(&host, &players[0], "Desktop", rounds),
        },
        "join_to_first_frame_of_the_lobby_ms": joins(&host, &players[0], &wanted, rounds),
        "worker_killed": kills(&host, &players, rounds),
        "keystroke_to_new_picture_ms": keystroke::times(&host, &players[0], rounds * 3),
        "host_killed": host_kills(&mut host, &players),
    });
    println!("{summary:#}");
}

/// Desktop started anew each time; everything else is warm.
fn launches(host: &Host, player: &earthshine::bench::clients::player::Player, app: &str, rounds: usize) -> Value {
    let mut times = Vec::new();
    for round in 0..=rounds {
        block_on(async {
            let number = player.app(app).await.expect("the app");
            let begin = Instant::now();
            let connection = player.begin(earthshine::protocol::gamestream::answer::Verb::Launch, number).await;
            let mut stream = connection.expect("launch").stream().await.expect("stream");
            stream.first_frame(SOON).await.expect("a frame");
            if round > 0 {
                times.push(begin.elapsed());
            }
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
    }
    assert!(api::sessions(host.api()).is_empty());
    quantiles(times)
}

/// From the call to its answer, and to the first frame from there at the client.
fn joins(host: &Host, player: &earthshine::bench::clients::player::Player, wanted: &Value, rounds: usize) -> Value {
    let lobby = create(host, wanted);
    apps::wait_pattern_ready(&host.scratch);
    let (mut answers, mut frames) = (Vec::new(), Vec::new());
    block_on(async {
        let mut stream = stream(player, TEST_CARD).await;
        let session = api::the_session(host.api())["session_id"].as_str().expect("an id").to_owned();
        for _ in 0..rounds {
            let before = idr_frames(&stream);
            let begin = Instant::now();
            let (answered, seen) = std::thread::scope(|scope| {
                let joining = scope.spawn(|| {
                    join(host, &lobby, &session);
                    begin.elapsed()
                });
                let mut seen = None;
                while seen.is_none() && begin.elapsed() < SOON {
                    let now = stream.seen();
                    seen = (now.counts.idr_frames > before).then_some(now.last_frame).flatten();
                    std::thread::sleep(Duration::from_micros(200));
                }
                (joining.join().expect("a join"), seen.expect("an IDR frame") - begin)
            });
            answers.push(answered);
            frames.push(seen);
            more_frames(&mut stream, 5).await;
            let before = idr_frames(&stream);
            leave(host, &lobby, &session);
            players::next_idr(&mut stream, before).await;
            more_frames(&mut stream, 5).await;
        }
        stream.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby}));
    json!({"answer": quantiles(answers), "frame_at_the_client": quantiles(frames)})
}

/// Among eight streams: from SIGKILL to the client's next whole frame, and what
/// the seven others lose meanwhile.
fn kills(host: &Host, players: &[earthshine::bench::clients::player::Player], rounds: usize) -> Value {
    let mut times = Vec::new();
    let (mut lost_by_others, mut frames_of_others, mut killed) = (0, 0, 0);
    // Three deaths inside a minute end a session: eight streams take two each.
    while killed < rounds {
        block_on(async {
            let mut streams = stream_all(players, TEST_CARD).await;
            let mut victims = vec![false; streams.len()];
            let sessions = api::sessions(host.api());
            for session in sessions.iter().take((rounds - killed).min(streams.len() / 2)) {
                let before: Vec<_> = streams.iter().map(idr_frames).collect();
                let begin = Instant::now();
                process::signal(api::pid(&session["worker_pid"]), Signal::KILL);
                let (whose, when) = loop {
                    let moved = streams.iter().zip(&before).position(|(stream, before)| idr_frames(stream) > *before);
                    if let Some(index) = moved {
                        break (index, streams[index].seen().last_frame.expect("a frame"));
                    }
                    assert!(begin.elapsed() < SOON, "no new worker");
                    tokio::time::sleep(Duration::from_micros(200)).await;
                };
                victims[whose] = true;
                times.push(when - begin);
                killed += 1;
                more_frames(&mut streams[whose], 10).await;
            }
            for (stream, victim) in streams.into_iter().zip(victims) {
                let (video, ..) = stream.leave().await.expect("a client that leaves");
                if !victim {
                    lost_by_others += video.counts.frames_lost;
                    frames_of_others += video.counts.frames_complete;
                }
            }
            for player in players {
                player.cancel().await.expect("cancel");
            }
        });
    }
    json!({
        "to_next_frame_ms": quantiles(times),
        "frames_of_the_undisturbed": frames_of_others,
        "frames_lost_by_the_undisturbed": lost_by_others,
    })
}

/// Under eight streams: from SIGKILL of the host to the moment in which the next
/// one has all of them, and what they lose meanwhile. One that outlives more
/// than five hosts in a minute is left.
fn host_kills(host: &mut Host, players: &[earthshine::bench::clients::player::Player]) -> Value {
    let (mut times, mut lost, mut frames) = (Vec::new(), 0, 0);
    block_on(async {
        let mut streams = stream_all(players, TEST_CARD).await;
        for _ in 0..4 {
            let begin = Instant::now();
            host.kill();
            host.start_again();
            let all_stream = || {
                let sessions = api::sessions(host.api());
                sessions.len() == players.len() && sessions.iter().all(|session| session["state"] == "streaming")
            };
            while !all_stream() {
                assert!(begin.elapsed() < SOON, "{:?}", api::sessions(host.api()));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            times.push(begin.elapsed());
            for stream in &mut streams {
                more_frames(stream, 10).await;
            }
        }
        for stream in streams {
            let (video, ..) = stream.leave().await.expect("a client that leaves");
            lost += video.counts.frames_lost;
            frames += video.counts.frames_complete;
        }
        for player in players {
            player.cancel().await.expect("cancel");
        }
    });
    json!({"to_next_host_ms": quantiles(times), "frames": frames, "frames_lost": lost})
}

/// Least, median, 99 of 100, most.
pub(crate) fn quantiles(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |percent: usize| {
        let index = (times.len() * percent).div_ceil(100).max(1) - 1;
        times.get(index).map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
    };
    json!({"times": times.len(), "least": at(0), "p50": at(50), "p99": at(99), "most": at(100)})
}
