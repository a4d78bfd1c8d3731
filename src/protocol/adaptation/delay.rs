//! The queue that stands in front of the narrowest link.
//!
//! A round trip has a part that does not change and one that does. The least of half a
//! minute is taken for the first. Of the second, the least of a quarter of a second
//! counts: what frames, other traffic and Wi-Fi add for a moment is no queue that stands.
//!
//! A ping that is late says something before it is answered: the queue is at least as
//! long as it has waited. Since one ping may be lost, that counts only when the two after
//! it should have been answered too.

use std::collections::VecDeque;

use super::PROBE_INTERVAL;
use crate::clock::Micros;

/// Round trips of pings.
#[derive(Debug)]
pub struct Delay {
    /// When those left that were sent after the newest one that is answered.
    probes: VecDeque<Micros>,
    /// When answers came and how long they took, in microseconds.
    answers: VecDeque<(Micros, u64)>,
    /// The least round trip of this period and those before it.
    least: [Option<u64>; PERIODS],
    period: Micros,
}

/// A queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// How long a packet waits in it, in microseconds.
    pub micros: u64,
    /// Pings are not answered in time; it may be longer, or there may be none and
    /// everything is lost.
    pub is_silent: bool,
}

impl Delay {
    /// Nothing is known.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        Self { probes: VecDeque::new(), answers: VecDeque::new(), least: [None; PERIODS], period: now }
    }

    /// A ping leaves.
    pub fn probed(&mut self, now: Micros) {
        self.probes.push_back(now);
        if self.probes.len() > MOST_PROBES {
            self.probes.pop_front();
        }
    }

    /// An answer comes; `false` if it makes no sense.
    pub fn answered(&mut self, sent: Micros, now: Micros) -> bool {
        if sent > now {
            return false;
        }
        let trip = now.since(sent);
        self.probes.retain(|probe| probe.0 > sent.0 + STAMP_ERROR);
        self.answers.push_back((now, trip));
        while self.answers.len() > 1 && self.answers.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.answers.pop_front();
        }
        if now.since(self.period) > PERIOD {
            self.least.rotate_right(1);
            (self.least[0], self.period) = (None, now);
        }
        self.least[0] = Some(self.least[0].map_or(trip, |least| least.min(trip)));
        true
    }

    /// The queue now.
    #[must_use]
    pub fn queue(&self, now: Micros) -> Queue {
        let Some(least) = self.least() else { return Queue::default() };
        let waiting = self.probes.front().map_or(0, |probe| now.since(*probe)).saturating_sub(least);
        let standing = self.recent(now).unwrap_or_default().saturating_sub(least);
        let is_silent = waiting > SILENCE && waiting > standing;
        Queue { micros: if is_silent { waiting } else { standing }, is_silent }
    }

    /// The queue that stands is there to stay: another way, or others' traffic.
    pub fn accept(&mut self, now: Micros) {
        self.least = [None; PERIODS];
        (self.least[0], self.period) = (self.recent(now), now);
    }

    /// The least round trip of late, in microseconds.
    #[must_use]
    pub fn least(&self) -> Option<u64> {
        self.least.iter().flatten().min().copied()
    }

    /// The newest round trip, in microseconds.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.answers.back().map(|(_, trip)| *trip)
    }

    fn recent(&self, now: Micros) -> Option<u64> {
        let recent = self.answers.iter().filter(|(at, _)| now.since(*at) <= WINDOW);
        recent.map(|(_, trip)| *trip).min().or_else(|| self.newest())
    }
}

/// Microseconds of answers whose least counts.
const WINDOW: u64 = 250_000;
/// Three of these, in microseconds, are the half minute of the least round trip.
const PERIOD: u64 = 10_000_000;
const PERIODS: usize = 3;
/// Microseconds that a ping may be late before that means something: two others and a
/// repetition of the first have gone since.
#[allow(clippy::cast_possible_truncation, reason = "a few milliseconds")]
const SILENCE: u64 = PROBE_INTERVAL.as_micros() as u64 * 3;
/// ENet's times are whole milliseconds.
const STAMP_ERROR: u64 = 2_000;
const MOST_PROBES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Micros {
        Micros(millis * 1000)
    }

    /// Pings every 40 ms, whose round trips are as given.
    fn delay(trips: &[u64]) -> (Delay, Micros) {
        let mut delay = Delay::new(ms(0));
        let mut now = ms(0);
        for (number, trip) in (0..).zip(trips) {
            let sent = ms(number * 40);
            now = ms(sent.0 / 1000 + trip);
            delay.probed(sent);
            assert!(delay.answered(sent, now));
        }
        (delay, now)
    }

    #[test]
    fn single_late_answers_are_no_queue() {
        let (delay, now) = delay(&[20, 20, 95, 21, 60, 25]);
        assert!(delay.queue(now).micros <= 1_000 && !delay.queue(now).is_silent);
        assert_eq!(delay.least(), Some(20_000));
    }

    #[test]
    fn a_queue_that_stands_is_seen() {
        let (delay, now) = delay(&[20, 20, 20, 90, 80, 85, 90, 95, 99, 99, 99, 99]);
        assert!(delay.queue(now).micros >= 60_000, "{:?}", delay.queue(now));
    }

    #[test]
    fn silence_counts_when_more_than_one_ping_must_be_late() {
        let (mut delay, now) = delay(&[20; 20]);
        let at = |later: u64| Micros(now.0 + later * 1000);
        delay.probed(at(20));
        delay.probed(at(60));
        assert!(!delay.queue(at(60)).is_silent);
        assert!(delay.queue(at(200)).is_silent);
        assert!(delay.queue(at(200)).micros >= 150_000);
        // The one after it is answered: it was lost.
        assert!(delay.answered(at(60), at(201)));
        assert!(!delay.queue(at(201)).is_silent);
    }

    #[test]
    fn the_least_round_trip_is_forgotten_after_half_a_minute_or_at_once() {
        let mut delay = Delay::new(ms(0));
        assert_eq!(delay.queue(ms(5)), Queue::default(), "nothing is known");
        assert!(!delay.answered(ms(9), ms(5)));
        for second in 0..50 {
            let trip = if second < 5 { 10 } else { 110 };
            delay.answered(ms(second * 1000), ms(second * 1000 + trip));
        }
        assert_eq!(delay.least(), Some(110_000));
        delay.answered(ms(50_000), ms(50_010));
        for step in 0..20 {
            delay.answered(ms(50_020 + step * 40), ms(50_020 + step * 40 + 200));
        }
        let now = ms(50_020 + 19 * 40 + 200);
        assert_eq!(delay.queue(now).micros, 190_000);
        delay.accept(now);
        assert_eq!(delay.queue(now).micros, 0);
    }
}
