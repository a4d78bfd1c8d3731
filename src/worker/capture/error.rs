//! What can go wrong between a compositor and us.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// The source is gone, or refuses to be captured. The worker cannot go on.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// No conversation with the compositor.
    #[error(transparent)]
    Wayland(#[from] WaylandError),
    /// The compositor lets nobody look at its outputs.
    #[error(
        "the compositor at {socket} offers neither ext-image-copy-capture-v1 nor wlr-screencopy-v1; \
         use one that does (sway, labwc, cage, or another wlroots compositor)"
    )]
    NoCaptureProtocol {
        /// Its socket.
        socket: PathBuf,
    },
    /// The compositor has nothing to show.
    #[error("the compositor has had no output for {0:?}; it must have one, e.g. a headless one")]
    NoOutput(Duration),
    /// The pixels are in an order we cannot read.
    #[error("the compositor captures as {offered}; supported are {supported}", supported = super::pixel_format::SUPPORTED)]
    UnsupportedFormat {
        /// Fourcc codes it offered.
        offered: String,
    },
    /// The compositor described a picture that cannot be.
    #[error("the compositor describes a buffer of {width}x{height} pixels and {stride} bytes a row")]
    ImpossibleBuffer {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from row to row.
        stride: u32,
    },
    /// Every capture failed for a while.
    #[error("the compositor has refused every capture for {0:?}")]
    Refused(Duration),
    /// A picture was never finished.
    #[error("the compositor's device has not finished a picture for {0:?}; look for a GPU reset in the kernel's log")]
    Unfinished(Duration),
    /// A picture failed.
    #[error("the compositor's device could not finish a picture: {0}")]
    Device(#[source] io::Error),
    /// No memory to capture into.
    #[error("no shared memory for a capture buffer: {0}")]
    Memory(#[source] io::Error),
}

impl CaptureError {
    /// Whether the compositor is there and answers nothing, as a hung one does;
    /// it does not even take connections once enough wait for it.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Wayland(WaylandError::Silent(_)) => true,
            Self::Wayland(WaylandError::Connect { error, .. }) => error.kind() == io::ErrorKind::WouldBlock,
            _ => false,
        }
    }
}

/// The conversation with a compositor broke, or never began.
#[derive(Debug, Error)]
pub enum WaylandError {
    /// Nobody listens at the socket.
    #[error("cannot connect to the compositor at {socket}: {error}")]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It hung up, or reading and writing failed.
    #[error("the compositor hung up: {0}")]
    Lost(#[source] io::Error),
    /// It refused something we said, and hung up.
    #[error("the compositor refused a request: {0}")]
    Protocol(String),
    /// It is there and says nothing.
    #[error("the compositor has not answered for {0:?}")]
    Silent(Duration),
}
