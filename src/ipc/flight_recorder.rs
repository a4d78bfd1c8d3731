//! The flight recorder: what a worker's threads did last, written down as they
//! do it, and readable after a SIGKILL.
//!
//! A ring in the counters page. Threads take places by adding to its head and
//! never wait; a reader takes no part in it and leaves out what is being
//! written. What begins is noted as well as what has ended: of a thread that
//! hangs, the last event says inside of what.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::clock::Micros;
use crate::ipc::counters_page::WorkerThread;

/// One side's view of the ring.
#[derive(Debug, Clone, Copy)]
pub struct FlightRecorder<'a> {
    head: &'a AtomicU64,
    places: &'a [AtomicU64],
}

/// Something that a thread did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Counts the stream's events from 1; a gap was overwritten or torn.
    pub number: u64,
    /// When.
    pub time: Micros,
    /// Which thread.
    pub thread: WorkerThread,
    /// What.
    pub what: What,
    /// What it was about: the number of a frame or source, a kind.
    pub about: u32,
    /// How much: bytes, datagrams, microseconds; see [`What`].
    pub value: u64,
}

impl<'a> FlightRecorder<'a> {
    /// The ring in these words: one for the head, [`WORDS`] in all.
    pub(super) fn in_words(words: &'a [AtomicU64]) -> Self {
        Self { head: &words[0], places: &words[1..WORDS] }
    }

    /// Writes an event down.
    pub fn note(&self, thread: WorkerThread, what: What, about: u32, value: u64) {
        let number = self.head.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let [stamp, kind, time, amount] = self.place(number) else { return };
        stamp.store(0, Ordering::Relaxed);
        // Nobody may see the new content under the old number.
        fence(Ordering::Release);
        kind.store(pack(thread, what, about), Ordering::Relaxed);
        time.store(Micros::now().0, Ordering::Relaxed);
        amount.store(value, Ordering::Relaxed);
        stamp.store(number, Ordering::Release);
    }

    /// All events that are whole, oldest first. At most [`EVENTS`].
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<_> = self.places.chunks_exact(EVENT_WORDS).filter_map(read).collect();
        events.sort_unstable_by_key(|event| event.number);
        events
    }

    fn place(&self, number: u64) -> &'a [AtomicU64] {
        // The remainder is below EVENTS, which fits any usize.
        let index = usize::try_from(number % EVENTS as u64).unwrap_or_default();
        &self.places[index * EVENT_WORDS..][..EVENT_WORDS]
    }
}

fn read(place: &[AtomicU64]) -> Option<Event> {
    let [stamp, kind, time, amount] = place else { return None };
    let number = stamp.load(Ordering::Acquire);
    let (packed, time, value) =
        (kind.load(Ordering::Relaxed), time.load(Ordering::Relaxed), amount.load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    if number == 0 || stamp.load(Ordering::Relaxed) != number {
        return None;
    }
    let (thread, what, about) = unpack(packed)?;
    Some(Event { number, time: Micros(time), thread, what, about, value })
}

const fn pack(thread: WorkerThread, what: What, about: u32) -> u64 {
    (about as u64) << 32 | (what as u64) << 8 | thread as u64
}

fn unpack(packed: u64) -> Option<(WorkerThread, What, u32)> {
    let thread = WorkerThread::ALL.get(usize::try_from(packed & 0xff).ok()?)?;
    let what = What::ALL.get(usize::try_from(packed >> 8 & 0xff_ffff).ok()?)?;
    Some((*thread, *what, u32::try_from(packed >> 32).ok()?))
}

/// What a worker's thread did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum What {
    /// The thread runs; `about` is the worker's generation.
    ThreadBegins,
    /// The thread returns.
    ThreadEnds,
    /// It begins to open source `about`.
    SourceOpens,
    /// Source `about` is open.
    SourceOpen,
    /// Frame `about` was captured, `value` µs after it was presented.
    Captured,
    /// It begins to open an encoder.
    EncoderOpens,
    /// The encoder is open.
    EncoderOpen,
    /// It begins to give frame `about` to the encoder: conversion, upload.
    LoadBegins,
    /// It begins to encode; `about` is 1 if an IDR frame is wanted.
    EncodeBegins,
    /// A frame is encoded: `about` is 1 for an IDR frame, `value` is bytes.
    Encoded,
    /// An encoded frame was dropped: sending does not keep up.
    FrameDropped,
    /// The client asked for an IDR frame, or has lost frames from `about` on.
    IdrWanted,
    /// The bit rate is `about` kbit/s now.
    BitrateSet,
    /// A media socket arrived; `about` is 0 for video, 1 for audio.
    SocketArrived,
    /// It begins to send frame `about` (wire number), `value` datagrams.
    SendBegins,
    /// Frame `about` was handed to the network, `value` datagrams of it.
    Sent,
    /// The sound server is lost.
    SoundLost,
    /// The host said to switch to source `about`.
    Switched,
    /// The host said stop, or is gone.
    Stopped,
}

impl What {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 19] = [
        Self::ThreadBegins,
        Self::ThreadEnds,
        Self::SourceOpens,
        Self::SourceOpen,
        Self::Captured,
        Self::EncoderOpens,
        Self::EncoderOpen,
        Self::LoadBegins,
        Self::EncodeBegins,
        Self::Encoded,
        Self::FrameDropped,
        Self::IdrWanted,
        Self::BitrateSet,
        Self::SocketArrived,
        Self::SendBegins,
        Self::Sent,
        Self::SoundLost,
        Self::Switched,
        Self::Stopped,
    ];

    /// In words, for evidence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ThreadBegins => "thread begins",
            Self::ThreadEnds => "thread ends",
            Self::SourceOpens => "source opens",
            Self::SourceOpen => "source open",
            Self::Captured => "captured",
            Self::EncoderOpens => "encoder opens",
            Self::EncoderOpen => "encoder open",
            Self::LoadBegins => "load begins",
            Self::EncodeBegins => "encode begins",
            Self::Encoded => "encoded",
            Self::FrameDropped => "frame dropped",
            Self::IdrWanted => "idr wanted",
            Self::BitrateSet => "bitrate set",
            Self::SocketArrived => "socket arrived",
            Self::SendBegins => "send begins",
            Self::Sent => "sent",
            Self::SoundLost => "sound lost",
            Self::Switched => "switched",
            Self::Stopped => "stopped",
        }
    }
}

/// Events that are kept: some ten seconds of a stream at 60 frames per second.
pub const EVENTS: usize = 4096;
const EVENT_WORDS: usize = 4;
/// Words of a page that the ring takes.
pub(super) const WORDS: usize = 1 + EVENTS * EVENT_WORDS;

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<AtomicU64> {
        (0..WORDS).map(|_| AtomicU64::new(0)).collect()
    }

    #[test]
    fn names_and_numbers_of_all_events_agree() {
        for (index, what) in What::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, index, "{}", what.name());
            assert_eq!(unpack(pack(WorkerThread::Send, what, 7)), Some((WorkerThread::Send, what, 7)));
        }
    }

    #[test]
    fn the_newest_events_are_kept_in_order() {
        let words = words();
        let recorder = FlightRecorder::in_words(&words);
        let kept = u32::try_from(EVENTS).unwrap();
        for frame in 0..5000 {
            recorder.note(WorkerThread::Encode, What::Encoded, frame, u64::from(frame) * 10);
        }
        let events = recorder.events();
        assert_eq!(events.len(), EVENTS);
        assert_eq!((events[0].number, events[0].about), (u64::from(5000 - kept) + 1, 5000 - kept));
        let last = events[EVENTS - 1];
        assert_eq!((last.number, last.about, last.value), (5000, 4999, 49_990));
        assert!(events.windows(2).all(|pair| pair[0].time <= pair[1].time));
    }

    #[test]
    fn threads_never_share_a_place() {
        let words = words();
        std::thread::scope(|scope| {
            for thread in [WorkerThread::Capture, WorkerThread::Encode, WorkerThread::Send] {
                let recorder = FlightRecorder::in_words(&words);
                scope.spawn(move || (0..1000).for_each(|n| recorder.note(thread, What::Sent, n, 0)));
            }
        });
        let events = FlightRecorder::in_words(&words).events();
        assert_eq!(events.len(), 3000);
        for thread in [WorkerThread::Capture, WorkerThread::Encode, WorkerThread::Send] {
            let own = events.iter().filter(|event| event.thread == thread).map(|event| event.about);
            assert!(own.eq(0..1000), "{}", thread.name());
        }
    }

    #[test]
    fn an_event_that_is_being_written_and_nonsense_are_left_out() {
        let words = words();
        let recorder = FlightRecorder::in_words(&words);
        recorder.note(WorkerThread::Main, What::Switched, 1, 0);
        recorder.note(WorkerThread::Main, What::Stopped, 0, 0);
        recorder.place(1)[0].store(0, Ordering::Relaxed);
        recorder.place(9)[0].store(9, Ordering::Relaxed);
        recorder.place(9)[1].store(u64::MAX, Ordering::Relaxed);
        let events = recorder.events();
        assert_eq!(events.iter().map(|event| event.what).collect::<Vec<_>>(), [What::Stopped]);
    }
}
