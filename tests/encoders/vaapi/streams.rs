//! H.264, with everything that drivers differ in.

use earthshine::stream_plan::VideoPlan;
use earthshine::units::{Bitrate, FrameRate};
use earthshine::worker::frame::FrameKind;

use super::plan;
use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order, with_driver};
use crate::short_streams::{assert_opened_with, assert_shown};
use crate::stage::Stage;

#[test]
fn pictures_decode_to_the_very_pixels_whatever_the_driver_can() {
    let name = "vaapi::streams::pictures_decode_to_the_very_pixels_whatever_the_driver_can";
    let drivers = [
        ("", "profile=100"),
        ("cap profiles 3", "profile=77"),
        ("cap profiles 1", "profile=66"),
        ("cap entrypoints 2", "low_power=1"),
        ("cap derive 0", "packed=5"),
        ("cap EncPackedHeaders 0", "packed=0"),
        ("cap EncPackedHeaders 1", "packed=1"),
        ("cap EncPackedHeaders 4", "packed=0"),
        ("cap EncPackedHeaders -1", "packed=0"),
        ("cap RateControl 20", "rc=4"),
        ("cap RateControl 16", "rc=16"),
        ("cap EncMaxSlices 2", "slices=2"),
        ("cap EncMaxSlices -1", "slices=1"),
        ("cap EncSliceStructure 1", "slices=3"),
        ("cap EncQualityRange -1\ncap MaxPictureWidth -1", "profile=100"),
    ];
    let ledger = with_driver(name, "", || {
        for (orders, _) in drivers {
            order(orders);
            // Not whole macroblocks, and not even an even number of pixels.
            assert_shown(&plan(333, 187), orders, 0);
        }
    });
    let Some(ledger) = ledger else { return };
    assert_opened_with(&ledger, drivers.iter().map(|(orders, word)| (*orders, std::slice::from_ref(word))));
}

#[test]
fn numbers_wrap_around_in_a_long_stream() {
    let ledger = with_driver("vaapi::streams::numbers_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&VideoPlan { slices: 1, ..plan(64, 48) });
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_driver("vaapi::streams::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

#[test]
fn without_a_sound_picture_an_idr_picture_comes() {
    let ledger = with_driver("vaapi::streams::without_a_sound_picture_an_idr_picture_comes", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        for _ in 0..8 {
            stage.next(false);
        }
        assert!(!stage.encoder.invalidate_references(3), "five pictures are kept");
        assert_eq!(stage.next(false).0.kind, FrameKind::Idr);
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        drop(stage);
        // One reference, and drivers that write slice headers themselves.
        for (orders, single_reference) in [("", true), ("cap EncPackedHeaders 1", false)] {
            order(orders);
            let mut stage = Stage::open(&VideoPlan { single_reference, ..plan(64, 48) });
            stage.next(false);
            stage.next(false);
            assert!(!stage.encoder.invalidate_references(1));
            let (coded, _) = stage.next(true);
            assert_eq!(coded.kind, FrameKind::Idr);
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let kept: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("stream "))
        .map(|line| line.split(' ').find_map(|word| word.strip_prefix("references=")))
        .collect();
    assert_eq!(kept, [Some("5"), Some("1"), Some("1")]);
}

#[test]
fn the_bit_rate_changes_without_an_idr_picture() {
    let ledger = with_driver("vaapi::streams::the_bit_rate_changes_without_an_idr_picture", "", || {
        let mut stage = Stage::open(&plan(64, 48));
        stage.next(false);
        stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect("another rate");
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert!(stage.encoder.set_frame_rate(FrameRate::from_hz(30)).expect("another frame rate"));
        assert_eq!(stage.next(false).0.kind, FrameKind::Predicted);
        assert_eq!(stage.next(true).0.kind, FrameKind::Idr);
        drop(stage);
        order("cap RateControl 16");
        let mut stage = Stage::open(&plan(64, 48));
        let error = stage.encoder.set_bitrate(Bitrate::from_kbps(1234)).expect_err("no rate");
        assert!(error.to_string().contains("no rate control"), "{error}");
        stage.next(false);
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let changes: Vec<_> = ledger.iter().filter(|line| line.starts_with("bitrate ")).collect();
    assert_eq!(changes, ["bitrate 1234000 idr=0"]);
}
