//! What Vulkan Video refuses, in words.

use ash::vk;

use crate::vulkan::error::{OpenVulkanError, VulkanError};

/// An encoder cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenVideoError {
    /// Vulkan, or the device, is not as it is needed.
    #[error(transparent)]
    Vulkan(#[from] OpenVulkanError),
    /// It does not make pictures of the size.
    #[error("{device} encodes pictures of {}x{} to {}x{}, not {}x{}; ask for another size",
        .least.0, .least.1, .most.0, .most.1, .asked.0, .asked.1)]
    Size {
        /// Its name.
        device: String,
        /// What was asked for.
        asked: (u32, u32),
        /// What there is.
        least: (u32, u32),
        /// What there is.
        most: (u32, u32),
    },
}

impl From<VulkanError> for OpenVideoError {
    fn from(error: VulkanError) -> Self {
        Self::Vulkan(error.into())
    }
}

/// A picture was not encoded; the encoder is not usable any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeVideoError {
    /// A call failed, or the GPU did not finish.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// The engine says so.
    #[error("the engine did not encode the picture: {:?}", vk::QueryResultStatusKHR::from_raw(*status))]
    Status {
        /// `VkQueryResultStatusKHR`.
        status: i32,
    },
    /// What it says that it wrote is not in the buffer.
    #[error("the engine says that it wrote {length} bytes at {offset} of a buffer of {room}; update the driver")]
    Feedback {
        /// Where.
        offset: u32,
        /// How much.
        length: u32,
        /// Bytes of the buffer.
        room: u64,
    },
}
