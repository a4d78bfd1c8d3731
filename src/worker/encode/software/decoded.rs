//! What comes out of a decoder that is not ours: FFmpeg decodes what was
//! encoded, and pixels, colours and headers are compared.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::color::{ColorSpace, Colorimetry};
use crate::worker::encode::testing::{frame, plan};

/// Encodes `frames` pictures and returns their access units.
fn encode(
    plan: &VideoPlan,
    frames: u64,
    idr: &[u64],
    color: impl Fn(u64, usize, usize) -> [u8; 3],
) -> Vec<EncodedFrame> {
    let mut encoder = SoftwareEncoder::open(plan).unwrap();
    (0..frames)
        .map(|index| {
            let picture = frame(plan.size.width, plan.size.height, index * 16_667, |x, y| color(index, x, y));
            let request =
                FrameRequest { picture: 0, idr: idr.contains(&index), repeated: false, captured: picture.captured };
            encoder.load(&picture).unwrap();
            encoder.encode(request).unwrap()
        })
        .collect()
}

fn have_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: needs ffmpeg and ffprobe");
    }
    found
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(["-v", "error"]).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaint.is_empty(), "{program}: {complaint}");
    output.stdout
}

/// Decoded pictures as I420, one after the other.
fn decode(directory: &Path, units: &[EncodedFrame]) -> Vec<u8> {
    let file = directory.join("stream.h264");
    let stream: Vec<u8> = units.iter().flat_map(|unit| unit.data.clone()).collect();
    std::fs::write(&file, stream).unwrap();
    run("ffmpeg", &["-i", file.to_str().unwrap(), "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
}

fn probe(directory: &Path) -> String {
    let file = directory.join("stream.h264");
    let entries = "stream=width,height,profile,has_b_frames,color_range,color_space,color_primaries,color_transfer";
    let text = run("ffprobe", &["-show_entries", entries, "-of", "default=nw=1", file.to_str().unwrap()]);
    String::from_utf8(text).unwrap()
}

fn nal_types(unit: &[u8]) -> Vec<u8> {
    unit.windows(4).filter(|bytes| bytes[..3] == [0, 0, 1]).map(|bytes| bytes[3] & 31).collect()
}

#[test]
fn colours_survive_in_every_colorimetry_and_are_signalled() {
    if !have_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let bars = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 255],
        [0, 0, 0],
        [255, 255, 0],
        [128, 128, 128],
        [0, 255, 255],
    ];
    for (space, name) in [(ColorSpace::Bt601, "smpte170m"), (ColorSpace::Bt709, "bt709")] {
        for (range, range_name) in [(ColorRange::Limited, "tv"), (ColorRange::Full, "pc")] {
            let mut plan = plan(640, 176);
            plan.colorimetry = Colorimetry { space, range };
            let units = encode(&plan, 12, &[], |_, x, _| bars[x / 80]);
            let decoded = decode(directory.path(), &units);
            let last = &decoded[11 * 640 * 176 * 3 / 2..];
            for (index, bar) in bars.into_iter().enumerate() {
                let (x, y) = (index * 80 + 40, 88);
                let chroma = 640 * 176 + y / 2 * 320 + x / 2;
                let samples = [last[y * 640 + x], last[chroma], last[chroma + 320 * 88]];
                for (got, exact) in samples.into_iter().zip(color_matrix::exact(bar, plan.colorimetry)) {
                    assert!((f64::from(got) - exact).abs() <= 3.0, "{bar:?} {:?}: {got} {exact}", plan.colorimetry);
                }
            }
            let headers = probe(directory.path());
            for line in [
                format!("color_range={range_name}"),
                format!("color_space={name}"),
                format!("color_primaries={name}"),
                "has_b_frames=0".to_owned(),
                "profile=High".to_owned(),
            ] {
                assert!(headers.lines().any(|header| header == line), "{line} is not in\n{headers}");
            }
        }
    }
}

#[test]
fn the_visible_size_is_the_plans_and_the_picture_is_the_source() {
    if !have_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (width, height, seen) in
        [(1366, 768, (1366, 768)), (2340, 1080, (2340, 1080)), (853, 480, (854, 480)), (1280, 720, (1280, 720))]
    {
        let mut plan = plan(width, height);
        plan.bitrate = Bitrate::from_kbps(20_000);
        let wave = |index: u64, x: usize, y: usize| {
            let value = |scale: f64| {
                let phase = f64::from(u32::try_from(x * 2 + y + usize::try_from(index).unwrap() * 2).unwrap()) / scale;
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 28..=228")]
                let value = (128.0 + 100.0 * phase.sin()) as u8;
                value
            };
            [value(40.0), value(90.0), value(150.0)]
        };
        let units = encode(&plan, 6, &[], wave);
        let decoded = decode(directory.path(), &units);
        let headers = probe(directory.path());
        assert!(headers.contains(&format!("width={}", seen.0)), "{headers}");
        assert!(headers.contains(&format!("height={}", seen.1)), "{headers}");
        let quality = psnr(&plan, seen, &decoded, wave);
        assert!(quality > 38.0, "{width}x{height}: {quality} dB");
    }
}

/// Luma PSNR of the sixth picture against its conversion.
fn psnr(plan: &VideoPlan, seen: (usize, usize), decoded: &[u8], color: impl Fn(u64, usize, usize) -> [u8; 3]) -> f64 {
    let source = frame(plan.size.width, plan.size.height, 0, |x, y| color(5, x, y));
    let mut shown = Picture::new(plan.size, Chroma::Yuv420, plan.colorimetry);
    shown.show(&source).unwrap();
    let picture = &decoded[5 * (seen.0 * seen.1 * 3 / 2)..];
    let mut squares = 0.0;
    for (row, decoded) in picture.chunks_exact(seen.0).take(seen.1).enumerate() {
        squares += decoded
            .iter()
            .zip(shown.planes().luma_row(row))
            .map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2))
            .sum::<f64>();
    }
    10.0 * (255.0_f64.powi(2) * samples(plan) / squares.max(1.0)).log10()
}

#[test]
fn idr_frames_come_on_request_with_parameter_sets_and_slices() {
    let mut plan = plan(640, 368);
    plan.slices = 4;
    let units = encode(&plan, 8, &[5], |index, x, y| {
        [u8::try_from((x + y) % 200).unwrap(), u8::try_from(index * 3).unwrap(), 0]
    });
    for (index, unit) in units.iter().enumerate() {
        let idr = index == 0 || index == 5;
        assert_eq!(unit.kind == FrameKind::Idr, idr, "{index}");
        let expected: &[u8] = if idr { &[7, 8, 5, 5, 5, 5] } else { &[1, 1, 1, 1] };
        assert_eq!(nal_types(&unit.data), expected, "{index}");
    }
}

/// Sizes, in frame budgets, of 240 frames of noise at 5 Mbit/s, and at half of
/// that from frame 120 on. The hardest case: a quantizer step more and the
/// noise vanishes, a step less and it takes up to three times the bits.
fn noise(shades: impl Fn(u64) -> std::ops::Range<u64>) -> Vec<f64> {
    // The same sizes on every machine.
    let slices = Slices { count: 2, threads: 2 };
    let mut encoder = SoftwareEncoder::open_with(&plan(640, 368), slices).unwrap();
    let mut budget = 5e6 / 60.0;
    (0..240_u64)
        .map(|index| {
            if index == 120 {
                encoder.set_bitrate(Bitrate::from_kbps(2500)).unwrap();
                budget /= 2.0;
            }
            let shades = shades(index);
            let picture = frame(640, 368, index * 16_667, |x, y| {
                let place = ((x as u64) << 40) | ((y as u64) << 20) | index;
                let hash = place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                let shade = shades.start + hash % (shades.end - shades.start);
                [u8::try_from(shade).unwrap(); 3]
            });
            encoder.load(&picture).unwrap();
            let request = FrameRequest { picture: 0, idr: false, repeated: false, captured: picture.captured };
            let encoded = encoder.encode(request).unwrap();
            f64::from(u32::try_from(encoded.data.len()).unwrap()) * 8.0 / budget
        })
        .collect()
}

/// No predicted frame beyond two intervals, with a margin.
#[track_caller]
fn assert_no_burst(sizes: &[f64]) {
    let beyond: Vec<_> = sizes.iter().enumerate().skip(1).filter(|&(_, &share)| share > 1.97).collect();
    assert!(beyond.is_empty(), "frame, frame budgets: {beyond:.2?}");
}

fn mean(sizes: &[f64]) -> f64 {
    sizes.iter().sum::<f64>() / f64::from(u32::try_from(sizes.len()).unwrap())
}

#[test]
fn faint_noise_keeps_to_the_rate_and_to_two_frame_intervals() {
    // Another shade and strength soon after the rate fell.
    let sizes = noise(|index| if index < 130 { 0..60 } else { 40..130 });
    assert_no_burst(&sizes);
    assert!((0.9..1.1).contains(&mean(&sizes[60..120])), "{}", mean(&sizes[60..120]));
    // One quantizer takes 0.65 of a budget and the next 1.85: between them is
    // only what bursts of at most two intervals allow.
    assert!((0.8..1.1).contains(&mean(&sizes[180..])), "{}", mean(&sizes[180..]));
}

#[test]
fn faint_and_strong_noise_keep_to_two_frame_intervals() {
    for strength in [16, 120] {
        let sizes = noise(|_| 40..40 + strength);
        assert_no_burst(&sizes);
        let after = mean(&sizes[180..]);
        assert!((0.8..1.1).contains(&after), "{strength}: {after}");
    }
}
