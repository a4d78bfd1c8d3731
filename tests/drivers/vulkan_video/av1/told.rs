//! What a program says of a frame.

use ash::vk;
use earthshine_ffi::vulkan::video::av1_sys::{
    StdVideoEncodeAV1PictureInfo, VideoEncodeAV1DpbSlotInfoKHR, VideoEncodeAV1PictureInfoKHR,
};

use crate::codec::Mark;
use crate::rules::{Result, require, require_equal, violation};

/// A frame.
pub(crate) struct Told {
    pub(super) info: StdVideoEncodeAV1PictureInfo,
    /// `VkVideoEncodeAV1PredictionModeKHR` and `VkVideoEncodeAV1RateControlGroupKHR`.
    pub(super) kinds: (u32, u32),
    pub(super) constant_quantizer: u32,
    /// Slots by the names of references.
    pub(super) slots: [i32; 7],
}

// SAFETY: pointers in it are null: `read` has followed them.
unsafe impl Send for Told {}

impl Told {
    /// # Safety
    /// As `vkCmdEncodeVideoKHR` takes it.
    pub(crate) unsafe fn read(told: &VideoEncodeAV1PictureInfoKHR) -> Result<Self> {
        require_equal("generateObuExtensionHeader", told.generate_obu_extension_header, vk::FALSE)?;
        require_equal("primaryReferenceCdfOnly", told.primary_reference_cdf_only, vk::FALSE)?;
        // SAFETY: the caller's contract.
        let info = unsafe { told.p_std_picture_info.as_ref() };
        let mut info = *info.ok_or_else(|| violation("no picture of the standard"))?;
        let tiles = std::mem::replace(&mut info.pTileInfo, std::ptr::null());
        // SAFETY: the caller's contract.
        if let Some(tiles) = unsafe { tiles.as_ref() } {
            let all = (tiles.flags.uniform_tile_spacing_flag(), tiles.TileCols, tiles.TileRows);
            require_equal("tiles, as many as this looks into", all, (1, 1, 1))?;
            require_equal("reserved1", tiles.reserved1, [0; 7])?;
        }
        let others = info.pQuantization.is_null()
            && info.pSegmentation.is_null()
            && info.pLoopFilter.is_null()
            && info.pCDEF.is_null()
            && info.pLoopRestoration.is_null()
            && info.pGlobalMotion.is_null()
            && info.pExtensionHeader.is_null()
            && info.pBufferRemovalTimes.is_null();
        require(others, || "what is the engine's to say".to_owned())?;
        Ok(Self {
            info,
            kinds: (told.prediction_mode, told.rate_control_group),
            constant_quantizer: told.constant_q_index,
            slots: told.reference_name_slot_indices,
        })
    }

    pub(crate) const fn is_idr(&self) -> bool {
        self.info.frame_type == 0
    }
}

/// By what a frame in a slot is known.
///
/// # Safety
/// As in `vkCmdEncodeVideoKHR`.
pub(crate) unsafe fn mark(slot: &VideoEncodeAV1DpbSlotInfoKHR) -> Result<Mark> {
    // SAFETY: the caller's contract.
    let info = unsafe { slot.p_std_reference_info.as_ref() };
    let info = info.ok_or_else(|| violation("a slot of which the standard knows nothing"))?;
    require_equal("flags, number, reserved1", (info.flags, info.RefFrameId, info.reserved1), (0, 0, [0; 3]))?;
    require(info.pExtensionHeader.is_null(), || "a frame of a layer".to_owned())?;
    Ok(Mark { kind: info.frame_type, number: 0, order: info.OrderHint.into() })
}
