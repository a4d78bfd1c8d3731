//! What a test has ordered: `DIR/faults`, read afresh at each call.
//!
//! Blank lines and lines that begin with `#` are passed over; the others are
//!
//! ```text
//! CALL fail CODE [after N] [times N]
//! CALL hang [after N] [times N]
//! devices N
//! device NUMBER lost
//! node NAME lost
//! limit sessions N [on NUMBER]
//! limit memory BYTES
//! version MAJOR MINOR
//! cap NAME VALUE
//! nvml devices | sessions | memory_total | memory_used | lost NUMBER
//! uuid HEX
//! spare PROCESS
//! ```
//!
//! CALL is a C function's name ([`NAMES`]). `after` lets that
//! many calls of it go well, counted from the start of the process; `times` ends
//! the fault after it was played that often, counted from when its line came in. Faults
//! are not played in a process that is spared.
//! What `nvml` orders is what the management library says of each GPU, but for
//! `lost`: the number of one that has left the bus. `devices` is how many GPUs CUDA and
//! the management library have, from number 0; every call on one that is lost fails, and
//! so does opening the render node of that name. A limit of sessions is each GPU's, or
//! that one's. A line that is none of these is a
//! violation: a test that mistypes its fault would prove nothing. A test that changes
//! the file while a stream runs renames another over it, so that nobody reads half of
//! it.

use std::collections::{HashMap, HashSet};
use std::str::SplitWhitespace;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::calls::NAMES;
use crate::ledger;

/// All that is ordered at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orders {
    /// Calls that go wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// GPUs that CUDA and the management library have.
    pub devices: Option<u32>,
    /// Numbers of those on which every call fails.
    pub lost: Vec<u32>,
    /// Names of render nodes that have no display.
    pub lost_nodes: Vec<String>,
    /// Encode sessions at a time, on each GPU.
    pub sessions: Option<usize>,
    /// The same on single ones.
    pub sessions_on: Vec<(u32, usize)>,
    /// Bytes of device memory.
    pub memory: Option<u64>,
    /// Encoder interface that the driver speaks: major, minor.
    pub version: Option<(u32, u32)>,
    /// Capabilities, by number or by name.
    pub capabilities: Vec<(String, i32)>,
    /// What the management library says.
    pub nvml: Nvml,
    /// What the device says it is: 32 digits, so that it can be another interface's
    /// device, too.
    pub uuid: Option<[u8; 16]>,
    /// Processes that no fault is played in.
    pub spared: Vec<u32>,
    /// Lines that mean nothing.
    pub unreadable: Vec<String>,
}

/// What the management library says of each GPU.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nvml {
    /// How many there are.
    pub devices: Option<u32>,
    /// Open encode sessions; else those that are open.
    pub sessions: Option<u32>,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Bytes.
    pub memory_used: Option<u64>,
    /// Number of a GPU that has left the bus.
    pub lost: Option<u32>,
}

/// A call that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fault {
    /// C function's name.
    pub call: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Calls that go well before, counted from the start of the process.
    pub after: u64,
    /// How often it is played; without it, always.
    pub times: Option<u64>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It answers with this code.
    Fail(u32),
    /// It never returns.
    Hang,
}

impl Orders {
    /// What is ordered now. Lines that mean nothing are reported, each once.
    #[must_use]
    pub fn read() -> Self {
        let Some(text) = ledger::directory().and_then(|path| std::fs::read_to_string(path.join("faults")).ok()) else {
            return Self::default();
        };
        let orders = Self::parse(&text);
        report_unreadable(&orders.unreadable);
        orders
    }

    /// Encode sessions at a time on a GPU.
    #[must_use]
    pub fn limit(&self, device: u32) -> Option<usize> {
        let own = self.sessions_on.iter().rev().find(|(number, _)| *number == device);
        own.map(|(_, limit)| *limit).or(self.sessions)
    }

    /// How many GPUs there are.
    #[must_use]
    pub fn devices(&self) -> u32 {
        self.devices.unwrap_or(1)
    }

    /// Reads the text of a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut orders = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match orders.clone().with_line(line) {
                Some(with_line) => orders = with_line,
                None => orders.unreadable.push(line.to_owned()),
            }
        }
        orders
    }

    fn with_line(mut self, line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        match words.next()? {
            "limit" => match words.next()? {
                "sessions" => {
                    let limit = number(&mut words)?;
                    match words.next() {
                        None => self.sessions = Some(limit),
                        Some("on") => self.sessions_on.push((number(&mut words)?, limit)),
                        Some(_) => return None,
                    }
                }
                "memory" => self.memory = Some(number(&mut words)?),
                _ => return None,
            },
            "devices" => self.devices = Some(number(&mut words)?),
            "device" => {
                self.lost.push(number(&mut words)?);
                words.next().filter(|word| *word == "lost")?;
            }
            "node" => {
                self.lost_nodes.push(words.next()?.to_owned());
                words.next().filter(|word| *word == "lost")?;
            }
            "version" => self.version = Some((number(&mut words)?, number(&mut words)?)),
            "nvml" => match words.next()? {
                "devices" => self.nvml.devices = Some(number(&mut words)?),
                "sessions" => self.nvml.sessions = Some(number(&mut words)?),
                "memory_total" => self.nvml.memory_total = Some(number(&mut words)?),
                "memory_used" => self.nvml.memory_used = Some(number(&mut words)?),
                "lost" => self.nvml.lost = Some(number(&mut words)?),
                _ => return None,
            },
            "cap" => self.capabilities.push((words.next()?.to_owned(), number(&mut words)?)),
            "uuid" => self.uuid = Some(bytes(words.next()?)?),
            "spare" => self.spared.push(number(&mut words)?),
            call => self.faults.push(Fault::parse(call, &mut words)?),
        }
        words.next().is_none().then_some(self)
    }
}

impl Fault {
    fn parse(call: &str, words: &mut SplitWhitespace<'_>) -> Option<Self> {
        let outcome = match words.next()? {
            "fail" => Outcome::Fail(number(words)?),
            "hang" => Outcome::Hang,
            _ => return None,
        };
        let mut fault = Self { call: NAMES.contains(&call).then(|| call.to_owned())?, outcome, after: 0, times: None };
        while let Some(word) = words.next() {
            match word {
                "after" => fault.after = number(words)?,
                "times" => fault.times = Some(number(words)?),
                _ => return None,
            }
        }
        Some(fault)
    }
}

/// What has happened in this process.
#[derive(Debug, Default)]
struct History {
    /// Calls, by function.
    calls: HashMap<&'static str, u64>,
    /// How often each fault was played that is in the file still.
    played: HashMap<Fault, u64>,
}

impl History {
    /// Counts a call, and says what becomes of it.
    fn next(&mut self, call: &'static str, orders: &Orders) -> Option<Outcome> {
        let before = self.calls.entry(call).or_default();
        let earlier = *before;
        *before += 1;
        if orders.spared.contains(&std::process::id()) {
            return None;
        }
        self.played.retain(|fault, _| orders.faults.contains(fault));
        for fault in orders.faults.iter().filter(|fault| fault.call == call && fault.after <= earlier) {
            let played = self.played.entry(fault.clone()).or_default();
            if fault.times.is_none_or(|times| *played < times) {
                *played += 1;
                return Some(fault.outcome);
            }
        }
        None
    }
}

/// Counts a call; the code that it is to answer with, if it is to fail. Does not
/// return if it is to hang, and holds no lock then.
#[must_use]
pub fn play(call: &'static str) -> Option<u32> {
    static HISTORY: Mutex<Option<History>> = Mutex::new(None);
    let orders = Orders::read();
    let mut history = HISTORY.lock().unwrap_or_else(PoisonError::into_inner);
    let history_here = history.get_or_insert_default();
    let is_first = !history_here.calls.contains_key(call);
    let outcome = history_here.next(call, &orders);
    drop(history);
    if is_first && NAMES.contains(&call) {
        ledger::called(call);
    }
    match outcome? {
        Outcome::Fail(code) => Some(code),
        Outcome::Hang => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
    }
}

fn number<T: std::str::FromStr>(words: &mut SplitWhitespace<'_>) -> Option<T> {
    words.next()?.parse().ok()
}

/// As many bytes as there are pairs of digits.
fn bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

fn report_unreadable(lines: &[String]) {
    static REPORTED: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    for line in lines {
        if reported.get_or_insert_default().insert(line.clone()) {
            ledger::violation(&format!("the test ordered what nobody understands: {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "nvEncEncodePicture";

    fn outcomes(history: &mut History, orders: &Orders, calls: usize) -> Vec<Option<Outcome>> {
        (0..calls).map(|_| history.next(CALL, orders)).collect()
    }

    #[test]
    fn every_kind_of_line_is_understood() {
        let orders = Orders::parse(
            "# a comment\n\ncuInit fail 100\nnvEncLockBitstream hang after 3\ncuMemAllocPitch_v2 fail 2 times 4\n\
             limit sessions 2\nlimit memory 1000000\nversion 11 1\ncap NV_ENC_CAPS_WIDTH_MAX 1920\ncap 28 0\n\
             nvml sessions 3\nnvml memory_used 5\nnvmlDeviceGetEncoderStats hang\n\
             uuid 000102030405060708090a0b0c0d0eFF\nspare 7\ndevices 2\ndevice 1 lost\n\
             limit sessions 3 on 1\nnode renderD129 lost\n",
        );
        assert_eq!(orders.spared, [7]);
        let fault = |call: &str, outcome, after, times| Fault { call: call.to_owned(), outcome, after, times };
        assert_eq!(
            orders.faults,
            [
                fault("cuInit", Outcome::Fail(100), 0, None),
                fault("nvEncLockBitstream", Outcome::Hang, 3, None),
                fault("cuMemAllocPitch_v2", Outcome::Fail(2), 0, Some(4)),
                fault("nvmlDeviceGetEncoderStats", Outcome::Hang, 0, None),
            ]
        );
        assert_eq!(orders.nvml, Nvml { sessions: Some(3), memory_used: Some(5), ..Nvml::default() });
        assert_eq!((orders.sessions, orders.memory, orders.version), (Some(2), Some(1_000_000), Some((11, 1))));
        assert_eq!(
            (orders.devices(), &orders.lost[..], &orders.lost_nodes[..]),
            (2, &[1][..], &["renderD129".to_owned()][..])
        );
        assert_eq!([0, 1].map(|device| orders.limit(device)), [Some(2), Some(3)]);
        assert_eq!(orders.capabilities, [("NV_ENC_CAPS_WIDTH_MAX".to_owned(), 1920), ("28".to_owned(), 0)]);
        assert_eq!(orders.uuid, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]));
        assert!(orders.unreadable.is_empty(), "{:?}", orders.unreadable);
    }

    #[test]
    fn a_line_that_means_nothing_is_kept_for_the_report() {
        for line in [
            "cuInit",
            "cuInit fail",
            "cuInit fail high",
            "cuInit fail 1 after",
            "cuInit fail 1 2",
            "cuInlt fail 1",
            "limit",
            "limit people 3",
            "limit sessions -1",
            "limit sessions 1 on",
            "limit sessions 1 of 2",
            "device 1",
            "device 1 found",
            "node lost",
            "devices two",
            "version 12",
            "version 12 1 0",
            "cap 3",
            "nvml sessions",
            "nvml people 3",
            "hang cuInit",
            "uuid 0001",
            "uuid 0001020304050607080900000000000g",
        ] {
            let orders = Orders::parse(line);
            assert_eq!(orders, Orders { unreadable: vec![line.to_owned()], ..Orders::default() });
        }
    }

    #[test]
    fn calls_before_the_fault_go_well() {
        let failed = Some(Outcome::Fail(5));
        let orders = Orders::parse("nvEncEncodePicture fail 5 after 2");
        assert_eq!(outcomes(&mut History::default(), &orders, 4), [None, None, failed, failed]);
    }

    #[test]
    fn a_fault_ends_after_its_times() {
        let failed = Some(Outcome::Fail(5));
        let orders = Orders::parse("nvEncEncodePicture fail 5 after 1 times 2");
        assert_eq!(outcomes(&mut History::default(), &orders, 5), [None, failed, failed, None, None]);
    }

    #[test]
    fn times_count_from_when_the_line_came_in() {
        let (nothing, orders) = (Orders::default(), Orders::parse("nvEncEncodePicture fail 5 times 1"));
        let mut history = History::default();
        assert_eq!(outcomes(&mut history, &nothing, 3), [None; 3]);
        assert_eq!(outcomes(&mut history, &orders, 2), [Some(Outcome::Fail(5)), None]);
        assert_eq!(outcomes(&mut history, &nothing, 1), [None]);
        assert_eq!(outcomes(&mut history, &orders, 2), [Some(Outcome::Fail(5)), None]);
    }

    #[test]
    fn a_spared_process_meets_no_faults() {
        let orders = Orders::parse(&format!("nvEncEncodePicture fail 5\nspare {}", std::process::id()));
        assert_eq!(outcomes(&mut History::default(), &orders, 2), [None, None]);
    }

    #[test]
    fn other_calls_go_well() {
        let orders = Orders::parse("nvEncEncodePicture hang");
        assert_eq!(History::default().next("nvEncLockBitstream", &orders), None);
    }
}
