//! docs/reliability.md, 14 and 19: what one session costs, and that a thousand launches
//! and quits leave host memory, threads and descriptors where they were.
//!
//! `SOAK_CYCLES` (1000).

use std::time::{Duration, Instant};

use serde_json::json;

use crate::churn::setting;
use crate::resources::Sample;
use crate::support::deadline::settle;
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

#[test]
#[ignore = "takes many minutes; make figures"]
fn a_thousand_cycles_are_flat() {
    let _turn = needs::whole_machine_without_client();
    come_and_go(&Host::start());
}

#[test]
#[ignore = "takes many minutes; make figures"]
fn a_thousand_cycles_leave_nothing_in_an_encode_driver() {
    let _turn = needs::whole_machine_without_client();
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\"", "");
    let cycles = come_and_go(&host);
    drivers.assert_clean();
    let opened = drivers.reports("open ").len();
    assert!(opened >= cycles, "{opened} encode sessions in {cycles} cycles");
}

/// How often: [`SOAK_CYCLES`](self).
fn come_and_go(host: &Host) -> usize {
    let cycles: usize = setting("SOAK_CYCLES", 1000);
    let player = players::paired(host, 1, &["--size", "160x90", "--fps", "10"]).remove(0);
    let before = Sample::of(host);
    let mut samples = Vec::new();
    let mut times = Vec::new();
    for cycle in 0..cycles {
        let begin = Instant::now();
        block_on(async {
            let stream = stream(&player, TEST_CARD).await;
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        times.push(begin.elapsed());
        if cycle % (cycles / 10).max(1) == (cycles / 10).max(1) - 1 {
            settle("the end of the worker", Duration::from_secs(30), || match host.workers() {
                gone if gone.is_empty() => Ok(()),
                left => Err(format!("{left:?}")),
            });
            samples.push(Sample::of(host));
            eprintln!("{:>5} cycles: {:?}", cycle + 1, samples.last().expect("just pushed"));
        }
    }
    let tenth = (cycles / 10).max(1);
    let mean = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64() * 1000.0 / times.len() as f64;
    let summary = json!({
        "cycles": cycles,
        "first_tenth_ms": mean(&times[..tenth]),
        "last_tenth_ms": mean(&times[cycles - tenth..]),
        "samples": samples,
    });
    println!("{summary:#}");
    let (first, last) = (samples.first().expect("samples"), samples.last().expect("samples"));
    assert_eq!((last.sessions, last.close_wait), (0, 0), "{last:?}");
    // A canary may be on its way.
    assert!(last.children <= before.children + 1, "{before:?} {last:?}");
    assert!(last.descriptors <= first.descriptors + 2, "{first:?} {last:?}");
    // The blocking pool has more or fewer idle threads from moment to moment.
    assert!(last.threads <= first.threads + 8, "{first:?} {last:?}");
    assert!(last.resident_kib < first.resident_kib + 8 * 1024, "{first:?} {last:?}");
    cycles
}

#[test]
#[ignore = "measures; make figures"]
fn what_a_session_costs() {
    let _turn = needs::whole_machine_without_client();
    let host = Host::start();
    let flags = ["--size", "1280x720", "--fps", "30", "--bitrate", "4000"];
    let players = players::paired(&host, MOST, &flags);
    let mut rows = Vec::new();
    block_on(async {
        let mut streams = Vec::new();
        rows.push(row(&host));
        for player in &players {
            streams.push(stream(player, TEST_CARD).await);
            more_frames(streams.last_mut().expect("just pushed"), 30).await;
            rows.push(row(&host));
        }
    });
    println!("{:#}", json!({"sessions": rows}));
}

fn row(host: &Host) -> serde_json::Value {
    let sample = Sample::of(host);
    let worker = api::sessions(host.api()).first().and_then(|session| session["worker_pid"].as_u64()).unwrap_or(0);
    let worker = u32::try_from(worker).expect("a process id");
    json!({
        "sessions": sample.sessions,
        "host": {"threads": sample.threads, "descriptors": sample.descriptors,
            "proportional_kib": process::mapped_kib(host.pid(), "Pss:")},
        "worker": {"threads": process::threads(worker).len(), "descriptors": process::descriptors(worker).len(),
            "proportional_kib": process::mapped_kib(worker, "Pss:")},
    })
}

const MOST: usize = 4;
