//! The monitor of a sound server's default sink, recorded.
//!
//! An ordinary PulseAudio client (PipeWire's pulse server serves it as well).
//! Its main loop is turned by the audio thread and never waits longer than that
//! thread allows; libpulse's socket does not block, so a server that is stopped
//! only means that nothing arrives.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libpulse_binding::channelmap::{Map, Position};
use libpulse_binding::context::{Context, FlagSet as ContextFlags, State as ContextState};
use libpulse_binding::def::BufferAttr;
use libpulse_binding::error::PAErr;
use libpulse_binding::mainloop::standard::Mainloop;
use libpulse_binding::sample::{Format, Spec};
use libpulse_binding::stream::{FlagSet as StreamFlags, PeekResult, State as StreamState, Stream};
use libpulse_binding::time::MicroSeconds;

use super::SAMPLE_RATE;
use super::sample_queue::SampleQueue;

/// A connection to one server. Fields in the order in which they must go.
pub struct SoundCapture {
    stream: Option<Stream>,
    context: Context,
    mainloop: Mainloop,
    channels: u8,
    /// Bytes that the server delivers at once.
    fragment: u32,
}

impl SoundCapture {
    /// Starts to connect to the server behind `socket`; [`SoundCapture::pump`]
    /// does the rest.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(socket: &Path, channels: u8, fragment: Duration) -> Result<Self, CaptureError> {
        let address = socket.to_str().ok_or_else(|| CaptureError::Path(socket.to_owned()))?;
        if address.contains('\0') {
            return Err(CaptureError::Path(socket.to_owned()));
        }
        let mainloop = Mainloop::new().ok_or(CaptureError::OutOfMemory)?;
        let mut context = Context::new(&mainloop, "earthshine").ok_or(CaptureError::OutOfMemory)?;
        context.connect(Some(&format!("unix:{address}")), ContextFlags::NOAUTOSPAWN, None).map_err(server_error)?;
        let frames = fragment.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000;
        let fragment = u32::try_from(frames * u128::from(channels) * SAMPLE_LEN as u128).unwrap_or(u32::MAX);
        Ok(Self { stream: None, context, mainloop, channels, fragment })
    }

    /// Waits at most `patience` for the server, and puts what it has delivered
    /// into `queue`. Returns whether it delivered anything.
    ///
    /// # Errors
    /// When the connection is lost. Connect again then.
    pub fn pump(&mut self, patience: Duration, queue: &mut SampleQueue) -> Result<bool, CaptureError> {
        let micros = u64::try_from(patience.min(LONGEST_POLL).as_micros()).unwrap_or_default();
        self.mainloop.prepare(Some(MicroSeconds(micros))).map_err(server_error)?;
        self.mainloop.poll().map_err(server_error)?;
        self.mainloop.dispatch().map_err(server_error)?;
        match self.context.get_state() {
            ContextState::Failed | ContextState::Terminated => return Err(server_error(self.context.errno())),
            ContextState::Ready if self.stream.is_none() => self.record()?,
            _ => {}
        }
        match &mut self.stream {
            Some(stream) => read(stream, queue),
            None => Ok(false),
        }
    }

    /// Starts to record what the default sink plays.
    fn record(&mut self) -> Result<(), CaptureError> {
        let spec = Spec { format: Format::FLOAT32NE, channels: self.channels, rate: SAMPLE_RATE };
        let map = channel_map(self.channels);
        let mut stream =
            Stream::new(&mut self.context, "stream", &spec, Some(&map)).ok_or(CaptureError::OutOfMemory)?;
        let unset = u32::MAX;
        let buffers =
            BufferAttr { maxlength: unset, tlength: unset, prebuf: unset, minreq: unset, fragsize: self.fragment };
        stream
            .connect_record(Some("@DEFAULT_MONITOR@"), Some(&buffers), StreamFlags::ADJUST_LATENCY)
            .map_err(server_error)?;
        self.stream = Some(stream);
        Ok(())
    }
}

impl std::fmt::Debug for SoundCapture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundCapture").field("recording", &self.stream.is_some()).finish_non_exhaustive()
    }
}

/// The connection to a sound server does not work (any more).
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The server or libpulse said so.
    #[error("sound server: {}", .0.to_string().unwrap_or_default())]
    Server(PAErr),
    /// libpulse cannot take this path.
    #[error("{0:?} is no path for a sound server")]
    Path(PathBuf),
    /// libpulse gave nothing and no reason.
    #[error("libpulse is out of memory")]
    OutOfMemory,
}

const fn server_error(error: PAErr) -> CaptureError {
    CaptureError::Server(error)
}

fn read(stream: &mut Stream, queue: &mut SampleQueue) -> Result<bool, CaptureError> {
    if matches!(stream.get_state(), StreamState::Failed | StreamState::Terminated) {
        return Err(CaptureError::Server(PAErr::from(libpulse_binding::error::Code::ConnectionTerminated)));
    }
    let mut delivered = false;
    while stream.get_state() == StreamState::Ready {
        match stream.peek().map_err(server_error)? {
            PeekResult::Empty => break,
            PeekResult::Hole(len) => queue.push(std::iter::repeat_n(0.0, len / SAMPLE_LEN)),
            PeekResult::Data(bytes) => queue.push(bytes.chunks_exact(SAMPLE_LEN).map(sample)),
        }
        stream.discard().map_err(server_error)?;
        delivered = true;
    }
    Ok(delivered)
}

fn sample(bytes: &[u8]) -> f32 {
    bytes.try_into().map_or(0.0, f32::from_ne_bytes)
}

/// The first speakers of FL FR C LFE BL BR SL SR.
fn channel_map(channels: u8) -> Map {
    let mut map = Map::default();
    map.set_len(channels);
    map.get_mut().iter_mut().zip(SPEAKERS).for_each(|(position, speaker)| *position = speaker);
    map
}

/// The order of every GameStream layout.
const SPEAKERS: [Position; 8] = [
    Position::FrontLeft,
    Position::FrontRight,
    Position::FrontCenter,
    Position::Lfe,
    Position::RearLeft,
    Position::RearRight,
    Position::SideLeft,
    Position::SideRight,
];
/// Bytes of a sample.
const SAMPLE_LEN: usize = 4;
/// Under what the heartbeat allows.
const LONGEST_POLL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_its_speakers_in_the_order_of_the_protocol() {
        assert_eq!(channel_map(2).print(), "front-left,front-right");
        assert_eq!(channel_map(6).print(), "front-left,front-right,front-center,lfe,rear-left,rear-right");
        assert_eq!(
            channel_map(8).print(),
            "front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right"
        );
    }

    #[test]
    fn nobody_listening_is_an_error_and_no_wait() {
        let nobody = Path::new("/nonexistent/earthshine/native");
        let mut queue = SampleQueue::new(2);
        let outcome = SoundCapture::connect(nobody, 2, Duration::from_millis(5)).and_then(|mut capture| {
            (0..20).try_for_each(|_| capture.pump(Duration::from_millis(5), &mut queue).map(drop))
        });
        assert!(matches!(outcome, Err(CaptureError::Server(_))), "{outcome:?}");
    }
}
