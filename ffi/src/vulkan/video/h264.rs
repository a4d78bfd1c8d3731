//! H.264, in the standard's structures (ITU-T H.264, 7.4.2.1.1, 7.4.2.2, 7.4.3).
//!
//! Progressive 4:2:0, no B pictures, every picture a reference, pictures leave the
//! decoder's buffer as others come in (8.2.5.3).

use ash::vk;
use ash::vk::native as std_video;
use std_video::*;

use super::Colour;
use super::encoder::Settings;
use super::profile::H264Profile;
use super::syntax::{Ask, Coding, Create, NOBODY, Picture, Reference, Syntax, UNSPECIFIED_FORMAT, slices};

/// What an engine can in H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Pictures that one may refer to.
    pub(super) references: u32,
    most_level: StdVideoH264LevelIdc,
    profile: H264Profile,
    has_cabac: bool,
    has_large_transforms: bool,
    deblocks: bool,
}

impl Capabilities {
    pub(super) fn of(profile: H264Profile, told: &vk::VideoEncodeH264CapabilitiesKHR<'_>) -> Self {
        use vk::VideoEncodeH264StdFlagsKHR as Flags;
        let can = |flags| told.std_syntax_flags.contains(flags);
        Self {
            references: told.max_p_picture_l0_reference_count,
            most_level: told.max_level_idc,
            profile,
            has_cabac: profile != H264Profile::ConstrainedBaseline && can(Flags::ENTROPY_CODING_MODE_FLAG_SET),
            has_large_transforms: profile == H264Profile::High && can(Flags::TRANSFORM_8X8_MODE_FLAG_SET),
            // Named for the value of `disable_deblocking_filter_idc`, as that is.
            deblocks: can(Flags::DEBLOCKING_FILTER_DISABLED) || !can(Flags::DEBLOCKING_FILTER_ENABLED),
        }
    }
}

/// A stream, as calls are told.
#[derive(Debug)]
pub(super) struct Stream {
    can: Capabilities,
    coded: (u32, u32),
    /// First rows of macroblocks of the slices.
    slices: Vec<u32>,
    quantizer: i32,
}

impl Stream {
    pub(super) fn new(can: Capabilities, coded: (u32, u32), slices: u32, quantizer: i32) -> Self {
        Self { can, coded, slices: self::slices(coded.1 / MACROBLOCK, slices), quantizer }
    }

    fn sequence(
        &self,
        settings: &Settings,
        usability: &StdVideoH264SequenceParameterSetVui,
    ) -> StdVideoH264SequenceParameterSet {
        let mut set = zeroed_sequence();
        set.profile_idc = self.can.profile.raw();
        // What the engine makes is of its highest level at most, whatever that may lack.
        set.level_idc = level(settings.level).min(self.can.most_level);
        set.chroma_format_idc = StdVideoH264ChromaFormatIdc_STD_VIDEO_H264_CHROMA_FORMAT_IDC_420;
        set.log2_max_frame_num_minus4 = FRAME_NUMBER_BITS - 4;
        set.pic_order_cnt_type = StdVideoH264PocType_STD_VIDEO_H264_POC_TYPE_0;
        set.log2_max_pic_order_cnt_lsb_minus4 = ORDER_BITS - 4;
        set.max_num_ref_frames = settings.references;
        set.pic_width_in_mbs_minus1 = self.coded.0 / MACROBLOCK - 1;
        set.pic_height_in_map_units_minus1 = self.coded.1 / MACROBLOCK - 1;
        set.frame_crop_right_offset = (self.coded.0 - settings.size.0) / 2;
        set.frame_crop_bottom_offset = (self.coded.1 - settings.size.1) / 2;
        let crops = set.frame_crop_right_offset + set.frame_crop_bottom_offset > 0;
        let baseline = self.can.profile == H264Profile::ConstrainedBaseline;
        set.flags.set_constraint_set0_flag(baseline.into());
        set.flags.set_constraint_set1_flag((self.can.profile != H264Profile::High).into());
        set.flags.set_direct_8x8_inference_flag(1);
        set.flags.set_frame_mbs_only_flag(1);
        set.flags.set_frame_cropping_flag(crops.into());
        set.flags.set_vui_parameters_present_flag(1);
        set.pSequenceParameterSetVui = usability;
        set
    }

    fn picture(&self) -> StdVideoH264PictureParameterSet {
        let mut set = zeroed_picture();
        set.weighted_bipred_idc = StdVideoH264WeightedBipredIdc_STD_VIDEO_H264_WEIGHTED_BIPRED_IDC_DEFAULT;
        set.flags.set_entropy_coding_mode_flag(self.can.has_cabac.into());
        set.flags.set_transform_8x8_mode_flag(self.can.has_large_transforms.into());
        set.flags.set_deblocking_filter_control_present_flag(1);
        set
    }

    fn slice(&self, first: u32, kind: StdVideoH264SliceType) -> StdVideoEncodeH264SliceHeader {
        StdVideoEncodeH264SliceHeader {
            flags: StdVideoEncodeH264SliceHeaderFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            first_mb_in_slice: first,
            slice_type: kind,
            slice_alpha_c0_offset_div2: 0,
            slice_beta_offset_div2: 0,
            slice_qp_delta: 0,
            reserved1: 0,
            cabac_init_idc: StdVideoH264CabacInitIdc_STD_VIDEO_H264_CABAC_INIT_IDC_0,
            disable_deblocking_filter_idc: match self.can.deblocks {
                true => StdVideoH264DisableDeblockingFilterIdc_STD_VIDEO_H264_DISABLE_DEBLOCKING_FILTER_IDC_DISABLED,
                false => StdVideoH264DisableDeblockingFilterIdc_STD_VIDEO_H264_DISABLE_DEBLOCKING_FILTER_IDC_ENABLED,
            },
            pWeightTable: std::ptr::null(),
        }
    }
}

impl Syntax for Stream {
    fn with_sets(&self, settings: &Settings, create: &mut Create<'_>) -> vk::Result {
        let usability = usability(settings);
        let (sequence, picture) = ([self.sequence(settings, &usability)], [self.picture()]);
        let sets = vk::VideoEncodeH264SessionParametersAddInfoKHR::default().std_sp_ss(&sequence).std_pp_ss(&picture);
        create(
            &mut vk::VideoEncodeH264SessionParametersCreateInfoKHR::default()
                .max_std_sps_count(1)
                .max_std_pps_count(1)
                .parameters_add_info(&sets),
        )
    }

    fn with_question(&self, ask: &mut Ask<'_>) -> vk::Result {
        ask(Some(
            &mut vk::VideoEncodeH264SessionParametersGetInfoKHR::default().write_std_sps(true).write_std_pps(true),
        ))
    }

    fn with_picture(&self, coding: &Coding, write: &mut dyn FnMut(Picture<'_>)) {
        let (kind, slice) = kinds(coding.reference.is_some());
        let headers: Vec<_> =
            self.slices.iter().map(|row| self.slice(row * (self.coded.0 / MACROBLOCK), slice)).collect();
        let entry = |header| {
            vk::VideoEncodeH264NaluSliceInfoKHR::default().constant_qp(self.quantizer).std_slice_header(header)
        };
        let entries: Vec<_> = headers.iter().map(entry).collect();
        let steps = coding.reference.map_or([Step::END; 2], |reference| [Step::back(coding, reference), Step::END]);
        let steps = steps.map(|step| step.0);
        let lists = coding.reference.map(|reference| lists(coding, reference, &steps));
        let mut picture = StdVideoEncodeH264PictureInfo {
            flags: StdVideoEncodeH264PictureInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
            seq_parameter_set_id: 0,
            pic_parameter_set_id: 0,
            idr_pic_id: coding.idr,
            primary_pic_type: kind,
            frame_num: frame_number(coding.order),
            PicOrderCnt: order_count(coding.order),
            temporal_id: 0,
            reserved1: [0; 3],
            pRefLists: lists.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
        };
        picture.flags.set_IdrPicFlag(coding.reference.is_none().into());
        picture.flags.set_is_reference(1);
        let (setup, reference) = (slot(coding.order), slot(coding.reference.map_or(0, |reference| reference.order)));
        write(Picture {
            picture: &mut vk::VideoEncodeH264PictureInfoKHR::default()
                .nalu_slice_entries(&entries)
                .std_picture_info(&picture),
            setup: &mut vk::VideoEncodeH264DpbSlotInfoKHR::default().std_reference_info(&setup),
            reference: &mut vk::VideoEncodeH264DpbSlotInfoKHR::default().std_reference_info(&reference),
        });
    }
}

/// A picture that is kept, or will be, in a slot.
fn slot(order: u32) -> StdVideoEncodeH264ReferenceInfo {
    StdVideoEncodeH264ReferenceInfo {
        flags: StdVideoEncodeH264ReferenceInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
        primary_pic_type: kinds(order != 0).0,
        FrameNum: frame_number(order),
        PicOrderCnt: order_count(order),
        long_term_pic_num: 0,
        long_term_frame_idx: 0,
        temporal_id: 0,
    }
}

const fn kinds(is_predicted: bool) -> (StdVideoH264PictureType, StdVideoH264SliceType) {
    match is_predicted {
        true => {
            (StdVideoH264PictureType_STD_VIDEO_H264_PICTURE_TYPE_P, StdVideoH264SliceType_STD_VIDEO_H264_SLICE_TYPE_P)
        }
        false => {
            (StdVideoH264PictureType_STD_VIDEO_H264_PICTURE_TYPE_IDR, StdVideoH264SliceType_STD_VIDEO_H264_SLICE_TYPE_I)
        }
    }
}

/// A step of what changes the list of references (7.3.3.1).
struct Step(StdVideoEncodeH264RefListModEntry);

impl Step {
    const END: Self = Self(StdVideoEncodeH264RefListModEntry {
        modification_of_pic_nums_idc:
            StdVideoH264ModificationOfPicNumsIdc_STD_VIDEO_H264_MODIFICATION_OF_PIC_NUMS_IDC_END,
        abs_diff_pic_num_minus1: 0,
        long_term_pic_num: 0,
    });

    fn back(coding: &Coding, reference: Reference) -> Self {
        let distance = coding.order.wrapping_sub(reference.order).saturating_sub(1);
        Self(StdVideoEncodeH264RefListModEntry {
            modification_of_pic_nums_idc:
                StdVideoH264ModificationOfPicNumsIdc_STD_VIDEO_H264_MODIFICATION_OF_PIC_NUMS_IDC_SHORT_TERM_SUBTRACT,
            abs_diff_pic_num_minus1: u16::try_from(distance).unwrap_or(u16::MAX),
            long_term_pic_num: 0,
        })
    }
}

/// One picture in list 0, which has to be named if it is not the one before.
fn lists(
    coding: &Coding,
    reference: Reference,
    steps: &[StdVideoEncodeH264RefListModEntry; 2],
) -> StdVideoEncodeH264ReferenceListsInfo {
    let mut lists = StdVideoEncodeH264ReferenceListsInfo {
        flags: StdVideoEncodeH264ReferenceListsInfoFlags { _bitfield_align_1: [], _bitfield_1: Default::default() },
        num_ref_idx_l0_active_minus1: 0,
        num_ref_idx_l1_active_minus1: 0,
        RefPicList0: [NOBODY; 32],
        RefPicList1: [NOBODY; 32],
        refList0ModOpCount: 0,
        refList1ModOpCount: 0,
        refPicMarkingOpCount: 0,
        reserved1: [0; 7],
        pRefList0ModOperations: std::ptr::null(),
        pRefList1ModOperations: std::ptr::null(),
        pRefPicMarkingOperations: std::ptr::null(),
    };
    lists.RefPicList0[0] = reference.slot;
    if coding.order.wrapping_sub(reference.order) != 1 {
        lists.flags.set_ref_pic_list_modification_flag_l0(1);
        (lists.refList0ModOpCount, lists.pRefList0ModOperations) = (2, steps.as_ptr());
    }
    lists
}

/// Annex E: what the colours are, and that no picture waits for another.
fn usability(settings: &Settings) -> StdVideoH264SequenceParameterSetVui {
    let Colour { primaries, transfer, matrix, full_range } = settings.colour;
    let mut usability = StdVideoH264SequenceParameterSetVui {
        flags: StdVideoH264SpsVuiFlags {
            _bitfield_align_1: [],
            _bitfield_1: Default::default(),
            __bindgen_padding_0: 0,
        },
        aspect_ratio_idc: 0,
        sar_width: 0,
        sar_height: 0,
        video_format: UNSPECIFIED_FORMAT,
        colour_primaries: primaries,
        transfer_characteristics: transfer,
        matrix_coefficients: matrix,
        num_units_in_tick: 0,
        time_scale: 0,
        max_num_reorder_frames: 0,
        max_dec_frame_buffering: settings.references,
        chroma_sample_loc_type_top_field: 0,
        chroma_sample_loc_type_bottom_field: 0,
        reserved1: 0,
        pHrdParameters: std::ptr::null(),
    };
    usability.flags.set_video_signal_type_present_flag(1);
    usability.flags.set_video_full_range_flag(full_range.into());
    usability.flags.set_color_description_present_flag(1);
    usability.flags.set_bitstream_restriction_flag(1);
    usability
}

fn zeroed_sequence() -> StdVideoH264SequenceParameterSet {
    // SAFETY: numbers and pointers, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

fn zeroed_picture() -> StdVideoH264PictureParameterSet {
    // SAFETY: as above.
    unsafe { std::mem::zeroed() }
}

/// `frame_num` of a picture.
const fn frame_number(order: u32) -> u32 {
    order % (1 << FRAME_NUMBER_BITS)
}

/// `PicOrderCnt` of a picture: frames count two.
const fn order_count(order: u32) -> i32 {
    order.wrapping_mul(2).cast_signed()
}

/// `level_idc` as the interface numbers it: the lowest that is not below.
fn level(idc: u8) -> StdVideoH264LevelIdc {
    let index = LEVELS.iter().position(|level| *level >= idc).unwrap_or(LEVELS.len() - 1);
    StdVideoH264LevelIdc::try_from(index).unwrap_or(0)
}

/// In the interface's order.
const LEVELS: [u8; 19] = [10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62];

/// `log2_max_frame_num`, `log2_max_pic_order_cnt_lsb`: far more pictures than are kept.
const FRAME_NUMBER_BITS: u8 = 8;
const ORDER_BITS: u8 = 8;

pub(super) const MACROBLOCK: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(slices: u32, deblocks: bool) -> Stream {
        let can = Capabilities {
            references: 1,
            most_level: level(51),
            profile: H264Profile::High,
            has_cabac: true,
            has_large_transforms: false,
            deblocks,
        };
        Stream::new(can, (1920, 1088), slices, 0)
    }

    fn settings() -> Settings {
        let colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: true };
        Settings { size: (1918, 1080), level: 62, references: 4, slices: 3, colour, rate: (60, 1), bits_per_second: 1 }
    }

    #[test]
    fn sets_have_what_the_stream_needs_and_the_engine_has() {
        let told = stream(3, true).with_sets(&settings(), &mut |sets| {
            let sets = std::ptr::from_ref(sets).cast::<vk::VideoEncodeH264SessionParametersCreateInfoKHR<'_>>();
            // SAFETY: as `with_sets` wrote them.
            let (sequence, picture) = unsafe {
                let sets = &*(*sets).p_parameters_add_info;
                (&*sets.p_std_sp_ss, &*sets.p_std_pp_ss)
            };
            assert_eq!(sequence.level_idc, level(51), "the engine's highest");
            assert_eq!((sequence.pic_width_in_mbs_minus1, sequence.pic_height_in_map_units_minus1), (119, 67));
            assert_eq!((sequence.frame_crop_right_offset, sequence.frame_crop_bottom_offset), (1, 4));
            assert_eq!((sequence.flags.frame_cropping_flag(), sequence.flags.constraint_set1_flag()), (1, 0));
            // SAFETY: as above.
            let usability = unsafe { &*sequence.pSequenceParameterSetVui };
            assert_eq!((usability.flags.video_full_range_flag(), usability.max_dec_frame_buffering), (1, 4));
            assert_eq!((picture.flags.entropy_coding_mode_flag(), picture.flags.transform_8x8_mode_flag()), (1, 0));
            vk::Result::SUCCESS
        });
        assert_eq!(told, vk::Result::SUCCESS);
    }

    #[test]
    fn a_picture_names_another_reference_than_the_one_before() {
        let stream = stream(3, false);
        for (order, reference, changes) in [(0, None, 0), (9, Some(8), 0), (260, Some(257), 2)] {
            let reference = reference.map(|order| Reference { slot: 3, order });
            let coding = Coding { reference, slot: 1, order, idr: 7, kept: Vec::new() };
            stream.with_picture(&coding, &mut |picture| {
                let picture = std::ptr::from_ref(picture.picture).cast::<vk::VideoEncodeH264PictureInfoKHR<'_>>();
                // SAFETY: as `with_picture` wrote them.
                let (slices, info) = unsafe {
                    let picture = &*picture;
                    let count = picture.nalu_slice_entry_count as usize;
                    let entries = std::slice::from_raw_parts(picture.p_nalu_slice_entries, count);
                    let slices: Vec<_> = entries.iter().map(|entry| *entry.p_std_slice_header).collect();
                    (slices, &*picture.p_std_picture_info)
                };
                let firsts: Vec<_> = slices.iter().map(|slice| slice.first_mb_in_slice).collect();
                assert_eq!(firsts, [0, 23 * 120, 46 * 120]);
                assert_eq!(slices[0].disable_deblocking_filter_idc, 1);
                assert_eq!((info.frame_num, info.PicOrderCnt), (order % 256, order.cast_signed() * 2));
                assert_eq!(info.flags.IdrPicFlag() == 1, reference.is_none());
                // SAFETY: as above.
                let Some(lists) = (unsafe { info.pRefLists.as_ref() }) else { return assert!(reference.is_none()) };
                assert_eq!((lists.RefPicList0[0], lists.RefPicList0[1]), (3, 0xFF));
                assert_eq!(lists.refList0ModOpCount, changes);
                if changes > 0 {
                    // SAFETY: as above.
                    let steps = unsafe { std::slice::from_raw_parts(lists.pRefList0ModOperations, 2) };
                    let idcs: Vec<_> = steps.iter().map(|step| step.modification_of_pic_nums_idc).collect();
                    assert_eq!((idcs, steps[0].abs_diff_pic_num_minus1), (vec![0, 3], 2));
                }
            });
        }
    }
}
