//! docs/reliability.md, 36: with more programs that want the processor than there are
//! processors, streams go on without a loss, the API answers, and the time from
//! capture to each stage is there to be read. A worker that gets no processor at
//! all is not taken for one that hangs, and one that hangs still is. Threads that frames
//! wait for go before others, where the system allows it.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metrics};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream_all};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
fn streams_go_on_while_every_processor_is_busy() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let players = players::paired(&host, 2, &[]);
    block_on(async {
        let mut streams = stream_all(&players, TEST_CARD).await;
        let busy = Busy::start(2 * processors());
        for stream in &mut streams {
            more_frames(stream, 45).await;
        }
        assert_eq!(api::sessions(host.api()).len(), 2);
        let exported = metrics(&host);
        for stage in ["converted", "encoded", "first_packet", "last_packet"] {
            let series = format!("earthshine_stage_seconds_bucket{{stage=\"{stage}\"");
            assert!(
                exported.contains(&series) || exported.contains(&format!("stage=\"{stage}\"")),
                "{stage}: {exported}"
            );
        }
        drop(busy);
        for stream in streams {
            let (video, ..) = stream.leave().await.expect("a client that leaves");
            assert_eq!(video.counts.frames_lost, 0, "{video:?}");
            eprintln!("f36: frame to frame {:?}, in the host {:?}", video.frame_gap_ms, video.host_latency_ms);
        }
    });
}

#[test]
fn a_worker_without_a_processor_is_waited_for_and_one_that_hangs_is_not() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    let players = players::paired(&host, 1, &[]);
    block_on(async {
        let mut stream = stream_all(&players, TEST_CARD).await.pop().expect("a stream");
        let session = api::the_session(host.api());
        let worker = api::pid(&session["worker_pid"]);

        // It gets a turn every few seconds, or none.
        let busy = Busy::on_the_first(6);
        run("taskset", &["-acp", "0", &worker.to_string()]);
        run("chrt", &["-a", "-i", "-p", "0", &worker.to_string()]);
        wait_for("a worker that starves", SOON, || (told(&host, "WorkerStarved") > 0).then_some(()));
        drop(busy);
        more_frames(&mut stream, 30).await;
        let now = api::the_session(host.api());
        assert_eq!((&now["worker_pid"], &now["worker_restarts"]), (&session["worker_pid"], &0.into()));
        assert_eq!(told(&host, "WorkerHung"), 0);

        // Stopped beside the same load, it does not only wait for its turn.
        let _busy = Busy::on_the_first(6);
        process::signal(worker, Signal::STOP);
        wait_for("a worker that hangs", SOON, || (told(&host, "WorkerHung") > 0).then_some(()));
        more_frames(&mut stream, 30).await;
        let now = api::the_session(host.api());
        assert_eq!(now["worker_restarts"], 1, "{now}");
        stream.leave().await.expect("a client that leaves");
    });
}

#[test]
fn threads_that_frames_wait_for_go_first_unless_that_is_off() {
    let _turn = needs::turn_without_client();
    let findings = Command::new(env!("CARGO_BIN_EXE_earthshine")).args(["doctor", "--json"]).output().expect("doctor");
    let findings: serde_json::Value = serde_json::from_slice(&findings.stdout).expect("JSON");
    let findings = findings["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|finding| finding["name"] == "real time").expect("whether it is allowed");
    let allowed = finding["verdict"] == "ok";
    for wanted in [true, false] {
        let config = format!("[host]\ndiscovery = false\nreal_time = {wanted}\n\n[health]\ncanary_interval = 60\n");
        let host = Host::with_config(Scratch::new(), &config, "127.0.0.1");
        let players = players::paired(&host, 1, &[]);
        block_on(async {
            let mut stream = stream_all(&players, TEST_CARD).await.pop().expect("a stream");
            more_frames(&mut stream, 30).await;
            let worker = api::pid(&api::the_session(host.api())["worker_pid"]);
            let first: BTreeSet<_> = process::real_time_threads(worker).into_iter().collect();
            // The test card is painted by `capture`, which takes long.
            let urgent = ["send", "audio", "input"].map(str::to_owned);
            assert_eq!(first, if wanted && allowed { urgent.into() } else { BTreeSet::new() });
            stream.leave().await.expect("a client that leaves");
        });
    }
}

/// How often an event was told.
fn told(host: &Host, event: &str) -> u64 {
    let line = format!("earthshine_events_total{{event=\"{event}\"}} ");
    let text = metrics(host);
    text.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Endless loops; ended when dropped.
struct Busy(Vec<Child>);

impl Busy {
    fn start(loops: usize) -> Self {
        let endless = || Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn();
        Self((0..loops).map(|_| endless().expect("sh")).collect())
    }

    /// All of them on the first processor.
    fn on_the_first(loops: usize) -> Self {
        let busy = Self::start(loops);
        for child in &busy.0 {
            run("taskset", &["-cp", "0", &child.id().to_string()]);
        }
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
