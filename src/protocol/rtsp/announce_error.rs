//! Why an ANNOUNCE is refused.

use crate::codec::VideoProfile;
use crate::protocol::rtsp::sdp::Encryption;
use crate::units::Size;

/// Why an ANNOUNCE is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The body is no text.
    #[error("the announced body is not text")]
    NotText,
    /// An attribute without which nothing can be streamed.
    #[error("attribute {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// An attribute that is no number, or one nobody can work with.
    #[error("attribute {name} is {value:?}, expected {expected}")]
    OutOfRange {
        /// Its name.
        name: &'static str,
        /// The value as sent, shortened.
        value: String,
        /// What would have been taken.
        expected: &'static str,
    },
    /// A packet size above what this network path carries.
    #[error("packet size {size} is above {limit}: set it to automatic in the client")]
    PacketTooLarge {
        /// Announced size in bytes.
        size: u32,
        /// Largest size in bytes.
        limit: u16,
    },
    /// A codec or profile this host did not offer.
    #[error("{profile:?} was not offered")]
    NotOffered {
        /// What was asked for.
        profile: VideoProfile,
    },
    /// H.264 ends at 4096 pixels for nearly every encoder and decoder.
    #[error("{size} is too large for H.264: choose HEVC or AV1, or at most 4096 pixels a side")]
    TooLargeForH264 {
        /// Announced size.
        size: Size,
    },
    /// The host insists on more encryption than the client will do.
    #[error("this host requires encryption {required:?}, the client chose {chosen:?}")]
    EncryptionRequired {
        /// What the host insists on.
        required: Encryption,
        /// What the client announced.
        chosen: Encryption,
    },
}
