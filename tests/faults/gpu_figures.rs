//! What the host knows of GPUs comes from a process that may hang (failures 17 and
//! 31): when it does, capacity answers with the age of its figures, streams begin and
//! go on, and the process is replaced. A GPU that is full refuses those who can use
//! nothing else, with the reason. The driver is played by a stand-in for NVIDIA's.

use std::process::Command;

use earthshine::protocol::gamestream::answer::Verb;
use serde_json::{Value, json};

use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::host::{Host, metric, metrics};
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, process};

const NVENC_OR_SOFTWARE: &str = "\"nvenc\", \"software\"";

/// Of 12 GiB, 88 MB are left.
const FULL: &str = "nvml memory_used 12792627200\n";

#[test]
fn a_driver_that_hangs_costs_its_process_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let mut host = drivers.host(scratch, NVENC_OR_SOFTWARE, "");
    let players = players::paired(&host, 2, &[]);
    let well = wait_for_gpus(&host, "figures of the GPU", |gpus| gpus["available"] == true);
    let gpu = &well["list"][0];
    assert_eq!((&gpu["bus_id"], &gpu["vendor"]), (&json!("0000:01:00.0"), &json!("nvidia")));
    assert_eq!((&gpu["driver_version"], &gpu["memory_total_bytes"]), (&json!("550.54.14"), &json!(12_u64 << 30)));
    assert_eq!((&well["error"], &well["restarts"]), (&json!(""), &json!(0)), "{well}");

    block_on(async {
        let mut first = stream(&players[0], TEST_CARD).await;
        wait_for_gpus(&host, "the stream's encode session", |gpus| gpus["list"][0]["encoder_sessions"] == 1);
        assert!((metric(&host, "earthshine_gpu_encoder_sessions") - 1.0).abs() < 0.5, "{}", metrics(&host));
        let memory = api::get(host.api(), "/api/v1/system/memory")["gpu_stats"].clone();
        assert_eq!((&memory["available"], &memory["encoder_session_count"]), (&json!(true), &json!(1)), "{memory}");
        assert_eq!(the_gpu_process(&host).len(), 1);

        drivers.order("nvmlDeviceGetEncoderStats hang");
        let hung = wait_for_gpus(&host, "the word that it hangs", |gpus| gpus["error"] != "");
        assert!(hung["error"].as_str().is_some_and(|error| error.contains("no answer within")), "{hung}");
        assert!(hung["age_seconds"].as_f64() > Some(2.0), "{hung}");
        assert_eq!(hung["list"][0]["encoder_sessions"], 1, "the newest figures stay: {hung}");
        // Nobody is refused, and what runs goes on.
        let second = stream(&players[1], TEST_CARD).await;
        more_frames(&mut first, 20).await;
        assert_eq!(api::sessions(host.api()).len(), 2);
        first.leave().await.expect("a client that leaves");
        second.leave().await.expect("a client that leaves");
    });
    assert_eq!(evidence(&host).len(), 1, "{:?}", evidence(&host));

    drivers.order("");
    // One that was started meanwhile hangs, too, and has longer for its first answer.
    let again = wait_for("new figures", SOON * 2, || {
        let gpus = gpus(&host);
        (gpus["error"] == "").then_some(gpus)
    });
    assert!(again["restarts"].as_u64() > Some(0) && again["age_seconds"].as_f64() < Some(5.0), "{again}");
    assert_eq!(the_gpu_process(&host).len(), 1);
    drivers.assert_clean();

    // One that hangs does not outlive its host.
    drivers.order("nvmlDeviceGetMemoryInfo hang");
    wait_for_gpus(&host, "figures that get old", |gpus| gpus["age_seconds"].as_f64() > Some(3.5));
    let orphan = the_gpu_process(&host).remove(0);
    host.kill();
    wait_for("the end of an orphan", SOON, || (!process::is_alive(orphan)).then_some(()));
}

#[test]
fn a_full_gpu_refuses_those_who_can_use_nothing_else() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order(FULL);
    let host = drivers.host(scratch, "\"nvenc\"", "encoder_sessions = 1\n");
    let players = players::paired(&host, 2, &[]);
    wait_for_limit(&host, "admission.gpu_memory_reserve_mb");
    let refused = block_on(refusal(&players[0]));
    assert!(refused.contains("has 88 MB of memory left"), "{refused}");
    assert!(refused.contains("admission.gpu_memory_reserve_mb"), "{refused}");

    drivers.order("");
    wait_for_gpus(&host, "room", |gpus| gpus["list"][0]["memory_used_bytes"] == 300_u64 << 20);
    block_on(async {
        let first = stream(&players[0], TEST_CARD).await;
        wait_for_limit(&host, "admission.encoder_sessions");
        let refused = refusal(&players[1]).await;
        assert!(
            refused.contains("has 1 encode sessions") && refused.contains("admission.encoder_sessions"),
            "{refused}"
        );
        first.leave().await.expect("a client that leaves");
        players[0].cancel().await.expect("cancel");
        wait_for_gpus(&host, "a free session", |gpus| gpus["list"][0]["encoder_sessions"] == 0);
        let second = stream(&players[1], TEST_CARD).await;
        second.leave().await.expect("a client that leaves");
    });
    drivers.assert_clean();
}

#[test]
fn a_full_gpu_refuses_nobody_who_can_do_without() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order(&format!("{FULL}limit sessions 0\nnvml sessions 9\n"));
    let host = drivers.host(scratch, NVENC_OR_SOFTWARE, "encoder_sessions = 1\n");
    let player = players::paired(&host, 1, &[]).remove(0);
    wait_for_gpus(&host, "figures of the GPU", |gpus| gpus["list"][0]["encoder_sessions"] == 9);
    let capacity = api::get(host.api(), "/api/v1/capacity");
    assert_eq!((&capacity["sessions_that_fit"], &capacity["limited_by"]), (&json!(16), &json!("host.max_sessions")));
    block_on(async {
        let stream = stream(&player, TEST_CARD).await;
        assert_eq!(api::the_session(host.api())["encoder"], "software/openh264");
        stream.leave().await.expect("a client that leaves");
    });
}

#[test]
fn people_hear_of_gpus_and_of_one_that_does_not_answer() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order("nvml devices 2\nnvml lost 1\n");
    let told = said(&drivers, &["gpus"]);
    let first = "0000:01:00.0  NVIDIA GeForce RTX 4070 (stand-in), driver 550.54.14, 300 of 12288 MB in use, busy 7 %, \
                 encoder 0 %, 0 encode sessions\n";
    assert!(told.contains(first), "{told}");
    assert!(told.contains("GPU is lost (15); restart the machine"), "{told}");
    let report = said(&drivers, &["doctor"]);
    assert!(report.contains("GPU 0000:01:00.0") && report.contains("GPU is lost"), "{report}");
    assert_eq!(drivers.reports("leak"), [""; 0]);
    drivers.order("nvmlInit_v2 hang");
    let report = said(&drivers, &["doctor"]);
    assert!(report.contains("no answer within 5 s"), "{report}");
    assert_eq!(drivers.reports("violation"), [""; 0]);
}

/// Standard output of the program, with the drivers.
fn said(drivers: &Drivers, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earthshine"));
    let output = command.args(arguments).envs(drivers.environment()).output().expect("run earthshine");
    String::from_utf8(output.stdout).expect("text")
}

/// What a launch is refused with.
async fn refusal(player: &earthshine::bench::clients::player::Player) -> String {
    let app = player.app(TEST_CARD).await.expect("the app");
    match player.begin(Verb::Launch, app).await {
        Ok(_) => panic!("it was launched"),
        Err(error) => format!("{error:#}"),
    }
}

fn gpus(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/capacity")["gpus"].clone()
}

fn wait_for_gpus(host: &Host, what: &str, are_so: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, SOON, || Some(gpus(host)).filter(|gpus| are_so(gpus)))
}

/// Waits until nothing fits, because of this.
fn wait_for_limit(host: &Host, limit: &str) {
    wait_for(limit, SOON, || {
        let capacity = api::get(host.api(), "/api/v1/capacity");
        (capacity["sessions_that_fit"] == 0 && capacity["limited_by"] == limit).then_some(())
    });
}

/// Process ids of those that ask GPUs.
fn the_gpu_process(host: &Host) -> Vec<u32> {
    let children = process::descendants(host.pid());
    children.into_iter().filter(|child| child.command.contains(" gpus ")).map(|child| child.pid).collect()
}

/// Names of what was written down about it.
fn evidence(host: &Host) -> Vec<String> {
    let files = std::fs::read_dir(host.scratch.join("state/evidence")).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    names.filter(|name| name.starts_with("gpus-")).collect()
}
