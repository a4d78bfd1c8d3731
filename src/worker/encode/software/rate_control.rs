//! One quantizer per frame: the bit rate on average, and no frame too large.
//!
//! A frame that is larger than its share waits in the network and delays all
//! that follow, so the size must be right before the frame is coded: coding it
//! twice would take longer than the network does. The size is guessed from
//! [`Content`] with a curve measured with OpenH264 ([`envelope`]), times a
//! scale learned from the frames before, and from what the quantizers tried of
//! late took ([`Tried`]). A picture unlike the ones before gets no benefit of
//! what was learned: it is held to cost what coding it from nothing costs.

use super::content::Content;
use super::envelope::{Scale, envelope};
use super::steepness::Steepness;
use super::tried::{Trial, Tried};
use super::usual::Usual;
use crate::clock::Micros;
use crate::units::{Bitrate, FrameRate};

/// Decides the quantizer of each frame.
#[derive(Debug)]
pub struct RateControl {
    samples: f64,
    bitrate: Bitrate,
    interval: f64,
    /// Bits spent beyond the rate; below 0 while the picture needs less.
    debt: f64,
    /// When the last frame was coded, by its capture time.
    last_frame: Option<Micros>,
    quantizer: u8,
    /// What the last frame took; `None` if that was an IDR frame.
    last_bits: Option<f64>,
    /// The bit rate is another than the last frame's.
    rate_changed: bool,
    tried: Tried,
    steepness: Steepness,
    /// Frames since one took much more than its share.
    since_burst: u32,
    /// Change of the last picture.
    change: f64,
    intra: Scale,
    inter: Scale,
    usual: Usual,
    after_surprise: bool,
    pending: Option<Pending>,
}

/// The frame being coded.
#[derive(Debug, Clone, Copy)]
struct Pending {
    idr: bool,
    /// How much finer it is than the frame before.
    steps_down: u8,
    /// It says something about the frames after it; a cut does not.
    teaches: bool,
    estimate: f64,
    captured: Micros,
}

impl RateControl {
    /// Control for a stream of pictures with `samples` luma samples.
    #[must_use]
    pub fn new(samples: f64, bitrate: Bitrate, frame_rate: FrameRate) -> Self {
        Self {
            samples,
            bitrate,
            interval: frame_rate.interval().as_secs_f64(),
            debt: 0.0,
            last_frame: None,
            quantizer: HIGHEST,
            last_bits: None,
            rate_changed: false,
            tried: Tried::new(),
            steepness: Steepness::FEARED,
            since_burst: REST,
            change: 0.0,
            intra: Scale::new(1.0),
            inter: Scale::new(1.0),
            usual: Usual::default(),
            after_surprise: false,
            pending: None,
        }
    }

    /// Another rate from the next frame on.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) {
        self.bitrate = bitrate;
        self.budget_changed();
    }

    /// Another number of frames a second from the next one on.
    pub fn set_frame_rate(&mut self, frame_rate: FrameRate) {
        self.interval = frame_rate.interval().as_secs_f64();
        self.budget_changed();
    }

    fn budget_changed(&mut self) {
        self.rate_changed = true;
        self.tried.relent();
        self.debt = self.debt.clamp(-self.budget(), self.budget());
    }

    /// The quantizer for the next picture.
    pub fn quantizer(&mut self, content: Content, idr: bool, captured: Micros) -> u8 {
        // The frame after a surprise is the first to show what the new picture
        // takes, so it is guessed with the same care.
        let unusual = self.usual.surprised_by(content);
        let surprise = unusual || self.after_surprise;
        let quantizer = match self.last_bits {
            Some(last_bits) if !idr && !surprise && self.is_like_the_last(content) => self.step(content, last_bits),
            _ => {
                self.tried.forget();
                self.steepness = Steepness::FEARED;
                self.leap(content, idr, surprise)
            }
        };
        let estimate = self.estimate(content, idr, false, quantizer);
        let teaches = !unusual || self.after_surprise;
        self.after_surprise = !idr && unusual && !self.after_surprise;
        let steps_down = self.quantizer.saturating_sub(quantizer);
        self.pending = Some(Pending { idr, steps_down, teaches, estimate, captured });
        self.usual.learn(content);
        self.change = content.change;
        self.quantizer = quantizer;
        quantizer
    }

    /// What the picture took.
    pub fn coded(&mut self, bytes: usize) {
        let Some(frame) = self.pending.take() else { return };
        let bits = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) * 8.0;
        self.spend(bits, frame.captured);
        self.learn_steepness(bits, frame.steps_down);
        self.last_bits = (!frame.idr).then_some(bits);
        self.rate_changed = false;
        if !frame.idr {
            let burst = bits > self.budget() * SMALL_BURST;
            self.since_burst = if burst { 0 } else { self.since_burst.saturating_add(1) };
            self.tried.learn(self.quantizer, bits, bits * SECOND_TRIAL > self.budget() * BURST);
        }
        if frame.idr {
            self.intra.learn(bits, frame.estimate);
        } else if frame.teaches {
            self.inter.learn(bits, frame.estimate);
        }
    }

    /// It moves about as much as the last picture, so that what that took says
    /// something.
    fn is_like_the_last(&self, content: Content) -> bool {
        !is_calm(content) && (self.change * 0.8..self.change * 1.1).contains(&content.change)
    }

    /// A quantizer for a picture of which only the curve says what it takes.
    fn leap(&self, content: Content, idr: bool, surprise: bool) -> u8 {
        let target = self.target(idr, surprise);
        let (least, most) = if idr { (LOWEST, HIGHEST) } else { self.reach(content, surprise) };
        (least..most).find(|&quantizer| self.estimate(content, idr, surprise, quantizer) <= target).unwrap_or(most)
    }

    /// Least and greatest quantizer for a picture unlike the last.
    ///
    /// Still pictures are refined quickly, because what that costs is known,
    /// but not while they take all there is.
    fn reach(&self, content: Content, surprise: bool) -> (u8, u8) {
        let share = self.last_bits.filter(|_| !self.rate_changed).map(|bits| bits / self.budget());
        let (down, up) = match share {
            Some(share) if is_calm(content) && share >= 0.5 => (u8::from(share < 1.0) + u8::from(share < 0.7), HIGHEST),
            _ if is_calm(content) => (6, HIGHEST),
            Some(share) if content.change < self.change * 1.1 && !surprise => {
                (1 + u8::from(share < 0.5), steps_up(share))
            }
            // There is more to code than in the last.
            Some(_) if !surprise => (1, HIGHEST),
            _ => (2, HIGHEST),
        };
        (self.quantizer.saturating_sub(down).max(LOWEST), self.quantizer.saturating_add(up).min(HIGHEST))
    }

    /// A quantizer near the last one, for a picture like the last one.
    ///
    /// What moves may have grain that costs nothing until a quantizer shows it,
    /// all at once. So a step must keep two promises: what it will probably
    /// take meets the rate, and what it can take at worst is no burst.
    fn step(&self, content: Content, last_bits: f64) -> u8 {
        let budget = self.budget();
        let target = if self.debt < -budget { budget * LARGEST_SHARE } else { self.target(false, false) };
        let down = if self.shows_nothing(last_bits) { 3 } else { 1 + u8::from(last_bits < budget * 0.5) };
        let least = self.quantizer.saturating_sub(down).max(LOWEST);
        let largest = budget * if self.may_burst() { BURST } else { SMALL_BURST };
        let fits = |quantizer: &u8| {
            let (probably, at_worst) = self.expect(content, last_bits, *quantizer);
            probably <= target && at_worst <= largest
        };
        let wanted = (least..HIGHEST).find(fits).unwrap_or(HIGHEST);
        // What took a little too much usually takes less the next time.
        wanted.min(self.quantizer.saturating_add(steps_up(last_bits / budget)))
    }

    /// No burst was of late, and without one the rate is not reached.
    fn may_burst(&self) -> bool {
        let enough = self.budget() * ENOUGH;
        self.since_burst >= REST && self.tried.lately(self.quantizer).is_none_or(|trial| trial.mean < enough)
    }

    /// Bits that a quantizer will probably take for a picture like the last,
    /// and at worst.
    fn expect(&self, content: Content, last_bits: f64, quantizer: u8) -> (f64, f64) {
        let estimate = self.estimate(content, false, false, quantizer);
        let trial = self.tried.lately(quantizer);
        if quantizer >= self.quantizer {
            let bits = trial.map_or_else(|| estimate.min(self.coarser_than_tried(quantizer)), |trial| trial.mean);
            return (bits, bits);
        }
        let steps = self.quantizer - quantizer;
        let between = (quantizer + 1..self.quantizer).filter_map(|coarser| self.tried.lately(coarser));
        let foreseen = self.foresee(last_bits, steps);
        let at_worst = trial.map_or(foreseen, |trial| self.again(trial, steps, foreseen));
        let at_worst = between.fold(at_worst, |worst, coarser| worst.max(coarser.most));
        let in_debt = trial.filter(|_| self.debt > 0.0);
        (in_debt.map_or(estimate, |trial| estimate.max(trial.mean)), at_worst)
    }

    /// Bits that a quantizer takes at most by what finer ones took: noise falls
    /// off faster than the curve.
    fn coarser_than_tried(&self, quantizer: u8) -> f64 {
        let finer = (quantizer.saturating_sub(REMEMBERED_STEPS)..quantizer).rev();
        let mut finer = finer.filter_map(|finer| Some((quantizer - finer, self.tried.lately(finer)?)));
        finer.next().map_or(f64::MAX, |(steps, trial)| trial.mean * FALL.powi(i32::from(steps)))
    }

    /// Bits that a quantizer `steps` finer takes at worst after it was tried.
    fn again(&self, trial: &Trial, steps: u8, foreseen: f64) -> f64 {
        let settled = self.tried.lately(self.quantizer).is_some_and(|trial| trial.count >= 4);
        if trial.count == 1 && !settled && trial.most < self.budget() * SMALL_BURST {
            // The picture may not have been there in full yet.
            return foreseen.clamp(trial.most, trial.most * SECOND_TRIAL_AT_WORST);
        }
        trial.most * if steps == 1 && !trial.blurred { SECOND_TRIAL } else { SECOND_TRIAL_FROM_AFAR }
    }

    /// Bits that going `steps` finer takes at worst.
    fn foresee(&self, last_bits: f64, steps: u8) -> f64 {
        if self.shows_nothing(last_bits) {
            // One step is always taken: the picture must get somewhere.
            return last_bits + f64::from(steps - 1) * self.samples * STEEPEST_FROM_NOTHING;
        }
        let added = last_bits + f64::from(steps) * self.samples * self.steepness.added;
        let unsure = if steps > 1 { UNSURE } else { 1.0 };
        added.max(last_bits * self.steepness.factor.powi(i32::from(steps)) * unsure)
    }

    /// The last frame was little more than headers.
    fn shows_nothing(&self, last_bits: f64) -> bool {
        last_bits < self.samples * NOTHING
    }

    /// The worst is feared of a step down until steps were seen; and less so
    /// the longer the picture takes less than it may.
    fn learn_steepness(&mut self, bits: f64, steps_down: u8) {
        if self.debt < -self.budget() {
            self.steepness.doubt(bits / self.budget());
        }
        if let (Some(last_bits), 1..) = (self.last_bits, steps_down) {
            self.steepness.learn(last_bits, bits, steps_down, self.samples);
        }
    }

    fn spend(&mut self, bits: f64, captured: Micros) {
        let elapsed = self.last_frame.map_or(self.interval, |last| micros_to_seconds(captured.since(last)));
        self.last_frame = Some(captured);
        let earned = self.rate() * elapsed.min(LONGEST_SAVING);
        // What a calm picture leaves over is not saved up: it would come out
        // as a burst.
        self.debt = (self.debt + bits - earned).max(-2.0 * self.budget());
    }

    fn target(&self, idr: bool, surprise: bool) -> f64 {
        let budget = self.budget();
        if idr {
            return (budget * IDR_BUDGETS).min(LARGEST_IDR);
        }
        let share = (budget - self.debt * REPAYMENT).clamp(budget * 0.3, budget * 1.12);
        if surprise { share.min(budget) } else { share }
    }

    fn estimate(&self, content: Content, idr: bool, surprise: bool, quantizer: u8) -> f64 {
        let cost = |activity: f64, quantizer: u8| self.samples * envelope(activity, quantizer);
        if idr {
            return cost(content.spatial, quantizer) * self.intra.value;
        }
        // What did not change still gains the detail that the last quantizer
        // took away.
        let still = (1.0 - content.change / content.spatial.max(0.01)).max(0.0);
        let refined = still * (cost(content.spatial, quantizer) - cost(content.spatial, self.quantizer)).max(0.0);
        let scale = if surprise { self.inter.value.max(1.0) } else { self.inter.value };
        cost(content.change, quantizer) * scale + refined * REFINEMENT
    }

    /// Bits of one frame interval.
    fn budget(&self) -> f64 {
        self.rate() * self.interval
    }

    fn rate(&self) -> f64 {
        f64::from(self.bitrate.kbps()) * 1000.0
    }
}

/// Little enough changes that most of the picture is refined, not coded anew.
fn is_calm(content: Content) -> bool {
    content.change < content.spatial * 0.5
}

/// By how much the quantizer may rise after a frame that took `share` of its
/// budget.
fn steps_up(share: f64) -> u8 {
    match share {
        ..=1.2 => 1,
        ..=1.6 => 2,
        ..=2.5 => 3,
        _ => HIGHEST,
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few seconds in microseconds")]
fn micros_to_seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Below this nothing is gained that an eye sees.
const LOWEST: u8 = 14;
const HIGHEST: u8 = 51;
/// Frame budgets an IDR frame may take.
const IDR_BUDGETS: f64 = 3.0;
/// Bits of an IDR frame at most: above about 848 packets a frame loses its FEC
/// (four blocks of at most 212 data packets at 20 %).
const LARGEST_IDR: f64 = 700.0 * 1376.0 * 8.0;
/// Part of the debt that each frame pays back: an IDR frame in a quarter of a
/// second.
const REPAYMENT: f64 = 1.0 / 8.0;
/// Part of the envelope's difference that refining a still picture takes.
const REFINEMENT: f64 = 0.8;
/// Frame budgets a frame may probably take after others took less than theirs.
const LARGEST_SHARE: f64 = 1.2;
/// Frame budgets a frame may take at worst.
const BURST: f64 = 1.85;
/// Frame budgets a frame may take at worst in the frames after a burst.
const SMALL_BURST: f64 = 1.4;
/// Frames between two bursts. Noise that a finer quantizer shows every second
/// or third frame takes a tenth more each time than shown every fourth.
const REST: u32 = 3;
/// Part of its budget with which a frame is left as it is, before a step that
/// may be too large is risked.
pub(super) const ENOUGH: f64 = 0.85;
/// Part of what a quantizer took that it takes at worst the next time.
const SECOND_TRIAL: f64 = 0.93;
/// The same of a quantizer that was tried once.
const SECOND_TRIAL_AT_WORST: f64 = 2.1;
/// The same after frames with a quantizer two steps coarser.
const SECOND_TRIAL_FROM_AFAR: f64 = 1.25;
/// What is added to the doubt about more than one step.
const UNSURE: f64 = 2.0;
/// Bits per sample of a frame that shows nothing new.
const NOTHING: f64 = 0.005;
/// Bits per sample that one of the first steps adds to such a frame at most.
const STEEPEST_FROM_NOTHING: f64 = 0.16;
/// Part that remains of a frame at least, one quantizer coarser: an eighth less
/// bits is what the curve says of all but faint noise.
const FALL: f64 = 0.87;
/// By how much finer a trial may be to say something.
const REMEMBERED_STEPS: u8 = 8;
/// Seconds of a still screen that count as saved.
const LONGEST_SAVING: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: f64 = 1920.0 * 1080.0;
    const BUDGET: f64 = 20e6 / 60.0;

    /// A stand-in for an encoder whose frames take `part` of the envelope.
    struct Bench {
        rate: RateControl,
        frame: u64,
    }

    impl Bench {
        fn new() -> Self {
            Self { rate: RateControl::new(SAMPLES, Bitrate::from_kbps(20_000), FrameRate::from_hz(60)), frame: 0 }
        }

        /// Codes a frame; returns its bits.
        fn code(&mut self, content: Content, idr: bool, part: f64) -> f64 {
            self.frame += 1;
            let quantizer = self.rate.quantizer(content, idr, Micros(self.frame * 16_667));
            let activity = if idr { content.spatial } else { content.change };
            let bits = SAMPLES * envelope(activity, quantizer) * part;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
            self.rate.coded((bits / 8.0) as usize);
            bits
        }
    }

    const MOVING: Content = Content { spatial: 3.2, change: 3.0, shift: 2.0 };

    #[test]
    fn moving_content_meets_the_rate_within_a_second() {
        for part in [0.1, 0.3, 1.0] {
            let mut bench = Bench::new();
            for index in 0..60 {
                bench.code(MOVING, index == 0, part);
            }
            let second: f64 = (0..60).map(|_| bench.code(MOVING, false, part)).sum();
            assert!((second / 20e6 - 1.0).abs() < 0.1, "{part}: {second}");
        }
    }

    #[test]
    fn a_cut_after_calm_stays_within_two_frame_intervals() {
        let mut bench = Bench::new();
        let calm = Content { spatial: 4.0, change: 0.01, shift: 0.0 };
        bench.code(calm, true, 1.0);
        for _ in 0..200 {
            bench.code(calm, false, 0.1);
        }
        let cut = Content { spatial: 4.0, change: 4.0, shift: 20.0 };
        let bits = bench.code(cut, false, 1.0);
        assert!(bits <= 2.0 * BUDGET, "{}", bits / BUDGET);
    }

    #[test]
    fn an_idr_frame_is_paid_back() {
        let mut bench = Bench::new();
        for index in 0..120 {
            bench.code(MOVING, index == 0, 0.3);
        }
        let idr = bench.code(MOVING, true, 0.9);
        assert!(idr > 1.5 * BUDGET, "an IDR frame gets more than a share: {}", idr / BUDGET);
        let rest: f64 = (0..59).map(|_| bench.code(MOVING, false, 0.3)).sum();
        assert!(((idr + rest) / 20e6 - 1.0).abs() < 0.1, "{}", (idr + rest) / 20e6);
    }

    #[test]
    fn a_still_picture_reaches_the_best_quality_in_steps() {
        let mut bench = Bench::new();
        let still = Content { spatial: 4.0, change: 0.0, shift: 0.0 };
        bench.code(still, true, 1.0);
        let mut last = bench.rate.quantizer;
        for _ in 0..40 {
            bench.code(still, false, 0.0);
            assert!(bench.rate.quantizer + 6 >= last);
            last = bench.rate.quantizer;
        }
        assert_eq!(last, LOWEST);
    }

    #[test]
    fn another_bit_rate_holds_from_the_next_second_on() {
        let mut bench = Bench::new();
        for index in 0..120 {
            bench.code(MOVING, index == 0, 0.3);
        }
        bench.rate.set_bitrate(Bitrate::from_kbps(5000));
        for _ in 0..30 {
            bench.code(MOVING, false, 0.3);
        }
        let second: f64 = (0..60).map(|_| bench.code(MOVING, false, 0.3)).sum();
        assert!((second / 5e6 - 1.0).abs() < 0.1, "{second}");
    }

    #[test]
    fn half_the_frames_have_twice_the_bits_each() {
        let mut rate = RateControl::new(1000.0, Bitrate::from_kbps(600), FrameRate::from_hz(60));
        let before = rate.budget();
        rate.set_frame_rate(FrameRate::from_hz(30));
        assert!((rate.budget() / before - 2.0).abs() < 1e-6, "{}", rate.budget());
    }
}
