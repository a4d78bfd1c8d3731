//! One stream over one network, in virtual time: the same figures in every run, on every
//! machine, and a minute of streaming in less than a second.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::client::{Client, Request, Seen};
use super::link::Link;
use super::outcome::{Outcome, Watched};
use super::sender::{FRAME_RATE, PACKET_SIZE, Sender};
use super::trace::Trace;
use crate::clock::Micros;
use crate::protocol::adaptation::{PROBE_INTERVAL, Sent};
use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::video::packetizer::PacketSizeError;

/// Streams.
///
/// # Errors
/// [`PacketSizeError`], which no trace has.
pub(super) fn run(trace: &Trace, adapts: bool, seed: u64) -> Result<Outcome, PacketSizeError> {
    let mut simulation = Simulation {
        link: Link::new(*trace, seed),
        sender: Sender::new(trace, adapts, seed ^ 0x5eed)?,
        client: Client::new(PACKET_SIZE),
        trace,
        queue: BinaryHeap::new(),
        number: 0,
        bitrates: Vec::new(),
        percents: Vec::new(),
    };
    simulation.at(Micros(0), What::Frame);
    simulation.at(Micros(1), What::Tick);
    simulation.at(Micros(2), What::Tell);
    simulation.run();
    let Simulation { sender, client, bitrates, percents, .. } = simulation;
    Ok(outcome(trace, &sender.sent(), &client.seen, bitrates, percents))
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of a minute")]
fn outcome(trace: &Trace, sent: &Sent, seen: &Seen, bitrates: Vec<f64>, percents: Vec<f64>) -> Outcome {
    let (interval, seconds) = (FRAME_RATE.interval().as_secs_f64(), trace.seconds as f64);
    let kbps = |bytes: u64| bytes as f64 * 8e-3 / seconds;
    let watched = Watched {
        seconds,
        captured: (0..sent.frames).map(|index| index as f64 * interval).collect(),
        // They count from one.
        shown: seen.shown.iter().map(|(at, frame, bytes)| (at.0 as f64 / 1e6, frame.0 as usize - 1, *bytes)).collect(),
    };
    Outcome {
        lost: seen.lost,
        undecodable: seen.undecodable,
        repaired: seen.repaired,
        coded_kbps: Some(kbps(sent.coded_bytes)),
        wire_kbps: kbps(sent.wire_bytes),
        bitrates,
        percents,
        ..Outcome::of(&watched, interval)
    }
}

struct Simulation<'a> {
    trace: &'a Trace,
    link: Link,
    sender: Sender,
    client: Client,
    queue: BinaryHeap<Reverse<Due>>,
    number: u64,
    /// What the encoder was set to, at each tick, in kbit/s.
    bitrates: Vec<f64>,
    percents: Vec<f64>,
}

/// Something that happens at a time; what was noted first of what happens at the same.
struct Due {
    at: Micros,
    number: u64,
    what: What,
}

enum What {
    /// A frame is coded and sent.
    Frame,
    /// A ping is sent, and the controller decides.
    Tick,
    /// The client tells what it has counted.
    Tell,
    /// A datagram arrives at the client.
    Arrives(Vec<u8>),
    /// A ping is sent, for the first time or again.
    Ping,
    /// The answer to the ping that left then arrives at the host.
    Answered(Micros),
    Request(Request),
    Status(FecStatus),
}

impl Simulation<'_> {
    fn at(&mut self, at: Micros, what: What) {
        self.number += 1;
        self.queue.push(Reverse(Due { at, number: self.number, what }));
    }

    fn run(&mut self) {
        let end = Micros(self.trace.seconds * 1_000_000);
        while let Some(Reverse(Due { at, what, .. })) = self.queue.pop() {
            if at >= end {
                return;
            }
            self.happens(what, at);
        }
    }

    fn happens(&mut self, what: What, now: Micros) {
        match what {
            What::Frame => {
                for datagram in self.sender.frame(now) {
                    if let Some(arrival) = self.link.carry(datagram.len() + HEADERS, now) {
                        self.at(arrival, What::Arrives(datagram));
                    }
                }
                self.at(after(now, FRAME_RATE.interval()), What::Frame);
            }
            What::Tick => {
                self.sender.tick(now);
                self.bitrates.push(self.sender.target().bitrate.kbps().into());
                self.percents.push(self.sender.target().fec.0.into());
                self.ping(now, true);
                self.at(after(now, PROBE_INTERVAL), What::Tick);
            }
            What::Tell => {
                for status in self.client.statuses() {
                    if let Some(arrival) = self.link.carry_back(now) {
                        self.at(arrival, What::Status(status));
                    }
                }
                self.at(Micros(now.0 + TELL_INTERVAL), What::Tell);
            }
            What::Arrives(datagram) => {
                for request in self.client.take(&datagram, now) {
                    self.at(self.back(now), What::Request(request));
                }
            }
            What::Ping => self.ping(now, false),
            What::Answered(sent) => self.sender.answered(sent, now),
            What::Request(request) => self.sender.request(request, now),
            What::Status(status) => self.sender.status(&status, now),
        }
    }

    /// ENet sends again what is not acknowledged in time.
    fn ping(&mut self, now: Micros, is_first: bool) {
        if is_first {
            self.sender.probed(now);
        }
        let arrival = self.link.carry(PING_BYTES + HEADERS, now);
        match arrival.and_then(|arrival| self.link.carry_back(arrival)) {
            Some(answered) => self.at(answered, What::Answered(now)),
            None => self.at(Micros(now.0 + 4 * self.trace.delay_micros + REPEAT_SLACK), What::Ping),
        }
    }

    /// When a message of the client is there.
    const fn back(&self, now: Micros) -> Micros {
        Micros(now.0 + self.trace.delay_micros)
    }
}

fn after(now: Micros, interval: std::time::Duration) -> Micros {
    Micros(now.0 + u64::try_from(interval.as_micros()).unwrap_or(u64::MAX / 2))
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Microseconds between what a client tells.
const TELL_INTERVAL: u64 = 100_000;
/// Bytes of IPv4 and UDP.
const HEADERS: usize = 28;
/// Of a ping with ENet's header.
const PING_BYTES: usize = 8;
/// Microseconds that a ping is waited for beyond two round trips.
const REPEAT_SLACK: u64 = 20_000;
