//! Pictures that Vulkan converts, in memory that the encoder reads where it is. Vulkan runs
//! on the CPU here, and a layer (`tests/drivers/vulkan_dma_buf`) has it hand out that
//! memory as DMA-BUFs.

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::{Conversion, VideoPlan};
use earthshine::units::Size;
use earthshine::worker::encode::vaapi::VaapiEncoder;

use crate::process::{DMA_BUF_LAYER, assert_clean, with_driver, with_environment};
use crate::stage::{Stage, decode, upper_bits};
use crate::vulkan;

pub(super) const LAYERED: [(&str, &str); 1] = [("VK_INSTANCE_LAYERS", DMA_BUF_LAYER)];

/// Where the file of its memory has it begin (Mesa's on the CPU).
const OFFSET: &str = "cap import_offset 4096";

pub(super) fn plan(size: Size, codec: VideoCodec, ten_bit: bool, conversion: Conversion) -> VideoPlan {
    let profile = VideoProfile { codec, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, conversion, ..super::plan(size.width, size.height) }
}

/// Streams whose pictures the GPU converts, in all codecs.
pub(super) fn decode_to_what_was_shown() {
    let (size, desktop) = (Size::new(334, 188), Size::new(500, 300));
    for (codec, ten_bit) in [(VideoCodec::H264, false), (VideoCodec::Hevc, false), (VideoCodec::Hevc, true)] {
        let plan = plan(size, codec, ten_bit, Conversion::Vulkan);
        let mut stage = Stage::open(&plan);
        let (mut stream, mut shown) = (Vec::new(), Vec::new());
        for picture in 0..6 {
            // Scaled; and where only these rows change, no others are converted.
            match picture {
                0..3 => stage.show(),
                3 => stage.show_from(desktop, None),
                _ => stage.show_from(size, (picture == 5).then_some(0..188)),
            }
            stream.extend(stage.encode(false).data);
            shown.push(stage.encoder.picture().expect("a picture").samples);
        }
        let depth = if ten_bit { 2 } else { 1 };
        let decoded = decode(&stream, plan.profile, shown[0].len() * depth);
        assert_eq!(decoded.len(), shown.len());
        for (index, (decoded, shown)) in decoded.iter().zip(&shown).enumerate() {
            let eight = if ten_bit { upper_bits(decoded) } else { decoded.clone() };
            assert!(eight == *shown, "other pixels in picture {index} of {codec:?}, ten bits: {ten_bit}");
        }
    }
}

#[test]
fn what_a_shader_wrote_is_encoded_where_it_is() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::converted::what_a_shader_wrote_is_encoded_where_it_is";
    let ledger = with_environment(name, OFFSET, &LAYERED, decode_to_what_was_shown);
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let imports: Vec<_> = ledger.iter().filter(|line| line.starts_with("import ")).collect();
    assert_eq!(imports, ["import surface 336x192", "import surface 336x192", "import surface 336x192"]);
}

#[test]
fn the_gpu_converts_as_the_cpu_does() {
    let Some(_device) = vulkan::device() else { return };
    let ledger = with_environment("vaapi::converted::the_gpu_converts_as_the_cpu_does", OFFSET, &LAYERED, || {
        let pictures = [Conversion::Vulkan, Conversion::Cpu].map(|conversion| {
            let mut stage = Stage::open(&plan(Size::new(320, 180), VideoCodec::H264, false, conversion));
            stage.show();
            stage.encode(false);
            stage.encoder.picture().expect("a picture").samples
        });
        let luma = pictures[0].iter().zip(&pictures[1]).take(320 * 180);
        let worst = luma.map(|(gpu, cpu)| gpu.abs_diff(*cpu)).max();
        assert!(worst <= Some(2), "{worst:?} code values apart");
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}

#[test]
fn where_the_gpu_cannot_convert_the_cpu_does_or_a_reason_is_given() {
    let Some(_device) = vulkan::device() else { return };
    let open = |conversion| VaapiEncoder::open(&plan(Size::new(64, 48), VideoCodec::H264, false, conversion));
    let name = "vaapi::converted::where_the_gpu_cannot_convert_the_cpu_does_or_a_reason_is_given";
    let ledger = with_environment(name, "cap import 0\ncap export 0", &LAYERED, || {
        let error = open(Conversion::Vulkan).expect_err("no surface").to_string();
        assert!(error.contains("does not read what Vulkan wrote: vaCreateSurfaces"), "{error}");
        let mut stage = Stage::open(&plan(Size::new(64, 48), VideoCodec::H264, false, Conversion::Auto));
        stage.next(false);
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

#[test]
fn a_device_without_a_render_node_converts_nothing() {
    let Some(_device) = vulkan::device() else { return };
    let name = "vaapi::converted::a_device_without_a_render_node_converts_nothing";
    let ledger = with_driver(name, "", || {
        let plan = plan(Size::new(64, 48), VideoCodec::H264, false, Conversion::Vulkan);
        let error = VaapiEncoder::open(&plan).expect_err("no device").to_string();
        assert!(error.starts_with("conversion on the GPU") && error.contains("of render node 1:3"), "{error}");
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}
