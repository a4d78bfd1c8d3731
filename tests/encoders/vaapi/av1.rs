//! AV1. The stand-in codes no pictures: that our headers are sound, say what the parameters
//! say, and are written into where they have to be is all that is shown.

use std::fs;
use std::process::Command;

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::stream_plan::VideoPlan;
use earthshine::worker::frame::FrameKind;

use crate::process::{assert_clean, order, with_driver};
use crate::stage::Stage;

fn plan(ten_bit: bool) -> VideoPlan {
    let profile = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit };
    VideoPlan { profile, ..super::plan(333, 187) }
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
        for (orders, ten_bit, quantizer) in [("", false, "77"), ("", true, "77"), ("cap RateControl 16", false, "110")]
        {
            order(orders);
            let mut stage = Stage::open(&plan(ten_bit));
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
