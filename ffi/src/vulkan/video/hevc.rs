//! HEVC, in the standard's structures (ITU-T H.265, 7.4.3 and 7.4.7).
//!
//! Progressive 4:2:0, no reordering, every picture a reference; each picture says which
//! are kept (7.4.8). An engine that knows no P pictures gets B pictures that name one
//! picture twice.

use ash::vk;
use ash::vk::native as std_video;
use std_video::*;

use super::Colour;
use super::encoder::Settings;
use super::profile::HevcProfile;
use super::syntax::{Ask, Coding, Create, NOBODY, Picture, Reference, Syntax, UNSPECIFIED_FORMAT, slices};

/// What an engine can in HEVC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Pictures that one may refer to.
    pub(super) references: u32,
    most_level: StdVideoH265LevelIdc,
    profile: HevcProfile,
    /// Log2 of sides: of coding tree blocks, of the smallest coding blocks.
    blocks: (u32, u32),
    /// The same of transforms, smallest and largest.
    transforms: (u32, u32),
    has_offsets: bool,
    has_transform_skip: bool,
    hides_signs: bool,
    /// What refers to one picture does so by both lists.
    both_lists: bool,
}

impl Capabilities {
    pub(super) fn of(profile: HevcProfile, told: &vk::VideoEncodeH265CapabilitiesKHR<'_>) -> Self {
        use vk::VideoEncodeH265CapabilityFlagsKHR as Lists;
        use vk::VideoEncodeH265StdFlagsKHR as Flags;
        let can = |flags| told.std_syntax_flags.contains(flags);
        let both_lists = told.max_p_picture_l0_reference_count == 0;
        let mut references = told.max_p_picture_l0_reference_count;
        if both_lists && told.flags.contains(Lists::B_FRAME_IN_L0_LIST | Lists::B_FRAME_IN_L1_LIST) {
            references = told.max_b_picture_l0_reference_count.min(told.max_l1_reference_count);
        }
        let tree = largest(told.ctb_sizes.as_raw()).map_or(4, |bit| bit + 4);
        let sizes = told.transform_block_sizes.as_raw();
        // A transform is no larger than its block, and blocks of 64 have those of 32.
        let largest_transform = largest(sizes).map_or(5, |bit| bit + 2).min(tree).min(5);
        let smallest_transform = (sizes.trailing_zeros().min(3) + 2).min(largest_transform);
        Self {
            references,
            most_level: told.max_level_idc,
            profile,
            // Nobody says what the smallest blocks are; they are larger than a transform.
            blocks: (tree, (smallest_transform + 1).max(3)),
            transforms: (smallest_transform, largest_transform),
            has_offsets: can(Flags::SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG_SET),
            has_transform_skip: can(Flags::TRANSFORM_SKIP_ENABLED_FLAG_SET),
            hides_signs: can(Flags::SIGN_DATA_HIDING_ENABLED_FLAG_SET),
            both_lists,
        }
    }

    /// Sides of pictures are multiples of this.
    pub(super) const fn block(&self) -> u32 {
        1 << self.blocks.1
    }
}

/// A stream, as calls are told.
#[derive(Debug)]
pub(super) struct Stream {
    can: Capabilities,
    coded: (u32, u32),
    /// First rows of coding tree blocks of the slices.
    slices: Vec<u32>,
    quantizer: i32,
}

impl Stream {
    pub(super) fn new(can: Capabilities, coded: (u32, u32), slices: u32, quantizer: i32) -> Self {
        let rows = coded.1.div_ceil(1 << can.blocks.0);
        Self { can, coded, slices: self::slices(rows, slices), quantizer }
    }

    fn profile(&self, settings: &Settings) -> StdVideoH265ProfileTierLevel {
        let mut profile = StdVideoH265ProfileTierLevel {
            flags: StdVideoH265ProfileTierLevelFlags {
                _bitfield_align_1: [],
                _bitfield_1: Default::default(),
                __bindgen_padding_0: [0; 3],
            },
            general_profile_idc: self.can.profile.raw(),
            // What the engine makes is of its highest level at most, whatever that may lack.
            general_level_idc: level(settings.level).min(self.can.most_level),
        };
        profile.flags.set_general_progressive_source_flag(1);
        profile.flags.set_general_frame_only_constraint_flag(1);
        profile
    }

    fn sequence(&self, settings: &Settings) -> StdVideoH265SequenceParameterSet {
        let Capabilities { blocks, transforms, profile, has_offsets, .. } = self.can;
        let mut set = zeroed_sequence();
        set.chroma_format_idc = StdVideoH265ChromaFormatIdc_STD_VIDEO_H265_CHROMA_FORMAT_IDC_420;
        (set.pic_width_in_luma_samples, set.pic_height_in_luma_samples) = self.coded;
        let depth = if profile == HevcProfile::Main10 { 2 } else { 0 };
        (set.bit_depth_luma_minus8, set.bit_depth_chroma_minus8) = (depth, depth);
        set.log2_max_pic_order_cnt_lsb_minus4 = ORDER_BITS - 4;
        set.log2_min_luma_coding_block_size_minus3 = byte(blocks.1 - 3);
        set.log2_diff_max_min_luma_coding_block_size = byte(blocks.0 - blocks.1);
        set.log2_min_luma_transform_block_size_minus2 = byte(transforms.0 - 2);
        set.log2_diff_max_min_luma_transform_block_size = byte(transforms.1 - transforms.0);
        // As deep as blocks go, for an engine that uses as much as it likes.
        set.max_transform_hierarchy_depth_inter = byte(blocks.0 - transforms.0);
        set.max_transform_hierarchy_depth_intra = byte(blocks.0 - transforms.0);
        set.conf_win_right_offset = (self.coded.0 - settings.size.0) / 2;
        set.conf_win_bottom_offset = (self.coded.1 - settings.size.1) / 2;
        let crops = set.conf_win_right_offset + set.conf_win_bottom_offset > 0;
        set.flags.set_sps_temporal_id_nesting_flag(1);
        set.flags.set_sps_sub_layer_ordering_info_present_flag(1);
        set.flags.set_conformance_window_flag(crops.into());
        set.flags.set_amp_enabled_flag(1);
        set.flags.set_sample_adaptive_offset_enabled_flag(has_offsets.into());
        set.flags.set_vui_parameters_present_flag(1);
        set
    }

    fn picture(&self) -> StdVideoH265PictureParameterSet {
        let mut set = zeroed_picture();
        set.flags.set_sign_data_hiding_enabled_flag(self.can.hides_signs.into());
        set.flags.set_transform_skip_enabled_flag(self.can.has_transform_skip.into());
        // Rate control varies it within pictures.
        set.flags.set_cu_qp_delta_enabled_flag(1);
        set.flags.set_pps_loop_filter_across_slices_enabled_flag(1);
        set
    }

    fn kinds(&self, is_predicted: bool) -> (StdVideoH265PictureType, StdVideoH265SliceType) {
        match (is_predicted, self.can.both_lists) {
            (true, false) => (
                StdVideoH265PictureType_STD_VIDEO_H265_PICTURE_TYPE_P,
                StdVideoH265SliceType_STD_VIDEO_H265_SLICE_TYPE_P,
            ),
            (true, true) => (
                StdVideoH265PictureType_STD_VIDEO_H265_PICTURE_TYPE_B,
                StdVideoH265SliceType_STD_VIDEO_H265_SLICE_TYPE_B,
            ),
            (false, _) => (
                StdVideoH265PictureType_STD_VIDEO_H265_PICTURE_TYPE_IDR,
                StdVideoH265SliceType_STD_VIDEO_H265_SLICE_TYPE_I,
            ),
        }
    }

    fn slice(&self, address: u32, kind: StdVideoH265SliceType) -> StdVideoEncodeH265SliceSegmentHeader {
        let mut slice = StdVideoEncodeH265SliceSegmentHeader {
            flags: StdVideoEncodeH265SliceSegmentHeaderFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            slice_type: kind,
            slice_segment_address: address,
            collocated_ref_idx: 0,
            MaxNumMergeCand: 5,
            slice_cb_qp_offset: 0,
            slice_cr_qp_offset: 0,
            slice_beta_offset_div2: 0,
            slice_tc_offset_div2: 0,
            slice_act_y_qp_offset: 0,
            slice_act_cb_qp_offset: 0,
            slice_act_cr_qp_offset: 0,
            slice_qp_delta: 0,
            reserved1: 0,
            pWeightTable: std::ptr::null(),
        };
        slice.flags.set_first_slice_segment_in_pic_flag((address == 0).into());
        slice.flags.set_slice_sao_luma_flag(self.can.has_offsets.into());
        slice.flags.set_slice_sao_chroma_flag(self.can.has_offsets.into());
        slice.flags.set_collocated_from_l0_flag(1);
        slice.flags.set_slice_loop_filter_across_slices_enabled_flag(1);
        slice
    }

    /// A picture that is kept, or will be, in a slot.
    fn slot(&self, order: u32) -> StdVideoEncodeH265ReferenceInfo {
        StdVideoEncodeH265ReferenceInfo {
            flags: StdVideoEncodeH265ReferenceInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            pic_type: self.kinds(order != 0).0,
            PicOrderCntVal: order.cast_signed(),
            TemporalId: 0,
        }
    }

    /// One picture in list 0, and in list 1 where that has to be.
    fn lists(&self, reference: Reference) -> StdVideoEncodeH265ReferenceListsInfo {
        let mut lists = StdVideoEncodeH265ReferenceListsInfo {
            flags: StdVideoEncodeH265ReferenceListsInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            num_ref_idx_l0_active_minus1: 0,
            num_ref_idx_l1_active_minus1: 0,
            RefPicList0: [NOBODY; 15],
            RefPicList1: [NOBODY; 15],
            list_entry_l0: [0; 15],
            list_entry_l1: [0; 15],
        };
        lists.RefPicList0[0] = reference.slot;
        if self.can.both_lists {
            lists.RefPicList1[0] = reference.slot;
        }
        lists
    }
}

impl Syntax for Stream {
    fn with_sets(&self, settings: &Settings, create: &mut Create<'_>) -> vk::Result {
        let (profile, buffering) = (self.profile(settings), buffering(settings));
        let usability = usability(settings);
        let mut video = zeroed_video();
        video.flags.set_vps_temporal_id_nesting_flag(1);
        video.flags.set_vps_sub_layer_ordering_info_present_flag(1);
        (video.pProfileTierLevel, video.pDecPicBufMgr) = (&profile, &buffering);
        let mut sequence = self.sequence(settings);
        (sequence.pProfileTierLevel, sequence.pDecPicBufMgr) = (&profile, &buffering);
        sequence.pSequenceParameterSetVui = &usability;
        let (video, sequence, picture) = ([video], [sequence], [self.picture()]);
        let sets = vk::VideoEncodeH265SessionParametersAddInfoKHR::default()
            .std_vp_ss(&video)
            .std_sp_ss(&sequence)
            .std_pp_ss(&picture);
        create(
            &mut vk::VideoEncodeH265SessionParametersCreateInfoKHR::default()
                .max_std_vps_count(1)
                .max_std_sps_count(1)
                .max_std_pps_count(1)
                .parameters_add_info(&sets),
        )
    }

    fn with_question(&self, ask: &mut Ask<'_>) -> vk::Result {
        ask(Some(
            &mut vk::VideoEncodeH265SessionParametersGetInfoKHR::default()
                .write_std_vps(true)
                .write_std_sps(true)
                .write_std_pps(true),
        ))
    }

    fn with_picture(&self, coding: &Coding, write: &mut dyn FnMut(Picture<'_>)) {
        let (kind, slice) = self.kinds(coding.reference.is_some());
        let columns = self.coded.0.div_ceil(1 << self.can.blocks.0);
        let headers: Vec<_> = self.slices.iter().map(|row| self.slice(row * columns, slice)).collect();
        let entry = |header| {
            vk::VideoEncodeH265NaluSliceSegmentInfoKHR::default()
                .constant_qp(self.quantizer)
                .std_slice_segment_header(header)
        };
        let entries: Vec<_> = headers.iter().map(entry).collect();
        let lists = coding.reference.map(|reference| self.lists(reference));
        let kept = kept(coding);
        let mut picture = StdVideoEncodeH265PictureInfo {
            flags: StdVideoEncodeH265PictureInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            pic_type: kind,
            sps_video_parameter_set_id: 0,
            pps_seq_parameter_set_id: 0,
            pps_pic_parameter_set_id: 0,
            short_term_ref_pic_set_idx: 0,
            PicOrderCntVal: coding.order.cast_signed(),
            TemporalId: 0,
            reserved1: [0; 7],
            pRefLists: lists.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            pShortTermRefPicSet: &kept,
            pLongTermRefPics: std::ptr::null(),
        };
        picture.flags.set_is_reference(1);
        picture.flags.set_IrapPicFlag(coding.reference.is_none().into());
        picture.flags.set_pic_output_flag(1);
        let setup = self.slot(coding.order);
        let reference = self.slot(coding.reference.map_or(0, |reference| reference.order));
        write(Picture {
            picture: &mut vk::VideoEncodeH265PictureInfoKHR::default()
                .nalu_slice_segment_entries(&entries)
                .std_picture_info(&picture),
            setup: &mut vk::VideoEncodeH265DpbSlotInfoKHR::default().std_reference_info(&setup),
            reference: &mut vk::VideoEncodeH265DpbSlotInfoKHR::default().std_reference_info(&reference),
        });
    }
}

/// 7.3.7: all that are kept are before the picture, and it refers to one of them.
fn kept(coding: &Coding) -> StdVideoH265ShortTermRefPicSet {
    let mut set = StdVideoH265ShortTermRefPicSet {
        flags: StdVideoH265ShortTermRefPicSetFlags {
            _bitfield_align_1: [],
            _bitfield_1: Default::default(),
            __bindgen_padding_0: [0; 3],
        },
        delta_idx_minus1: 0,
        use_delta_flag: 0,
        abs_delta_rps_minus1: 0,
        used_by_curr_pic_flag: 0,
        used_by_curr_pic_s0_flag: 0,
        used_by_curr_pic_s1_flag: 0,
        reserved1: 0,
        reserved2: 0,
        reserved3: 0,
        num_negative_pics: 0,
        num_positive_pics: 0,
        delta_poc_s0_minus1: [0; 16],
        delta_poc_s1_minus1: [0; 16],
    };
    let mut after = coding.order;
    for (index, picture) in coding.kept.iter().enumerate().take(set.delta_poc_s0_minus1.len()) {
        let distance = after.wrapping_sub(picture.order).saturating_sub(1);
        set.delta_poc_s0_minus1[index] = u16::try_from(distance).unwrap_or(u16::MAX);
        set.used_by_curr_pic_s0_flag |= u16::from(coding.reference == Some(*picture)) << index;
        set.num_negative_pics += 1;
        after = picture.order;
    }
    set
}

/// No picture waits for another.
fn buffering(settings: &Settings) -> StdVideoH265DecPicBufMgr {
    let mut pictures = [0; 7];
    pictures[0] = settings.references;
    StdVideoH265DecPicBufMgr {
        max_latency_increase_plus1: [0; 7],
        max_dec_pic_buffering_minus1: pictures,
        max_num_reorder_pics: [0; 7],
    }
}

/// Annex E: what the colours are.
fn usability(settings: &Settings) -> StdVideoH265SequenceParameterSetVui {
    let Colour { primaries, transfer, matrix, full_range } = settings.colour;
    let mut usability = zeroed_usability();
    usability.video_format = UNSPECIFIED_FORMAT;
    (usability.colour_primaries, usability.transfer_characteristics) = (primaries, transfer);
    usability.matrix_coeffs = matrix;
    usability.flags.set_video_signal_type_present_flag(1);
    usability.flags.set_video_full_range_flag(full_range.into());
    usability.flags.set_colour_description_present_flag(1);
    usability
}

fn zeroed_video() -> StdVideoH265VideoParameterSet {
    // SAFETY: numbers and pointers, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

fn zeroed_sequence() -> StdVideoH265SequenceParameterSet {
    // SAFETY: as above.
    unsafe { std::mem::zeroed() }
}

fn zeroed_picture() -> StdVideoH265PictureParameterSet {
    // SAFETY: as above.
    unsafe { std::mem::zeroed() }
}

fn zeroed_usability() -> StdVideoH265SequenceParameterSetVui {
    // SAFETY: as above.
    unsafe { std::mem::zeroed() }
}

/// The highest of some bits.
const fn largest(bits: u32) -> Option<u32> {
    bits.checked_ilog2()
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// `general_level_idc` as the interface numbers it: the lowest that is not below.
fn level(idc: u8) -> StdVideoH265LevelIdc {
    let index = LEVELS.iter().position(|level| *level >= idc).unwrap_or(LEVELS.len() - 1);
    StdVideoH265LevelIdc::try_from(index).unwrap_or(0)
}

/// In the interface's order.
const LEVELS: [u8; 13] = [30, 60, 63, 90, 93, 120, 123, 150, 153, 156, 180, 183, 186];

/// `log2_max_pic_order_cnt_lsb`: far more pictures than are kept.
const ORDER_BITS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use vk::VideoEncodeH265CapabilityFlagsKHR as Lists;
    use vk::VideoEncodeH265CtbSizeFlagsKHR as Trees;
    use vk::VideoEncodeH265StdFlagsKHR as Flags;
    use vk::VideoEncodeH265TransformBlockSizeFlagsKHR as Transforms;

    fn told<'a>() -> vk::VideoEncodeH265CapabilitiesKHR<'a> {
        vk::VideoEncodeH265CapabilitiesKHR {
            max_level_idc: level(153),
            ctb_sizes: Trees::TYPE_32 | Trees::TYPE_64,
            transform_block_sizes: Transforms::TYPE_4 | Transforms::TYPE_8 | Transforms::TYPE_16 | Transforms::TYPE_32,
            max_p_picture_l0_reference_count: 1,
            std_syntax_flags: Flags::SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG_SET | Flags::TRANSFORM_SKIP_ENABLED_FLAG_SET,
            ..Default::default()
        }
    }

    fn can(told: &vk::VideoEncodeH265CapabilitiesKHR<'_>) -> Capabilities {
        Capabilities::of(HevcProfile::Main10, told)
    }

    fn settings() -> Settings {
        let colour = Colour { primaries: 9, transfer: 14, matrix: 9, full_range: true };
        Settings { size: (1918, 1080), level: 186, references: 5, slices: 3, colour, rate: (60, 1), bits_per_second: 1 }
    }

    #[test]
    fn an_engine_says_what_blocks_it_has() {
        let usual = can(&told());
        assert_eq!((usual.blocks, usual.transforms, usual.block()), ((6, 3), (2, 5), 8));
        assert!(usual.has_offsets && usual.has_transform_skip && !usual.hides_signs && !usual.both_lists);
        let small = vk::VideoEncodeH265CapabilitiesKHR {
            ctb_sizes: Trees::TYPE_16,
            transform_block_sizes: Transforms::TYPE_8 | Transforms::TYPE_32,
            std_syntax_flags: Flags::SIGN_DATA_HIDING_ENABLED_FLAG_SET,
            ..told()
        };
        let small = can(&small);
        assert_eq!((small.blocks, small.transforms, small.block()), ((4, 4), (3, 4), 16));
        assert!(!small.has_offsets && !small.has_transform_skip && small.hides_signs);
    }

    #[test]
    fn an_engine_without_p_pictures_gets_b_pictures() {
        let without = vk::VideoEncodeH265CapabilitiesKHR {
            max_p_picture_l0_reference_count: 0,
            max_b_picture_l0_reference_count: 2,
            max_l1_reference_count: 1,
            ..told()
        };
        assert_eq!(can(&without).references, 0, "B pictures do not refer to each other");
        let flags = Lists::B_FRAME_IN_L0_LIST | Lists::B_FRAME_IN_L1_LIST;
        let can = can(&vk::VideoEncodeH265CapabilitiesKHR { flags, ..without });
        assert_eq!((can.references, can.both_lists), (1, true));
        let lists = Stream::new(can, (64, 64), 1, 0).lists(Reference { slot: 3, order: 1 });
        assert_eq!((lists.RefPicList0[..2].to_vec(), lists.RefPicList1[..2].to_vec()), (vec![3, 255], vec![3, 255]));
    }

    #[test]
    fn sets_have_what_the_stream_needs_and_the_engine_has() {
        let stream = Stream::new(can(&told()), (1920, 1080), 3, 0);
        let told = stream.with_sets(&settings(), &mut |sets| {
            let sets = std::ptr::from_ref(sets).cast::<vk::VideoEncodeH265SessionParametersCreateInfoKHR<'_>>();
            // SAFETY: as `with_sets` wrote them.
            let (video, sequence, picture, usability) = unsafe {
                let sets = &*(*sets).p_parameters_add_info;
                let sequence = &*sets.p_std_sp_ss;
                (&*sets.p_std_vp_ss, sequence, &*sets.p_std_pp_ss, &*sequence.pSequenceParameterSetVui)
            };
            // SAFETY: as above.
            let (profile, buffering) = unsafe { (&*video.pProfileTierLevel, &*video.pDecPicBufMgr) };
            assert_eq!(
                (profile.general_profile_idc, profile.general_level_idc),
                (2, level(153)),
                "the engine's highest"
            );
            assert_eq!((buffering.max_dec_pic_buffering_minus1[0], buffering.max_num_reorder_pics[0]), (5, 0));
            assert_eq!((sequence.pic_width_in_luma_samples, sequence.pic_height_in_luma_samples), (1920, 1080));
            assert_eq!((sequence.conf_win_right_offset, sequence.conf_win_bottom_offset), (1, 0));
            assert_eq!((sequence.flags.conformance_window_flag(), sequence.bit_depth_luma_minus8), (1, 2));
            assert_eq!((usability.flags.video_full_range_flag(), usability.matrix_coeffs), (1, 9));
            assert_eq!((picture.flags.transform_skip_enabled_flag(), picture.flags.cu_qp_delta_enabled_flag()), (1, 1));
            vk::Result::SUCCESS
        });
        assert_eq!(told, vk::Result::SUCCESS);
    }

    #[test]
    fn a_picture_says_which_are_kept_and_which_it_refers_to() {
        let stream = Stream::new(can(&told()), (1920, 1080), 3, 0);
        let kept = [299, 296, 295].map(|order| Reference { slot: 3, order });
        for (order, reference, used) in [(0, None, 0), (300, Some(kept[0]), 0b001), (300, Some(kept[1]), 0b010)] {
            let kept = if order > 0 { kept.to_vec() } else { Vec::new() };
            stream.with_picture(&Coding { reference, slot: 1, order, idr: 7, kept }, &mut |picture| {
                let picture = std::ptr::from_ref(picture.picture).cast::<vk::VideoEncodeH265PictureInfoKHR<'_>>();
                // SAFETY: as `with_picture` wrote them.
                let (addresses, info, set) = unsafe {
                    let count = (*picture).nalu_slice_segment_entry_count as usize;
                    let entries = std::slice::from_raw_parts((*picture).p_nalu_slice_segment_entries, count);
                    let address = |entry: &vk::VideoEncodeH265NaluSliceSegmentInfoKHR<'_>| {
                        (*entry.p_std_slice_segment_header).slice_segment_address
                    };
                    let info = &*(*picture).p_std_picture_info;
                    (entries.iter().map(address).collect::<Vec<_>>(), info, &*info.pShortTermRefPicSet)
                };
                assert_eq!(addresses, [0, 6 * 30, 12 * 30]);
                assert_eq!(info.PicOrderCntVal, order.cast_signed());
                assert_eq!((info.flags.IrapPicFlag() == 1, info.pRefLists.is_null()), (order == 0, order == 0));
                assert_eq!((set.used_by_curr_pic_s0_flag, set.num_positive_pics), (used, 0));
                if order > 0 {
                    assert_eq!((set.num_negative_pics, &set.delta_poc_s0_minus1[..4]), (3, &[0, 2, 0, 0][..]));
                }
            });
        }
    }
}
