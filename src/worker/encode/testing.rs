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
