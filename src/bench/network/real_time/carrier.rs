//! What is under way between host and client, by the model of [`super::super::link`]. It owns
//! no socket and no clock.

use std::collections::VecDeque;

use crate::bench::network::link::Link;
use crate::bench::network::trace::Trace;
use crate::clock::Micros;

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Host,
    Client,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Host, Self::Client];
}

/// What the way has done since its trace began.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    /// Packets to the client, those among them that were lost, and bytes of all.
    pub packets: u64,
    /// Packets to the client that did not get there.
    pub lost: u64,
    /// Bytes to the client with IP headers, also of what was lost.
    pub bytes: u64,
    /// Packets that a kernel did not take back.
    pub refused: u64,
    /// Milliseconds that packets arrived later than they should.
    pub late: Vec<f64>,
}

/// Packets under way.
#[derive(Debug)]
pub(super) struct Carrier {
    trace: Trace,
    seed: u64,
    link: Link,
    /// The link's time 0.
    began: Micros,
    to_host: Line,
    to_client: Line,
    carried: Carried,
}

/// Packets one way and when they arrive, in order.
#[derive(Debug, Default)]
struct Line(VecDeque<(Micros, Vec<u8>)>);

impl Carrier {
    /// A way that is as the trace is at its beginning, until [`play`](Self::play).
    pub(super) fn new(trace: Trace, seed: u64, now: Micros) -> Self {
        Self {
            trace,
            seed,
            link: Link::new(trace.calm(), seed),
            began: now,
            to_host: Line::default(),
            to_client: Line::default(),
            carried: Carried::default(),
        }
    }

    /// Another way from now on; what is under way gets there.
    pub(super) fn lay(&mut self, trace: Trace, seed: u64, now: Micros) {
        (self.trace, self.seed) = (trace, seed);
        self.turn_to(trace.calm(), now);
    }

    /// The trace begins.
    pub(super) fn play(&mut self, now: Micros) {
        self.turn_to(self.trace, now);
        self.carried = Carried::default();
    }

    /// The trace is over; what the way did.
    pub(super) fn calm(&mut self, now: Micros) -> Carried {
        self.turn_to(self.trace.calm(), now);
        std::mem::take(&mut self.carried)
    }

    fn turn_to(&mut self, trace: Trace, now: Micros) {
        (self.link, self.began) = (Link::new(trace, self.seed), now);
    }

    /// A kernel has sent an IP packet.
    pub(super) fn take(&mut self, to: Side, packet: &[u8], now: Micros) {
        // The model is of IPv4; kernels tell new devices about IPv6 of their own accord.
        if packet.first().is_none_or(|byte| byte >> 4 != 4) {
            return;
        }
        let since = Micros(now.since(self.began));
        let arrival = match to {
            Side::Client => self.link.carry(packet.len(), since),
            Side::Host => self.link.carry_back(since),
        };
        if to == Side::Client {
            self.carried.packets += 1;
            self.carried.bytes += packet.len() as u64;
            self.carried.lost += u64::from(arrival.is_none());
        }
        if let Some(arrival) = arrival {
            let began = self.began;
            self.line(to).add(Micros(began.0 + arrival.0), packet);
        }
    }

    /// When the next packet arrives somewhere.
    pub(super) fn next(&self) -> Option<Micros> {
        [&self.to_host, &self.to_client].into_iter().filter_map(|line| Some(line.0.front()?.0)).min()
    }

    /// The next packet that has arrived.
    pub(super) fn arrived(&mut self, at: Side, now: Micros) -> Option<Vec<u8>> {
        let line = self.line(at);
        let (due, _) = line.0.front().filter(|(due, _)| *due <= now)?;
        let late = now.since(*due);
        let (_, packet) = line.0.pop_front()?;
        #[allow(clippy::cast_precision_loss, reason = "microseconds")]
        self.carried.late.push(late as f64 / 1e3);
        Some(packet)
    }

    /// A kernel has not taken a packet.
    pub(super) const fn refused(&mut self) {
        self.carried.refused += 1;
    }

    const fn line(&mut self, to: Side) -> &mut Line {
        match to {
            Side::Host => &mut self.to_host,
            Side::Client => &mut self.to_client,
        }
    }
}

impl Line {
    /// Nothing overtakes what was under way when the trace changed.
    fn add(&mut self, arrival: Micros, packet: &[u8]) {
        let earliest = self.0.back().map_or(arrival, |(due, _)| *due);
        self.0.push_back((arrival.max(earliest), packet.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u8) -> Vec<u8> {
        let mut packet = vec![number; 1000];
        packet[0] = 0x45;
        packet
    }

    fn all_at(carrier: &mut Carrier, side: Side, now: u64) -> Vec<u8> {
        std::iter::from_fn(|| carrier.arrived(side, Micros(now))).map(|packet| packet[1]).collect()
    }

    #[test]
    fn packets_arrive_when_the_link_says_and_not_before() {
        // 20 Mbit/s and 10 ms: 400 microseconds a packet.
        let mut carrier = Carrier::new(Trace::named("step").unwrap(), 1, Micros(5_000));
        for number in 1..=3 {
            carrier.take(Side::Client, &packet(number), Micros(6_000));
        }
        carrier.take(Side::Host, &packet(9), Micros(6_000));
        assert_eq!(carrier.next(), Some(Micros(16_000)));
        assert_eq!(all_at(&mut carrier, Side::Client, 16_399), [0; 0]);
        assert_eq!(all_at(&mut carrier, Side::Client, 16_800), [1, 2]);
        assert_eq!(all_at(&mut carrier, Side::Host, 16_800), [9]);
        assert_eq!(carrier.next(), Some(Micros(17_200)));
        let Carried { packets, bytes, lost, late, .. } = carrier.calm(Micros(20_000));
        assert_eq!((packets, bytes, lost), (3, 3_000, 0));
        assert_eq!(late, [0.4, 0.0, 0.8]);
    }

    #[test]
    fn losses_begin_with_the_trace_and_end_with_it() {
        let mut carrier = Carrier::new(Trace::named("loss").unwrap(), 3, Micros(0));
        let mut now = 0;
        let mut lost = |carrier: &mut Carrier| {
            let before = carrier.carried.lost;
            for _ in 0..2_000 {
                now += 1_000;
                carrier.take(Side::Client, &packet(1), Micros(now));
            }
            carrier.carried.lost - before
        };
        assert_eq!(lost(&mut carrier), 0);
        carrier.play(Micros(2_000_000));
        let within = lost(&mut carrier);
        assert!((20..70).contains(&within), "{within} of 2000");
        assert_eq!(carrier.calm(Micros(4_000_000)).lost, within);
        assert_eq!(lost(&mut carrier), 0);
    }

    #[test]
    fn nothing_is_overtaken_when_the_way_changes() {
        let mut carrier = Carrier::new(Trace::named("bufferbloat").unwrap(), 1, Micros(0));
        carrier.take(Side::Client, &packet(1), Micros(0));
        carrier.lay(Trace::named("clean").unwrap(), 1, Micros(100));
        carrier.take(Side::Client, &packet(2), Micros(100));
        assert_eq!(all_at(&mut carrier, Side::Client, 15_399), [0; 0]);
        assert_eq!(all_at(&mut carrier, Side::Client, 15_400), [1, 2]);
    }

    #[test]
    fn what_is_not_ipv4_is_not_carried() {
        let mut carrier = Carrier::new(Trace::named("clean").unwrap(), 1, Micros(0));
        for packet in [&[][..], &[0x60; 40]] {
            carrier.take(Side::Client, packet, Micros(0));
        }
        assert_eq!((carrier.next(), carrier.carried.packets), (None, 0));
    }
}
