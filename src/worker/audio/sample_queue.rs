//! Where the sound server's clock meets ours.
//!
//! The server delivers in its own rhythm; packets leave in ours. The queue
//! between them holds a small margin and keeps it small:
//!
//! * nothing is touched while the margin stays in its band: samples pass
//!   through bit by bit;
//! * a drifting clock is corrected by making packets from one sample more or
//!   less than they hold, 0.2 % to 0.4 % in pitch, for as long as needed;
//! * a margin far too large (the server was stopped and catches up) is cut with
//!   a short cross-fade;
//! * when the server delivers nothing, what is left fades out, silence follows,
//!   and sound fades in once the margin is there again. A server that is late
//!   again and again earns a larger margin, up to 10 ms.
//!
//! Only arithmetic: no clock and no thread. "Frame" here is one sample of every
//! channel.

use std::collections::VecDeque;

use super::SAMPLES_PER_MS;

/// The queue of one stream.
#[derive(Debug)]
pub struct SampleQueue {
    samples: VecDeque<f32>,
    channels: usize,
    /// Frames that should be left when a packet has been taken.
    margin: usize,
    /// Sound flows; otherwise silence does until packet and margin are there.
    flowing: bool,
    /// Smallest number of frames left by a packet of the present window.
    lowest: usize,
    /// Packets of the present window so far.
    window: u32,
    correction: Correction,
    underruns: u64,
}

impl SampleQueue {
    /// An empty queue for interleaved samples of `channels` channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self {
            samples: VecDeque::new(),
            channels: channels.max(1),
            margin: USUAL_MARGIN,
            flowing: false,
            lowest: usize::MAX,
            window: 0,
            correction: Correction::None,
            underruns: 0,
        }
    }

    /// Takes in what the server delivered; the oldest goes if there is far too much.
    pub fn push(&mut self, samples: impl IntoIterator<Item = f32>) {
        self.samples.extend(samples);
        let excess = self.frames().saturating_sub(CAPACITY);
        self.samples.drain(..excess * self.channels);
    }

    /// Frames waiting.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// How often sound broke off because nothing was there.
    #[must_use]
    pub const fn underruns(&self) -> u64 {
        self.underruns
    }

    /// Forgets everything: another server follows.
    pub fn clear(&mut self) {
        *self = Self { underruns: self.underruns, ..Self::new(self.channels) };
    }

    /// Fills one packet. Returns whether there was sound for it.
    pub fn take(&mut self, packet: &mut [f32]) -> bool {
        let wanted = packet.len() / self.channels;
        if !self.flowing {
            if self.frames() < wanted + self.margin {
                packet.fill(0.0);
                return false;
            }
            self.cut_to(wanted + self.margin);
            self.flowing = true;
            self.reset_window();
            self.copy(packet);
            fade(packet, self.channels, Fade::In);
            return true;
        }
        if self.frames() < wanted {
            self.run_dry(packet);
            return true;
        }
        self.take_corrected(packet, wanted);
        self.watch_margin(wanted);
        true
    }

    /// One packet from one frame more or less, if a correction is due.
    fn take_corrected(&mut self, packet: &mut [f32], wanted: usize) {
        let source = match self.correction {
            Correction::Squeeze if self.frames() > wanted => wanted + 1,
            Correction::Stretch => wanted - 1,
            _ => return self.copy(packet),
        };
        let last = self.channels * (source - 1);
        for (index, frame) in packet.chunks_exact_mut(self.channels).enumerate() {
            let (whole, part) = position(index, source, wanted);
            for (channel, sample) in frame.iter_mut().enumerate() {
                let here = self.samples[self.channels * whole + channel];
                let next = self.samples[(self.channels * (whole + 1)).min(last) + channel];
                *sample = here + (next - here) * part;
            }
        }
        self.samples.drain(..source * self.channels);
    }

    /// Looks back over a window of packets and corrects what is off.
    fn watch_margin(&mut self, wanted: usize) {
        self.lowest = self.lowest.min(self.frames());
        self.window += 1;
        if self.window < WINDOW {
            return;
        }
        let lowest = self.lowest;
        self.reset_window();
        self.correction = match lowest {
            _ if lowest > self.margin + TOO_MUCH => {
                self.cross_fade(lowest - self.margin);
                Correction::None
            }
            _ if lowest > self.margin + BAND => Correction::Squeeze,
            _ if lowest + BAND < self.margin && wanted > 1 => Correction::Stretch,
            _ => Correction::None,
        };
    }

    /// Drops `excess` frames, fading from what came before into what follows.
    fn cross_fade(&mut self, excess: usize) {
        let length = FADE.min(self.frames().saturating_sub(excess));
        for index in 0..length * self.channels {
            let part = ramp(index / self.channels, length);
            let (old, new) = (self.samples[index], self.samples[index + excess * self.channels]);
            self.samples[index + excess * self.channels] = old + (new - old) * part;
        }
        self.samples.drain(..excess * self.channels);
    }

    /// The server is late: what is left fades out, and the margin grows.
    fn run_dry(&mut self, packet: &mut [f32]) {
        let left = self.frames() * self.channels;
        let (sound, silence) = packet.split_at_mut(left);
        self.copy(sound);
        fade(sound, self.channels, Fade::Out);
        silence.fill(0.0);
        self.flowing = false;
        self.correction = Correction::None;
        self.margin = (self.margin + SAMPLES_PER_MS).min(LARGEST_MARGIN);
        self.underruns += 1;
    }

    fn copy(&mut self, packet: &mut [f32]) {
        let taken = self.samples.drain(..packet.len());
        packet.iter_mut().zip(taken).for_each(|(to, from)| *to = from);
    }

    /// Drops the oldest, so that `frames` are left.
    fn cut_to(&mut self, frames: usize) {
        let excess = self.frames().saturating_sub(frames);
        self.samples.drain(..excess * self.channels);
    }

    const fn reset_window(&mut self) {
        self.lowest = usize::MAX;
        self.window = 0;
    }
}

/// What is done about a margin that is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Correction {
    None,
    /// One frame too many goes into each packet.
    Squeeze,
    /// One frame too few goes into each packet.
    Stretch,
}

#[derive(Debug, Clone, Copy)]
enum Fade {
    In,
    Out,
}

/// Where frame `index` of `wanted` lies among `source` frames.
#[allow(clippy::cast_precision_loss, reason = "a few hundred")]
fn position(index: usize, source: usize, wanted: usize) -> (usize, f32) {
    let whole = index * source / wanted;
    (whole, (index * source % wanted) as f32 / wanted as f32)
}

#[allow(clippy::cast_precision_loss, reason = "at most 48")]
fn ramp(index: usize, length: usize) -> f32 {
    (index as f32 + 0.5) / length as f32
}

fn fade(samples: &mut [f32], channels: usize, direction: Fade) {
    let frames = samples.len() / channels;
    let length = FADE.min(frames);
    for index in 0..length {
        let frame = match direction {
            Fade::In => index,
            Fade::Out => frames - 1 - index,
        };
        let factor = ramp(index, length);
        samples[frame * channels..(frame + 1) * channels].iter_mut().for_each(|sample| *sample *= factor);
    }
}

/// Frames kept against late deliveries: PulseAudio delivers every 2.5 ms, and
/// its thread and ours may each be a millisecond late.
const USUAL_MARGIN: usize = 5 * SAMPLES_PER_MS;
/// A server that needs more is broken rather than late.
const LARGEST_MARGIN: usize = 10 * SAMPLES_PER_MS;
/// Half of the width in which the margin is left alone: one delivery.
const BAND: usize = 5 * SAMPLES_PER_MS / 2;
/// Above the margin: correcting it by single frames would take a second or more.
const TOO_MUCH: usize = 10 * SAMPLES_PER_MS;
/// Packets after which the margin is judged: 0.1 to 0.2 s.
const WINDOW: u32 = 20;
/// Frames of a fade: 1 ms turns a click into nothing one hears.
const FADE: usize = SAMPLES_PER_MS;
/// Frames held at most while we could not take any: half a second.
const CAPACITY: usize = 500 * SAMPLES_PER_MS;

#[cfg(test)]
mod tests {
    use super::super::tone::{Tone, strongest_tone};
    use super::*;

    const PACKET: usize = 240;

    #[test]
    fn samples_in_rhythm_pass_unchanged() {
        let mut queue = SampleQueue::new(2);
        let mut packet = [0.0; 2 * PACKET];
        let mut source = (1u16..).map(f32::from);
        let mut out = Vec::new();
        for _ in 0..120 {
            queue.push(source.by_ref().take(packet.len()));
            if queue.take(&mut packet) {
                out.extend_from_slice(&packet);
            }
        }
        let faded = 2 * FADE;
        let first = out[faded];
        let expected: Vec<_> = (0..out.len() - faded).map(|i| first + f32::from(u16::try_from(i).unwrap())).collect();
        assert_eq!(&out[faded..], expected);
        assert_eq!(queue.underruns(), 0);
        assert_eq!(queue.frames(), USUAL_MARGIN);
    }

    #[test]
    fn a_late_server_gives_silence_and_then_sound_again() {
        let mut queue = SampleQueue::new(1);
        let mut packet = [0.0; PACKET];
        queue.push([0.5; 3 * PACKET]);
        assert!(queue.take(&mut packet) && queue.take(&mut packet));
        assert_eq!(packet, [0.5; PACKET]);
        queue.push([0.5; PACKET / 2]);
        while queue.frames() >= PACKET {
            queue.take(&mut packet);
        }
        assert!(queue.take(&mut packet), "what was left");
        assert_eq!(packet[PACKET - 1], 0.0);
        assert!(!queue.take(&mut packet), "silence");
        assert_eq!(packet, [0.0; PACKET]);
        assert_eq!(queue.underruns(), 1);
        queue.push([0.5; PACKET]);
        assert!(!queue.take(&mut packet), "no margin yet");
        queue.push([0.5; 2 * PACKET]);
        assert!(queue.take(&mut packet), "sound again");
        assert!(packet[0] < 0.01 && packet[PACKET - 1] == 0.5);
    }

    #[test]
    fn a_server_that_is_often_late_earns_a_larger_margin_up_to_10_ms() {
        let mut queue = SampleQueue::new(1);
        let mut packet = [0.0; PACKET];
        for _ in 0..20 {
            queue.push([0.1; 1000]);
            while queue.frames() > 0 {
                queue.take(&mut packet);
            }
        }
        assert_eq!(queue.margin, LARGEST_MARGIN);
    }

    #[test]
    fn a_drifting_server_neither_starves_nor_floods_the_queue() {
        for per_packet in [239.9, 240.1, 239.5, 240.5] {
            let mut queue = SampleQueue::new(1);
            let mut tone = Tone::new(1000.0);
            let mut packet = [0.0; PACKET];
            let (mut owed, mut most, mut heard) = (0.0, 0, Vec::new());
            for index in 0..4000 {
                owed += per_packet;
                while owed >= 1.0 {
                    owed -= 1.0;
                    queue.push([tone.next_sample()]);
                }
                if queue.take(&mut packet) {
                    heard.extend_from_slice(&packet);
                }
                if index > 100 {
                    most = most.max(queue.frames());
                }
            }
            assert_eq!(queue.underruns(), 0, "{per_packet}");
            assert!(most <= USUAL_MARGIN + TOO_MUCH, "{per_packet}: {most}");
            let steepest = heard[PACKET..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.04, "{per_packet}: a click of {steepest}");
            let (frequency, level) = strongest_tone(&heard[PACKET..]);
            assert!((frequency - 1000.0).abs() < 5.0 && (level + 12.0).abs() < 0.5, "{frequency} Hz {level} dBFS");
        }
    }

    #[test]
    fn a_flood_is_cut_back_to_the_margin_without_a_click() {
        let mut queue = SampleQueue::new(1);
        let mut tone = Tone::new(100.0);
        let mut packet = [0.0; PACKET];
        let mut heard = Vec::new();
        for index in 0..60 {
            let arriving = if index == 20 { 20 * PACKET } else { PACKET };
            queue.push((0..arriving).map(|_| tone.next_sample()));
            if queue.take(&mut packet) {
                heard.extend_from_slice(&packet);
            }
        }
        assert_eq!(queue.frames(), USUAL_MARGIN);
        let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.02, "{steepest}");
    }

    #[test]
    fn the_queue_is_bounded_whatever_arrives() {
        let mut queue = SampleQueue::new(8);
        queue.push(std::iter::repeat_n(0.0, 8 * 100_000));
        assert_eq!(queue.frames(), CAPACITY);
        queue.clear();
        assert_eq!(queue.frames(), 0);
    }
}
