//! The program's own encoder on the stand-ins, without a host around it: opened and
//! closed a thousand times, told to spend less, to refresh, and what it is mastered on.

mod support;

use std::rc::Rc;
use std::time::{Duration, Instant};

use earthshine_ffi::cuda::{Context, Driver};
use earthshine_ffi::nvenc::{Api, Codec, Colour, Encoder, Hdr, Picture, Request, Samples, Settings, Split};
use support::{complaints, ledger_of};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

#[test]
fn the_thousandth_encoder_finds_the_driver_as_the_first_one_did() {
    let ledger = ledger_of("the_thousandth_encoder_finds_the_driver_as_the_first_one_did", "", || {
        let mut durations = Vec::new();
        let mut after_a_hundred = Held::default();
        for cycle in 0..CYCLES {
            let started = Instant::now();
            let (mut encoder, mut out) = (open(), Vec::new());
            for number in 1..=3 {
                encoder.load(&picture(&[90; WIDTH * HEIGHT])).expect("a picture");
                out.clear();
                let coded = encoder.encode(plain(number), &mut out).expect("a frame");
                assert_eq!(coded.is_idr, number == 1);
            }
            drop(encoder);
            durations.push(started.elapsed());
            if cycle == CYCLES / 10 {
                after_a_hundred = Held::now();
            }
        }
        let held = Held::now();
        assert_eq!((held.descriptors, held.threads), (after_a_hundred.descriptors, after_a_hundred.threads));
        assert!(
            held.resident_kb < after_a_hundred.resident_kb + SLACK_KB,
            "memory grew: {after_a_hundred:?}, then {held:?}"
        );
        let median = |durations: &[Duration]| {
            let mut sorted = durations.to_vec();
            sorted.sort();
            sorted[sorted.len() / 2]
        };
        let (first, last) = (median(&durations[..CYCLES / 10]), median(&durations[CYCLES / 10 * 9..]));
        eprintln!("a cycle of three frames: {first:?} in the first tenth, {last:?} in the last");
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let lines = |what: &str| ledger.iter().filter(|line| *line == what).count();
    assert_eq!((lines("open nvenc"), lines("close nvenc")), (CYCLES, CYCLES));
}

#[test]
fn a_bit_rate_is_changed_without_an_idr_frame() {
    let ledger = ledger_of("a_bit_rate_is_changed_without_an_idr_frame", "", || {
        let (mut encoder, mut out) = (open(), Vec::new());
        for (number, bitrate) in [(1, 1_000_000), (2, 500_000), (3, 4_000_000)] {
            encoder.set_bitrate(bitrate).expect("a bit rate");
            encoder.load(&picture(&[number * 20; WIDTH * HEIGHT])).expect("a picture");
            let coded = encoder.encode(plain(number.into()), &mut out).expect("a frame");
            assert_eq!(coded.is_idr, number == 1);
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let rates: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("reconfigure bitrate=")).collect();
    assert_eq!(rates.len(), 3);
    for (told, bitrate, frame) in
        [(rates[0], 1_000_000, 16_666), (rates[1], 500_000, 8333), (rates[2], 4_000_000, 66_666)]
    {
        assert!(told.starts_with(&format!("{bitrate} max_bitrate={bitrate} vbv={frame} ")), "{told}");
        assert!(told.ends_with("reset=0 idr=0"), "{told}");
    }
}

#[test]
fn a_frame_rate_is_changed_without_an_idr_frame() {
    let ledger = ledger_of("a_frame_rate_is_changed_without_an_idr_frame", "", || {
        let (mut encoder, mut out) = (open(), Vec::new());
        for (number, rate) in [(1, (30, 1)), (2, (120_000, 1001))] {
            encoder.set_frame_rate(rate).expect("a frame rate");
            encoder.load(&picture(&[number * 20; WIDTH * HEIGHT])).expect("a picture");
            let coded = encoder.encode(plain(number.into()), &mut out).expect("a frame");
            assert_eq!(coded.is_idr, number == 1);
        }
        encoder.set_bitrate(1_000_000).expect("a bit rate");
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let told: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("reconfigure bitrate=")).collect();
    // A frame of VBV is what its interval carries, also when the bit rate changes later.
    for (told, begins, rate) in [
        (told[0], "2000000 max_bitrate=2000000 vbv=66666 ", " fps=30/1 "),
        (told[1], "2000000 max_bitrate=2000000 vbv=16683 ", " fps=120000/1001 "),
        (told[2], "1000000 max_bitrate=1000000 vbv=8341 ", " fps=120000/1001 "),
    ] {
        assert!(told.starts_with(begins) && told.contains(rate) && told.ends_with("reset=0 idr=0"), "{told}");
    }
}

#[test]
fn waves_of_intra_blocks_are_asked_for_where_there_are_some() {
    let asked = |codec| Settings { intra_refresh: Some(60), ..settings(codec) };
    let work = || {
        for codec in [Codec::H264, Codec::Hevc, Codec::Av1] {
            let (mut encoder, mut out) = (open_with(&asked(codec)), Vec::new());
            for number in 1..=3 {
                encoder.load(&picture(&[90; WIDTH * HEIGHT])).expect("a picture");
                // The first picture needs none.
                let request = Request { refresh: number != 2, idr: number == 1, ..plain(number) };
                encoder.encode(request, &mut out).expect("a frame");
            }
        }
    };
    let test = "waves_of_intra_blocks_are_asked_for_where_there_are_some";
    let Some(ledger) = ledger_of(test, "", work) else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let told: Vec<_> = ledger.iter().filter(|line| line.starts_with("settings ")).collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|line| line.contains(" intra_refresh=61/60 ")), "{told:?}");
    let points: Vec<_> = told.iter().map(|line| line.ends_with(" recovery_point=1")).collect();
    assert_eq!(points, [true, true, false], "AV1 has no such message");
    assert_eq!(ledger.iter().filter(|line| *line == "refresh 2 60").count(), 3);
    let Some(ledger) = ledger_of(test, "cap SUPPORT_INTRA_REFRESH 0", work) else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    assert!(!ledger.iter().any(|line| line.starts_with("refresh ") || line.contains("intra_refresh=61")));
}

#[test]
fn an_hdr_stream_says_what_it_was_mastered_on() {
    let test = "an_hdr_stream_says_what_it_was_mastered_on";
    let ledger = ledger_of(test, "", || {
        for (codec, suffix) in [(Codec::Hevc, ".hevc"), (Codec::Av1, ".obu")] {
            let settings = Settings {
                samples: Samples { ten_bit: true, yuv444: false },
                colour: Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false },
                hdr: Some(Hdr { brightest_pixel: 800, brightest_average: 200, ..Hdr::BT2020_1000 }),
                ..settings(codec)
            };
            let (mut encoder, mut stream) = (open_with(&settings), Vec::new());
            for number in 1..=3 {
                encoder.load(&picture(&[90; WIDTH * HEIGHT])).expect("a picture");
                let request = Request { idr: number == 1, ..plain(number) };
                encoder.encode(request, &mut stream).expect("a frame");
            }
            let Some(said) = side_data(&stream, suffix) else { return };
            for line in [
                "red_x=35400/50000",
                "green_y=39850/50000",
                "white_point_x=15635/50000",
                "max_luminance=10000000/10000",
            ] {
                let (name, value) = line.split_once('=').expect("a value");
                let expected = fraction(value);
                let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
                let found = fraction(found.unwrap_or_else(|| panic!("no {name} in {said}")));
                assert!((found - expected).abs() / expected < 1e-4, "{name} of {codec:?}: {found}, not {expected}");
            }
            for line in ["max_content=800", "max_average=200"] {
                assert!(said.lines().any(|found| found == line), "no {line} of {codec:?} in {said}");
            }
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let kinds: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("message ")?.split(' ').next()).collect();
    assert_eq!(kinds, ["137", "144", "1", "2"], "once a stream");
}

/// What FFmpeg says of the first frame's side data; `None`, said loudly, without it.
fn side_data(stream: &[u8], suffix: &str) -> Option<String> {
    let file = tempfile::NamedTempFile::with_suffix(suffix).expect("a file");
    std::fs::write(file.path(), stream).expect("the stream is written");
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-read_intervals", "%+#1", "-show_frames", "-of", "default=nw=1"])
        .arg(file.path())
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: ffprobe is not here, so nobody reads the stream");
        return None;
    };
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn fraction(text: &str) -> f64 {
    let (above, below) = text.split_once('/').expect("a fraction");
    above.parse::<f64>().expect("a number") / below.parse::<f64>().expect("a number")
}

#[test]
fn only_pictures_that_can_be_split_are() {
    let test = "only_pictures_that_can_be_split_are";
    let ledger = ledger_of(test, "", || {
        for (codec, split) in [
            (Codec::H264, Split::Forced),
            (Codec::Hevc, Split::Never),
            (Codec::Hevc, Split::Automatic),
            (Codec::Hevc, Split::Two),
            (Codec::Av1, Split::Three),
            (Codec::Av1, Split::Forced),
        ] {
            drop(open_with(&Settings { split, ..settings(codec) }));
        }
    });
    let Some(ledger) = ledger else { return };
    assert_eq!(complaints(&ledger), [""; 0]);
    let modes: Vec<_> =
        ledger.iter().filter_map(|line| line.split(' ').find_map(|word| word.strip_prefix("split="))).collect();
    assert_eq!(modes, ["0", "15", "0", "2", "3", "1"]);
}

const fn plain(picture: u64) -> Request {
    Request { picture, idr: false, refresh: false }
}

fn open() -> Encoder {
    open_with(&settings(Codec::H264))
}

fn open_with(settings: &Settings) -> Encoder {
    let driver = Driver::open().expect("a driver");
    let device = driver.devices().expect("devices").remove(0);
    let context: Rc<Context> = Context::create(&driver, &device).expect("a context");
    Encoder::open(&Api::open().expect("an interface"), &context, settings).expect("an encoder")
}

const fn settings(codec: Codec) -> Settings {
    Settings {
        codec,
        samples: Samples { ten_bit: false, yuv444: false },
        width: 320,
        height: 180,
        frame_rate: (60, 1),
        bitrate: 2_000_000,
        preset: 1,
        slices: 1,
        references: 5,
        spatial_aq: false,
        two_pass: true,
        colour: Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false },
        hdr: None,
        intra_refresh: None,
        split: Split::Never,
    }
}

/// One shade in all planes.
fn picture(samples: &[u8]) -> Picture<'_> {
    Picture { planes: [(samples, WIDTH), (samples, WIDTH / 2), (samples, WIDTH / 2)] }
}

/// What this process holds.
#[derive(Debug, Default)]
struct Held {
    descriptors: usize,
    threads: usize,
    resident_kb: u64,
}

impl Held {
    fn now() -> Self {
        let count = |directory| std::fs::read_dir(directory).expect("/proc").count();
        let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        let resident_kb = resident.trim().trim_end_matches(" kB").parse().expect("kilobytes");
        Self { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"), resident_kb }
    }
}

const CYCLES: usize = 1000;

/// What an allocator may keep: less than a picture for each cycle.
const SLACK_KB: u64 = 8 << 10;
