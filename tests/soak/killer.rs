//! Breaks something every few seconds: workers, compositors, sound servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::api;
use crate::support::chance::Chance;

/// Until time is up; how often what was broken.
pub(crate) async fn run(socket: PathBuf, mut chance: Chance, until: Instant) -> BTreeMap<&'static str, u64> {
    let mut done = BTreeMap::new();
    while Instant::now() < until {
        tokio::time::sleep(chance.millis(2000, 8000)).await;
        let path = socket.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || victims(&path)).await else { continue };
        let kind = *chance.of(KINDS).expect("some");
        let (what, signal) = kind;
        let of_kind: Vec<u32> = found.iter().filter(|(name, _)| *name == what).map(|(_, pid)| *pid).collect();
        let Some(pid) = chance.of(&of_kind).and_then(|pid| i32::try_from(*pid).ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // It may have ended by itself a moment ago.
        if kill_process(pid, signal).is_ok() {
            let name = match (what, signal) {
                ("worker", Signal::KILL) => "worker killed",
                ("worker", _) => "worker stopped",
                ("compositor", Signal::KILL) => "compositor killed",
                ("compositor", _) => "compositor stopped",
                (_, Signal::KILL) => "sound server killed",
                _ => "sound server stopped",
            };
            *done.entry(name).or_insert(0) += 1;
        }
    }
    done
}

/// Who could be broken: kind and process id.
fn victims(socket: &Path) -> Vec<(&'static str, u32)> {
    let mut found = Vec::new();
    for (path, list) in [("/api/v1/sessions", "sessions"), ("/api/v1/lobbies", "lobbies")] {
        let Ok(answer) = api::request(socket, path, None) else { continue };
        let Ok(value) = serde_json::from_slice::<Value>(&answer.body) else { continue };
        for entry in value[list].as_array().into_iter().flatten() {
            let pids = [
                ("worker", &entry["worker_pid"]),
                ("compositor", &entry["desktop"]["compositor_pid"]),
                ("sound server", &entry["desktop"]["sound_server_pid"]),
            ];
            let of = |(kind, pid): (&'static str, &Value)| Some((kind, u32::try_from(pid.as_u64()?).ok()?));
            found.extend(pids.into_iter().filter_map(of).filter(|(_, pid)| *pid != 0));
        }
    }
    found
}

/// Workers die most often.
const KINDS: &[(&str, Signal)] = &[
    ("worker", Signal::KILL),
    ("worker", Signal::KILL),
    ("worker", Signal::STOP),
    ("compositor", Signal::KILL),
    ("compositor", Signal::STOP),
    ("sound server", Signal::KILL),
    ("sound server", Signal::STOP),
];
