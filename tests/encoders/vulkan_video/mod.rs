//! Vulkan Video: a layer under the real loader (`tests/drivers/vulkan_video`) and over
//! Vulkan on the CPU. Pictures are converted by the real shaders.

mod av1;
mod failures;
mod hevc;
mod streams;

use earthshine::stream_plan::{EncoderFamily, VideoPlan};

use crate::process::{VIDEO_LAYER, with_environment};
use crate::vulkan;

fn plan(width: u32, height: u32) -> VideoPlan {
    crate::stage::plan(EncoderFamily::Vulkan, width, height)
}

/// Runs `work` in a process whose GPU is the stand-in; `None` also where Vulkan has no
/// device at all.
fn with_engine(test: &str, faults: &str, work: impl FnOnce()) -> Option<Vec<String>> {
    vulkan::device().and_then(|_| with_environment(test, faults, &[("VK_INSTANCE_LAYERS", VIDEO_LAYER)], work))
}
