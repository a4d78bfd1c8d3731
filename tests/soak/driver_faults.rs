//! Every call of a driver that the program makes fails and hangs (played by stand-ins),
//! from the first and in the middle of a stream: whoever it happens to plays on, with
//! another worker or encoder, or begins anew; who plays beside loses nothing, and what
//! ended in order left nothing behind. A few that stand for many are in every test run
//! (`tests/faults/encode_driver_fails.rs`).
//!
//! `SOAK_CALLS` (all) is what names of calls begin with.

use std::time::{Duration, Instant};

use earthshine::bench::clients::player::{Player, Stream};
use earthshine::protocol::gamestream::answer::Verb;
use earthshine::units::Size;
use serde_json::{Value, json};

use crate::churn::setting;
use crate::support::deadline::SOON;
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

#[test]
#[ignore = "takes many minutes; make driver-faults"]
fn every_call_of_nvidia_fails_and_hangs_beside_others() {
    every_call_fails_and_hangs(|| Stage::with("nvenc"), &["cu", "nvEnc", "NvEnc"], "8");
}

#[test]
#[ignore = "takes many minutes; make driver-faults"]
fn every_call_of_va_fails_and_hangs_beside_others() {
    every_call_fails_and_hangs(|| Stage::with("vaapi"), &["va"], "2");
}

/// Where Vulkan writes to surfaces of the driver's own: its calls, and the one of VA's that
/// is made only then. The code is that of a GPU that does not finish in time.
#[test]
#[ignore = "takes many minutes; make driver-faults"]
fn every_call_about_surfaces_that_vulkan_writes_fails_and_hangs_beside_others() {
    every_call_fails_and_hangs(Stage::with_surfaces_for_vulkan, &["vk", "vaExport"], "2");
}

#[test]
#[ignore = "takes many minutes; make driver-faults"]
fn every_call_of_vulkan_video_fails_and_hangs_beside_others() {
    every_call_fails_and_hangs(|| Stage::with("vulkan"), &["vk"], &(u32::MAX - 3).to_string());
}

fn every_call_fails_and_hangs(begin: impl FnOnce() -> Stage, prefixes: &[&str], code: &str) {
    let _turn = needs::whole_machine_without_client();
    let stage = begin();
    let family = stage.family;
    let calls = stage.calls(prefixes);
    let mut rows = Vec::new();
    let neighbour = block_on(stream(&stage.neighbour, TEST_CARD));
    let spared = stage.session(NEIGHBOUR);
    assert_eq!(spared["encoder"], family);
    let spare = format!("{}spare {}\n", stage.always, spared["worker_pid"]);
    for call in &calls {
        for outcome in [format!("fail {code}"), "hang".to_owned()] {
            for begins in [true, false] {
                let begin = Instant::now();
                let order = format!("{spare}{call} {outcome}\n");
                let row = block_on(stage.play(&order, &spare, begins));
                let moment = if begins { "from the first" } else { "while it streams" };
                let row = json!({"call": call, "outcome": outcome, "when": moment, "attempts": row.0,
                    "restarts": row.1, "encoder": row.2, "seconds": begin.elapsed().as_secs_f32()});
                eprintln!("{row}");
                rows.push(row);
                assert_eq!(stage.drivers.reports("violation"), [""; 0], "{call} {outcome}, {moment}");
                // What a hanging worker leaves is the kernel's to clear.
                assert_eq!(stage.drivers.reports("leak"), [""; 0], "{call} {outcome}, {moment}");
                let now = stage.session(NEIGHBOUR);
                assert_eq!(now["worker_restarts"], 0, "the neighbour's worker died: {call} {outcome}, {moment}");
            }
        }
    }
    stage.drivers.order(stage.always);
    let (video, audio, _) = block_on(neighbour.leave()).expect("a client that leaves");
    println!("{:#}", json!({"family": family, "rows": rows, "neighbour": video.counts}));
    assert_eq!((video.counts.frames_lost, video.counts.frames_undecodable, audio.lost), (0, 0, 0), "{video:?}");
    assert!(rows.iter().all(|row| row["attempts"] == 1), "somebody had to launch twice");
}

/// A host, somebody who meets the faults and somebody who does not.
struct Stage {
    family: &'static str,
    drivers: Drivers,
    /// Orders that say how drivers are.
    always: &'static str,
    host: Host,
    player: Player,
    neighbour: Player,
}

impl Stage {
    fn with(family: &'static str) -> Self {
        let scratch = Scratch::new();
        let drivers = if family == "vulkan" { Drivers::install_vulkan } else { Drivers::install }(&scratch);
        Self::of(scratch, drivers, family, "")
    }

    fn with_surfaces_for_vulkan() -> Self {
        let scratch = Scratch::new();
        let drivers = Drivers::install_with_dma_bufs(&scratch);
        Self::of(scratch, drivers, "vaapi", "cap import 0\n")
    }

    fn of(scratch: Scratch, drivers: Drivers, family: &'static str, always: &'static str) -> Self {
        drivers.order(always);
        let host = drivers.host(scratch, &format!("\"{family}\", \"software\""), "");
        let mut players = players::paired(&host, 2, &["--size", "320x180", "--fps", "30"]);
        let neighbour = players.pop().expect("two").with_mode(NEIGHBOUR, 30);
        Self { family, player: players.pop().expect("two"), drivers, always, host, neighbour }
    }

    /// What a whole stream calls, losses and all that comes in a stream's life included.
    fn calls(&self, prefixes: &[&str]) -> Vec<String> {
        block_on(async {
            let mut stream = stream(&self.player, TEST_CARD).await;
            more_frames(&mut stream, 10).await;
            stream.leave().await.expect("a client that leaves");
            self.player.cancel().await.expect("cancel");
        });
        self.drivers.assert_clean();
        let mut calls = self.drivers.calls();
        calls.retain(|call| prefixes.iter().any(|prefix| call.starts_with(prefix)));
        assert!(calls.len() > 5, "{calls:?}");
        let wanted: String = setting("SOAK_CALLS", String::new());
        calls.into_iter().filter(|call| call.starts_with(&wanted)).collect()
    }

    /// One stream that meets a fault: how often it had to be launched, its worker's
    /// restarts, and who encodes in the end.
    async fn play(&self, order: &str, spare: &str, begins: bool) -> (u32, Value, Value) {
        self.drivers.order(if begins { order } else { spare });
        let mut attempts = 0;
        let mut stream = loop {
            attempts += 1;
            match self.attempt().await {
                Ok(stream) => break stream,
                Err(error) if attempts < 4 => eprintln!("{order}: {error:#}"),
                Err(error) => panic!("{order}: {error:#}"),
            }
        };
        if !begins {
            self.drivers.order(order);
            self.frames_or_another_worker(&mut stream).await;
        }
        more_frames(&mut stream, 10).await;
        let session = self.session(PLAYER);
        self.drivers.order(spare);
        stream.leave().await.expect("a client that leaves");
        self.player.cancel().await.expect("cancel");
        (attempts, session["worker_restarts"].clone(), session["encoder"].clone())
    }

    async fn attempt(&self) -> anyhow::Result<Stream> {
        let app = self.player.app(TEST_CARD).await?;
        let mut stream = self.player.begin(Verb::Launch, app).await?.stream().await?;
        stream.first_frame(SOON).await?;
        Ok(stream)
    }

    /// Many frames, if the fault is in a call that no running stream makes.
    async fn frames_or_another_worker(&self, stream: &mut Stream) {
        let (begin, before) = (Instant::now(), stream.seen().counts.frames_complete);
        while stream.seen().counts.frames_complete < before + 20 && self.session(PLAYER)["worker_restarts"] == 0 {
            assert!(begin.elapsed() < SOON, "neither frames nor another worker");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn session(&self, size: Size) -> Value {
        let sessions = api::sessions(self.host.api());
        sessions.into_iter().find(|session| session["video_width"] == size.width).expect("its session")
    }
}

const PLAYER: Size = Size::new(320, 180);
/// The size tells whose session is whose.
const NEIGHBOUR: Size = Size::new(400, 224);
