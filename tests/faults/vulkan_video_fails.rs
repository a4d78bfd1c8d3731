//! An engine of Vulkan Video fails, hangs or does not finish (played by a stand-in, under
//! the real loader): a stream begins with the next encoder of the list, or goes on with
//! another worker. Every call of it that fails is tried in `tests/encoders`, without
//! a host; here are those that stand for many.

use crate::support::drivers::Drivers;
use crate::support::players::{self, TEST_CARD, block_on, more_frames, stream};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, vulkan};

#[test]
fn an_engine_that_does_not_open_leads_to_the_next_encoder() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, ENCODERS, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    for (order, encoder) in [
        ("vkCreateVideoSessionKHR fail 4294967294", "software/openh264"),
        ("cap profiles 0", "software/openh264"),
        ("", "vulkan"),
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
    assert!(host.log().contains("the GPU has no memory left"), "what to do is logged");
}

#[test]
fn an_engine_that_fails_or_never_finishes_costs_a_worker_and_no_stream() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let Some(_device) = vulkan::device() else { return };
    let scratch = Scratch::new();
    let drivers = Drivers::install_vulkan(&scratch);
    let host = drivers.host(scratch, ENCODERS, "");
    let player = players::paired(&host, 1, &[]).remove(0);
    // Late enough for the order to be taken back before the next worker comes there.
    for order in [
        "vkQueueSubmit fail 4294967292 after 40",
        "vkCmdEncodeVideoKHR hang after 40",
        "vkWaitForFences hang after 40",
        "vkGetQueryPoolResults fail 4294967292 after 40",
        "cap stalls 1",
    ] {
        let stalls = order.starts_with("cap");
        drivers.order(if stalls { "" } else { order });
        block_on(async {
            let mut stream = stream(&player, TEST_CARD).await;
            if stalls {
                more_frames(&mut stream, 20).await;
                drivers.order(order);
            }
            api::wait_for_another_worker(host.api());
            drivers.order("");
            more_frames(&mut stream, 20).await;
            assert_eq!(api::the_encoder(host.api()), "vulkan", "{order}");
            stream.leave().await.expect("a client that leaves");
            player.cancel().await.expect("cancel");
        });
        assert_eq!((drivers.reports("violation"), drivers.reports("leak")), (vec![], vec![]), "{order}");
    }
    assert!(host.log().contains("the GPU did not finish in time"), "what was the matter is logged");
}

const ENCODERS: &str = "\"vulkan\", \"software\"";
