//! Moments that a person waits in: a launch, and a worker's death.
//!
//! Both are taken by the client's clock, from its own events, so that the
//! start of its Python does not count.

use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::steady::MODES;
use crate::support::client::{Device, Stream};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::{api, process};

/// Samples in milliseconds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Moments {
    pub(crate) mode: String,
    pub(crate) launches: Vec<Launch>,
    /// From SIGKILL to the next IDR frame.
    pub(crate) recoveries: Vec<f64>,
}

/// One launch of a desktop, all from the HTTPS request on.
#[derive(Debug, Serialize)]
pub(crate) struct Launch {
    /// The host has answered: the desktop runs.
    pub(crate) answered: f64,
    /// RTSP is done: the worker was started.
    pub(crate) announced: f64,
    /// The client core says that it is connected.
    pub(crate) connected: f64,
    /// The client has its first frame.
    pub(crate) first_frame: f64,
}

/// Launches and quits `count` times, and kills as many workers: two of every
/// second session, because three deaths within a minute end one.
pub(crate) fn measure(host: &Host, device: &Device, count: u32) -> Moments {
    let mode = MODES[1];
    let mut moments = Moments { mode: mode.name(), ..Moments::default() };
    for number in 0..count {
        let mut stream = device.stream(&mode.of(APP));
        stream.wait_event("connection_started", SOON);
        moments.launches.push(Launch::of(&stream));
        std::thread::sleep(SETTLE);
        if number % 2 == 0 {
            for _ in 0..2 {
                moments.recoveries.push(kill_worker(host, &mut stream));
                std::thread::sleep(SETTLE);
            }
        }
        stream.quit();
        wait_for("the session's end", SOON, || api::sessions(host.api()).is_empty().then_some(()));
    }
    moments
}

impl Launch {
    fn of(stream: &Stream) -> Self {
        let events = stream.events();
        let time = |what: &str, wanted: &dyn Fn(&Value) -> bool| {
            let event = events.iter().find(|event| wanted(event));
            event.and_then(|event| event["t"].as_f64()).unwrap_or_else(|| panic!("the client never said {what}"))
        };
        let named = |name: &str| time(name, &|event| event["event"] == name);
        let begin = named("launching");
        let since = |then: f64| (then - begin) * 1e3;
        let rtsp = |event: &Value| event["state"] == "complete" && event["stage"] == "RTSP handshake";
        Self {
            answered: since(named("session")),
            announced: since(time("that RTSP is done", &rtsp)),
            connected: since(named("connection_started")),
            first_frame: since(named("first_frame")),
        }
    }
}

/// Milliseconds from the kill to the next IDR frame in the client's hands.
fn kill_worker(host: &Host, stream: &mut Stream) -> f64 {
    let worker = wait_for("a worker", SOON, || {
        let pid = api::pid(&api::the_session(host.api())["worker_pid"]);
        process::is_alive(pid).then_some(pid)
    });
    // Its answer is the client's clock just before the kill.
    let killed = stream.order(json!({"do": "mark"}));
    process::signal(worker, Signal::KILL);
    let killed = killed["t"].as_f64().expect("a time");
    stream.wait_idr();
    let idr = stream.files.frame_records().into_iter().find_map(|frame| {
        let time = frame["t"].as_f64()?;
        (frame["type"] == 1 && time > killed).then_some(time)
    });
    (idr.expect("the frame that was waited for") - killed) * 1e3
}

/// The app of these moments: the one that everybody has.
const APP: &str = "Desktop";

/// Between one disturbance and the next.
const SETTLE: Duration = Duration::from_secs(2);
