//! What the hot paths cost, counted in instructions, so that a regression shows on any
//! machine however busy it is.
//!
//! Valgrind runs this program with one of [`CASES`], few and many times; the difference
//! is what one time takes, and does not depend on the machine: there are neither
//! AVX-512 nor GFNI in valgrind, so every machine with AVX2 takes the same kernels. The
//! counts may not rise above `benches/instructions.toml` by more than its tolerance.
//! After a change that is meant, `EARTHSHINE_NEW_BASELINE=1 cargo test --test
//! instructions` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use earthshine::ids::Generation;
use earthshine::protocol::audio::packetizer::{
    AudioDatagrams, AudioPacketizer, AudioPacketizerConfig, AudioSealConfig,
};
use earthshine::protocol::control::input_packet;
use earthshine::protocol::control::sealer::{ControlSealer, Scheme};
use earthshine::protocol::fec::decode::repair;
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::kernels::{Kernel, Stripe};
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::rtsp::message::{Progress, parse_request};
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::side::Side;
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use serde::Deserialize;

#[path = "support/skip.rs"]
mod skip;

/// Does its work so many times, and returns something that depends on it.
type Case = fn(u32) -> usize;

const CASES: [(&str, Case); 8] = [
    ("packetize_100_kb", |times| packetize(times, false)),
    ("packetize_100_kb_sealed", |times| packetize(times, true)),
    ("parity_20_4_portable", |times| parity(times, Kernel::PORTABLE)),
    ("repair_4_of_20", repair_block),
    ("control_messages_sealed_and_opened", control_message),
    ("sound_packets_sealed", sound),
    ("input_packets_read", input),
    ("rtsp_requests_parsed", rtsp),
];

#[derive(Debug, Deserialize)]
struct Baseline {
    rustc: String,
    opt_level: u8,
    tolerance_percent: u64,
    instructions: BTreeMap<String, u64>,
}

#[test]
fn no_hot_path_takes_more_instructions_than_its_baseline() {
    if !cfg!(target_arch = "x86_64") || Kernel::named("avx2").is_none() {
        return skip::say("x86-64 with AVX2, whose instructions are counted");
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip::skip("valgrind");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.toml");
    let text = std::fs::read_to_string(&path).expect("the baseline");
    let baseline: Baseline = toml::from_str(&text).expect("a baseline");
    let mut counted = String::new();
    let mut risen = Vec::new();
    for (name, _) in CASES {
        let count = (under_valgrind(name, MANY) - under_valgrind(name, FEW)) / u64::from(MANY - FEW);
        writeln!(counted, "{name} = {count}").expect("memory");
        let before = baseline.instructions.get(name).copied().unwrap_or_default();
        if count * 100 > before * (100 + baseline.tolerance_percent) {
            risen.push(format!("{name}: {count}, the baseline is {before}"));
        }
    }
    println!("instructions:\n{counted}");
    let compiler = env!("EARTHSHINE_RUSTC").split(' ').nth(1).unwrap_or_default();
    let opt_level = env!("EARTHSHINE_OPT_LEVEL");
    if std::env::var_os("EARTHSHINE_NEW_BASELINE").is_some() {
        let head = text.split("rustc = ").next().unwrap_or_default();
        let tolerance = baseline.tolerance_percent;
        let new = format!(
            "{head}rustc = \"{compiler}\"\nopt_level = {opt_level}\ntolerance_percent = {tolerance}\n\n[instructions]\n{counted}"
        );
        std::fs::write(&path, new).expect("a new baseline");
    } else if compiler != baseline.rustc || opt_level != baseline.opt_level.to_string() {
        skip::say(&format!("rustc {} at level {}, to compare counts with", baseline.rustc, baseline.opt_level));
    } else {
        assert!(risen.is_empty(), "more instructions than before: {risen:#?}");
    }
}

/// What valgrind runs; by itself it shows that each case does something.
#[test]
fn every_case_does_its_work() {
    let one = std::env::var(WHICH).unwrap_or_default();
    let times = std::env::var(TIMES).map_or(1, |times| times.parse().expect("a number"));
    for (_, case) in CASES.iter().filter(|(name, _)| one.is_empty() || one == *name) {
        assert!(case(times) > 0);
    }
}

/// Instructions of this program with one case.
fn under_valgrind(case: &str, times: u32) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "every_case_does_its_work", "--test-threads=1"])
        .envs([(WHICH, case), (TIMES, &times.to_string())])
        .output()
        .expect("valgrind");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {text}");
    let line = text.lines().find_map(|line| line.split_once("I refs:").or_else(|| line.split_once("I   refs:")));
    let digits: String = line.expect("a count").1.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 131) ^ (i >> 7)).to_le_bytes()[0]).collect()
}

fn packetize(times: u32, sealed: bool) -> usize {
    let seal = sealed.then(|| SealConfig { key: KEY, generation: Generation(0), first: 0 });
    let config = PacketizerConfig {
        packet_size: if sealed { 1360 } else { 1392 },
        fec: FecPercent(20),
        minimum_parity: 2,
        seal,
        first_packet_index: 0,
    };
    let kernel = Kernel::named("avx2").unwrap_or(Kernel::PORTABLE);
    let mut packetizer = Packetizer::new(&config).expect("a possible size").with_kernel(kernel);
    let (data, mut batch) = (noise(100_000), ShardBatch::new());
    for number in 0..times {
        let picture = PictureToSend {
            data: black_box(&data),
            kind: FrameType::Predicted,
            frame_index: FrameIndex(number),
            rtp_timestamp: RtpTimestamp(number),
            latency_100us: 1,
        };
        packetizer.packetize(&picture, black_box(&mut batch)).expect("a usual frame");
    }
    batch.len()
}

const STRIPE: Stripe = Stripe { stride: 1408, offset: 0, len: 1408 };

fn parity(times: u32, kernel: Kernel) -> usize {
    let mut encoder = Encoder::with_kernel(kernel);
    let mut block = noise(24 * STRIPE.stride);
    for _ in 0..times {
        encoder.encode(black_box(&mut block), 20, 4, STRIPE).expect("a possible block");
    }
    usize::from(block[20 * STRIPE.stride..].iter().any(|byte| *byte != 0))
}

fn repair_block(times: u32) -> usize {
    let mut block = noise(24 * STRIPE.stride);
    Encoder::new().encode(&mut block, 20, 4, STRIPE).expect("a possible block");
    let code = Matrix::video(20, 4).expect("a possible code");
    let present: Vec<bool> = (0..24).map(|shard| ![0, 5, 6, 19].contains(&shard)).collect();
    for _ in 0..times {
        repair(&code, black_box(&mut block), &present, STRIPE).expect("four of four");
    }
    usize::from(block[..STRIPE.stride] == noise(STRIPE.stride))
}

fn control_message(times: u32) -> usize {
    let mut client = ControlSealer::new(&KEY, Scheme::V2, Side::Client);
    let mut host = ControlSealer::new(&KEY, Scheme::V2, Side::Host);
    let message = [7; 36];
    let opened = (0..SMALL * times).map(|_| {
        let sealed = client.seal(black_box(&message)).expect("a short message");
        host.open(black_box(&sealed)).expect("fresh").len()
    });
    opened.sum()
}

fn sound(times: u32) -> usize {
    let seal = Some(AudioSealConfig { key: KEY, rikeyid: 7 });
    let mut packetizer =
        AudioPacketizer::new(&AudioPacketizerConfig { packet_duration_ms: 5, seal, first_sequence: 0 });
    let mut datagrams = AudioDatagrams::new();
    let sent = (0..SMALL * times).map(|_| {
        packetizer.push(black_box(&[7; 200]), &mut datagrams).expect("a usual packet");
        datagrams.iter().count()
    });
    sent.sum()
}

fn input(times: u32) -> usize {
    let packets: [&[u8]; 3] = [
        include_bytes!("fuzz/corpus/input_packet/0243d8bd93fc"),
        include_bytes!("fuzz/corpus/input_packet/0579f3bfa624"),
        include_bytes!("fuzz/corpus/input_packet/09b3a86e3975"),
    ];
    let known = |packet: &&&[u8]| matches!(input_packet::read(black_box(packet)), Ok(Some(_)));
    (0..SMALL * times).map(|_| packets.iter().filter(known).count()).sum()
}

fn rtsp(times: u32) -> usize {
    let all = include_bytes!("fuzz/corpus/rtsp_request/6c10b9796a18");
    let mut parsed = 0;
    for _ in 0..times {
        let mut rest = black_box(&all[..]);
        while let Ok(Progress::Complete { consumed, .. }) = parse_request(rest) {
            rest = &rest[consumed..];
            parsed += 1;
        }
    }
    parsed
}

const KEY: SessionKey = SessionKey::new(*b"0123456789abcdef");
/// How often a case runs; the less often, so that what happens once happens in both.
const FEW: u32 = 3;
const MANY: u32 = 13;
/// Repetitions of what is small, because a start differs by some hundred instructions from
/// the next.
const SMALL: u32 = 200;
const WHICH: &str = "EARTHSHINE_COUNT_CASE";
const TIMES: &str = "EARTHSHINE_COUNT_TIMES";
