//! Parameter sets: read out of packed headers, or made of the parameters, which say the
//! same.
//!
//! ITU-T H.264, 7.3.2.1.1, 7.3.2.2 and E.1.1; what no encoder of low latency needs (fields,
//! scaling lists, slice groups, HRD) is refused.

use earthshine_ffi::vaapi::bits::{h264_picture, h264_sequence, h264_vui};
use earthshine_ffi::vaapi::sys::*;

use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::{self, Unit};

/// Both sets, as far as anything depends on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) profile: u32,
    pub(crate) level: u32,
    pub(crate) frame_number_bits: u32,
    pub(crate) order_type: u32,
    pub(crate) order_bits: u32,
    pub(crate) references: u32,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// Left, right, top, bottom.
    pub(crate) cropping: [u32; 4],
    pub(crate) has_cabac: bool,
    pub(crate) large_transforms: bool,
    pub(crate) quantizer: i32,
    pub(crate) deblocking_control: bool,
}

/// What only a packed header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Colours {
    pub(crate) full_range: bool,
    /// Primaries, transfer, matrix.
    pub(crate) points: [u32; 3],
}

impl Sets {
    /// Out of the parameters.
    pub(crate) fn of(
        profile: VAProfile,
        sequence: &VAEncSequenceParameterBufferH264,
        picture: &VAEncPictureParameterBufferH264,
    ) -> Result<Self> {
        let fields = sequence.seq_fields;
        for (name, bits, value) in [
            ("chroma_format_idc", h264_sequence::CHROMA_FORMAT_IDC, 1),
            ("frame_mbs_only_flag", h264_sequence::FRAME_MBS_ONLY_FLAG, 1),
            ("mb_adaptive_frame_field_flag", h264_sequence::MB_ADAPTIVE_FRAME_FIELD_FLAG, 0),
            ("seq_scaling_matrix_present_flag", h264_sequence::SEQ_SCALING_MATRIX_PRESENT_FLAG, 0),
            ("direct_8x8_inference_flag", h264_sequence::DIRECT_8X8_INFERENCE_FLAG, 1),
        ] {
            require_equal(name, bits.get(fields), value)?;
        }
        let picture_fields = picture.pic_fields;
        for (name, bits) in [
            ("weighted_pred_flag", h264_picture::WEIGHTED_PRED_FLAG),
            ("constrained_intra_pred_flag", h264_picture::CONSTRAINED_INTRA_PRED_FLAG),
            ("redundant_pic_cnt_present_flag", h264_picture::REDUNDANT_PIC_CNT_PRESENT_FLAG),
            ("pic_order_present_flag", h264_picture::PIC_ORDER_PRESENT_FLAG),
            ("pic_scaling_matrix_present_flag", h264_picture::PIC_SCALING_MATRIX_PRESENT_FLAG),
        ] {
            require_equal(name, bits.get(picture_fields), 0)?;
        }
        let cropping = [
            sequence.frame_crop_left_offset,
            sequence.frame_crop_right_offset,
            sequence.frame_crop_top_offset,
            sequence.frame_crop_bottom_offset,
        ];
        require_equal("frame_cropping_flag", sequence.frame_cropping_flag == 1, cropping != [0; 4])?;
        Ok(Self {
            profile: match profile {
                VAProfile::VAProfileH264ConstrainedBaseline => 66,
                VAProfile::VAProfileH264Main => 77,
                _ => 100,
            },
            level: sequence.level_idc.into(),
            frame_number_bits: h264_sequence::LOG2_MAX_FRAME_NUM_MINUS4.get(fields) + 4,
            order_type: h264_sequence::PIC_ORDER_CNT_TYPE.get(fields),
            order_bits: h264_sequence::LOG2_MAX_PIC_ORDER_CNT_LSB_MINUS4.get(fields) + 4,
            references: sequence.max_num_ref_frames,
            columns: sequence.picture_width_in_mbs.into(),
            rows: sequence.picture_height_in_mbs.into(),
            cropping,
            has_cabac: h264_picture::ENTROPY_CODING_MODE_FLAG.get(picture_fields) == 1,
            large_transforms: h264_picture::TRANSFORM_8X8_MODE_FLAG.get(picture_fields) == 1,
            quantizer: picture.pic_init_qp.into(),
            deblocking_control: h264_picture::DEBLOCKING_FILTER_CONTROL_PRESENT_FLAG.get(picture_fields) == 1,
        })
    }

    /// What the profile allows.
    pub(crate) fn check(&self) -> Result {
        require_equal("pic_order_cnt_type", self.order_type, 0)?;
        require(self.profile != 66 || !self.has_cabac, || "CABAC in Baseline".to_owned())?;
        require(self.profile == 100 || !self.large_transforms, || "8x8 transforms below High".to_owned())?;
        require((1..=16).contains(&self.references), || format!("{} references", self.references))?;
        let macroblocks = self.columns * self.rows;
        let (_, most, kept) = LEVELS.iter().find(|level| level.0 >= self.level).unwrap_or(&(0, 0, 0));
        require(macroblocks <= *most && macroblocks * self.references <= *kept, || {
            format!("{macroblocks} macroblocks and {} references in level {}", self.references, self.level)
        })
    }

    /// Out of a packed header.
    pub(crate) fn read(units: &[Unit]) -> Result<(Self, Colours)> {
        let [sequence, picture] = units else {
            require(false, || format!("{} units for two parameter sets", units.len()))?;
            unreachable!("that is an error");
        };
        require_equal("header of the sequence parameter set", sequence.header.as_slice(), &[0x67][..])?;
        require_equal("header of the picture parameter set", picture.header.as_slice(), &[0x68][..])?;
        let mut sets = Self {
            profile: 0,
            level: 0,
            frame_number_bits: 0,
            order_type: 0,
            order_bits: 0,
            references: 0,
            columns: 0,
            rows: 0,
            cropping: [0; 4],
            has_cabac: false,
            large_transforms: false,
            quantizer: 0,
            deblocking_control: false,
        };
        let colours = sets.read_sequence(&mut Reader::new(&sequence.payload, sequence.bits))?;
        sets.read_picture(&mut Reader::new(&picture.payload, picture.bits))?;
        Ok((sets, colours))
    }

    fn read_sequence(&mut self, bits: &mut Reader<'_>) -> Result<Colours> {
        self.profile = bits.bits(8)?;
        let constraints = bits.bits(8)?;
        let expected = [(66, 0xc0), (77, 0x40), (100, 0)].iter().find(|(profile, _)| *profile == self.profile);
        require_equal("constraints of the profile", Some(constraints), expected.map(|(_, flags)| *flags))?;
        self.level = bits.bits(8)?;
        require_equal("seq_parameter_set_id", bits.ue()?, 0)?;
        if self.profile == 100 {
            let (chroma, luma_depth, chroma_depth) = (bits.ue()?, bits.ue()?, bits.ue()?);
            require_equal("chroma and depths", (chroma, luma_depth, chroma_depth), (1, 0, 0))?;
            require_equal("lossless and scaling", (bits.bit()?, bits.bit()?), (false, false))?;
        }
        self.frame_number_bits = bits.ue()? + 4;
        self.order_type = bits.ue()?;
        require_equal("pic_order_cnt_type", self.order_type, 0)?;
        self.order_bits = bits.ue()? + 4;
        self.references = bits.ue()?;
        require_equal("gaps_in_frame_num_value_allowed_flag", bits.bit()?, false)?;
        (self.columns, self.rows) = (bits.ue()? + 1, bits.ue()? + 1);
        require_equal("frames only, and direct_8x8_inference_flag", (bits.bit()?, bits.bit()?), (true, true))?;
        if bits.bit()? {
            self.cropping = [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?];
        }
        require(bits.bit()?, || "no VUI".to_owned())?;
        let colours = self.read_usability(bits)?;
        bits.trailing("the sequence parameter set")?;
        Ok(colours)
    }

    fn read_usability(&self, bits: &mut Reader<'_>) -> Result<Colours> {
        require_equal("aspect ratio and overscan", (bits.bit()?, bits.bit()?), (false, false))?;
        require(bits.bit()?, || "no video_signal_type".to_owned())?;
        bits.bits(3)?;
        let full_range = bits.bit()?;
        require(bits.bit()?, || "no colour description".to_owned())?;
        let points = [bits.bits(8)?, bits.bits(8)?, bits.bits(8)?];
        for what in ["chroma location", "timing", "NAL HRD", "VCL HRD", "picture structure"] {
            require(!bits.bit()?, || format!("{what} is not looked into here"))?;
        }
        require(bits.bit()?, || "no bitstream_restriction: decoders wait for reordered pictures".to_owned())?;
        bits.bit()?;
        for _ in 0..4 {
            bits.ue()?;
        }
        require_equal("max_num_reorder_frames", bits.ue()?, 0)?;
        require_equal("max_dec_frame_buffering", bits.ue()?, self.references)?;
        Ok(Colours { full_range, points })
    }

    fn read_picture(&mut self, bits: &mut Reader<'_>) -> Result {
        require_equal("pic_ and seq_parameter_set_id", (bits.ue()?, bits.ue()?), (0, 0))?;
        self.has_cabac = bits.bit()?;
        require_equal("pic_order_present_flag", bits.bit()?, false)?;
        require_equal("slice groups", bits.ue()?, 0)?;
        require_equal("default sizes of the lists", (bits.ue()?, bits.ue()?), (0, 0))?;
        require_equal("weights", (bits.bit()?, bits.bits(2)?), (false, 0))?;
        self.quantizer = bits.se()? + 26;
        bits.se()?;
        require_equal("chroma_qp_index_offset", bits.se()?, 0)?;
        self.deblocking_control = bits.bit()?;
        require_equal("constrained intra, and redundancy", (bits.bit()?, bits.bit()?), (false, false))?;
        if self.profile == 100 {
            self.large_transforms = bits.bit()?;
            require_equal("scaling, and second chroma offset", (bits.bit()?, bits.se()?), (false, 0))?;
        }
        bits.trailing("the picture parameter set")
    }

    /// Both sets, of a driver that takes none from the program.
    pub(crate) fn write(&self, sequence: &VAEncSequenceParameterBufferH264) -> Vec<u8> {
        let mut bits = Writer::default();
        bits.put(self.profile, 8);
        bits.put(if self.profile == 66 { 0xc0 } else { 0 }, 8);
        bits.put(self.level, 8);
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
        let restricts = h264_vui::BITSTREAM_RESTRICTION_FLAG.get(sequence.vui_fields) == 1;
        let has_vui = sequence.vui_parameters_present_flag == 1 && restricts;
        bits.bit(has_vui);
        if has_vui {
            // Restrictions and nothing else: the parameters have no place for colours.
            bits.put(0b11, 10);
            for value in [0, 0, 15, 15, 0, self.references] {
                bits.ue(value);
            }
        }
        bits.trailing();
        let mut sets = nal::escape(&[0x67], &bits.bytes);
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
        sets.extend(nal::escape(&[0x68], &bits.bytes));
        sets
    }
}

/// Table A-1: level, macroblocks in a picture, and in all that are kept.
const LEVELS: [(u32, u32, u32); 12] = [
    (30, 1620, 8100),
    (31, 3600, 18_000),
    (32, 5120, 20_480),
    (40, 8192, 32_768),
    (41, 8192, 32_768),
    (42, 8704, 34_816),
    (50, 22_080, 110_400),
    (51, 36_864, 184_320),
    (52, 36_864, 184_320),
    (60, 139_264, 696_320),
    (61, 139_264, 696_320),
    (62, 139_264, 696_320),
];
