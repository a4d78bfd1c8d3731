//! Why pictures are captured into shared memory although DMA-BUFs were wanted.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use earthshine_ffi::gbm::{GbmError, OpenDeviceError};

use super::feedback::FeedbackError;

/// None of these ends a capture: shared memory always works.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Its protocols do not have it.
    #[error("the compositor does not capture into DMA-BUFs (it draws on the CPU, or lacks linux-dmabuf-v1)")]
    NotOffered,
    /// Its pixels are of another kind.
    #[error("the compositor captures into DMA-BUFs as {offered}, which is not supported")]
    UnsupportedFormat {
        /// Format codes.
        offered: String,
    },
    /// Nothing that all understand.
    #[error(
        "there is no modifier that the compositor {} understands",
        if *imports { "and the encoder's device" } else { "itself" }
    )]
    NoModifier {
        /// The encoder's were counted.
        imports: bool,
    },
    /// Two GPUs.
    #[error("the encoder is on another device than the compositor; choose one by WLR_RENDER_DRM_DEVICE or the like")]
    OtherDevice,
    /// The compositor talks nonsense.
    #[error("the compositor describes its formats by {0}")]
    Feedback(#[from] FeedbackError),
    /// It says nothing.
    #[error("the compositor has not answered about DMA-BUFs for {0:?}")]
    Silent(Duration),
    /// The device is not here.
    #[error("the compositor's device has no render node in /dev/dri; pass it to this machine or container")]
    NoNode,
    /// linux-dmabuf before version 4 names no device.
    #[error("the compositor does not say which of the GPUs it uses; name a node of it in video.capture_device")]
    WhichDevice,
    /// The device gives no memory.
    #[error("no memory of the compositor's device: {}: {error}", node.display())]
    NoMemory {
        /// How it was tried.
        node: PathBuf,
        /// What came of it.
        error: AllocateError,
    },
    /// The driver did what was not asked.
    #[error("the driver's buffer has modifier {modifier:#x}, which was not asked for")]
    Modifier {
        /// What it has.
        modifier: u64,
    },
    /// `zwp_linux_buffer_params_v1.failed`.
    #[error("the compositor cannot import a buffer of its own device")]
    CreateFailed,
    /// Shared memory works, DMA-BUFs do not.
    #[error("the compositor fails to copy pictures into DMA-BUFs")]
    CopyFails,
    /// A protocol error after DMA-BUFs were used; it cost a connection.
    #[error("the compositor hung up over a DMA-BUF: {0}")]
    HungUp(String),
}

/// A node gives no memory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AllocateError {
    /// It cannot be opened.
    #[error("{0}; add yourself to its group")]
    Open(#[source] io::Error),
    /// It has no driver.
    #[error(transparent)]
    Device(#[from] OpenDeviceError),
    /// Its driver refuses.
    #[error(transparent)]
    Gbm(#[from] GbmError),
}
