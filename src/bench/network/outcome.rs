//! What a stream was like for who watched it.

use super::client::Seen;
use super::sender::FRAME_RATE;
use super::trace::Trace;
use crate::bench::report::quantile;
use crate::protocol::adaptation::Sent;

/// Figures of one run.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Seconds in which the picture stood, by the definition of W3C's WebRTC statistics
    /// (`totalFreezesDuration`): of pauses that are longer than three frames, and longer
    /// than a frame by 150 ms.
    pub(super) frozen: f64,
    pub(super) freezes: u64,
    /// Frames that never were whole.
    pub(super) lost: u64,
    /// Frames that were, but refer to such.
    pub(super) undecodable: u64,
    /// Frames that parity made whole.
    pub(super) repaired: u64,
    /// Milliseconds from the capture of each frame that was sent until it, or a newer one,
    /// was shown: one that never is makes the picture late, too.
    pub(super) delays: Vec<f64>,
    /// Coded pictures, in kbit/s.
    pub(super) coded_kbps: f64,
    /// What was shown of it.
    pub(super) shown_kbps: f64,
    /// All that was sent.
    pub(super) wire_kbps: f64,
    pub(super) bitrates: Vec<f64>,
    pub(super) percents: Vec<f64>,
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of a minute")]
impl Outcome {
    pub(super) fn of(trace: &Trace, sent: &Sent, seen: Seen, bitrates: Vec<f64>, percents: Vec<f64>) -> Self {
        let interval = FRAME_RATE.interval().as_secs_f64();
        let end = trace.seconds as f64;
        let mut times: Vec<f64> = seen.shown.iter().map(|(at, ..)| at.0 as f64 / 1e6).collect();
        let mut delays = Vec::new();
        for ((_, frame, _), at) in seen.shown.iter().zip(&times) {
            let late = |index: usize| (at - index as f64 * interval) * 1e3;
            delays.extend((delays.len()..frame.0 as usize).map(late));
        }
        delays.extend((delays.len()..sent.frames as usize).map(|index| (end - index as f64 * interval) * 1e3));
        times.push(end);
        let least = (3.0 * interval).max(interval + 0.15);
        let pauses = || times.windows(2).map(|pair| pair[1] - pair[0]).filter(|pause| *pause >= least);
        let kbps = |bytes: u64| bytes as f64 * 8e-3 / end;
        Self {
            // The sum of no numbers is -0.
            frozen: pauses().fold(0.0, |sum, pause| sum + pause),
            freezes: pauses().count() as u64,
            lost: seen.lost,
            undecodable: seen.undecodable,
            repaired: seen.repaired,
            delays,
            coded_kbps: kbps(sent.coded_bytes),
            shown_kbps: kbps(seen.shown.iter().map(|(.., bytes)| bytes).sum()),
            wire_kbps: kbps(sent.wire_bytes),
            bitrates,
            percents,
        }
    }

    /// Of a hundred frames the 95th, in ms.
    pub(super) fn delay_p95(&self) -> f64 {
        quantile(&self.delays, 0.95)
    }
}
