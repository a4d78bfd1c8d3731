//! AV1, in 8 and 10 bits, with everything that drivers differ in. The stand-in codes nearly
//! without loss: at the least quantizer, which it writes into our headers, no sample is off
//! by more than one.

use std::fs;
use std::process::Command;

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::VideoPlan;
use earthshine::worker::frame::FrameKind;

use crate::long_streams::{assert_one_idr, assert_referred, lost_pictures_are_not_referred_to, numbers_wrap_around};
use crate::process::{assert_clean, order, with_driver};
use crate::short_streams::{assert_opened_with, assert_shown, in_both_depths};
use crate::stage::Stage;

fn plan(width: u32, height: u32, ten_bit: bool) -> VideoPlan {
    let profile = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, ..super::plan(width, height) }
}

#[test]
fn pictures_decode_to_what_was_shown_whatever_the_driver_can() {
    let name = "vaapi::av1::pictures_decode_to_what_was_shown_whatever_the_driver_can";
    // Not whole blocks, and not even an even number of pixels.
    let odd = (333, 187);
    let features = |features: u32| format!("cap EncAV1 {features}");
    let drivers = [
        (String::new(), odd, 1, "codec=av1"),
        (String::new(), (64, 48), 1, "packed=3"),
        (String::new(), (642, 66), 1, "packed=3"),
        (features(0), odd, 1, "cdef=0"),
        (features(1 << 26 | 2), odd, 1, "block=128"),
        (features(1 << 26 | 2 << 2 | 2 << 4), odd, 1, "filter_intra=1"),
        ("cap EncAV1Ext2 47".to_owned(), odd, 1, "cdef=1"),
        ("cap derive 0".to_owned(), odd, 1, "bitrate=2000000"),
        ("cap entrypoints 2".to_owned(), odd, 1, "low_power=1"),
        ("cap EncPackedHeaders 0".to_owned(), odd, 1, "packed=0"),
        ("cap EncPackedHeaders 1".to_owned(), odd, 1, "packed=1"),
        // The program's quantizer, with a step of sixteen, and smoothed edges.
        ("cap RateControl 16".to_owned(), odd, 40, "rc=16"),
        ("cap RateControl 16\ncap EncPackedHeaders 0".to_owned(), odd, 40, "rc=16"),
    ];
    let ledger = with_driver(name, "", || {
        for (orders, (width, height), most, _) in &drivers {
            order(orders);
            for (ten_bit, most) in [(false, *most), (true, if *most > 1 { *most * 4 } else { 1 })] {
                assert_shown(&plan(*width, *height, ten_bit), orders, most);
            }
        }
    });
    let Some(ledger) = ledger else { return };
    let words: Vec<_> =
        drivers.iter().flat_map(|(orders, _, _, word)| in_both_depths(word).map(|words| (orders, words))).collect();
    assert_opened_with(&ledger, words.iter().map(|(orders, words)| (orders.as_str(), &words[..])));
}

#[test]
fn orders_wrap_around_in_a_long_stream() {
    let ledger = with_driver("vaapi::av1::orders_wrap_around_in_a_long_stream", "", || {
        numbers_wrap_around(&plan(66, 50, false));
    });
    if let Some(ledger) = ledger {
        assert_one_idr(&ledger);
    }
}

#[test]
fn pictures_that_a_client_lost_are_not_referred_to() {
    let ledger = with_driver("vaapi::av1::pictures_that_a_client_lost_are_not_referred_to", "", || {
        lost_pictures_are_not_referred_to(&plan(320, 180, true));
    });
    if let Some(ledger) = ledger {
        assert_referred(&ledger);
    }
}

/// What FFmpeg reads in the headers: values of an element, of all frames.
fn values(frames: &[Vec<u8>], element: &str) -> Vec<String> {
    let mut file = b"DKIF\0\0\x20\0AV01\x4e\x01\xbc\0\x3c\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    for (number, frame) in (0_u64..).zip(frames) {
        file.extend(u32::try_from(frame.len()).expect("a length").to_le_bytes());
        file.extend(number.to_le_bytes());
        file.extend(frame);
    }
    let path = tempfile::NamedTempFile::new().expect("a file");
    fs::write(path.path(), file).expect("the stream is written");
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-v", "trace", "-f", "ivf", "-i"])
        .arg(path.path())
        .args(["-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"])
        .output()
        .expect("ffmpeg");
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| line.starts_with("[trace_headers")).filter_map(|line| {
        let (left, value) = line.rsplit_once(" = ")?;
        left.split_whitespace().any(|word| word == element).then(|| value.trim().to_owned())
    });
    lines.collect()
}

#[test]
fn headers_are_read_as_they_were_meant() {
    let ledger = with_driver("vaapi::av1::headers_are_read_as_they_were_meant", "", || {
        for (orders, ten_bit, quantizer) in [("", false, "1"), ("", true, "1"), ("cap RateControl 16", false, "110")] {
            order(orders);
            let mut stage = Stage::open(&plan(333, 187, ten_bit));
            let mut frames = Vec::new();
            for picture in 0..12 {
                let (coded, _) = stage.next(picture == 9);
                let expected = match picture {
                    0 | 9 => FrameKind::Idr,
                    6 => FrameKind::Recovered,
                    _ => FrameKind::Predicted,
                };
                assert_eq!(coded.kind, expected, "picture {picture}");
                assert!(coded.data.starts_with(&[0x12, 0]), "no temporal delimiter");
                frames.push(coded.data);
                if picture == 5 {
                    assert!(stage.encoder.invalidate_references(4));
                }
            }
            let last_twelve = |element: &str| {
                let all = values(&frames, element);
                all[all.len() - 12..].to_vec()
            };
            assert_eq!(last_twelve("base_q_idx"), [quantizer; 12], "{orders}");
            let hints = last_twelve("order_hint");
            assert_eq!(hints, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "0", "1", "2"]);
            // After the loss of 4 and 5 the one before; key frames have none.
            let referred = values(&frames, "ref_frame_idx[0]");
            assert_eq!(referred[referred.len() - 10..], ["0", "1", "2", "3", "4", "3", "6", "7", "0", "1"]);
            assert_eq!(values(&frames, "high_bitdepth")[0], if ten_bit { "1" } else { "0" });
        }
    });
    let Some(ledger) = ledger else { return };
    assert_clean(&ledger);
    let referred: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("refer ")).collect();
    assert_eq!(referred, ["3 picture=6"; 3]);
}
