//! What Vulkan refuses, in words.

use ash::vk;

use crate::dynamic_library::LoadError;

/// A Vulkan call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {:?}{}", vk::Result::from_raw(*code), advice(*code))]
pub struct VulkanError {
    /// The function.
    pub call: &'static str,
    /// `VkResult`.
    pub code: i32,
}

impl VulkanError {
    /// The GPU did not finish in time: nothing of the device can be used any more.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.code == vk::Result::TIMEOUT.as_raw()
    }

    pub(super) const fn of(call: &'static str, code: vk::Result) -> Self {
        Self { call, code: code.as_raw() }
    }
}

/// Names the call of an answer.
pub(super) trait Named<T> {
    fn named(self, call: &'static str) -> Result<T, VulkanError>;
}

impl<T> Named<T> for Result<T, vk::Result> {
    fn named(self, call: &'static str) -> Result<T, VulkanError> {
        self.map_err(|code| VulkanError::of(call, code))
    }
}

/// Vulkan is not here, or not as it is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenVulkanError {
    /// No loader.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A call failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// The loader is of Vulkan 1.0.
    #[error("Vulkan 1.1 is needed, and the loader knows 1.0; install a newer libvulkan1")]
    Old,
    /// The layer that checks calls is not installed.
    #[error("VK_LAYER_KHRONOS_validation is not here; install vulkan-validationlayers")]
    NoValidation,
    /// None of the devices is the one that was asked for.
    #[error("no Vulkan device {wanted}; there are: {}", list(found))]
    NoDevice {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// The device cannot do what is needed of it.
    #[error("{device} has no {what}; install a newer driver or use another device")]
    Lacks {
        /// Its name.
        device: String,
        /// What it lacks.
        what: &'static str,
    },
}

fn list(found: &[String]) -> String {
    if found.is_empty() { "none; install a driver (mesa-vulkan-drivers)".to_owned() } else { found.join(", ") }
}

/// What to do about the errors that people meet.
fn advice(code: i32) -> &'static str {
    match vk::Result::from_raw(code) {
        vk::Result::ERROR_OUT_OF_DEVICE_MEMORY => "; the GPU has no memory left: end other programs on it",
        vk::Result::ERROR_INCOMPATIBLE_DRIVER => "; install a Vulkan driver for this GPU",
        vk::Result::ERROR_DEVICE_LOST => "; the kernel's log says what became of the GPU",
        vk::Result::ERROR_VIDEO_PROFILE_OPERATION_NOT_SUPPORTED_KHR
        | vk::Result::ERROR_VIDEO_PROFILE_CODEC_NOT_SUPPORTED_KHR
        | vk::Result::ERROR_VIDEO_PROFILE_FORMAT_NOT_SUPPORTED_KHR
        | vk::Result::ERROR_VIDEO_PICTURE_LAYOUT_NOT_SUPPORTED_KHR => "; this GPU or its driver does not encode that",
        vk::Result::TIMEOUT => "; the GPU did not finish in time",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_call_and_what_to_do() {
        let error = VulkanError::of("vkQueueSubmit", vk::Result::ERROR_DEVICE_LOST);
        assert_eq!(error.to_string(), "vkQueueSubmit: ERROR_DEVICE_LOST; the kernel's log says what became of the GPU");
        let error = OpenVulkanError::NoDevice { wanted: "with UUID 00".to_owned(), found: Vec::new() };
        assert!(error.to_string().ends_with("there are: none; install a driver (mesa-vulkan-drivers)"));
    }
}
