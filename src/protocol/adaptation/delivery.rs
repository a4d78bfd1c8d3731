//! What arrives at the client, by what was sent between pings and the time between their
//! answers.
//!
//! A ping is answered when everything before it has passed the narrowest link or was
//! lost. While a queue stands there, that link is never idle, and what passes is all it
//! carries; without one, it is only what was sent.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Micros;

/// Bytes on their way.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Bytes sent until then.
    sent: VecDeque<(Micros, u64)>,
    /// Bytes that were before a ping whose answer came then, while a queue stood.
    busy: VecDeque<(Micros, u64)>,
    /// Bytes of datagrams and of pictures until then.
    coded: VecDeque<(Micros, u64, u64)>,
}

impl Delivery {
    /// So many bytes were sent in all.
    pub fn sent(&mut self, bytes: u64, now: Micros) {
        self.sent.push_back((now, bytes));
        while self.sent.len() > 2 && self.sent.front().is_some_and(|(at, _)| now.since(*at) > REMEMBERED) {
            self.sent.pop_front();
        }
    }

    /// The ping that left at `sent` is answered.
    pub fn answered(&mut self, sent: Micros, now: Micros, queue_stands: bool) {
        if !queue_stands {
            return self.busy.clear();
        }
        let Some(bytes) = self.sent_until(sent) else { return };
        self.busy.push_back((now, bytes));
        while self.busy.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.busy.pop_front();
        }
    }

    /// What passed while a queue stood, in kbit/s; `None` if that cannot be told yet.
    #[must_use]
    pub fn busy_rate(&self, now: Micros) -> Option<f64> {
        let ((first, from), (last, to)) = (self.busy.front()?, self.busy.back()?);
        let span = last.since(*first);
        (span >= LEAST_SPAN && now.since(*last) <= WINDOW).then(|| kbps(to.saturating_sub(*from), span))
    }

    /// What is sent, in kbit/s.
    #[must_use]
    pub fn sent_rate(&self, now: Micros) -> f64 {
        let Some((last, to)) = self.sent.back() else { return 0.0 };
        let from = self.sent.iter().find(|(at, _)| now.since(*at) <= WINDOW).copied().unwrap_or((*last, *to));
        let span = last.since(from.0);
        if span == 0 { 0.0 } else { kbps(to.saturating_sub(from.1), span) }
    }

    /// Bytes of datagrams and of pictures of the last two seconds, from the bytes of all
    /// time; `None` if there are too few to say anything.
    #[allow(clippy::cast_precision_loss, reason = "bytes of seconds")]
    pub fn coded(&mut self, wire: u64, coded: u64, now: Micros) -> Option<(f64, f64)> {
        self.coded.push_back((now, wire, coded));
        while self.coded.len() > 2 && self.coded.front().is_some_and(|(at, ..)| now.since(*at) > REMEMBERED) {
            self.coded.pop_front();
        }
        let (_, first_wire, first_coded) = self.coded.front()?;
        let (wire, coded) = (wire.saturating_sub(*first_wire), coded.saturating_sub(*first_coded));
        (wire >= LEAST_BYTES && coded <= wire).then_some((wire as f64, coded as f64))
    }

    /// By the notes around that moment.
    fn sent_until(&self, moment: Micros) -> Option<u64> {
        let after = self.sent.iter().position(|(at, _)| *at > moment);
        let Some(after) = after else { return self.sent.back().map(|(_, bytes)| *bytes) };
        let (from, (to, most)) = (self.sent.get(after.checked_sub(1)?)?, self.sent[after]);
        let span = to.since(from.0).max(1);
        Some(from.1 + most.saturating_sub(from.1) * moment.since(from.0) / span)
    }
}

#[allow(clippy::cast_precision_loss, reason = "bytes and microseconds of seconds")]
fn kbps(bytes: u64, micros: u64) -> f64 {
    bytes as f64 * 8000.0 / micros as f64
}

/// Microseconds that rates are means of.
const WINDOW: u64 = 500_000;
/// With less between two answers the grain of frames is too coarse, in microseconds.
const LEAST_SPAN: u64 = 100_000;
/// Microseconds: longer than any round trip that a stream is still watched with.
#[allow(clippy::cast_possible_truncation, reason = "two seconds")]
const REMEMBERED: u64 = Duration::from_secs(2).as_micros() as u64;
const LEAST_BYTES: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_link_shows_what_it_carries() {
        let mut delivery = Delivery::default();
        // 20 Mbit/s are sent; 5 Mbit/s arrive: answers are four times as far apart.
        for step in 0..50_u64 {
            delivery.sent(step * 100_000, Micros(step * 40_000));
        }
        for step in 0..5_u64 {
            let sent = Micros(step * 40_000 + 20_000);
            delivery.answered(sent, Micros(20_000 + step * 160_000), step > 0);
        }
        let now = Micros(20_000 + 4 * 160_000);
        let rate = delivery.busy_rate(now).unwrap();
        assert!((4_900.0..5_100.0).contains(&rate), "{rate}");
        assert!((19_000.0..21_000.0).contains(&delivery.sent_rate(Micros(49 * 40_000))));
        assert_eq!(delivery.busy_rate(Micros(now.0 + 600_000)), None, "too long ago");
        delivery.answered(Micros(1_900_000), Micros(1_920_000), false);
        assert_eq!(delivery.busy_rate(Micros(1_920_000)), None, "there is no queue any more");
    }

    #[test]
    fn what_pictures_are_of_all_bytes_is_measured() {
        let mut delivery = Delivery::default();
        assert_eq!(delivery.coded(0, 0, Micros(0)), None);
        let (wire, coded) = delivery.coded(1_250_000, 1_000_000, Micros(1_000_000)).unwrap();
        assert!((coded / wire - 0.8).abs() < 1e-9);
        assert_eq!(delivery.coded(1_000, 2_000, Micros(1_040_000)), None, "a worker that begins anew");
    }
}
