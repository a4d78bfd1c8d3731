//! The page of counters that a worker writes and the host maps.
//!
//! It holds what must outlive a SIGKILL (frame index, sequence numbers, cipher
//! counter), the threads' heartbeats, the statistics behind the metrics, and
//! what the worker did and said last. One writer per word, but for the two
//! rings, whose writers take turns without waiting; the reader never waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use earthshine_ffi::shared_memory::SharedCounters;

use crate::ipc::flight_recorder::{self, FlightRecorder};
use crate::ipc::log_ring::{self, LogRing};

/// The page; each side has its own mapping.
#[derive(Debug)]
pub struct CountersPage {
    shared: SharedCounters,
}

impl CountersPage {
    /// A new zeroed page.
    ///
    /// # Errors
    /// What `memfd_create` or `mmap` report.
    pub fn create() -> io::Result<Self> {
        Ok(Self { shared: SharedCounters::create(WORDS)? })
    }

    /// The page behind a descriptor that arrived with `Start`.
    ///
    /// # Errors
    /// `InvalidData` if it is not such a page.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { shared: SharedCounters::from_fd(fd, WORDS)? })
    }

    /// A new page that goes on from one of another layout: with what a successor
    /// of its dead worker needs, which all layouts have in the same place.
    ///
    /// # Errors
    /// `InvalidData` if it is not such a page.
    pub fn carry_over(fd: OwnedFd) -> io::Result<Self> {
        let old = SharedCounters::from_fd(fd, CARRIED)?;
        let new = Self::create()?;
        for (index, word) in old.words()[..CARRIED].iter().enumerate() {
            new.word(index).store(word.load(Ordering::Acquire), Ordering::Release);
        }
        Ok(new)
    }

    /// Another number whenever another program would misread the page.
    pub const LAYOUT: u32 = 1;

    /// A counter's value.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.word(counter as usize).load(Ordering::Acquire)
    }

    /// Sets a counter.
    pub fn set(&self, counter: Counter, value: u64) {
        self.word(counter as usize).store(value, Ordering::Release);
    }

    /// Adds to a counter. One thread writes each counter.
    pub fn add(&self, counter: Counter, amount: u64) {
        self.word(counter as usize).fetch_add(amount, Ordering::Release);
    }

    /// How often a thread has shown that it lives.
    #[must_use]
    pub fn beats(&self, thread: WorkerThread) -> u64 {
        self.word(HEARTBEATS + thread as usize).load(Ordering::Acquire)
    }

    /// Shows that a thread lives. A thread that was never seen is not watched.
    pub fn beat(&self, thread: WorkerThread) {
        self.word(HEARTBEATS + thread as usize).fetch_add(1, Ordering::Release);
    }

    /// Forgets all heartbeats: a new worker starts, or a thread has ended.
    pub fn reset_beats(&self) {
        for thread in WorkerThread::ALL {
            self.word(HEARTBEATS + thread as usize).store(0, Ordering::Release);
        }
    }

    /// Records how long after its capture a frame reached `stage`.
    pub fn record(&self, stage: Stage, micros: u64) {
        let start = HISTOGRAMS + stage as usize * HISTOGRAM_WORDS;
        self.word(start + bucket_of(micros)).fetch_add(1, Ordering::Relaxed);
        self.word(start + BUCKETS).fetch_add(micros, Ordering::Relaxed);
    }

    /// Distribution of one stage so far.
    #[must_use]
    pub fn histogram(&self, stage: Stage) -> StageHistogram {
        let start = HISTOGRAMS + stage as usize * HISTOGRAM_WORDS;
        let mut buckets = [0; BUCKETS];
        for (index, bucket) in buckets.iter_mut().enumerate() {
            *bucket = self.word(start + index).load(Ordering::Relaxed).min(FULLEST_BUCKET);
        }
        StageHistogram { buckets, sum_micros: self.word(start + BUCKETS).load(Ordering::Relaxed) }
    }

    /// What the worker's threads did last.
    #[must_use]
    pub fn recorder(&self) -> FlightRecorder<'_> {
        FlightRecorder::in_words(&self.shared.words()[RECORDER..])
    }

    /// What the worker said last.
    #[must_use]
    pub fn log(&self) -> LogRing<'_> {
        LogRing::in_words(&self.shared.words()[LOG..])
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.shared.words()[index]
    }
}

impl AsFd for CountersPage {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.as_fd()
    }
}

/// One word of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    // Up to HeldButtons the order is that of all layouts: see `carry_over`.
    /// Next video frame index to use; 0 means that none was used yet.
    NextFrameIndex,
    /// Next 24-bit packet index (its low 16 bits are the RTP sequence).
    NextPacketIndex,
    /// Next packet counter of the video cipher.
    NextVideoSeal,
    /// Next RTP sequence of audio.
    NextAudioSequence,
    /// Monotonic microseconds at which RTP time of both media is 0.
    MediaEpoch,
    /// Mouse buttons that are down in the desktop, bit 0 for `BTN_LEFT` and so
    /// on: a compositor does not release them when their worker dies.
    HeldButtons,
    /// Frames taken from the compositor.
    FramesCaptured,
    /// Frames that a newer one replaced before they were encoded.
    FramesReplaced,
    /// Frames encoded.
    FramesEncoded,
    /// Of these, IDR frames.
    IdrFrames,
    /// Frames handed to the network in full.
    FramesSent,
    /// Encoded frames dropped because sending did not keep up.
    FramesDropped,
    /// Bytes of access units.
    EncodedBytes,
    /// Video datagrams sent, parity included.
    VideoPackets,
    /// Video bytes sent, headers and parity included.
    VideoBytes,
    /// Audio datagrams sent, parity included.
    AudioPackets,
    /// Audio bytes sent.
    AudioBytes,
    /// Sends the kernel refused.
    SendErrors,
    /// Input events played.
    InputEvents,
    /// Input events of devices that are not there yet, or that could not be played.
    InputIgnored,
    /// Times the sound source was lost.
    AudioInterruptions,
    /// Times the current sound server was found hanging; the host replaces it.
    SoundServerHangs,
    /// Bit rate the encoder is set to, in kbit/s.
    BitrateKbps,
    /// IDR requests served.
    IdrRequests,
    /// Parity per hundred data packets that the sender is set to, and one: 0 is from one
    /// that cannot be told another.
    ParitySet,
    /// Monotonic microseconds at which the last IDR frame was coded.
    LastIdr,
}

/// The threads of a worker, in the order of the data path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum WorkerThread {
    /// IPC with the host.
    Main,
    /// Wayland capture.
    Capture,
    /// Conversion and encode.
    Encode,
    /// Packets to the network.
    Send,
    /// Sound.
    Audio,
    /// Virtual keyboard and pointer.
    Input,
}

impl WorkerThread {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Main, Self::Capture, Self::Encode, Self::Send, Self::Audio, Self::Input];

    /// Name of the thread, in logs and in `/proc/PID/task/TID/comm`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Capture => "capture",
            Self::Encode => "encode",
            Self::Send => "send",
            Self::Audio => "audio",
            Self::Input => "input",
        }
    }
}

/// A frame's way, measured from its capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Stage {
    /// The compositor said "ready": from presentation to us.
    Captured,
    /// Pixels are in the encoder's format.
    Converted,
    /// The access unit is complete.
    Encoded,
    /// Its first datagram was handed to the kernel.
    FirstPacket,
    /// Its last datagram was handed to the kernel.
    LastPacket,
    /// The same, without the time inside the encoder: what we add ourselves.
    Ours,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Captured, Self::Converted, Self::Encoded, Self::FirstPacket, Self::LastPacket, Self::Ours];

    /// Label in metrics and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Converted => "converted",
            Self::Encoded => "encoded",
            Self::FirstPacket => "first_packet",
            Self::LastPacket => "last_packet",
            Self::Ours => "ours",
        }
    }
}

/// How long frames took to reach a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageHistogram {
    /// Frames per bucket; bucket `i` ends at [`bucket_bound`]`(i)`.
    pub buckets: [u64; BUCKETS],
    /// Sum over all frames in microseconds.
    pub sum_micros: u64,
}

impl StageHistogram {
    /// Frames counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Upper bound in microseconds of the bucket that holds the given quantile
    /// (0.0..=1.0); 0 if nothing was counted.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among counted frames"
    )]
    pub fn quantile(&self, quantile: f64) -> u64 {
        // Rounded to a float, a huge count may grow beyond itself.
        let rank = ((self.count() as f64 * quantile).ceil() as u64).min(self.count());
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return bucket_bound(index);
            }
        }
        0
    }
}

/// Buckets of a histogram: four per doubling from 16 µs to 4 s.
pub const BUCKETS: usize = 76;

/// Largest duration in microseconds that falls into bucket `index`.
#[must_use]
pub const fn bucket_bound(index: usize) -> u64 {
    if index < 4 {
        return 4 * (index as u64 + 1);
    }
    let doubling = index / 4;
    (1 << (doubling + 3)) + (index as u64 % 4 + 1) * (1 << (doubling + 1))
}

fn bucket_of(micros: u64) -> usize {
    (0..BUCKETS - 1).find(|&index| micros <= bucket_bound(index)).unwrap_or(BUCKETS - 1)
}

/// What a bucket counts at most, so that no sum over buckets overflows whatever
/// a broken worker wrote.
const FULLEST_BUCKET: u64 = u64::MAX / BUCKETS as u64;
/// Counters from the first on that no layout may move.
const CARRIED: usize = Counter::FramesCaptured as usize;
const HEARTBEATS: usize = 64;
const HISTOGRAMS: usize = 128;
const HISTOGRAM_WORDS: usize = BUCKETS + 1;
const RECORDER: usize = 1024;
const LOG: usize = RECORDER + flight_recorder::WORDS;
/// Size of a page in words of 64 bits.
pub const WORDS: usize = LOG + log_ring::WORDS;
const _: () = assert!(HISTOGRAMS + Stage::ALL.len() * HISTOGRAM_WORDS <= RECORDER);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::flight_recorder::What;

    #[test]
    fn another_layout_goes_on_with_what_a_successor_needs() {
        let old = SharedCounters::create(CARRIED + 1).unwrap();
        for (word, value) in old.words().iter().zip(1..) {
            word.store(value, Ordering::Release);
        }
        let new = CountersPage::carry_over(old.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!((new.get(Counter::NextFrameIndex), new.get(Counter::NextVideoSeal)), (1, 3));
        assert_eq!((new.get(Counter::HeldButtons), new.get(Counter::FramesCaptured)), (6, 0));
    }

    #[test]
    fn bucket_bounds_rise_without_gaps() {
        for index in 1..BUCKETS {
            assert!(bucket_bound(index) > bucket_bound(index - 1), "{index}");
            assert_eq!(bucket_of(bucket_bound(index - 1) + 1), index);
        }
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_name_the_right_bucket() {
        let page = CountersPage::create().unwrap();
        for micros in 1..=1000 {
            page.record(Stage::Encoded, micros);
        }
        let histogram = page.histogram(Stage::Encoded);
        assert_eq!(histogram.count(), 1000);
        assert_eq!(histogram.sum_micros, 500_500);
        assert!((500..=640).contains(&histogram.quantile(0.5)));
        assert_eq!(page.histogram(Stage::Captured).quantile(0.5), 0);
    }

    #[test]
    fn a_page_full_of_nonsense_is_still_added_up() {
        let page = CountersPage::create().unwrap();
        page.shared.words().iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        for stage in Stage::ALL {
            let histogram = page.histogram(stage);
            assert!(histogram.count() > u64::MAX / 2);
            assert!(histogram.quantile(0.0) <= histogram.quantile(1.0));
        }
        assert_eq!(page.recorder().events(), []);
        assert!(page.log().lines().len() <= log_ring::LINES);
    }

    #[test]
    fn the_other_side_sees_counters_and_beats() {
        let worker = CountersPage::create().unwrap();
        let host = CountersPage::from_fd(worker.as_fd().try_clone_to_owned().unwrap()).unwrap();
        worker.set(Counter::NextFrameIndex, 17);
        worker.beat(WorkerThread::Encode);
        worker.recorder().note(WorkerThread::Encode, What::EncodeBegins, 1, 0);
        worker.log().add(b"last words");
        assert_eq!(host.recorder().events()[0].what, What::EncodeBegins);
        assert_eq!(host.log().lines(), ["last words"]);
        assert_eq!(host.get(Counter::NextFrameIndex), 17);
        assert_eq!(host.beats(WorkerThread::Encode), 1);
        host.reset_beats();
        assert_eq!(worker.beats(WorkerThread::Encode), 0);
    }
}
