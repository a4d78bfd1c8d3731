//! Two GPUs, of which one does not encode any more (failure 17): health says which, and
//! what the other does is no reason to refuse anybody. Canaries leave a GPU's last session
//! to streams.

use serde_json::{Value, json};

use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

const A: &str = "0000:01:00.0";
const B: &str = "0000:02:00.0";

/// A host with two GPUs whose canaries come soon.
fn stage(orders: &str, admission: &str) -> (Drivers, Host) {
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    drivers.order(&format!("devices 2\n{orders}"));
    let config = format!(
        "[host]\ndiscovery = false\n\n[video]\nencoders = [\"nvenc\"]\n\n[desktop]\nidle_limit = 60\n\n\
         [health]\ncanary_interval = 0.2\ncanary_deadline = 3\n\n[admission]\ncpu_percent = 0\n{admission}"
    );
    let host = Host::with_environment(scratch, &config, "127.0.0.1", &drivers.environment());
    (drivers, host)
}

fn health(host: &Host) -> Value {
    api::get(host.api(), "/api/v1/system/health")
}

/// What canaries say of a GPU, if they say what is `wanted` of it.
fn says(health: &Value, gpu: &str, wanted: impl Fn(&Value) -> bool) -> Option<()> {
    let gpus = health["canary"]["gpus"].as_array()?;
    gpus.iter().any(|one| one["gpu"] == gpu && wanted(one)).then_some(())
}

fn was_tried(gpu: &Value) -> bool {
    gpu["encoder"] == "nvenc" && gpu["status"] == "healthy"
}

#[test]
fn a_gpu_that_does_not_encode_shows_with_its_name_and_streams_go_to_the_other() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host) = stage("", "");
    let player = players::paired(&host, 1, &[]).remove(0);
    wait_for("a canary on each GPU", SOON, || {
        let health = health(&host);
        says(&health, A, was_tried).and(says(&health, B, was_tried))
    });
    drivers.order("devices 2\ndevice 1 lost");
    let told = wait_for("the GPU that fails", SOON, || {
        let health = health(&host);
        says(&health, B, |gpu| gpu["status"] == "critical")?;
        Some(health)
    });
    assert_eq!((&told["overall_status"], &told["can_create_new_pipelines"]), (&json!("degraded"), &json!(true)));
    let reason = told["reason"].as_str().expect("a reason");
    assert!(reason.starts_with(&format!("canary: {B}: ")) && !reason.contains(A), "{told}");
    assert!(says(&told, A, was_tried).is_some(), "{told}");
    block_on(async {
        let mut stream = stream(&player, TEST_CARD).await;
        more_frames(&mut stream, 20).await;
        assert_eq!(api::the_session(host.api())["encoder_gpu"], A);
        stream.leave().await.expect("a client that leaves");
        player.cancel().await.expect("cancel");
    });

    drivers.order("devices 2");
    wait_for("both GPUs again", SOON, || (health(&host)["overall_status"] == "healthy").then_some(()));
    assert_eq!(drivers.reports("violation"), [""; 0]);
}

#[test]
fn the_last_session_of_a_gpu_is_left_to_streams() {
    let Some(_turn) = needs::turn(&[]) else { return };
    // Another program has all but one.
    let (drivers, host) = stage("nvml sessions 2", "encoder_sessions = 3\n");
    let spared = |gpu: &Value| {
        let text = gpu["spared"].as_str().expect("a text");
        text.contains("what is left is for streams") && text.contains("3 are allowed")
    };
    wait_for("GPUs that are spared", SOON, || {
        let health = health(&host);
        says(&health, A, spared).and(says(&health, B, spared))
    });
    // None comes from now on, and that is nobody's fault.
    let before = health(&host)["canary"]["runs"].as_u64();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let after = health(&host);
    assert_eq!((after["canary"]["runs"].as_u64(), &after["overall_status"]), (before, &json!("healthy")), "{after}");
    drivers.order("devices 2\nnvml sessions 1");
    wait_for("canaries again", SOON, || {
        let health = health(&host);
        says(&health, A, was_tried).and(says(&health, B, was_tried))
    });
    assert_eq!(drivers.reports("violation"), [""; 0]);
}
