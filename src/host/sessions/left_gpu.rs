//! A GPU that a stream leaves because its workers die there.

use crate::gpu::GpuAddress;
use crate::stream_plan::{EncoderFamily, VideoPlan};

/// Which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftGpu {
    pub(crate) gpu: GpuAddress,
    /// What the last of its workers there died of.
    pub(crate) reason: String,
}

/// Has the next worker begin with the next GPU of the plan, and come back to the first
/// only if none of the others will do. `encoder` is the one that was open, if one was.
/// `None` where there is no other GPU, or none was in use.
pub(super) fn leave(video: &mut VideoPlan, encoder: &str, reason: &str) -> Option<LeftGpu> {
    let on_processor = encoder.starts_with(EncoderFamily::Software.name());
    if video.other_gpus.is_empty() || on_processor {
        return None;
    }
    let gpu = video.gpu.replace(video.other_gpus.remove(0))?;
    video.other_gpus.push(gpu.clone());
    Some(LeftGpu { gpu, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream_plan::StreamPlan;

    #[test]
    fn the_next_gpu_comes_first_and_the_left_one_last() {
        let mut video = StreamPlan::small_test_card(vec![EncoderFamily::Nvenc]).video;
        assert_eq!(leave(&mut video, "nvenc", "it hangs"), None);
        let [a, b, c] = ["a", "b", "c"].map(GpuAddress::at);
        (video.gpu, video.other_gpus) = (Some(a.clone()), vec![b.clone(), c.clone()]);
        assert_eq!(leave(&mut video, "software/openh264", "it hangs"), None);
        assert_eq!(leave(&mut video, "", "it hangs"), Some(LeftGpu { gpu: a.clone(), reason: "it hangs".to_owned() }));
        assert_eq!((video.gpu, video.other_gpus), (Some(b), vec![c, a]));
    }
}
