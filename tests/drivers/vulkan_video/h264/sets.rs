//! Parameter sets: checked, and written as a driver writes them (ITU-T H.264, 7.3.2.1.1,
//! 7.3.2.2 and E.1.1). What no encoder of low latency needs is refused.

use ash::vk;
use ash::vk::native::{
    StdVideoH264PictureParameterSet, StdVideoH264SequenceParameterSet, StdVideoH264SequenceParameterSetVui,
};

use crate::bits::Writer;
use crate::capabilities::{Profile, count, get};
use crate::nal;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::Session;

/// Both sets, as far as anything depends on them.
#[derive(Clone, Debug)]
pub(crate) struct Sets {
    pub(crate) profile: u32,
    constraints: u32,
    /// As the interface numbers levels.
    level: u32,
    pub(crate) frame_number_bits: u32,
    pub(crate) order_bits: u32,
    pub(crate) references: u32,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// Left, right, top, bottom.
    cropping: [u32; 4],
    usability: Usability,
    pub(crate) has_cabac: bool,
    pub(crate) large_transforms: bool,
    pub(crate) quantizer: i32,
    pub(crate) deblocking_control: bool,
}

/// What the colours are, and how decoders wait.
#[derive(Clone, Debug)]
struct Usability {
    format: u32,
    full_range: bool,
    /// Primaries, transfer, matrix.
    points: [u32; 3],
    buffering: u32,
}

impl Sets {
    /// Out of the program's structures.
    ///
    /// # Safety
    /// As `vkCreateVideoSessionParametersKHR` takes them.
    pub(crate) unsafe fn read(added: &vk::VideoEncodeH264SessionParametersAddInfoKHR<'_>) -> Result<Self> {
        require_equal("parameter sets", (added.std_sps_count, added.std_pps_count), (1, 1))?;
        // SAFETY: the caller's contract.
        unsafe { Self::of(&*added.p_std_sp_ss, &*added.p_std_pp_ss) }
    }

    unsafe fn of(
        sequence: &StdVideoH264SequenceParameterSet,
        picture: &StdVideoH264PictureParameterSet,
    ) -> Result<Self> {
        let flags = &sequence.flags;
        for (name, found, expected) in [
            ("chroma_format_idc", sequence.chroma_format_idc, 1),
            ("seq_parameter_set_id", sequence.seq_parameter_set_id.into(), 0),
            ("bit_depth_luma_minus8", sequence.bit_depth_luma_minus8.into(), 0),
            ("bit_depth_chroma_minus8", sequence.bit_depth_chroma_minus8.into(), 0),
            ("pic_order_cnt_type", sequence.pic_order_cnt_type, 0),
            ("frame_mbs_only_flag", flags.frame_mbs_only_flag(), 1),
            ("direct_8x8_inference_flag", flags.direct_8x8_inference_flag(), 1),
            ("mb_adaptive_frame_field_flag", flags.mb_adaptive_frame_field_flag(), 0),
            ("separate_colour_plane_flag", flags.separate_colour_plane_flag(), 0),
            ("gaps_in_frame_num_value_allowed_flag", flags.gaps_in_frame_num_value_allowed_flag(), 0),
            ("qpprime_y_zero_transform_bypass_flag", flags.qpprime_y_zero_transform_bypass_flag(), 0),
            ("seq_scaling_matrix_present_flag", flags.seq_scaling_matrix_present_flag(), 0),
            ("reserved1 and reserved2", u32::from(sequence.reserved1) + sequence.reserved2, 0),
            ("weighted_pred_flag", picture.flags.weighted_pred_flag(), 0),
            ("weighted_bipred_idc", picture.weighted_bipred_idc, 0),
            ("constrained_intra_pred_flag", picture.flags.constrained_intra_pred_flag(), 0),
            ("redundant_pic_cnt_present_flag", picture.flags.redundant_pic_cnt_present_flag(), 0),
            ("pic_scaling_matrix_present_flag", picture.flags.pic_scaling_matrix_present_flag(), 0),
            ("num_ref_idx_l0_default_active_minus1", picture.num_ref_idx_l0_default_active_minus1.into(), 0),
            (
                "parameter sets of the picture",
                u32::from(picture.pic_parameter_set_id | picture.seq_parameter_set_id),
                0,
            ),
        ] {
            require_equal(name, found, expected)?;
        }
        let offsets = (picture.chroma_qp_index_offset, picture.second_chroma_qp_index_offset);
        require_equal("chroma offsets", offsets, (0, 0))?;
        let cropping = [
            sequence.frame_crop_left_offset,
            sequence.frame_crop_right_offset,
            sequence.frame_crop_top_offset,
            sequence.frame_crop_bottom_offset,
        ];
        require_equal("frame_cropping_flag", flags.frame_cropping_flag() == 1, cropping != [0; 4])?;
        require_equal("vui_parameters_present_flag", flags.vui_parameters_present_flag(), 1)?;
        // SAFETY: as the flag says.
        let usability = unsafe { sequence.pSequenceParameterSetVui.as_ref() };
        let usability = Usability::read(usability.ok_or_else(|| violation("no VUI"))?)?;
        let constraint = |flag: u32, bit: u32| flag << (7 - bit);
        Ok(Self {
            profile: sequence.profile_idc,
            constraints: constraint(flags.constraint_set0_flag(), 0)
                | constraint(flags.constraint_set1_flag(), 1)
                | constraint(flags.constraint_set2_flag(), 2)
                | constraint(flags.constraint_set3_flag(), 3)
                | constraint(flags.constraint_set4_flag(), 4)
                | constraint(flags.constraint_set5_flag(), 5),
            level: sequence.level_idc,
            frame_number_bits: u32::from(sequence.log2_max_frame_num_minus4) + 4,
            order_bits: u32::from(sequence.log2_max_pic_order_cnt_lsb_minus4) + 4,
            references: sequence.max_num_ref_frames.into(),
            columns: sequence.pic_width_in_mbs_minus1 + 1,
            rows: sequence.pic_height_in_map_units_minus1 + 1,
            cropping,
            usability,
            has_cabac: picture.flags.entropy_coding_mode_flag() == 1,
            large_transforms: picture.flags.transform_8x8_mode_flag() == 1,
            quantizer: i32::from(picture.pic_init_qp_minus26) + 26,
            deblocking_control: picture.flags.deblocking_filter_control_present_flag() == 1,
        })
    }

    /// What the profile, the engine and the session allow.
    pub(crate) fn check(&self, session: &Session) -> Result {
        require_equal("profile", Profile::H264 { number: self.profile }, session.profile)?;
        let constraints = [(66, 0xc0), (77, 0x40), (100, 0)].iter().find(|(profile, _)| *profile == self.profile);
        require_equal("constraints of the profile", Some(self.constraints), constraints.map(|(_, flags)| *flags))?;
        require(self.level <= count("level"), || format!("level {} of {}", self.level, count("level")))?;
        let cabac = get("cabac") == 1 && self.profile != 66;
        require(cabac || !self.has_cabac, || "CABAC that is not there".to_owned())?;
        let transforms = get("transforms") == 1 && self.profile == 100;
        require(transforms || !self.large_transforms, || "8x8 transforms that are not there".to_owned())?;
        let slots = u32::try_from(session.slots.len()).unwrap_or(0);
        require((1..slots).contains(&self.references), || format!("{} references in {slots}", self.references))?;
        let (width, height) = (self.columns * 16, self.rows * 16);
        let fits = width <= session.most.width && height <= session.most.height;
        require(fits, || format!("{width}x{height} pixels in a session of {:?}", session.most))?;
        require_equal("max_dec_frame_buffering", self.usability.buffering, self.references)
    }

    /// As they go into the stream.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut sets = nal::escape(&[0x67], &self.sequence().bytes);
        sets.extend(nal::escape(&[0x68], &self.picture().bytes));
        sets
    }

    fn sequence(&self) -> Writer {
        let mut bits = Writer::default();
        bits.put(self.profile, 8);
        bits.put(self.constraints, 8);
        bits.put(LEVELS[self.level as usize], 8);
        bits.ue(0);
        if self.profile == 100 {
            [1, 0, 0].iter().for_each(|value| bits.ue(*value));
            bits.put(0, 2);
        }
        for value in [self.frame_number_bits - 4, 0, self.order_bits - 4, self.references] {
            bits.ue(value);
        }
        bits.bit(false);
        bits.ue(self.columns - 1);
        bits.ue(self.rows - 1);
        bits.put(0b11, 2);
        bits.bit(self.cropping != [0; 4]);
        if self.cropping != [0; 4] {
            self.cropping.iter().for_each(|value| bits.ue(*value));
        }
        bits.bit(true);
        self.usability.write(&mut bits);
        bits.trailing();
        bits
    }

    fn picture(&self) -> Writer {
        let mut bits = Writer::default();
        bits.put(0b11, 2);
        bits.bit(self.has_cabac);
        bits.bit(false);
        bits.put(0b111, 3);
        bits.put(0, 3);
        bits.se(self.quantizer - 26);
        bits.put(0b11, 2);
        bits.bit(self.deblocking_control);
        bits.put(0, 2);
        if self.profile == 100 {
            bits.bit(self.large_transforms);
            bits.put(0b01, 2);
        }
        bits.trailing();
        bits
    }

    /// For the test.
    pub(crate) fn told(&self) -> String {
        format!(
            "profile={} level={} cabac={} transforms={} references={} matrix={} full_range={}",
            self.profile,
            LEVELS[self.level as usize],
            u8::from(self.has_cabac),
            u8::from(self.large_transforms),
            self.references,
            self.usability.points[2],
            u8::from(self.usability.full_range),
        )
    }
}

impl Usability {
    fn read(found: &StdVideoH264SequenceParameterSetVui) -> Result<Self> {
        for (name, found, expected) in [
            ("aspect_ratio_info_present_flag", found.flags.aspect_ratio_info_present_flag(), 0),
            ("overscan_info_present_flag", found.flags.overscan_info_present_flag(), 0),
            ("video_signal_type_present_flag", found.flags.video_signal_type_present_flag(), 1),
            ("color_description_present_flag", found.flags.color_description_present_flag(), 1),
            ("chroma_loc_info_present_flag", found.flags.chroma_loc_info_present_flag(), 0),
            ("timing_info_present_flag", found.flags.timing_info_present_flag(), 0),
            ("nal_hrd_parameters_present_flag", found.flags.nal_hrd_parameters_present_flag(), 0),
            ("vcl_hrd_parameters_present_flag", found.flags.vcl_hrd_parameters_present_flag(), 0),
            ("bitstream_restriction_flag", found.flags.bitstream_restriction_flag(), 1),
            ("max_num_reorder_frames", found.max_num_reorder_frames.into(), 0),
        ] {
            require_equal(name, found, expected)?;
        }
        let points = [found.colour_primaries, found.transfer_characteristics, found.matrix_coefficients];
        Ok(Self {
            format: found.video_format.into(),
            full_range: found.flags.video_full_range_flag() == 1,
            points: points.map(u32::from),
            buffering: found.max_dec_frame_buffering.into(),
        })
    }

    fn write(&self, bits: &mut Writer) {
        bits.put(0, 2);
        bits.bit(true);
        bits.put(self.format, 3);
        bits.bit(self.full_range);
        bits.bit(true);
        self.points.iter().for_each(|point| bits.put(*point, 8));
        bits.put(0, 5);
        bits.put(0b11, 2);
        for value in [0, 0, 15, 15, 0, self.buffering] {
            bits.ue(value);
        }
    }
}

/// `level_idc`, in the interface's order.
const LEVELS: [u32; 19] = [10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62];
