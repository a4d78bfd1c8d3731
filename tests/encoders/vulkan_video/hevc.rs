//! HEVC, in 8 and 10 bits, with everything that engines differ in.

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::{EncoderFamily, VideoPlan};
use earthshine::units::{Bitrate, FrameRate};
use earthshine::worker::encode::select;
use earthshine::worker::encode::vulkan::VulkanEncoder;
use earthshine::worker::frame::FrameKind;

use super::with_engine;
use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order};
use crate::short_streams::{assert_opened_with, assert_shown, in_both_depths};
use crate::stage::Stage;

fn plan(width: u32, height: u32, ten_bit: bool) -> VideoPlan {
    let profile = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, ..super::plan(width, height) }
}

#[test]
fn pictures_decode_to_the_very_pixels_whatever_the_engine_can() {
    let name = "vulkan_video::hevc::pictures_decode_to_the_very_pixels_whatever_the_engine_can";
    let engines = [
        ("", "block=64"),
        ("cap trees 1\ncap tree_transforms 3", "block=16"),
        ("cap trees 2", "block=32"),
        ("cap trees 4\ncap tree_transforms 7", "block=64"),
        ("cap offsets 0", "offsets=0"),
        ("cap transform_skip 1", "offsets=1"),
        ("cap both_lists 1", "both_lists=1"),
        ("cap overrides 1", "codec=hevc"),
        ("cap rates 5", "mode=4"),
        ("cap rates 1", "mode=1"),
        ("cap slices 2", "slices=2"),
        ("cap slots 3", "references=2"),
        ("cap granularity 64", "slices=3"),
        ("cap remaining 1", "references=5"),
        ("cap remaining 1\ncap rates 1", "mode=1"),
        ("cap memories 0", "buffer=17"),
    ];
    let ledger = with_engine(name, "", || {
        for (orders, _) in engines {
            order(orders);
            for ten_bit in [false, true] {
                // Not whole blocks, and not even an even number of pixels.
                assert_shown(&plan(333, 187, ten_bit), orders, 0);
            }
        }
    });
    let Some(ledger) = ledger else { return };
    let words: Vec<_> =
        engines.iter().flat_map(|(orders, word)| in_both_depths(word).map(|words| (orders, words))).collect();
    assert_opened_with(&ledger, words.iter().map(|(orders, words)| (**orders, &words[..])));
}

#[test]
fn an_idr_picture_begins_with_nothing_but_parameter_sets() {
    let ledger = with_engine("vulkan_video::hevc::an_idr_picture_begins_with_nothing_but_parameter_sets", "", || {
        let mut stage = Stage::open(&VideoPlan { slices: 1, ..plan(64, 48, true) });
        for idr in [true, false, true] {
            stage.show();
            let data = stage.encode(idr).data;
            let starts = (0..data.len() - 3).filter(|&at| data[at..at + 3] == [0, 0, 1]);
            let units: Vec<_> = starts.map(|at| data[at + 3] >> 1).collect();
            assert_eq!(units, if idr { vec![32, 33, 34, 20] } else { vec![1] });
        }
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

#[test]
fn orders_wrap_around_in_a_long_stream() {
    let ledger = with_engine("vulkan_video::hevc::orders_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&VideoPlan { slices: 1, ..plan(64, 48, false) });
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_engine("vulkan_video::hevc::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180, false));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

#[test]
fn the_bit_rate_changes_without_an_idr_picture() {
    let ledger = with_engine("vulkan_video::hevc::the_bit_rate_changes_without_an_idr_picture", "", || {
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
fn what_an_engine_makes_is_offered_and_what_it_lacks_is_said() {
    let name = "vulkan_video::hevc::what_an_engine_makes_is_offered_and_what_it_lacks_is_said";
    let ledger = with_engine(name, "", || {
        for (orders, ten_bit, said) in [
            ("cap hevc 0", false, "no queue that encodes this codec"),
            ("cap hevc 1", true, "does not encode that"),
            ("cap references 0", false, "no pictures that refer to others"),
            ("cap references 0\ncap both_lists 1", true, "no pictures that refer to others"),
        ] {
            order(orders);
            let error = VulkanEncoder::open(&plan(64, 48, ten_bit)).expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
        }
        for (orders, expected) in [
            ("cap av1 0", vec!["h264 8 bit 4:2:0", "hevc 8 bit 4:2:0", "hevc 10 bit 4:2:0"]),
            ("cap hevc 1\ncap av1 0", vec!["h264 8 bit 4:2:0", "hevc 8 bit 4:2:0"]),
            ("cap profiles 0\ncap av1 0", vec!["hevc 8 bit 4:2:0", "hevc 10 bit 4:2:0"]),
            ("cap hevc 0", vec!["h264 8 bit 4:2:0", "av1 8 bit 4:2:0", "av1 10 bit 4:2:0"]),
        ] {
            order(orders);
            let able = select::abilities(EncoderFamily::Vulkan, None).expect(orders).able;
            assert_eq!(able.iter().map(|ability| ability.profile.name()).collect::<Vec<_>>(), expected, "{orders}");
        }
    });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}
