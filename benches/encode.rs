//! What software encoding costs, and how well it keeps to the bit rate.
//!
//! `cargo bench --bench encode [-- CONTENT]`: 1920x1080 at 60 Hz and 20 Mbit/s,
//! over pictures made on the spot: a desktop that is typed in and scrolled, a
//! game-like moving world, pure noise, and cuts between all of them.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bench on known numbers")]

use std::sync::Arc;
use std::time::Instant;

use earthshine::clock::Micros;
use earthshine::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use earthshine::units::{Bitrate, Size};
use earthshine::worker::encode::software::{Slices, SoftwareEncoder};
use earthshine::worker::encode::{Encoder, FrameRequest};
use earthshine::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
const FRAMES: usize = 300;
const KBPS: u32 = 20_000;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let textures = Textures::new();
    println!(
        "{:9} {:>7} | {:>6} {:>6} ms | {:>6}..{:>6} kbit/s over 1 s | {:>5} {:>5} largest, p99 in frame budgets | IDR {:>5}",
        "content", "threads", "p50", "p99", "least", "most", "max", "p99", ""
    );
    for content in ["desktop", "game", "noise", "cuts"] {
        if wanted.as_ref().is_some_and(|wanted| wanted != content) {
            continue;
        }
        let frames: Vec<_> = (0..FRAMES).map(|index| textures.frame(content, index)).collect();
        for threads in [1, 2] {
            measure(content, threads, &frames);
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

/// Large pictures to cut frames from.
struct Textures {
    world: Vec<u32>,
    text: Vec<u32>,
}

const WORLD_WIDTH: usize = 4096;
const WORLD_HEIGHT: usize = 2048;

impl Textures {
    fn new() -> Self {
        Self { world: world(), text: text() }
    }

    fn frame(&self, content: &str, index: usize) -> Arc<[u8]> {
        match content {
            "desktop" => self.desktop(index),
            "game" => self.game(index),
            "noise" => noise(index),
            _ => match index / 20 % 4 {
                0 => self.desktop(index),
                1 => self.game(index),
                2 => self.game(index * 37),
                _ => self.desktop(index + 7_000),
            },
        }
    }

    /// Text that is typed for two seconds and then scrolled for one, with a
    /// blinking cursor and a small video in a corner.
    fn desktop(&self, index: usize) -> Arc<[u8]> {
        let scroll = index / 180 * 60 + (index % 180).saturating_sub(120);
        let first = scroll * 4 % (WORLD_HEIGHT - HEIGHT);
        let mut picture = self.cut(&self.text, 0, first);
        let typed = index % 120 * 9;
        for y in 900..918 {
            picture[y * WIDTH + 200..y * WIDTH + 200 + typed].copy_from_slice(&self.text[y * WORLD_WIDTH..][..typed]);
        }
        if (index / 30).is_multiple_of(2) {
            for y in 900..918 {
                picture[y * WIDTH + 200 + typed..][..9].fill(0xffff_ffff);
            }
        }
        bytes(&picture)
    }

    /// A panning world with things that move against it, grain and a display.
    fn game(&self, index: usize) -> Arc<[u8]> {
        let turn = index as f64 / 25.0;
        let left = ((turn.sin() + 1.0) * (WORLD_WIDTH - WIDTH - 1) as f64 / 2.0) as usize;
        let top = (((turn * 0.7).cos() + 1.0) * (WORLD_HEIGHT - HEIGHT - 1) as f64 / 2.0) as usize;
        let mut picture = self.cut(&self.world, left, top);
        let mut random = Random(index as u64 + 1);
        for thing in 0..24 {
            let speed = thing % 7 + 3;
            let (x, y) =
                ((thing * 331 + index * speed) % (WIDTH - 96), (thing * 173 + index * (speed / 2)) % (HEIGHT - 96));
            for row in 0..96 {
                let from = (thing * 83 + row) * WORLD_WIDTH + thing * 111;
                picture[(y + row) * WIDTH + x..][..96].copy_from_slice(&self.world[from..from + 96]);
            }
        }
        for pixel in picture[..WIDTH * HEIGHT / 3].iter_mut() {
            let grain = (random.next() & 3) as u32;
            *pixel = pixel.wrapping_add(grain * 0x0001_0101) & 0x00ff_ffff;
        }
        bytes(&picture)
    }

    fn cut(&self, texture: &[u32], left: usize, top: usize) -> Vec<u32> {
        (0..HEIGHT).flat_map(|y| &texture[(top + y) * WORLD_WIDTH + left..][..WIDTH]).copied().collect()
    }
}

/// Hills of several sizes in changing colours, with hard edges here and there.
fn world() -> Vec<u32> {
    let mut random = Random(7);
    let grid: Vec<f64> = (0..512 * 512).map(|_| random.unit()).collect();
    let at = |x: f64, y: f64| {
        let (column, row) = (x as usize % 511, y as usize % 511);
        let (fx, fy) = (x.fract(), y.fract());
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        mix(
            mix(grid[row * 512 + column], grid[row * 512 + column + 1], fx),
            mix(grid[(row + 1) * 512 + column], grid[(row + 1) * 512 + column + 1], fx),
            fy,
        )
    };
    let mut texture = Vec::with_capacity(WORLD_WIDTH * WORLD_HEIGHT);
    for y in 0..WORLD_HEIGHT {
        for x in 0..WORLD_WIDTH {
            let (fx, fy) = (x as f64, y as f64);
            let height = at(fx / 256.0, fy / 256.0) * 0.5
                + at(fx / 64.0, fy / 64.0) * 0.25
                + at(fx / 16.0, fy / 16.0) * 0.15
                + at(fx / 4.0, fy / 4.0) * 0.1;
            let edge = if ((height * 8.0) as u32).is_multiple_of(2) { 0.0 } else { 0.15 };
            let channel = |gain: f64| (((height * gain + edge) * 255.0) as u32).min(250);
            texture.push(channel(0.9) << 16 | channel(1.0) << 8 | channel(0.6));
        }
    }
    texture
}

/// Lines of letter-like strokes on a dark ground, window frames included.
fn text() -> Vec<u32> {
    let mut random = Random(3);
    let mut texture = vec![0x0010_1418; WORLD_WIDTH * WORLD_HEIGHT];
    for line in 0..WORLD_HEIGHT / 20 {
        let mut x = 24;
        while x < WORLD_WIDTH - 40 {
            let word = random.next() as usize % 9 + 2;
            for _ in 0..word {
                let strokes = random.next();
                for y in 0..12 {
                    for column in 0..7 {
                        if strokes >> ((y / 2 * 7 + column) % 40) & 1 == 1 && x + column < WORLD_WIDTH {
                            texture[(line * 20 + y + 4) * WORLD_WIDTH + x + column] = 0x00d0_d0c8;
                        }
                    }
                }
                x += 9;
            }
            x += 9 + if random.next().is_multiple_of(6) { 300 } else { 0 };
        }
    }
    texture
}

fn noise(index: usize) -> Arc<[u8]> {
    let mut random = Random(index as u64 + 1);
    (0..WIDTH * HEIGHT / 2).flat_map(|_| random.next().to_le_bytes()).collect()
}

fn bytes(picture: &[u32]) -> Arc<[u8]> {
    picture.iter().flat_map(|pixel| pixel.to_le_bytes()).collect()
}

/// xorshift64*: the same pictures every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn unit(&mut self) -> f64 {
        (self.next() & 0xffff) as f64 / 65535.0
    }
}
