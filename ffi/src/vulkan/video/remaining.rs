//! How many pictures are left until the next IDR picture, for engines that plan with it.

use std::ffi::c_void;

use ash::vk;

use super::av1_sys::VideoEncodeAV1GopRemainingFrameInfoKHR;
use super::profile::Profile;

/// What is chained before a picture, in front of `next`: an IDR picture is one, and
/// others come until they are not asked for any more.
pub(super) fn with<R>(
    profile: Profile,
    is_idr: bool,
    next: *const c_void,
    use_it: impl FnOnce(*const c_void) -> R,
) -> R {
    match profile {
        Profile::H264(_) => {
            let mut remaining = vk::VideoEncodeH264GopRemainingFrameInfoKHR::default()
                .use_gop_remaining_frames(true)
                .gop_remaining_i(is_idr.into())
                .gop_remaining_p(u32::MAX);
            remaining.p_next = next;
            use_it(std::ptr::from_ref(&remaining).cast())
        }
        Profile::Hevc(_) => {
            let mut remaining = vk::VideoEncodeH265GopRemainingFrameInfoKHR::default()
                .use_gop_remaining_frames(true)
                .gop_remaining_i(is_idr.into())
                .gop_remaining_p(u32::MAX);
            remaining.p_next = next;
            use_it(std::ptr::from_ref(&remaining).cast())
        }
        Profile::Av1(_) => {
            let remaining = VideoEncodeAV1GopRemainingFrameInfoKHR {
                p_next: next,
                use_gop_remaining_frames: vk::TRUE,
                gop_remaining_intra: is_idr.into(),
                gop_remaining_predictive: u32::MAX,
                ..Default::default()
            };
            use_it(std::ptr::from_ref(&remaining).cast())
        }
    }
}
