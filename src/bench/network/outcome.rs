//! What a stream was like for who watched it.

use crate::bench::report::quantile;

/// Figures of one run.
#[derive(Debug, Clone, Default)]
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
    /// Coded pictures, in kbit/s, where somebody knows.
    pub(super) coded_kbps: Option<f64>,
    /// What was shown of it.
    pub(super) shown_kbps: f64,
    /// All that was sent.
    pub(super) wire_kbps: f64,
    pub(super) bitrates: Vec<f64>,
    pub(super) percents: Vec<f64>,
}

/// Frames of one run. Times are in seconds from its beginning.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// How long it was.
    pub(super) seconds: f64,
    /// When each frame was captured.
    pub(super) captured: Vec<f64>,
    /// When frames were shown, their places in `captured`, and their bytes.
    pub(super) shown: Vec<(f64, usize, u64)>,
}

#[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
impl Outcome {
    /// What can be told of frames alone; the interval between them is in seconds.
    pub(super) fn of(watched: &Watched, interval: f64) -> Self {
        let Watched { seconds: end, captured, shown } = watched;
        let mut delays = Vec::with_capacity(captured.len());
        for (at, frame, _) in shown {
            let late = captured.get(delays.len()..=*frame).unwrap_or_default();
            delays.extend(late.iter().map(|captured| (at - captured) * 1e3));
        }
        delays.extend(captured[delays.len()..].iter().map(|captured| (end - captured) * 1e3));
        let mut times = vec![0.0];
        times.extend(shown.iter().map(|(at, ..)| at));
        times.push(*end);
        let least = (3.0 * interval).max(interval + 0.15);
        let pauses = || times.windows(2).map(|pair| pair[1] - pair[0]).filter(|pause| *pause >= least);
        let bytes: u64 = shown.iter().map(|(.., bytes)| bytes).sum();
        Self {
            // The sum of no numbers is -0.
            frozen: pauses().fold(0.0, |sum, pause| sum + pause),
            freezes: pauses().count() as u64,
            delays,
            shown_kbps: bytes as f64 * 8e-3 / end,
            ..Self::default()
        }
    }

    /// Of a hundred frames the 95th, in ms.
    pub(super) fn delay_p95(&self) -> f64 {
        quantile(&self.delays, 0.95)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_not_shown_is_as_late_as_the_next_one_that_is() {
        let shown = vec![(0.05, 0, 1000), (0.45, 2, 1000)];
        let watched = Watched { seconds: 1.0, captured: vec![0.0, 0.1, 0.2, 0.9], shown };
        let outcome = Outcome::of(&watched, 0.1);
        let delays: Vec<_> = outcome.delays.iter().map(|delay| delay.round()).collect();
        assert_eq!(delays, [50.0, 350.0, 250.0, 100.0]);
        // From 0.05 to 0.45, and to the end; 0.3 s are three frames.
        assert_eq!(outcome.freezes, 2);
        assert!((outcome.frozen - 0.95).abs() < 1e-9, "{}", outcome.frozen);
        assert!((outcome.shown_kbps - 16.0).abs() < 1e-9, "{}", outcome.shown_kbps);
    }

    #[test]
    fn a_picture_that_never_comes_stands_all_the_time() {
        let watched = Watched { seconds: 2.0, captured: vec![0.0, 0.5], shown: Vec::new() };
        let outcome = Outcome::of(&watched, 0.5);
        assert_eq!((outcome.frozen, outcome.delays), (2.0, vec![2000.0, 1500.0]));
    }
}
