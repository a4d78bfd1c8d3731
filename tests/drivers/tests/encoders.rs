//! The program's own encoder on the stand-ins, without a host around it: opened and
//! closed a thousand times, and told to spend less.

mod support;

use std::rc::Rc;
use std::time::{Duration, Instant};

use earthshine_ffi::cuda::{Context, Driver};
use earthshine_ffi::nvenc::{Api, Codec, Colour, Encoder, Picture, Samples, Settings};
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
                let coded = encoder.encode(number, false, &mut out).expect("a frame");
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
            let coded = encoder.encode(number.into(), false, &mut out).expect("a frame");
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

fn open() -> Encoder {
    let driver = Driver::open().expect("a driver");
    let device = driver.devices().expect("devices").remove(0);
    let context: Rc<Context> = Context::create(&driver, &device).expect("a context");
    let settings = Settings {
        codec: Codec::H264,
        samples: Samples::default(),
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
    };
    Encoder::open(&Api::open().expect("an interface"), &context, &settings).expect("an encoder")
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
