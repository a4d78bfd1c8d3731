//! How much parity a stream needs, by what it would have needed.
//!
//! For each FEC block with losses the client says how many packets it missed. From that
//! follows which percentage would have saved it, with a packet to spare. Chosen is what
//! would have cost least in the last ten seconds, where a lost frame costs as much as
//! [`LOST_FRAME`] points of parity: so what is lost all the time is repaired, and for a
//! burst that no parity could save none is wasted. It rises at once and falls slowly.
//!
//! Losses of an overfull link do not count: more parity is what they are made of.

use std::collections::VecDeque;

use super::missing;
use crate::clock::Micros;
use crate::protocol::control::client_stats::FecStatus;
use crate::units::FecPercent;

/// Parity of one stream.
#[derive(Debug)]
pub struct Parity {
    /// As configured.
    usual: FecPercent,
    now: f64,
    /// Percentages that would have saved a block.
    needs: VecDeque<(Micros, u32)>,
    looked: Micros,
}

impl Parity {
    /// Begins with what is configured.
    #[must_use]
    pub fn new(usual: FecPercent, now: Micros) -> Self {
        Self { usual, now: f64::from(usual.0), needs: VecDeque::new(), looked: now }
    }

    /// How a block arrived.
    pub fn note(&mut self, status: &FecStatus, now: Micros) {
        let data = u32::from(status.total_data.max(1));
        let need = (u32::from(missing(status)) + 1) * 100;
        self.needs.push_back((now, need.div_ceil(data)));
        if self.needs.len() > MOST_NEEDS {
            self.needs.pop_front();
        }
    }

    /// What to send from now on, at most `most` unless more is configured.
    pub fn step(&mut self, most: FecPercent, now: Micros) -> FecPercent {
        if self.usual.0 == 0 {
            return self.usual;
        }
        while self.needs.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.needs.pop_front();
        }
        let (least, most) = (self.usual.0.min(LEAST), self.usual.0.max(most.0));
        let best = (least..=most).min_by_key(|percent| self.cost(*percent)).unwrap_or(self.usual.0);
        #[allow(clippy::cast_precision_loss, reason = "microseconds between two steps")]
        let fallen = now.since(self.looked) as f64 / 1e6 * POINTS_A_SECOND;
        self.looked = now;
        self.now = (self.now - fallen).max(best.into());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two percentages")]
        FecPercent(self.now.ceil() as u8)
    }

    fn cost(&self, percent: u8) -> u32 {
        let lost = self.needs.iter().filter(|(_, need)| *need > percent.into()).count();
        u32::from(percent) + LOST_FRAME * u32::try_from(lost).unwrap_or(u32::MAX / LOST_FRAME / 2)
    }
}

/// Points of parity that are worth a frame in ten seconds.
const LOST_FRAME: u32 = 8;
/// Less is not worth saving: the first loss would cost a frame.
const LEAST: u8 = 10;
/// Points that parity falls in a second.
const POINTS_A_SECOND: f64 = 1.0;
/// Microseconds that losses are remembered.
const WINDOW: u64 = 10_000_000;
/// More than a client tells in that time.
const MOST_NEEDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::super::tests::status;
    use super::*;

    const MOST: FecPercent = FecPercent(60);

    #[test]
    fn what_is_lost_all_the_time_is_repaired() {
        let mut parity = Parity::new(FecPercent(20), Micros(0));
        for frame in 0..60 {
            parity.note(&status(10, 2, 3), Micros(frame * 100_000));
        }
        assert_eq!(parity.step(MOST, Micros(6_000_000)), FecPercent(40), "three of ten and one to spare");
    }

    #[test]
    fn a_burst_that_nothing_could_save_costs_nothing() {
        let mut parity = Parity::new(FecPercent(20), Micros(0));
        for frame in 0..6 {
            parity.note(&status(10, 2, 11), Micros(frame * 16_000));
        }
        assert_eq!(parity.step(MOST, Micros(100_000)), FecPercent(20));
    }

    #[test]
    fn without_losses_parity_falls_slowly_and_not_to_nothing() {
        let mut parity = Parity::new(FecPercent(20), Micros(0));
        assert_eq!(parity.step(MOST, Micros(4_000_000)), FecPercent(16));
        assert_eq!(parity.step(MOST, Micros(60_000_000)), FecPercent(10));
        assert_eq!(Parity::new(FecPercent(5), Micros(0)).step(MOST, Micros(60_000_000)), FecPercent(5));
    }

    #[test]
    fn none_stays_none_and_more_than_the_limit_may_be_configured() {
        let mut none = Parity::new(FecPercent(0), Micros(0));
        none.note(&status(10, 0, 3), Micros(1));
        assert_eq!(none.step(MOST, Micros(2)), FecPercent(0));
        let mut much = Parity::new(FecPercent(90), Micros(0));
        (0..50).for_each(|_| much.note(&status(10, 9, 8), Micros(1)));
        assert_eq!(much.step(MOST, Micros(1)), FecPercent(90));
    }
}
