//! docs/reliability.md, 50 (and 22, 29, 44 in their long forms): clients come and go and
//! visit lobbies while their workers, compositors and sound servers are killed
//! and stopped at random. For as long as that goes on, nobody needs an
//! operator, and what the host holds stays flat.
//!
//! `SOAK_MINUTES` (30), `SOAK_CLIENTS` (8), `SOAK_SEED`. Every test run has a
//! little of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::resources::{Sample, mean};
use crate::support::chance::Chance;
use crate::support::deadline::settle;
use crate::support::host::Host;
use crate::support::lobbies::create;
use crate::support::players::{self, TEST_CARD, block_on, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};
use crate::visitor::{Tally, Visitor};
use crate::{killer, support};

#[test]
#[ignore = "takes half an hour; make soak"]
fn churn_with_random_kills_needs_no_operator() {
    let minutes: f64 = setting("SOAK_MINUTES", 30.0);
    churn(Duration::from_secs_f64(minutes * 60.0), setting("SOAK_CLIENTS", 8), 20);
}

#[test]
fn a_little_churn_needs_no_operator_either() {
    churn(Duration::from_secs(20), 4, 2);
}

/// With so many clients, whose desktops wait for them for `idle_limit` seconds.
fn churn(length: Duration, clients: usize, idle_limit: u32) {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let mut chance = Chance::from_environment();
    // Desktops of clients that do not come back shall not pile up; and a machine
    // that is too small for the soak shall be slow, not turn clients away.
    let config = format!(
        "[host]\ndiscovery = false\nmax_sessions = 32\n\n[desktop]\nidle_limit = {idle_limit}\n\n\
         [admission]\ncpu_percent = 0\n"
    );
    let host = Host::with_config(Scratch::new(), &config, "127.0.0.1");
    let players = players::paired(&host, clients, &[]);
    block_on(async {
        for app in [TEST_CARD, "Desktop"] {
            stream(&players[0], app).await.leave().await.expect("a client that leaves");
        }
        players[0].cancel().await.expect("cancel");
    });
    let before = host.holdings();

    let begin = Instant::now();
    let until = begin + length;
    let tally = Arc::new(Tally::default());
    let (failures, kills, samples, lobbies_made) = block_on(async {
        let visitors: Vec<_> = players
            .into_iter()
            .map(|player| {
                let (socket, tally) = (host.api().to_owned(), Arc::clone(&tally));
                tokio::spawn(Visitor { player, chance: chance.split(), socket, tally, until }.run())
            })
            .collect();
        let killing = tokio::spawn(killer::run(host.api().to_owned(), chance.split(), until));
        let (mut samples, mut lobbies_made, mut unwell) = (Vec::new(), 0_u64, Vec::new());
        while Instant::now() < until {
            lobbies_made += keep_lobbies(&host);
            samples.push(Sample::of(&host));
            if !process::is_alive(host.pid()) {
                unwell.push("the host is gone".to_owned());
                break;
            }
            eprintln!(
                "{:>5} s: {:?}; {} launches, {} frames",
                begin.elapsed().as_secs(),
                samples.last().expect("just pushed"),
                tally.launches.load(Ordering::Relaxed),
                tally.frames.load(Ordering::Relaxed),
            );
            tokio::time::sleep(SAMPLING.min(until.saturating_duration_since(Instant::now()))).await;
        }
        for visitor in visitors {
            if let Err(why) = visitor.await.unwrap_or_else(|error| Err(error.to_string())) {
                unwell.push(why);
            }
        }
        let kills = killing.await.expect("the killer");
        (unwell, kills, samples, lobbies_made)
    });
    for lobby in support::lobbies::list(&host) {
        api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby["id"], "force": true}));
    }
    // Also those of clients that vanished and never came back.
    settle("the end of all sessions", Duration::from_secs(90), || match api::sessions(host.api()).len() {
        0 => Ok(()),
        left => Err(format!("{left} sessions")),
    });

    let third = samples.len() / 3;
    let (early, late) = (&samples[third..2 * third], &samples[2 * third..]);
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let summary = json!({
        "minutes": begin.elapsed().as_secs_f64() / 60.0,
        "clients": clients,
        "operator_actions": failures.len(),
        "failures": failures,
        "launches": count(&tally.launches),
        "second_attempts": count(&tally.second_attempts),
        "slowest_first_frame_ms": count(&tally.slowest_first_frame_ms),
        "frames": count(&tally.frames),
        "lobby_switches": count(&tally.switches),
        "lobby_switches_refused": count(&tally.refused_switches),
        "streams_ended_by_host": count(&tally.ended_by_host),
        "lobbies_made": lobbies_made,
        "kills": kills,
        "second_third": of(early),
        "last_third": of(late),
        "end": Sample::of(&host),
        "most_close_wait": samples.iter().map(|sample| sample.close_wait).max(),
    });
    println!("{summary:#}");
    assert_eq!(failures, [] as [String; 0], "somebody would have called an operator");
    host.assert_nothing_left(&before);
    let grown = mean(late, |sample| sample.resident_kib).saturating_sub(mean(early, |sample| sample.resident_kib));
    assert!(third == 0 || grown < 8 * 1024, "resident memory grew by {grown} KiB");
    host.stop();
}

/// Two lobbies that everybody may visit; makes those anew that have ended.
fn keep_lobbies(host: &Host) -> u64 {
    let before = support::lobbies::list(host).len();
    for key in ["first", "second"] {
        let wanted = json!({
            "profile_id": "soak",
            "name": key,
            "idempotency_key": key,
            "stop_when_everyone_leaves": false,
            "video_settings": {"width": 640, "height": 360, "refresh_rate": 30},
            "audio_settings": {"channel_count": 2},
            "runner_state_folder": key,
            "runner": {"type": "process", "run_cmd": "exec foot sh -c 'while sleep 0.1; do date +%N; done'"},
        });
        create(host, &wanted);
    }
    u64::try_from(support::lobbies::list(host).len().saturating_sub(before)).expect("two")
}

fn of(samples: &[Sample]) -> Value {
    let mean = |field: fn(&Sample) -> u64| mean(samples, field);
    json!({
        "sessions": mean(|sample| sample.sessions as u64),
        "descriptors": mean(|sample| sample.descriptors as u64),
        "threads": mean(|sample| sample.threads as u64),
        "resident_kib": mean(|sample| sample.resident_kib),
        "tcp_sockets": mean(|sample| sample.tcp_sockets as u64),
    })
}

/// A number out of the environment.
pub(crate) fn setting<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

const SAMPLING: Duration = Duration::from_secs(5);
