//! What the tests of this part share: a plan, and pictures to encode.

use std::sync::Arc;

use crate::clock::Micros;
use crate::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use crate::units::{Bitrate, Size};
use crate::worker::frame::{Frame, PixelFormat, Pixels};

/// A software H.264 stream at 60 Hz and 5 Mbit/s.
pub(crate) fn plan(width: u32, height: u32) -> VideoPlan {
    VideoPlan {
        size: Size::new(width, height),
        bitrate: Bitrate::from_kbps(5000),
        single_reference: true,
        ..StreamPlan::small_test_card(vec![EncoderFamily::Software]).video
    }
}

/// A picture with a colour per pixel, captured at `captured` microseconds.
pub(crate) fn frame(width: u32, height: u32, captured: u64, color: impl Fn(usize, usize) -> [u8; 3]) -> Frame {
    let (columns, rows) = (width as usize, height as usize);
    let mut bytes = Vec::with_capacity(columns * rows * 4);
    for y in 0..rows {
        for x in 0..columns {
            let [red, green, blue] = color(x, y);
            bytes.extend_from_slice(&[blue, green, red, 0]);
        }
    }
    Frame {
        pixels: Pixels::Owned(Arc::from(bytes)),
        size: Size::new(width, height),
        stride: columns * 4,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: 0,
        changed: None,
        presented: Micros(captured),
        captured: Micros(captured),
    }
}

/// What FFmpeg reads in the headers of a stream: names of the standard, and values.
/// `None` where there is no FFmpeg, which is said.
pub(crate) fn headers(format: &str, stream: &[u8]) -> Option<Vec<(String, String)>> {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(stream).unwrap();
    let output = std::process::Command::new("ffmpeg")
        .args(["-hide_banner", "-v", "trace", "-f", format, "-i"])
        .arg(file.path())
        .args(["-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"])
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "ffmpeg is needed");
        eprintln!("SKIPPED: ffmpeg is not here, so nobody reads the headers");
        return None;
    };
    // Lines like "[trace_headers @ 0x5] 24   level_idc   00011111 = 31".
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter_map(|line| line.strip_prefix("[trace_headers")?.split_once("] "));
    let elements = lines.filter_map(|(_, line)| {
        let (element, value) = line.rsplit_once(" = ")?;
        Some((element.split_whitespace().nth(1)?.to_owned(), value.trim().to_owned()))
    });
    Some(elements.collect())
}
