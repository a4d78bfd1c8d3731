//! A capture thread of a test's own.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use earthshine::frame_marker::Marker;
use earthshine::ipc::counters_page::{CountersPage, WorkerThread};
use earthshine::stream_plan::{Source, StreamPlan, VideoPlan};
use earthshine::units::{FrameRate, Size};
use earthshine::worker::capture::{self, NumberedSource, SourceFailure};
use earthshine::worker::frame::{Frame, PixelFormat};
use earthshine::worker::heartbeat::Pulse;
use earthshine::worker::imports::Imports;
use earthshine::worker::slot::Slot;

/// The thread and everything it talks to.
pub(crate) struct Capturing {
    slot: Arc<Slot<Frame>>,
    stop: Arc<AtomicBool>,
    switch: Sender<NumberedSource>,
    result: Arc<Mutex<Option<Result<(), SourceFailure>>>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) counters: Arc<CountersPage>,
}

impl Capturing {
    /// Starts it.
    pub(crate) fn start(source: Source, size: Size, rate: u32) -> Self {
        Self::with_plan(source, plan(size, rate))
    }

    /// Starts it as planned.
    pub(crate) fn with_plan(source: Source, plan: VideoPlan) -> Self {
        Self::with_imports(source, plan, Arc::default())
    }

    /// Starts it beside an encoder that imports, or will.
    pub(crate) fn with_imports(source: Source, plan: VideoPlan, imports: Arc<Imports>) -> Self {
        let counters = Arc::new(CountersPage::create().unwrap());
        let (slot, stop) = (Arc::new(Slot::new()), Arc::new(AtomicBool::new(false)));
        let (switch, switches) = mpsc::channel();
        let result = Arc::new(Mutex::new(None));
        let pulse = Pulse::new(WorkerThread::Capture, Arc::clone(&counters), Arc::clone(&stop));
        let first = NumberedSource { source, number: 0 };
        let (frames, outcome) = (Arc::clone(&slot), Arc::clone(&result));
        let thread = Some(thread::spawn(move || {
            let ended = capture::run(first, &plan, &imports, &frames, &switches, |_| {}, &pulse);
            *outcome.lock().unwrap() = Some(ended);
        }));
        Self { slot, stop, switch, result, thread, counters }
    }

    /// Moves it to another source.
    pub(crate) fn switch(&self, source: Source) {
        self.switch.send(NumberedSource { source, number: 1 }).unwrap();
    }

    /// The next frame, if one comes in time.
    pub(crate) fn frame_within(&self, patience: Duration) -> Option<Frame> {
        self.slot.take(patience)
    }

    /// The next frame that fits.
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(frame) = self.frame_within(Duration::from_millis(100))
                && fits(&frame)
            {
                return frame;
            }
        }
        panic!("no frame with {what}; capture ended: {:?}", self.ended())
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<Result<(), SourceFailure>> {
        self.result.lock().unwrap().take()
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A silent desktop.
pub(crate) fn desktop(socket: &Path) -> Source {
    Source::Desktop { wayland: socket.to_owned(), sound: None, seat: None }
}

/// Red, green and blue at a place given in shares of the picture.
pub(crate) fn color_at(frame: &Frame, x: f64, y: f64) -> [u8; 3] {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place within the picture")]
    let place = |share: f64, length: u32| (share * f64::from(length)) as usize;
    let (x, mut y) = (place(x, frame.size.width), place(y, frame.size.height));
    if frame.bottom_up {
        y = frame.size.height as usize - 1 - y;
    }
    let rows = frame.read().unwrap();
    let pixel = &rows[y * rows.stride() + x * 4..];
    match frame.format {
        PixelFormat::Bgrx => [pixel[2], pixel[1], pixel[0]],
        PixelFormat::Rgbx => [pixel[0], pixel[1], pixel[2]],
    }
}

/// The marker in a frame.
pub(crate) fn marker(frame: &Frame) -> Option<Marker> {
    let rows = frame.read().unwrap();
    Marker::read_bgrx(&rows, rows.stride(), frame.size)
}

/// A plan of that size and rate.
pub(crate) fn plan(size: Size, rate: u32) -> VideoPlan {
    VideoPlan {
        size,
        frame_rate: FrameRate::from_hz(rate),
        minimum_frame_rate: FrameRate::from_hz(1),
        ..StreamPlan::small_test_card(Vec::new()).video
    }
}
