//! The encode driver fails, runs out or hangs, in any call (played by a stand-in
//! for NVIDIA's): a stream begins with the next encoder of the list, or goes on
//! with another worker, and nothing is left in the driver.

use earthshine::bench::clients::player::Player;

use crate::support::deadline::{SOON, wait_for};
use crate::support::drivers::Drivers;
use crate::support::host::Host;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

/// A host that prefers NVENC, and so many who play on it.
fn stage(count: usize) -> (Drivers, Host, Vec<Player>) {
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, "\"nvenc\", \"software\"", "");
    let players = players::paired(&host, count, &[]);
    (drivers, host, players)
}

#[test]
fn what_fails_while_an_encoder_is_opened_leads_to_the_next_encoder() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage(1);
    let player = &players[0];
    for order in [
        "cuInit fail 100",
        "cuDeviceGetCount fail 3",
        "cuDeviceGet fail 101",
        "cuCtxCreate_v2 fail 2",
        "version 11 1",
        "NvEncodeAPICreateInstance fail 15",
        "nvEncOpenEncodeSessionEx fail 10",
        "limit sessions 0",
        "nvEncGetEncodeGUIDCount fail 4",
        "nvEncGetEncodeGUIDs fail 4",
        "nvEncGetEncodeCaps fail 4",
        "nvEncGetEncodePresetConfigEx fail 12",
        "nvEncInitializeEncoder fail 8",
        "cuStreamCreateWithPriority fail 2",
        "cuMemAllocPitch_v2 fail 2",
        "nvEncRegisterResource fail 23",
        "nvEncCreateBitstreamBuffer fail 10",
        "cuMemHostAlloc fail 2",
    ] {
        drivers.order(order);
        block_on(async {
            let stream = stream(player, TEST_CARD).await;
            assert_eq!(api::the_encoder(host.api()), "software/openh264", "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        drivers.assert_clean();
    }
    drivers.order("");
    block_on(async {
        let stream = stream(player, TEST_CARD).await;
        assert_eq!(api::the_encoder(host.api()), "nvenc");
        stream.leave().await.expect("a client that leaves");
    });
}

#[test]
fn what_fails_while_it_streams_costs_a_worker_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage(1);
    let player = &players[0];
    // Late enough for the order to be taken back before the next worker comes there:
    // a picture is three copies.
    for order in [
        "cuMemcpy2DAsync_v2 fail 700 after 120",
        "cuStreamSynchronize fail 700 after 40",
        "nvEncMapInputResource fail 16 after 40",
        "nvEncEncodePicture fail 5 after 40",
        "nvEncLockBitstream fail 20 after 40",
        "nvEncUnlockBitstream fail 20 after 40",
        "nvEncUnmapInputResource fail 25 after 40",
    ] {
        drivers.order(order);
        block_on(async {
            let mut stream = stream(player, TEST_CARD).await;
            api::wait_for_another_worker(host.api());
            drivers.order("");
            more_frames(&mut stream, 20).await;
            assert_eq!(api::the_encoder(host.api()), "nvenc", "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        drivers.assert_clean();
    }
}

#[test]
fn an_encoder_that_fails_again_and_again_is_given_up_for_another() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage(1);
    let player = &players[0];
    drivers.order("nvEncEncodePicture fail 5 after 20");
    block_on(async {
        let mut stream = stream(player, TEST_CARD).await;
        wait_for("the other encoder", SOON, || (api::the_encoder(host.api()) == "software/openh264").then_some(()));
        more_frames(&mut stream, 20).await;
        assert_eq!(api::the_session(host.api())["worker_restarts"], 2);
        stream.leave().await.expect("a client that leaves");
    });
    drivers.assert_clean();
}

#[test]
fn a_driver_that_never_returns_costs_a_worker_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage(1);
    let player = &players[0];
    for call in ["cuStreamSynchronize", "nvEncEncodePicture", "nvEncLockBitstream"] {
        drivers.order(&format!("{call} hang after 20"));
        block_on(async {
            let mut stream = stream(player, TEST_CARD).await;
            api::wait_for_another_worker(host.api());
            drivers.order("");
            more_frames(&mut stream, 20).await;
            assert_eq!(api::the_encoder(host.api()), "nvenc", "{call}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        assert_eq!(drivers.reports("violation"), [""; 0]);
    }
}

#[test]
fn a_gpu_without_a_free_session_is_passed_over_until_it_has_one() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let (drivers, host, players) = stage(2);
    drivers.order("limit sessions 1");
    let encoders = || {
        let sessions = api::sessions(host.api());
        let mut names: Vec<_> = sessions.iter().map(|session| session["encoder"].to_string()).collect();
        names.sort();
        names
    };
    block_on(async {
        let first = stream(&players[0], TEST_CARD).await;
        let second = stream(&players[1], TEST_CARD).await;
        assert_eq!(encoders(), ["\"nvenc\"", "\"software/openh264\""]);
        first.leave().await.expect("a client that leaves");
        second.leave().await.expect("a client that leaves");
        players[0].cancel().await.expect("cancel");
        players[1].cancel().await.expect("cancel");
        let third = stream(&players[1], TEST_CARD).await;
        assert_eq!(encoders(), ["\"nvenc\""]);
        third.leave().await.expect("a client that leaves");
    });
    assert!(host.log().contains("take another GPU"), "the reason is logged");
}
