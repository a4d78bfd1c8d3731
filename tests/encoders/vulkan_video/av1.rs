//! AV1, in 8 and 10 bits, with what engines differ in. The stand-in codes nearly without
//! loss: no sample is off by more than one.

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::VideoPlan;
use earthshine::units::{Bitrate, FrameRate};
use earthshine::worker::encode::vulkan::VulkanEncoder;
use earthshine::worker::frame::FrameKind;

use super::with_engine;
use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order};
use crate::short_streams::{assert_opened_with, assert_shown, in_both_depths};
use crate::stage::Stage;

fn plan(width: u32, height: u32, ten_bit: bool) -> VideoPlan {
    let profile = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, ..super::plan(width, height) }
}

#[test]
fn pictures_decode_to_what_was_shown_whatever_the_engine_can() {
    let name = "vulkan_video::av1::pictures_decode_to_what_was_shown_whatever_the_engine_can";
    let engines = [
        ("", 1, "block=64"),
        ("cap superblocks 2", 1, "block=128"),
        ("cap cdef 0", 1, "cdef=0"),
        ("cap overrides 1", 1, "cdef=0"),
        ("cap names 8", 1, "codec=av1"),
        ("cap av1_level 4", 1, "codec=av1"),
        ("cap rates 5", 1, "mode=4"),
        // The program's quantizer, with a step of sixteen, and smoothed edges.
        ("cap rates 1", 40, "mode=1"),
        ("cap remaining 1", 1, "mode=2"),
        ("cap granularity 64", 1, "buffer=17"),
    ];
    let ledger = with_engine(name, "", || {
        for (orders, most, _) in engines {
            order(orders);
            for ten_bit in [false, true] {
                // Not whole blocks, and not even an even number of pixels.
                assert_shown(&plan(333, 187, ten_bit), orders, most);
            }
        }
    });
    let Some(ledger) = ledger else { return };
    let words: Vec<_> =
        engines.iter().flat_map(|(orders, _, word)| in_both_depths(word).map(|words| (orders, words))).collect();
    assert_opened_with(&ledger, words.iter().map(|(orders, words)| (**orders, &words[..])));
}

#[test]
fn hints_wrap_around_in_a_long_stream() {
    let ledger = with_engine("vulkan_video::av1::hints_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&plan(66, 50, false));
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_engine("vulkan_video::av1::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180, false));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

#[test]
fn the_bit_rate_changes_without_a_key_frame() {
    let ledger = with_engine("vulkan_video::av1::the_bit_rate_changes_without_a_key_frame", "", || {
        let mut stage = Stage::open(&plan(64, 48, false));
        stage.next(false);
        stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect("another rate");
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert!(stage.encoder.set_frame_rate(FrameRate::from_hz(30)).expect("another frame rate"));
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let changes: Vec<_> = ledger.iter().filter(|line| line.starts_with("bitrate ")).collect();
    assert_eq!(changes, ["bitrate 1234000 picture=1"]);
}

#[test]
fn what_an_engine_lacks_is_said() {
    let ledger = with_engine("vulkan_video::av1::what_an_engine_lacks_is_said", "", || {
        for (orders, ten_bit, said) in [
            ("cap av1 0", false, "no queue that encodes this codec"),
            ("cap av1 1", true, "does not encode that"),
            ("cap names 0", false, "no pictures that refer to others"),
        ] {
            order(orders);
            let error = VulkanEncoder::open(&plan(64, 48, ten_bit)).expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
        }
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}
