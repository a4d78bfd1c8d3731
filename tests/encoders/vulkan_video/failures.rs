//! Calls that fail, and an engine that does not finish.

use std::time::{Duration, Instant};

use earthshine::clock::Micros;
use earthshine::worker::encode::FrameRequest;
use earthshine::worker::encode::vulkan::VulkanEncoder;

use super::{plan, with_engine};
use crate::process::{assert_clean, complaints_here, is_complaint, order};
use crate::stage::{Stage, frame};

/// Every call that opens an encoder, and every one that encodes.
const OPENING: &[&str] = &[
    "vkCreateDevice",
    "vkGetPhysicalDeviceVideoCapabilitiesKHR",
    "vkGetPhysicalDeviceVideoFormatPropertiesKHR",
    "vkCreateVideoSessionKHR",
    "vkGetVideoSessionMemoryRequirementsKHR",
    "vkBindVideoSessionMemoryKHR",
    "vkCreateVideoSessionParametersKHR",
    "vkGetEncodedVideoSessionParametersKHR",
    "vkCreateImage",
    "vkBindImageMemory",
    "vkCreateImageView",
    "vkCreateBuffer",
    "vkCreateQueryPool",
];
const ENCODING: &[&str] = &["vkQueueSubmit", "vkGetQueryPoolResults"];

/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` and `VK_ERROR_DEVICE_LOST`, as orders have codes.
const NO_MEMORY: u32 = u32::MAX - 1;
const LOST: u32 = u32::MAX - 3;

#[test]
fn a_call_that_fails_is_an_error_and_leaves_nothing() {
    let ledger = with_engine("vulkan_video::failures::a_call_that_fails_is_an_error_and_leaves_nothing", "", || {
        for call in OPENING {
            order(&format!("{call} fail {NO_MEMORY} times 1"));
            let error = VulkanEncoder::open(&plan(64, 48)).expect_err(call).to_string();
            assert!(error.contains(call), "{call}: {error}");
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        for call in ENCODING {
            order("");
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(&format!("{call} fail {LOST} times 1"));
            let error = break_down(&mut stage);
            assert!(error.contains(call) && error.contains("DEVICE_LOST"), "{call}: {error}");
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{call}");
        }
        order("");
        Stage::open(&plan(64, 48)).next(false);
    });
    assert!(ledger.is_none_or(|ledger| {
        // What a lost device may work on still is not given back.
        let complaints: Vec<_> = ledger.iter().filter(|line| is_complaint(line)).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        true
    }));
}

/// The loader loads the stand-in anew for each encoder, and with it the count of calls.
#[test]
fn memory_that_is_not_there_is_an_error_and_leaves_nothing() {
    let ledger =
        with_engine("vulkan_video::failures::memory_that_is_not_there_is_an_error_and_leaves_nothing", "", || {
            for after in 0.. {
                order(&format!("vkAllocateMemory fail {NO_MEMORY} after {after} times 1"));
                let opened = VulkanEncoder::open(&plan(64, 48));
                match opened {
                    Ok(_) => {
                        assert!(after >= 6, "only {after} pieces");
                        break;
                    }
                    Err(error) => assert!(error.to_string().contains("vkAllocateMemory"), "{error}"),
                }
                assert_eq!(complaints_here(), [""; 0], "{after}");
            }
        });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

#[test]
fn an_engine_that_does_not_finish_is_given_up_in_time() {
    let ledger = with_engine("vulkan_video::failures::an_engine_that_does_not_finish_is_given_up_in_time", "", || {
        for (orders, said) in [("cap stalls 1", "did not finish in time"), ("cap status -1", "did not encode")] {
            order("");
            let mut stage = Stage::open(&plan(64, 48));
            stage.next(false);
            order(orders);
            let began = Instant::now();
            let error = break_down(&mut stage);
            assert!(error.contains(said), "{orders}: {error}");
            assert!(began.elapsed() < Duration::from_secs(20), "a wait without an end");
            // What the engine may still use is never given back, and nothing is asked of it.
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{orders}");
        }
    });
    assert!(ledger.is_none_or(|ledger| ledger.iter().all(|line| !is_complaint(line))));
}

#[test]
fn what_an_engine_lacks_is_said() {
    let ledger = with_engine("vulkan_video::failures::what_an_engine_lacks_is_said", "", || {
        for (orders, size, said) in [
            ("cap video 0", (64, 48), "no queue that encodes"),
            ("cap profiles 0", (64, 48), "does not encode that"),
            ("cap slots 1", (64, 48), "no pictures that refer to others"),
            ("cap references 0", (64, 48), "no pictures that refer to others"),
            ("cap most_width 1920", (1922, 48), "to 1920x4096, not 1922x48"),
            ("cap node 4", (64, 48), "no Vulkan device of render node 1:3"),
        ] {
            order(orders);
            let error = VulkanEncoder::open(&plan(size.0, size.1)).expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
            assert!(error.contains("/dev/null") || orders.contains("most_width"), "{orders}: {error}");
        }
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

/// Goes on until something fails: what it says.
fn break_down(stage: &mut Stage) -> String {
    let pixels = vec![9; stage.size.width as usize * stage.size.height as usize * 4];
    if let Err(error) = stage.encoder.load(&frame(pixels, stage.size, 99)) {
        return error.to_string();
    }
    let request = FrameRequest { picture: 99, idr: false, repeated: false, captured: Micros(0) };
    stage.encoder.encode(request).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
}
