//! Pictures that Vulkan converts and copies into a surface of the encoder's own, where the
//! encoder imports nobody's memory. The memory is a file in plain memory, whose planes lie
//! as nobody expects them; a layer (`tests/drivers/vulkan_dma_buf`) has Vulkan on the CPU
//! take them in as pictures.

use earthshine::codec::VideoCodec;
use earthshine::stream_plan::Conversion;
use earthshine::units::Size;
use earthshine::worker::encode::vaapi::VaapiEncoder;
use earthshine::worker::encode::{Encoder, select};

use super::converted::{LAYERED, decode_to_what_was_shown, plan};
use crate::process::{assert_clean, complaints_here, order, with_environment};
use crate::stage::{Stage, frame};
use crate::vulkan;

const EXPORTED: &str = "cap import 0";

/// Surfaces that an encoder asks for: five references, the next picture, the import that is
/// refused, and its own.
const SURFACES: u64 = 8;
const IMPORT: u64 = 6;

/// `VK_ERROR_OUT_OF_DEVICE_MEMORY` and `VK_ERROR_DEVICE_LOST`, as orders have codes.
const NO_MEMORY: u32 = u32::MAX - 1;
const LOST: u32 = u32::MAX - 3;

fn open(conversion: Conversion) -> Result<VaapiEncoder, String> {
    VaapiEncoder::open(&plan(Size::new(64, 48), VideoCodec::H264, false, conversion)).map_err(|error| error.to_string())
}

fn count(ledger: &[String], start: &str) -> usize {
    ledger.iter().filter(|line| line.starts_with(start)).count()
}

/// Open descriptors, but for the ledger, which a stand-in opens each time it is loaded.
fn descriptors() -> usize {
    let all = std::fs::read_dir("/proc/self/fd").expect("a list of descriptors").flatten();
    let targets = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets.filter(|target| !target.ends_with("ledger")).count()
}

#[test]
fn what_a_shader_wrote_is_copied_into_the_encoders_own_surface() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::exported::what_a_shader_wrote_is_copied_into_the_encoders_own_surface";
    let ledger = with_environment(name, "", &LAYERED, || {
        for objects in 1..=2 {
            order(&format!("{EXPORTED}\ncap export_objects {objects}"));
            decode_to_what_was_shown();
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let shared: Vec<_> = ledger.iter().filter(|line| line.contains("port ")).collect();
    // Once a stream, and not once a picture.
    let stream = ["export surface 336x192", "import plane 336x192", "import plane 168x96"];
    assert_eq!(shared, stream.repeat(6));
}

#[test]
fn what_no_way_refuses_is_taken_and_all_reasons_are_given() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::exported::what_no_way_refuses_is_taken_and_all_reasons_are_given";
    let first = "does not read what Vulkan wrote: vaCreateSurfaces";
    let refusals = [
        ("cap import 0\ncap export 0".to_owned(), first, "does not hand out its surface: vaExportSurfaceHandle"),
        ("cap import 0\nvaExportSurfaceHandle fail 1".to_owned(), first, "does not hand out its surface"),
        ("cap import 0\ncap export_modifier 5".to_owned(), first, "DMA-BUF of modifier 0x5 and 1 planes"),
        (format!("cap import 0\nvkCreateImage fail {NO_MEMORY}"), first, "vkCreateImage: ERROR_OUT_OF_DEVICE_MEMORY"),
        (
            format!("cap import 0\nvkBindImageMemory fail {NO_MEMORY}"),
            first,
            "vkBindImageMemory: ERROR_OUT_OF_DEVICE_MEMORY",
        ),
        (format!("vkAllocateMemory fail {NO_MEMORY}"), "vkAllocateMemory: ERROR", "vkAllocateMemory: ERROR"),
    ];
    let ledger = with_environment(name, "", &LAYERED, || {
        for (orders, import, export) in &refusals {
            order(orders);
            let error = open(Conversion::Vulkan).expect_err(orders);
            let (before, after) = error.split_once("; and ").expect("two reasons");
            assert!(before.contains(import) && after.contains(export), "{orders}: {error}");
            let mut stage = Stage::open(&plan(Size::new(64, 48), VideoCodec::H264, false, Conversion::Auto));
            stage.next(false);
            drop(stage);
            assert_eq!(complaints_here(), [""; 0], "{orders}");
        }
        // No memory for the first way, and some for the second.
        order(&format!("vkAllocateMemory fail {NO_MEMORY} times 1"));
        open(Conversion::Vulkan).expect("the second way");
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    // With each of what Vulkan refuses, first where it must and then where it may convert.
    assert_eq!(count(&ledger, "export surface"), 2 * (refusals.len() - 2) + 1);
    assert_eq!(count(&ledger, "settings "), refusals.len() + 1);
}

#[test]
fn no_descriptor_is_left_whatever_fails() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::exported::no_descriptor_is_left_whatever_fails";
    let ledger = with_environment(name, EXPORTED, &LAYERED, || {
        // What libraries open once.
        drop(open(Conversion::Vulkan).expect("an encoder"));
        let before = descriptors();
        for call in ["vaExportSurfaceHandle", "vaCreateContext"] {
            order(&format!("{EXPORTED}\n{call} fail 1 times 1"));
            open(Conversion::Vulkan).expect_err(call);
            assert_eq!((complaints_here(), descriptors()), (vec![], before), "{call}");
        }
        // Each of the surfaces: the last is the one that is handed out. The stand-in counts
        // from the start of the process.
        let mut called = 3 * SURFACES;
        for after in 0..SURFACES {
            order(&format!("{EXPORTED}\nvaCreateSurfaces fail 1 after {} times 1", called + after));
            // Import is refused in any case.
            let is_needed = after != IMPORT;
            assert_eq!(open(Conversion::Vulkan).is_err(), is_needed, "{after}");
            assert_eq!((complaints_here(), descriptors()), (vec![], before), "{after}");
            called += if after < IMPORT { after + 1 } else { SURFACES };
        }
        // Each of what Vulkan makes: the loader loads the layer anew for each encoder, and
        // with it the count of calls.
        for call in ["vkCreateImage", "vkAllocateMemory", "vkBindImageMemory"] {
            let refusals = (0..8).filter(|after| {
                order(&format!("{EXPORTED}\n{call} fail {NO_MEMORY} after {after} times 1"));
                let is_refused = open(Conversion::Vulkan).is_err();
                assert_eq!((complaints_here(), descriptors()), (vec![], before), "{call} after {after}");
                is_refused
            });
            assert!(refusals.count() >= 2, "{call}, for each plane");
        }
        order(EXPORTED);
        for _ in 0..20 {
            drop(open(Conversion::Vulkan).expect("an encoder"));
        }
        assert_eq!(descriptors(), before);
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

#[test]
fn a_copy_that_fails_or_does_not_end_is_an_error() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::exported::a_copy_that_fails_or_does_not_end_is_an_error";
    let ledger = with_environment(name, EXPORTED, &LAYERED, || {
        for (orders, said) in [
            (format!("vkQueueSubmit fail {LOST}"), "vkQueueSubmit: ERROR_DEVICE_LOST"),
            ("vkWaitForFences fail 2".to_owned(), "vkWaitForFences: TIMEOUT; the GPU did not finish in time"),
        ] {
            order(EXPORTED);
            let plan = plan(Size::new(64, 48), VideoCodec::H264, false, Conversion::Vulkan);
            let mut encoder: Box<dyn Encoder> = select::open(&plan).expect("an encoder").encoder;
            order(&format!("{EXPORTED}\n{orders}"));
            let picture = frame(vec![9; 64 * 48 * 4], plan.size, 0);
            let error = encoder.load(&picture).expect_err("no picture").to_string();
            assert!(error.contains(said), "{error}");
            drop(encoder);
            assert_eq!(complaints_here(), [""; 0], "{orders}");
        }
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}
