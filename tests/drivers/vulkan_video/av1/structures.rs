//! The sequence header out of the program's structures, and what the engine lets it be.

use ash::vk::native::{StdVideoAV1ColorConfig, StdVideoAV1SequenceHeader};
use earthshine_ffi::vulkan::video::av1_sys::{
    StdVideoEncodeAV1OperatingPointInfo, VideoEncodeAV1SessionParametersCreateInfoKHR,
};

use super::obu;
use super::sequence::Sequence;
use crate::capabilities::{Profile, count, get};
use crate::chain;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::Session;

/// What holds for a whole stream.
pub(crate) struct Sets {
    pub(super) sequence: Sequence,
}

impl Sets {
    /// # Safety
    /// As `vkCreateVideoSessionParametersKHR` takes it.
    pub(crate) unsafe fn read(told: &VideoEncodeAV1SessionParametersCreateInfoKHR) -> Result<Self> {
        require(told.p_std_decoder_model_info.is_null(), || "a model of decoders".to_owned())?;
        // SAFETY: the caller's contract.
        unsafe {
            let points = chain::array(told.p_std_operating_points, told.std_operating_point_count);
            let [point] = points else { return Err(violation(format!("{} operating points", points.len()))) };
            let header = told.p_std_sequence_header.as_ref().ok_or_else(|| violation("no sequence header"))?;
            let colours = header.pColorConfig.as_ref().ok_or_else(|| violation("no colours"))?;
            check_unused(header, point)?;
            Ok(Self { sequence: of(header, colours, point)? })
        }
    }

    /// What the profile, the engine and the session allow.
    pub(crate) fn check(&self, session: &Session) -> Result {
        let Sequence { depth, level, size, large_blocks, .. } = self.sequence;
        require_equal("profile", Profile::Av1 { is_ten_bit: depth == 10 }, session.profile)?;
        require(level <= count("av1_level"), || format!("level {level}"))?;
        let blocks = if large_blocks { 2 } else { 1 };
        require(count("superblocks") & blocks != 0, || "superblocks that are not there".to_owned())?;
        let fits = size.0 <= session.most.width && size.1 <= session.most.height;
        require(fits, || format!("{size:?} in a session of {:?}", session.most))
    }

    /// What a driver does that makes something else of it.
    pub(crate) fn change(&mut self) {
        self.sequence.directional = false;
    }

    pub(crate) const fn size(&self) -> (u32, u32) {
        self.sequence.size
    }

    /// As it goes into the stream.
    pub(crate) fn write(&self) -> Vec<u8> {
        obu::with_size(obu::SEQUENCE, &self.sequence.write(true).bytes)
    }

    /// For the test.
    pub(crate) fn told(&self) -> String {
        let Sequence { depth, level, large_blocks, directional, points, full_range, .. } = &self.sequence;
        format!(
            "depth={depth} level={level} block={} cdef={} matrix={} full_range={}",
            if *large_blocks { 128 } else { 64 },
            u8::from(*directional),
            points[2],
            u8::from(*full_range),
        )
    }
}

fn of(
    header: &StdVideoAV1SequenceHeader,
    colours: &StdVideoAV1ColorConfig,
    point: &StdVideoEncodeAV1OperatingPointInfo,
) -> Result<Sequence> {
    let flags = (colours.flags.mono_chrome(), colours.flags.separate_uv_delta_q(), colours.reserved1);
    require_equal("one plane, two quantizers of chroma", flags, (0, 0, 0))?;
    require_equal("color_description_present_flag", colours.flags.color_description_present_flag(), 1)?;
    let chroma = (colours.subsampling_x, colours.subsampling_y, colours.chroma_sample_position);
    require_equal("chroma", chroma, (1, 1, 0))?;
    Ok(Sequence {
        level: point.seq_level_idx.into(),
        size: (u32::from(header.max_frame_width_minus_1) + 1, u32::from(header.max_frame_height_minus_1) + 1),
        depth: colours.BitDepth.into(),
        large_blocks: header.flags.use_128x128_superblock() == 1,
        filter_intra: header.flags.enable_filter_intra() == 1,
        intra_edge: header.flags.enable_intra_edge_filter() == 1,
        directional: header.flags.enable_cdef() == 1 && get("cdef") == 1,
        order_bits: u32::from(header.order_hint_bits_minus_1) + 1,
        points: [colours.color_primaries, colours.transfer_characteristics, colours.matrix_coefficients],
        full_range: colours.flags.color_range() == 1,
    })
}

fn check_unused(header: &StdVideoAV1SequenceHeader, point: &StdVideoEncodeAV1OperatingPointInfo) -> Result {
    let flags = &header.flags;
    for (name, found, expected) in [
        ("still_picture", flags.still_picture(), 0),
        ("reduced_still_picture_header", flags.reduced_still_picture_header(), 0),
        ("enable_interintra_compound", flags.enable_interintra_compound(), 0),
        ("enable_masked_compound", flags.enable_masked_compound(), 0),
        ("enable_warped_motion", flags.enable_warped_motion(), 0),
        ("enable_dual_filter", flags.enable_dual_filter(), 0),
        ("enable_order_hint", flags.enable_order_hint(), 1),
        ("enable_jnt_comp", flags.enable_jnt_comp(), 0),
        ("enable_ref_frame_mvs", flags.enable_ref_frame_mvs(), 0),
        ("frame_id_numbers_present_flag", flags.frame_id_numbers_present_flag(), 0),
        ("enable_superres", flags.enable_superres(), 0),
        ("enable_restoration", flags.enable_restoration(), 0),
        ("film_grain_params_present", flags.film_grain_params_present(), 0),
        ("timing_info_present_flag", flags.timing_info_present_flag(), 0),
        ("seq_profile", header.seq_profile, 0),
        ("seq_force_screen_content_tools", header.seq_force_screen_content_tools.into(), 0),
        ("seq_force_integer_mv", header.seq_force_integer_mv.into(), 2),
        ("flags of the operating point", point.flags, 0),
        ("operating_point_idc", point.operating_point_idc.into(), 0),
        ("seq_tier", point.seq_tier.into(), 0),
    ] {
        require_equal(name, found, expected)?;
    }
    require_equal("reserved1", header.reserved1, [0; 5])?;
    require(header.pTimingInfo.is_null(), || "timing".to_owned())?;
    for (bits, most) in [
        (header.frame_width_bits_minus_1, header.max_frame_width_minus_1),
        (header.frame_height_bits_minus_1, header.max_frame_height_minus_1),
    ] {
        let fits = bits < 16 && u32::from(most) < 1 << (bits + 1);
        require(fits, || format!("a side of {most} in {bits} bits, less one"))?;
    }
    Ok(())
}
