//! Colour conversion and scaling of whole frames, beside copying the frame.
//!
//! `cargo bench --bench convert`

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bench on known numbers")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use earthshine::clock::Micros;
use earthshine::codec::Chroma;
use earthshine::color::{ColorRange, ColorSpace, Colorimetry};
use earthshine::units::Size;
use earthshine::worker::convert::cpu::CpuConverter;
use earthshine::worker::encode::software::content::Observer;
use earthshine::worker::frame::{Frame, PixelFormat, Pixels};

fn main() {
    divan::main();
}

const HD: Size = Size::new(1920, 1080);
const COLORIMETRY: Colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };

#[divan::bench]
fn copy_1080p(bencher: Bencher) {
    let frame = frame(HD);
    let bytes = frame.read().unwrap();
    let mut copy = vec![0; bytes.len()];
    bencher.counter(BytesCount::new(copy.len())).bench_local(|| copy.copy_from_slice(&bytes));
}

#[divan::bench]
fn convert_1080p(bencher: Bencher) {
    convert(bencher, HD, HD);
}

#[divan::bench]
fn scale_1440p_to_1080p_and_convert(bencher: Bencher) {
    convert(bencher, Size::new(2560, 1440), HD);
}

#[divan::bench]
fn scale_720p_to_1080p_and_convert(bencher: Bencher) {
    convert(bencher, Size::new(1280, 720), HD);
}

#[divan::bench]
fn convert_a_tenth_of_1080p(bencher: Bencher) {
    let frame = frame(HD);
    let mut converter = CpuConverter::new(HD, Chroma::Yuv420, COLORIMETRY);
    let mut planes = converter.planes();
    bencher
        .counter(BytesCount::new(frame.read().unwrap().len() / 10))
        .bench_local(|| converter.convert(&frame, Some(486..594), &mut planes).expect("a good frame"));
}

#[divan::bench]
fn look_at_content_1080p(bencher: Bencher) {
    let frame = frame(HD);
    let mut converter = CpuConverter::new(HD, Chroma::Yuv420, COLORIMETRY);
    let mut planes = [converter.planes(), converter.planes()];
    converter.convert(&frame, None, &mut planes[0]).expect("a good frame");
    let mut observer = Observer::new(HD);
    let mut index = 0;
    bencher.bench_local(|| {
        index = 1 - index;
        observer.look(&planes[index], 0..HD.height)
    });
}

fn convert(bencher: Bencher, source: Size, target: Size) {
    let frame = frame(source);
    let mut converter = CpuConverter::new(target, Chroma::Yuv420, COLORIMETRY);
    let mut planes = converter.planes();
    bencher
        .counter(BytesCount::new(frame.read().unwrap().len()))
        .bench_local(|| converter.convert(&frame, None, &mut planes).expect("a good frame"));
}

fn frame(size: Size) -> Frame {
    let stride = size.width as usize * 4;
    let bytes: Vec<u8> = (0..stride * size.height as usize).map(|index| (index * 31 % 251) as u8).collect();
    Frame {
        pixels: Pixels::Owned(Arc::from(bytes)),
        size,
        stride,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: 0,
        changed: None,
        presented: Micros(0),
        captured: Micros(0),
    }
}
