//! A VA driver fails or hangs (played by a stand-in, under the real libva): a stream
//! begins with the next encoder of the list, or goes on with another worker, and nothing
//! is left in the driver. Every call of it that fails is tried in `tests/encoders`, without
//! a host; here are those that stand for many.

use crate::support::drivers::Drivers;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, vulkan};

#[test]
fn what_fails_while_an_encoder_is_opened_leads_to_the_next_encoder() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, ENCODERS, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    for (order, encoder) in [
        ("vaInitialize fail 1", "software/openh264"),
        ("cap profiles 0", "software/openh264"),
        ("vaCreateContext fail 2", "software/openh264"),
        ("", "vaapi"),
    ] {
        drivers.order(order);
        block_on(async {
            let stream = stream(&player, TEST_CARD).await;
            assert_eq!(api::the_encoder(host.api()), encoder, "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        drivers.assert_clean();
    }
    assert!(host.log().contains("mesa-va-drivers"), "what to do is logged");
}

#[test]
fn a_driver_that_fails_or_never_returns_costs_a_worker_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install(&scratch);
    let host = drivers.host(scratch, ENCODERS, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    // Late enough for the order to be taken back before the next worker comes there.
    for order in [
        "vaEndPicture fail 24 after 40",
        "vaDeriveImage hang after 40",
        "vaEndPicture hang after 40",
        "vaSyncSurface hang after 40",
        "vaMapBuffer hang after 81",
    ] {
        drivers.order(order);
        block_on(async {
            let mut stream = stream(&player, TEST_CARD).await;
            api::wait_for_another_worker(host.api());
            drivers.order("");
            more_frames(&mut stream, 20).await;
            assert_eq!(api::the_encoder(host.api()), "vaapi", "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        assert_eq!((drivers.reports("violation"), drivers.reports("leak")), (vec![], vec![]), "{order}");
    }
}

/// The call is made only where Vulkan is to write to a surface of the driver's own.
#[test]
fn a_surface_that_is_not_handed_out_or_never_costs_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install_with_dma_bufs(&scratch);
    let host = drivers.host(scratch, ENCODERS, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    for (order, encoder) in
        [("vaExportSurfaceHandle hang", "software/openh264"), ("vaExportSurfaceHandle fail 1", "vaapi"), ("", "vaapi")]
    {
        drivers.order(&format!("cap import 0\n{order}"));
        block_on(async {
            let mut stream = stream(&player, TEST_CARD).await;
            more_frames(&mut stream, 20).await;
            assert_eq!(api::the_encoder(host.api()), encoder, "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        assert_eq!((drivers.reports("violation"), drivers.reports("leak")), (vec![], vec![]), "{order}");
    }
    assert!(host.log().contains("does not hand out its surface: vaExportSurfaceHandle"), "the reason is logged");
}

const ENCODERS: &str = "\"vaapi\", \"software\"";
