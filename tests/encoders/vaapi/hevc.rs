//! HEVC, in 8 and 10 bits, with everything that drivers differ in.

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::VideoPlan;

use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order, with_driver};
use crate::short_streams::{assert_opened_with, assert_shown, in_both_depths};

fn plan(width: u32, height: u32, ten_bit: bool) -> VideoPlan {
    let profile = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, ..super::plan(width, height) }
}

#[test]
fn pictures_decode_to_the_very_pixels_whatever_the_driver_can() {
    let name = "vaapi::hevc::pictures_decode_to_the_very_pixels_whatever_the_driver_can";
    // Not whole blocks, and not even an even number of pixels; what has no cropping is whole.
    let (odd, whole) = ((333, 187), (336, 192));
    let features = |offsets: u32| format!("cap EncHEVCFeatures {}", 1 << 4 | offsets << 6 | 1 << 20 | 1 << 22);
    let blocks = |most: u32, least: u32, transform: u32, depth: u32| {
        format!("cap EncHEVCBlockSizes {}", (most - 3) | (least - 3) << 4 | (transform - 2) << 6 | depth << 14)
    };
    let drivers = [
        (String::new(), odd, "block=64"),
        (features(0), odd, "codec=hevc"),
        ("cap PredictionDirection 4".to_owned(), odd, "both_lists=1"),
        (blocks(4, 3, 4, 0), odd, "block=16"),
        (blocks(5, 3, 5, 1), odd, "block=32"),
        (blocks(5, 4, 4, 2), odd, "block=32"),
        (blocks(6, 5, 5, 3), odd, "block=64"),
        ("cap derive 0".to_owned(), odd, "references=5"),
        ("cap entrypoints 2".to_owned(), odd, "low_power=1"),
        ("cap EncPackedHeaders 0".to_owned(), whole, "packed=0"),
        ("cap EncPackedHeaders 1".to_owned(), odd, "references=1"),
        ("cap EncPackedHeaders 1\ncap PredictionDirection 4".to_owned(), odd, "both_lists=1"),
        ("cap RateControl 16".to_owned(), odd, "rc=16"),
        ("cap EncMaxSlices 2".to_owned(), odd, "slices=2"),
    ];
    let ledger = with_driver(name, "", || {
        for (orders, (width, height), _) in &drivers {
            order(orders);
            for ten_bit in [false, true] {
                assert_shown(&plan(*width, *height, ten_bit), orders, 0);
            }
        }
    });
    let Some(ledger) = ledger else { return };
    let words: Vec<_> =
        drivers.iter().flat_map(|(orders, _, word)| in_both_depths(word).map(|words| (orders, words))).collect();
    assert_opened_with(&ledger, words.iter().map(|(orders, words)| (orders.as_str(), &words[..])));
}

#[test]
fn orders_wrap_around_in_a_long_stream() {
    let ledger = with_driver("vaapi::hevc::orders_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&VideoPlan { slices: 1, ..plan(64, 48, false) });
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_driver("vaapi::hevc::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180, true));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

#[test]
fn what_a_driver_lacks_is_said() {
    let ledger = with_driver("vaapi::hevc::what_a_driver_lacks_is_said", "", || {
        for (orders, ten_bit, said) in [
            ("cap profiles 7", false, "encodes no hevc of 8 bits"),
            ("cap profiles 15", true, "encodes no hevc of 10 bits"),
            ("cap RTFormat 1", true, "encodes no hevc of 10 bits"),
        ] {
            order(orders);
            let opened = earthshine::worker::encode::vaapi::VaapiEncoder::open(&plan(64, 48, ten_bit));
            let error = opened.expect_err(orders).to_string();
            assert!(error.contains(said), "{orders}: {error}");
        }
    });
    assert!(ledger.is_none_or(|ledger| {
        assert_clean(&ledger);
        true
    }));
}
