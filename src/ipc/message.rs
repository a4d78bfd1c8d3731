//! Every message that crosses between host and worker.

use serde::{Deserialize, Serialize};

use crate::gpu::GpuAddress;
use crate::ids::Generation;
use crate::protocol::control::input_event::InputEvent;
use crate::stream_plan::{EncoderFamily, Source, StreamPlan};
use crate::units::{Bitrate, FecPercent};

/// Host to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// First message, with the counters page as descriptor.
    Start {
        /// What to stream.
        plan: Box<StreamPlan>,
        /// Which worker of the session this is.
        generation: Generation,
    },
    /// A socket connected to the client, as descriptor; replaces an earlier one
    /// of the same kind. Video starts with an IDR frame on its first socket.
    Socket(MediaKind),
    /// Take picture, sound and input from somewhere else, between two frames.
    /// The first frame of it is an IDR frame.
    Switch {
        /// From where.
        source: Source,
        /// Its number, for [`FromWorker::Shows`].
        number: u32,
    },
    /// Make the next frame an IDR frame.
    RequestIdr,
    /// Frames `first..=last` did not reach the client.
    InvalidateReferences {
        /// First lost frame.
        first: u32,
        /// Last lost frame.
        last: u32,
    },
    /// Write the newest picture, as a `RawPicture`, into the pipe that is the
    /// descriptor, and close it; close it at once if there is none.
    Picture,
    /// Spend this much from now on.
    SetBitrate(Bitrate),
    /// The user did something.
    Input(InputEvent),
    /// Release everything the user holds down.
    ReleaseInput,
    /// End in order; the worker exits with status 0.
    Stop,
    /// Send this much parity from now on. Last of all, so that a worker of an earlier
    /// program understands the others; this it is not told
    /// ([`Counter::ParitySet`](crate::ipc::counters_page::Counter::ParitySet)).
    SetFec(FecPercent),
}

/// Worker to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker {
    /// Threads run and the encoder is open.
    Ready {
        /// Name of the encoder in use, e.g. "software/openh264".
        encoder: String,
        /// The GPU that it is on, if it is on one.
        gpu: Option<GpuAddress>,
        /// What was tried before it and did not open.
        passed_over: Vec<PassedOver>,
    },
    /// The first picture of a source is on its way to the encoder.
    Shows {
        /// Number of the source.
        number: u32,
    },
    /// The worker cannot go on; it exits after this.
    Failed(WorkerFailure),
    /// It begins to open this family's encoder, whose driver may hang.
    Opens {
        /// Which family.
        family: EncoderFamily,
    },
}

/// An encoder that was tried and did not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Which family.
    pub encoder: EncoderFamily,
    /// On which GPU, if one was named.
    pub gpu: Option<GpuAddress>,
    /// Why.
    pub reason: String,
    /// It has no device or driver here, which is nobody's fault.
    pub absent: bool,
}

/// Why a worker gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerFailure {
    /// What kind of thing broke, for the restart policy.
    pub kind: FailureKind,
    /// What happened and what to do, for logs and users.
    pub text: String,
}

/// What kind of thing broke in a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The compositor is gone or refuses to be captured.
    Source {
        /// Number of the source.
        number: u32,
    },
    /// The compositor is there and answers nothing at all.
    Silence {
        /// Number of the source.
        number: u32,
    },
    /// No encoder could be opened, or the open one broke.
    Encoder,
    /// Anything else.
    Internal,
}

impl FailureKind {
    /// Number of the source whose fault it is, if it is none of the worker.
    #[must_use]
    pub const fn source_number(self) -> Option<u32> {
        match self {
            Self::Source { number } | Self::Silence { number } => Some(number),
            Self::Encoder | Self::Internal => None,
        }
    }
}

/// Which media stream a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaKind {
    /// RTP video.
    Video,
    /// RTP audio.
    Audio,
}
