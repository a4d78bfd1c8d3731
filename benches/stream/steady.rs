//! A stream in its stride: stages, rates, processor time, memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(crate) use earthshine::bench::scrape::STAGES;
use earthshine::bench::scrape::{Distribution, Scrape};
use earthshine::bench::usage::{Family, Memory, ProcessorTime};
use serde::Serialize;

use crate::support::api;
use crate::support::client::{Device, Stream, Wanted};
use crate::support::host::{Host, metrics};

/// Size, rate and bit rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
    pub(crate) bitrate_kbps: u32,
}

impl Mode {
    /// As people write it.
    pub(crate) fn name(&self) -> String {
        format!("{}x{}@{}", self.width, self.height, self.fps)
    }

    /// An order for an app in this mode.
    pub(crate) fn of(&self, app: &str) -> Wanted {
        let Self { width, height, fps, bitrate_kbps } = *self;
        Wanted { width, height, fps, bitrate_kbps, ..Wanted::app(app) }
    }
}

/// The modes that are measured.
pub(crate) const MODES: [Mode; 2] = [
    Mode { width: 1280, height: 720, fps: 60, bitrate_kbps: 10_000 },
    Mode { width: 1920, height: 1080, fps: 60, bitrate_kbps: 20_000 },
];

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    pub(crate) name: &'static str,
    pub(crate) app: &'static str,
    /// `None`: an app that the host has anyway.
    pub(crate) command: Option<&'static str>,
}

/// The contents that are measured.
pub(crate) const CONTENTS: [Content; 4] = [
    Content { name: "still desktop", app: "Desktop", command: None },
    Content { name: "scrolling text", app: "Text", command: Some(SCROLLING_TEXT) },
    Content { name: "small change", app: "Pattern", command: Some("exec {pattern_window} --log /dev/null") },
    Content { name: "game-like", app: "Game", command: Some("exec {pattern_window} --game --log /dev/null") },
];

/// A terminal over the whole screen, a line of text about fifty times a second.
const SCROLLING_TEXT: &str = "exec foot --fullscreen sh -c 'i=0; while :; do i=$((i+1)); \
    printf \"%06d  the quick brown fox jumps over the lazy dog %d times in %x tries, and so on\\n\" $i $((i%97)) $((i*7919)); \
    sleep 0.016; done'";

/// What was measured of one stream.
#[derive(Debug, Serialize)]
pub(crate) struct Steady {
    pub(crate) mode: String,
    pub(crate) content: &'static str,
    pub(crate) seconds: f64,
    /// Milliseconds by stage.
    pub(crate) stages: BTreeMap<&'static str, Distribution>,
    /// Frames a second that the client received.
    pub(crate) received: f64,
    /// Frames a second by counter of the worker.
    pub(crate) worker_frames: BTreeMap<&'static str, f64>,
    /// Of access units, without headers and parity.
    pub(crate) megabits: f64,
    /// Frames that never came, of all since the launch.
    pub(crate) skipped: f64,
    /// Per cent of one core, by process.
    pub(crate) processor: BTreeMap<&'static str, f64>,
    pub(crate) worker_memory: Memory,
    pub(crate) host_memory: Memory,
}

/// One moment.
struct Look {
    at: Instant,
    scrape: Scrape,
    received: f64,
    skipped: f64,
    processor: ProcessorTime,
}

/// Streams one content in one mode and quits.
pub(crate) fn measure(host: &Host, device: &Device, mode: Mode, content: Content, length: Duration) -> Steady {
    let mut stream = device.stream(&mode.of(content.app));
    std::thread::sleep(WARM_UP);
    let session = api::the_session(host.api());
    let worker = api::pid(&session["worker_pid"]);
    let desktop = |name: &str| api::pid(&session["desktop"][name]);
    let processes = [
        ("worker", worker, Family::Alone),
        ("host", host.pid(), Family::Alone),
        ("compositor", desktop("compositor_pid"), Family::Alone),
        ("sound server", desktop("sound_server_pid"), Family::Alone),
        ("application", desktop("app_pid"), Family::WithDescendants),
        ("client", stream.pid(), Family::Alone),
    ];
    let before = Look::at(host, &mut stream, &processes);
    std::thread::sleep(length);
    let after = Look::at(host, &mut stream, &processes);
    let (worker_memory, host_memory) = (Memory::of(worker), Memory::of(host.pid()));
    stream.quit();
    let seconds = (after.at - before.at).as_secs_f64();
    let growth = |name| after.scrape.growth(&before.scrape, name);
    Steady {
        mode: mode.name(),
        content: content.name,
        seconds,
        stages: STAGES.map(|stage| (stage, after.scrape.stage(&before.scrape, stage))).into(),
        received: (after.received - before.received) / seconds,
        worker_frames: FRAMES.map(|name| (name, growth(name) / seconds)).into(),
        megabits: growth("encoded_bytes") * 8.0 / 1e6 / seconds,
        skipped: after.skipped,
        processor: after.processor.percent_since(&before.processor, seconds),
        worker_memory,
        host_memory,
    }
}

impl Look {
    fn at(host: &Host, stream: &mut Stream, processes: &[(&'static str, u32, Family)]) -> Self {
        let stats = stream.stats();
        let number = |name: &str| stats[name].as_f64().expect("a number");
        Self {
            at: Instant::now(),
            scrape: Scrape::parse(&metrics(host)),
            received: number("frames"),
            skipped: number("skipped_frames"),
            processor: ProcessorTime::look(processes),
        }
    }
}

const FRAMES: [&str; 4] = ["frames_captured", "frames_replaced", "frames_encoded", "frames_dropped"];

/// Until rate control has found its level and applications have started.
const WARM_UP: Duration = Duration::from_secs(3);
