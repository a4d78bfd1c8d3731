//! Which part of the packets is lost, and how much of that is usual.
//!
//! A link that loses packets whatever is sent over it, as Wi-Fi does, does not lose fewer
//! of a slower stream. What was lost in each of the last seconds is therefore taken for
//! the link's nature, as the least round trip is for its length.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Micros;

/// Packets of the last seconds.
#[derive(Debug, Default)]
pub struct Loss {
    lost: u64,
    /// All that were lost and sent until then.
    notes: VecDeque<(Micros, u64, u64)>,
}

impl Loss {
    /// So many more are missing.
    pub const fn lost(&mut self, packets: u64) {
        self.lost += packets;
    }

    /// So many were sent in all.
    pub fn sent(&mut self, packets: u64, now: Micros) {
        self.notes.push_back((now, self.lost, packets));
        while self.notes.len() > 2 && self.notes.front().is_some_and(|(at, ..)| now.since(*at) > REMEMBERED) {
            self.notes.pop_front();
        }
    }

    /// The part that was lost in the last `window`, 0 to 1.
    #[must_use]
    pub fn over(&self, window: Duration, now: Micros) -> f64 {
        self.between(window_micros(window), 0, now)
    }

    /// What was lost in the best of the last five seconds; 0 as long as there were not so
    /// many.
    #[must_use]
    pub fn usual(&self, now: Micros) -> f64 {
        let known = self.notes.front().map_or(0, |(at, ..)| now.since(*at));
        if known < SECONDS * SECOND {
            return 0.0;
        }
        let seconds = (0..SECONDS).map(|second| self.between((second + 1) * SECOND, second * SECOND, now));
        seconds.fold(1.0, f64::min)
    }

    /// From so many microseconds ago to so many.
    #[allow(clippy::cast_precision_loss, reason = "packets of seconds")]
    fn between(&self, from: u64, to: u64, now: Micros) -> f64 {
        let first = self.notes.iter().find(|(at, ..)| now.since(*at) <= from);
        let last = self.notes.iter().rev().find(|(at, ..)| now.since(*at) >= to);
        let (Some((_, lost_before, sent_before)), Some((_, lost, sent))) = (first, last) else { return 0.0 };
        let (lost, sent) = (lost.saturating_sub(*lost_before), sent.saturating_sub(*sent_before));
        if sent < LEAST_PACKETS { 0.0 } else { (lost as f64 / sent as f64).min(1.0) }
    }
}

fn window_micros(window: Duration) -> u64 {
    u64::try_from(window.as_micros()).unwrap_or(u64::MAX)
}

const SECOND: u64 = 1_000_000;
const SECONDS: u64 = 5;
const REMEMBERED: u64 = (SECONDS + 1) * SECOND;
/// Of fewer packets the part that was lost says nothing.
const LEAST_PACKETS: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_always_lost_is_usual_and_what_is_lost_now_is_not() {
        let mut loss = Loss::default();
        let at = |tick: u64| Micros(tick * 40_000);
        for tick in 0..150 {
            loss.lost(2);
            loss.sent(tick * 40, at(tick));
            if tick == 50 {
                assert!(loss.usual(at(tick)).abs() < 1e-9, "too early to tell");
            }
        }
        assert!((loss.over(Duration::from_secs(1), at(149)) - 0.05).abs() < 0.005);
        assert!((loss.usual(at(149)) - 0.05).abs() < 0.005);
        for tick in 150..160 {
            loss.lost(20);
            loss.sent(tick * 40, at(tick));
        }
        assert!(loss.over(Duration::from_millis(200), at(159)) > 0.4);
        assert!((loss.usual(at(159)) - 0.05).abs() < 0.005);
    }

    #[test]
    fn of_nothing_nothing_is_lost() {
        let mut loss = Loss::default();
        assert!(loss.over(Duration::from_secs(1), Micros(5)).abs() < 1e-9);
        loss.lost(9);
        loss.sent(10, Micros(0));
        loss.sent(12, Micros(10));
        assert!(loss.over(Duration::from_secs(1), Micros(10)).abs() < 1e-9, "two packets");
    }
}
