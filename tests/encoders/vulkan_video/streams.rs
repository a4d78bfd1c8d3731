//! H.264, with everything that engines differ in.

use earthshine::stream_plan::VideoPlan;
use earthshine::units::{Bitrate, FrameRate};
use earthshine::worker::frame::FrameKind;

use super::{plan, with_engine};
use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order};
use crate::short_streams::{assert_opened_with, assert_shown};
use crate::stage::Stage;

#[test]
fn pictures_decode_to_the_very_pixels_whatever_the_engine_can() {
    let name = "vulkan_video::streams::pictures_decode_to_the_very_pixels_whatever_the_engine_can";
    let engines = [
        ("", "profile=100"),
        ("cap profiles 3", "profile=77"),
        ("cap profiles 1", "profile=66"),
        ("cap cabac 0", "cabac=0"),
        ("cap transforms 0", "transforms=0"),
        ("cap overrides 1", "transforms=0"),
        ("cap rates 5", "mode=4"),
        ("cap rates 1", "mode=1"),
        ("cap slices 2", "slices=2"),
        ("cap slices 1", "slices=1"),
        ("cap slots 3", "references=2"),
        ("cap slots 2", "references=1"),
        ("cap level 6", "level=22"),
        ("cap granularity 64", "slices=3"),
        ("cap remaining 1", "mode=2"),
        ("cap memories 0", "quality=0"),
        ("cap memories 5", "buffer=17"),
    ];
    let ledger = with_engine(name, "", || {
        for (orders, _) in engines {
            order(orders);
            // Not whole macroblocks, and not even an even number of pixels.
            assert_shown(&plan(333, 187), orders, 0);
        }
    });
    let Some(ledger) = ledger else { return };
    assert_opened_with(&ledger, engines.iter().map(|(orders, word)| (*orders, std::slice::from_ref(word))));
}

#[test]
fn an_idr_picture_begins_with_nothing_but_parameter_sets() {
    let ledger =
        with_engine("vulkan_video::streams::an_idr_picture_begins_with_nothing_but_parameter_sets", "", || {
            let mut stage = Stage::open(&VideoPlan { slices: 1, ..plan(64, 48) });
            for idr in [true, false, true] {
                let data = stage.next(idr).0.data;
                let starts = (0..data.len() - 3).filter(|&at| data[at..at + 3] == [0, 0, 1]);
                let units: Vec<_> = starts.map(|at| data[at + 3] & 0x1F).collect();
                assert_eq!(units, if idr { vec![7, 8, 5] } else { vec![1] });
            }
        });
    if let Some(ledger) = ledger {
        assert_clean(&ledger);
    }
}

#[test]
fn numbers_wrap_around_in_a_long_stream() {
    let ledger = with_engine("vulkan_video::streams::numbers_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&VideoPlan { slices: 1, ..plan(64, 48) });
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_engine("vulkan_video::streams::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

#[test]
fn without_a_sound_picture_an_idr_picture_comes() {
    let ledger = with_engine("vulkan_video::streams::without_a_sound_picture_an_idr_picture_comes", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        for _ in 0..8 {
            stage.next(false);
        }
        assert!(!stage.encoder.invalidate_references(3), "five pictures are kept");
        assert_eq!(stage.next(false).0.kind, FrameKind::Idr);
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        drop(stage);
        let mut stage = Stage::open(&VideoPlan { single_reference: true, ..plan(64, 48) });
        stage.next(false);
        stage.next(false);
        assert!(!stage.encoder.invalidate_references(1));
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let kept: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("stream "))
        .map(|line| line.split(' ').find_map(|word| word.strip_prefix("references=")))
        .collect();
    assert_eq!(kept, [Some("5"), Some("1")]);
}

#[test]
fn the_bit_rate_changes_without_an_idr_picture() {
    let ledger = with_engine("vulkan_video::streams::the_bit_rate_changes_without_an_idr_picture", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        stage.next(false);
        stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect("another rate");
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert!(stage.encoder.set_frame_rate(FrameRate::from_hz(30)).expect("another frame rate"));
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
        drop(stage);
        order("cap rates 1");
        let mut stage = Stage::open(&plan(64, 48));
        let error = stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect_err("no rate");
        assert!(error.to_string().contains("no rate control"), "{error}");
        stage.next(false);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let changes: Vec<_> = ledger.iter().filter(|line| line.starts_with("bitrate ")).collect();
    assert_eq!(changes, ["bitrate 1234000 picture=1"]);
}
