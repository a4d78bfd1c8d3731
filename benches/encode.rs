//! What software encoding costs, and how well it keeps to the bit rate.
//!
//! `cargo bench --bench encode [-- CONTENT]`: 1920x1080 at 60 Hz and 20 Mbit/s,
//! with one slice and thread and with two, of each built-in content. `earthshine bench encode`
//! does the same for all encoders, each in a process of its own.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bench on known numbers")]

use std::sync::Arc;
use std::time::Instant;

use earthshine::clock::Micros;
use earthshine::content::{Content, Painter};
use earthshine::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use earthshine::units::{Bitrate, Size};
use earthshine::worker::encode::software::{Slices, SoftwareEncoder};
use earthshine::worker::encode::{Encoder, FrameRequest};
use earthshine::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
const FRAMES: u32 = 300;
const KBPS: u32 = 20_000;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    println!(
        "{:9} {:>7} | {:>6} {:>6} ms | {:>6}..{:>6} kbit/s over 1 s | {:>5} {:>5} largest, p99 in frame budgets | IDR {:>5}",
        "content", "threads", "p50", "p99", "least", "most", "max", "p99", ""
    );
    for content in Content::ALL {
        if wanted.as_ref().is_some_and(|wanted| wanted != content.name()) {
            continue;
        }
        let painter = Painter::new(content, Size::new(WIDTH as u32, HEIGHT as u32));
        let mut drawn = vec![0; painter.bytes()];
        let mut frame = |number| {
            painter.draw(number, &mut drawn);
            Arc::from(drawn.as_slice())
        };
        let frames: Vec<_> = (0..FRAMES).map(&mut frame).collect();
        for threads in [1, 2] {
            measure(content.name(), threads, &frames);
        }
    }
}

fn measure(content: &str, threads: u8, frames: &[Arc<[u8]>]) {
    let plan = plan();
    let slices = Slices { count: threads, threads };
    let mut encoder = SoftwareEncoder::open_with(&plan, slices).expect("an encoder");
    let (mut times, mut sizes, mut idr) = (Vec::new(), Vec::new(), 0);
    for (index, pixels) in frames.iter().enumerate() {
        let frame = Frame {
            pixels: Pixels::Owned(Arc::clone(pixels)),
            size: plan.size,
            stride: WIDTH * 4,
            format: PixelFormat::Bgrx,
            bottom_up: false,
            number: 0,
            changed: None,
            presented: Micros(0),
            captured: Micros(index as u64 * 1_000_000 / 60),
        };
        let started = Instant::now();
        let request = FrameRequest { picture: 0, idr: index == 0, repeated: false, captured: frame.captured };
        encoder.load(&frame).expect("a picture that can be converted");
        let encoded = encoder.encode(request).expect("an access unit");
        let bits = encoded.data.len() as f64 * 8.0;
        if encoded.kind == FrameKind::Idr {
            idr = encoded.data.len();
        } else {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        sizes.push(bits);
    }
    report(content, threads, &mut times, &sizes, idr);
}

fn report(content: &str, threads: u8, times: &mut [f64], sizes: &[f64], idr: usize) {
    let budget = f64::from(KBPS) * 1000.0 / 60.0;
    let seconds: Vec<f64> = sizes[60..].windows(60).map(|second| second.iter().sum::<f64>() / 1000.0).collect();
    let mut predicted: Vec<f64> = sizes[1..].iter().map(|bits| bits / budget).collect();
    let quantile = |values: &mut [f64], part: f64| {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * part) as usize]
    };
    println!(
        "{content:9} {threads:>7} | {:>6.2} {:>6.2} ms | {:>6.0}..{:>6.0} kbit/s over 1 s | {:>5.2} {:>5.2} largest, p99 in frame budgets | IDR {:>5.2}",
        quantile(times, 0.5),
        quantile(times, 0.99),
        seconds.iter().copied().fold(f64::MAX, f64::min),
        seconds.iter().copied().fold(0.0, f64::max),
        quantile(&mut predicted, 1.0),
        quantile(&mut predicted, 0.99),
        idr as f64 * 8.0 / budget,
    );
}

fn plan() -> VideoPlan {
    VideoPlan {
        size: Size::new(WIDTH as u32, HEIGHT as u32),
        bitrate: Bitrate::from_kbps(KBPS),
        single_reference: true,
        ..StreamPlan::small_test_card(vec![EncoderFamily::Software]).video
    }
}
