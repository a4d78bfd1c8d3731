//! Parameter sets out of the program's structures, and what the engine lets them be. What
//! no encoder of low latency needs is refused.

use ash::vk;
use ash::vk::native::{
    StdVideoH265DecPicBufMgr, StdVideoH265PictureParameterSet, StdVideoH265ProfileTierLevel,
    StdVideoH265SequenceParameterSet, StdVideoH265SequenceParameterSetVui, StdVideoH265VideoParameterSet,
};

use super::profile::Profile;
use super::sets::{self, Colours};
use crate::capabilities::{self, count, get};
use crate::rules::{Result, require, require_equal, violation};
use crate::session::Session;

/// All three sets.
pub(crate) struct Sets {
    pub(super) sets: sets::Sets,
    colours: Colours,
    /// As the interface numbers levels.
    level: u32,
}

impl Sets {
    /// # Safety
    /// As `vkCreateVideoSessionParametersKHR` takes it.
    pub(crate) unsafe fn read(added: &vk::VideoEncodeH265SessionParametersAddInfoKHR<'_>) -> Result<Self> {
        let counts = (added.std_vps_count, added.std_sps_count, added.std_pps_count);
        require_equal("parameter sets", counts, (1, 1, 1))?;
        // SAFETY: the caller's contract.
        unsafe {
            let (video, sequence, picture) = (&*added.p_std_vp_ss, &*added.p_std_sp_ss, &*added.p_std_pp_ss);
            check_video(video)?;
            check_sequence(sequence)?;
            check_picture(picture)?;
            let promised = promises(video.pProfileTierLevel, video.pDecPicBufMgr)?;
            let (profile, level, references) = promises(sequence.pProfileTierLevel, sequence.pDecPicBufMgr)?;
            require_equal("what VPS and SPS say", promised, (profile, level, references))?;
            let usability = sequence.pSequenceParameterSetVui.as_ref().ok_or_else(|| violation("no VUI"))?;
            let sets = sets::Sets { profile, references, ..of(sequence, picture)? };
            Ok(Self { sets, colours: colours(usability)?, level })
        }
    }

    /// What the profile, the engine and the session allow.
    pub(crate) fn check(&self, session: &Session) -> Result {
        let sets = &self.sets;
        sets.check(session.profile == capabilities::Profile::Hevc { is_ten_bit: true })?;
        require(self.level <= count("hevc_level"), || format!("level {} of {}", self.level, count("hevc_level")))?;
        let trees = 1 << (sets.blocks.1 - 4);
        require(count("trees") & trees != 0, || format!("blocks of {:?} that are not there", sets.blocks))?;
        for size in [sets.transforms.0, sets.transforms.1] {
            let there = count("tree_transforms") & 1 << (size - 2) != 0;
            require(there, || format!("transforms of {:?} that are not there", sets.transforms))?;
        }
        require(!sets.offsets || get("offsets") == 1, || "offsets that are not there".to_owned())?;
        require(!sets.sign_hiding || get("signs") == 1, || "hidden signs that are not there".to_owned())?;
        let left_out = if sets.transform_skip { 1 } else { 2 };
        require(get("transform_skip") & left_out != 0, || format!("transform_skip_enabled_flag {left_out}"))?;
        let slots = u32::try_from(session.slots.len()).unwrap_or(0);
        require((1..slots).contains(&sets.references), || format!("{} references in {slots}", sets.references))?;
        require_equal("size", sets.size, (session.most.width, session.most.height))
    }

    /// What a driver does that makes something else of them.
    pub(crate) fn change(&mut self) {
        self.sets.offsets = false;
    }

    /// As they go into the stream.
    pub(crate) fn write(&self) -> Vec<u8> {
        self.sets.write(Some(&self.colours))
    }

    /// For the test.
    pub(crate) fn told(&self) -> String {
        let sets = &self.sets;
        format!(
            "profile={} depth={} level={} block={} offsets={} references={} matrix={} full_range={}",
            sets.profile.number,
            sets.depth,
            sets.profile.level,
            1 << sets.blocks.1,
            u8::from(sets.offsets),
            sets.references,
            self.colours.points[2],
            u8::from(self.colours.full_range),
        )
    }
}

/// Profile, level as the interface numbers it, pictures that are kept besides the current
/// one.
unsafe fn promises(
    profile: *const StdVideoH265ProfileTierLevel,
    buffering: *const StdVideoH265DecPicBufMgr,
) -> Result<(Profile, u32, u32)> {
    // SAFETY: the caller's contract.
    let (profile, buffering) = unsafe { (profile.as_ref(), buffering.as_ref()) };
    let profile = profile.ok_or_else(|| violation("no profile"))?;
    let buffering = buffering.ok_or_else(|| violation("no buffering"))?;
    for (name, found, expected) in [
        ("general_tier_flag", profile.flags.general_tier_flag(), 0),
        ("general_progressive_source_flag", profile.flags.general_progressive_source_flag(), 1),
        ("general_interlaced_source_flag", profile.flags.general_interlaced_source_flag(), 0),
        ("general_non_packed_constraint_flag", profile.flags.general_non_packed_constraint_flag(), 0),
        ("general_frame_only_constraint_flag", profile.flags.general_frame_only_constraint_flag(), 1),
        ("sps_max_num_reorder_pics", buffering.max_num_reorder_pics[0].into(), 0),
        ("sps_max_latency_increase_plus1", buffering.max_latency_increase_plus1[0], 0),
    ] {
        require_equal(name, found, expected)?;
    }
    let level = LEVELS.get(profile.general_level_idc as usize);
    let level = *level.ok_or_else(|| violation(format!("level {}", profile.general_level_idc)))?;
    let number = Profile { number: profile.general_profile_idc, level };
    Ok((number, profile.general_level_idc, buffering.max_dec_pic_buffering_minus1[0].into()))
}

fn of(sequence: &StdVideoH265SequenceParameterSet, picture: &StdVideoH265PictureParameterSet) -> Result<sets::Sets> {
    let from = |start: u8, base: u32, more: u8| {
        let start = u32::from(start) + base;
        (start, start + u32::from(more))
    };
    let depth = u32::from(sequence.bit_depth_luma_minus8) + 8;
    require_equal("chroma's depth", u32::from(sequence.bit_depth_chroma_minus8) + 8, depth)?;
    let cropping = [sequence.conf_win_right_offset, sequence.conf_win_bottom_offset];
    require_equal("conformance_window_flag", sequence.flags.conformance_window_flag() == 1, cropping != [0; 2])?;
    Ok(sets::Sets {
        profile: Profile { number: 0, level: 0 },
        size: (sequence.pic_width_in_luma_samples, sequence.pic_height_in_luma_samples),
        cropping,
        depth,
        order_bits: u32::from(sequence.log2_max_pic_order_cnt_lsb_minus4) + 4,
        references: 0,
        blocks: from(
            sequence.log2_min_luma_coding_block_size_minus3,
            3,
            sequence.log2_diff_max_min_luma_coding_block_size,
        ),
        transforms: from(
            sequence.log2_min_luma_transform_block_size_minus2,
            2,
            sequence.log2_diff_max_min_luma_transform_block_size,
        ),
        depths: (
            sequence.max_transform_hierarchy_depth_inter.into(),
            sequence.max_transform_hierarchy_depth_intra.into(),
        ),
        asymmetric_motion: sequence.flags.amp_enabled_flag() == 1,
        offsets: sequence.flags.sample_adaptive_offset_enabled_flag() == 1,
        strong_smoothing: sequence.flags.strong_intra_smoothing_enabled_flag() == 1,
        sign_hiding: picture.flags.sign_data_hiding_enabled_flag() == 1,
        transform_skip: picture.flags.transform_skip_enabled_flag() == 1,
        quantizer: i32::from(picture.init_qp_minus26) + 26,
        quantizer_varies: picture.flags.cu_qp_delta_enabled_flag() == 1,
        filter_across: picture.flags.pps_loop_filter_across_slices_enabled_flag() == 1,
    })
}

fn check_video(set: &StdVideoH265VideoParameterSet) -> Result {
    for (name, found, expected) in [
        ("vps_temporal_id_nesting_flag", set.flags.vps_temporal_id_nesting_flag(), 1),
        ("vps_sub_layer_ordering_info_present_flag", set.flags.vps_sub_layer_ordering_info_present_flag(), 1),
        ("vps_timing_info_present_flag", set.flags.vps_timing_info_present_flag(), 0),
        ("vps_video_parameter_set_id", set.vps_video_parameter_set_id.into(), 0),
        ("vps_max_sub_layers_minus1", set.vps_max_sub_layers_minus1.into(), 0),
        ("reserved members", u32::from(set.reserved1 | set.reserved2) | set.reserved3, 0),
    ] {
        require_equal(name, found, expected)?;
    }
    require(set.pHrdParameters.is_null(), || "a model of buffers".to_owned())
}

fn check_sequence(set: &StdVideoH265SequenceParameterSet) -> Result {
    let flags = &set.flags;
    for (name, found, expected) in [
        ("chroma_format_idc", set.chroma_format_idc, 1),
        ("sps_temporal_id_nesting_flag", flags.sps_temporal_id_nesting_flag(), 1),
        ("sps_sub_layer_ordering_info_present_flag", flags.sps_sub_layer_ordering_info_present_flag(), 1),
        ("separate_colour_plane_flag", flags.separate_colour_plane_flag(), 0),
        ("scaling_list_enabled_flag", flags.scaling_list_enabled_flag(), 0),
        ("pcm_enabled_flag", flags.pcm_enabled_flag(), 0),
        ("long_term_ref_pics_present_flag", flags.long_term_ref_pics_present_flag(), 0),
        ("sps_temporal_mvp_enabled_flag", flags.sps_temporal_mvp_enabled_flag(), 0),
        ("vui_parameters_present_flag", flags.vui_parameters_present_flag(), 1),
        ("sps_extension_present_flag", flags.sps_extension_present_flag(), 0),
        ("sps_video_parameter_set_id", set.sps_video_parameter_set_id.into(), 0),
        ("sps_seq_parameter_set_id", set.sps_seq_parameter_set_id.into(), 0),
        ("sps_max_sub_layers_minus1", set.sps_max_sub_layers_minus1.into(), 0),
        ("num_short_term_ref_pic_sets", set.num_short_term_ref_pic_sets.into(), 0),
        ("num_long_term_ref_pics_sps", set.num_long_term_ref_pics_sps.into(), 0),
        ("reserved members", u32::from(set.reserved1 | set.reserved2), 0),
        ("left and top of the window", set.conf_win_left_offset | set.conf_win_top_offset, 0),
    ] {
        require_equal(name, found, expected)?;
    }
    Ok(())
}

fn check_picture(set: &StdVideoH265PictureParameterSet) -> Result {
    let flags = &set.flags;
    for (name, found) in [
        ("dependent_slice_segments_enabled_flag", flags.dependent_slice_segments_enabled_flag()),
        ("output_flag_present_flag", flags.output_flag_present_flag()),
        ("cabac_init_present_flag", flags.cabac_init_present_flag()),
        ("constrained_intra_pred_flag", flags.constrained_intra_pred_flag()),
        ("pps_slice_chroma_qp_offsets_present_flag", flags.pps_slice_chroma_qp_offsets_present_flag()),
        ("weighted_pred_flag", flags.weighted_pred_flag()),
        ("weighted_bipred_flag", flags.weighted_bipred_flag()),
        ("transquant_bypass_enabled_flag", flags.transquant_bypass_enabled_flag()),
        ("tiles_enabled_flag", flags.tiles_enabled_flag()),
        ("entropy_coding_sync_enabled_flag", flags.entropy_coding_sync_enabled_flag()),
        ("deblocking_filter_control_present_flag", flags.deblocking_filter_control_present_flag()),
        ("pps_scaling_list_data_present_flag", flags.pps_scaling_list_data_present_flag()),
        ("lists_modification_present_flag", flags.lists_modification_present_flag()),
        ("slice_segment_header_extension_present_flag", flags.slice_segment_header_extension_present_flag()),
        ("pps_extension_present_flag", flags.pps_extension_present_flag()),
        ("pps_pic_parameter_set_id", set.pps_pic_parameter_set_id.into()),
        ("pps_seq_parameter_set_id", set.pps_seq_parameter_set_id.into()),
        ("sps_video_parameter_set_id", set.sps_video_parameter_set_id.into()),
        ("num_extra_slice_header_bits", set.num_extra_slice_header_bits.into()),
        ("num_ref_idx_l0_default_active_minus1", set.num_ref_idx_l0_default_active_minus1.into()),
        ("num_ref_idx_l1_default_active_minus1", set.num_ref_idx_l1_default_active_minus1.into()),
        ("diff_cu_qp_delta_depth", set.diff_cu_qp_delta_depth.into()),
        ("log2_parallel_merge_level_minus2", set.log2_parallel_merge_level_minus2.into()),
        ("reserved members", u32::from(set.reserved1 | set.reserved2) | set.reserved3),
    ] {
        require_equal(name, found, 0)?;
    }
    require_equal("chroma's quantizers", (set.pps_cb_qp_offset, set.pps_cr_qp_offset), (0, 0))
}

fn colours(found: &StdVideoH265SequenceParameterSetVui) -> Result<Colours> {
    for (name, found, expected) in [
        ("aspect_ratio_info_present_flag", found.flags.aspect_ratio_info_present_flag(), 0),
        ("overscan_info_present_flag", found.flags.overscan_info_present_flag(), 0),
        ("video_signal_type_present_flag", found.flags.video_signal_type_present_flag(), 1),
        ("colour_description_present_flag", found.flags.colour_description_present_flag(), 1),
        ("chroma_loc_info_present_flag", found.flags.chroma_loc_info_present_flag(), 0),
        ("neutral_chroma_indication_flag", found.flags.neutral_chroma_indication_flag(), 0),
        ("field_seq_flag", found.flags.field_seq_flag(), 0),
        ("frame_field_info_present_flag", found.flags.frame_field_info_present_flag(), 0),
        ("default_display_window_flag", found.flags.default_display_window_flag(), 0),
        ("vui_timing_info_present_flag", found.flags.vui_timing_info_present_flag(), 0),
        ("bitstream_restriction_flag", found.flags.bitstream_restriction_flag(), 0),
        ("video_format", found.video_format.into(), 5),
    ] {
        require_equal(name, found, expected)?;
    }
    let points = [found.colour_primaries, found.transfer_characteristics, found.matrix_coeffs];
    Ok(Colours { full_range: found.flags.video_full_range_flag() == 1, points: points.map(u32::from) })
}

/// `general_level_idc`, in the interface's order.
const LEVELS: [u32; 13] = [30, 60, 63, 90, 93, 120, 123, 150, 153, 156, 180, 183, 186];
