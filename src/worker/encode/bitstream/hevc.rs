//! Parameter sets and slice headers of HEVC.
//!
//! Syntax of ITU-T H.265 (08/2021): 7.3.2.1 to 7.3.2.3 and 7.3.3 for the sets, 7.3.6.1 for
//! slices, 7.3.7 for the pictures that are kept, Annex A for profiles and levels, Annex E
//! for colours. Progressive 4:2:0 at 8 or 10 bits, no reordering, every picture a
//! reference.

use super::nal::{self, Packed};
use super::writer::BitWriter;
use crate::color::{ColorRange, Colorimetry};
use crate::units::Size;
use crate::worker::convert::color_matrix;

/// Sizes of blocks and the tools that an engine uses: it says what it has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tools {
    /// `CtbLog2SizeY`.
    pub largest_block: u32,
    /// `MinCbLog2SizeY`.
    pub smallest_block: u32,
    /// `MinTbLog2SizeY` and `MaxTbLog2SizeY`.
    pub transforms: (u32, u32),
    /// `max_transform_hierarchy_depth_inter` and `_intra`.
    pub transform_depths: (u32, u32),
    /// `amp_enabled_flag`.
    pub asymmetric_motion: bool,
    /// `sample_adaptive_offset_enabled_flag`.
    pub adaptive_offset: bool,
    /// `strong_intra_smoothing_enabled_flag`.
    pub strong_smoothing: bool,
    /// `sign_data_hiding_enabled_flag`.
    pub sign_hiding: bool,
    /// `transform_skip_enabled_flag`.
    pub transform_skip: bool,
    /// `cu_qp_delta_enabled_flag`: the quantizer varies within a picture.
    pub quantizer_varies: bool,
    /// What refers to one picture does so by both lists, as engines want that know no P
    /// slices.
    pub both_lists: bool,
}

/// What holds for a whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Main 10 instead of Main.
    pub ten_bit: bool,
    /// `general_level_idc`.
    pub level: u8,
    /// Pixels that are shown, even both ways.
    pub size: Size,
    /// Pictures that a decoder keeps.
    pub references: u8,
    /// How its samples are colours.
    pub colorimetry: Colorimetry,
    /// How it is coded.
    pub tools: Tools,
}

/// A slice of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Its first coding tree block.
    pub address: u32,
    /// Pictures since the last IDR picture; 0 for that itself, which refers to nothing.
    pub order: u32,
    /// How far before it the pictures are that stay, nearest first; whether it refers to
    /// them.
    pub kept: Vec<(u32, bool)>,
}

impl Sequence {
    /// Size of the pictures in whole blocks.
    #[must_use]
    pub const fn coded_size(&self) -> Size {
        let block = 1 << self.tools.smallest_block;
        Size::new(self.size.width.next_multiple_of(block), self.size.height.next_multiple_of(block))
    }

    /// Coding tree blocks in a row, and rows of them.
    #[must_use]
    pub const fn blocks(&self) -> (u32, u32) {
        let (size, block) = (self.coded_size(), 1 << self.tools.largest_block);
        (size.width.div_ceil(block), size.height.div_ceil(block))
    }

    /// All three parameter sets, as units.
    #[must_use]
    pub fn parameter_sets(&self) -> Packed {
        let mut sets = self.video_parameter_set();
        sets.append(&self.sequence_parameter_set());
        sets.append(&self.picture_parameter_set());
        sets
    }

    fn video_parameter_set(&self) -> Packed {
        let mut bits = BitWriter::default();
        // Base layer, within this stream; one layer, one sub-layer, nested.
        bits.put(0, 4).put(0b11, 2).put(0, 6).put(0, 3).flag(true).put(0xFFFF, 16);
        self.put_profile(&mut bits);
        self.put_ordering(&mut bits);
        // One layer set, no timing, no extension.
        bits.put(0, 6).ue(0).flag(false).flag(false);
        nal::unit(&header(32), bits.trailing())
    }

    /// 7.3.3.
    fn put_profile(&self, bits: &mut BitWriter) {
        let profile = if self.ten_bit { 2 } else { 1 };
        bits.put(0, 2).flag(false).put(profile, 5);
        // A Main stream is a Main 10 stream, too.
        bits.put(if self.ten_bit { 1 << 29 } else { 3 << 29 }, 32);
        // Progressive, not interlaced, packing unknown, frames only.
        bits.put(0b1001, 4).put(0, 32).put(0, 11).flag(false);
        bits.put(self.level.into(), 8);
    }

    /// `*_sub_layer_ordering_info`: no picture waits for another.
    fn put_ordering(&self, bits: &mut BitWriter) {
        bits.flag(true).ue(self.references.into()).ue(0).ue(0);
    }

    fn sequence_parameter_set(&self) -> Packed {
        let (tools, size) = (&self.tools, self.coded_size());
        let mut bits = BitWriter::default();
        bits.put(0, 4).put(0, 3).flag(true);
        self.put_profile(&mut bits);
        bits.ue(0).ue(1).ue(size.width).ue(size.height);
        let (right, bottom) = ((size.width - self.size.width) / 2, (size.height - self.size.height) / 2);
        bits.flag(right + bottom > 0);
        if right + bottom > 0 {
            bits.ue(0).ue(right).ue(0).ue(bottom);
        }
        let depth = if self.ten_bit { 2 } else { 0 };
        bits.ue(depth).ue(depth).ue(ORDER_BITS - 4);
        self.put_ordering(&mut bits);
        bits.ue(tools.smallest_block - 3).ue(tools.largest_block - tools.smallest_block);
        bits.ue(tools.transforms.0 - 2).ue(tools.transforms.1 - tools.transforms.0);
        bits.ue(tools.transform_depths.0).ue(tools.transform_depths.1);
        // Flat scaling, no raw blocks.
        bits.flag(false).flag(tools.asymmetric_motion).flag(tools.adaptive_offset).flag(false);
        // Each slice says which pictures are kept; none for long, no predicted motion.
        bits.ue(0).flag(false).flag(false).flag(tools.strong_smoothing);
        bits.flag(true);
        self.put_usability(&mut bits);
        bits.flag(false);
        nal::unit(&header(33), bits.trailing())
    }

    /// Annex E.
    fn put_usability(&self, bits: &mut BitWriter) {
        let points = color_matrix::code_points(self.colorimetry.space);
        bits.flag(false).flag(false);
        bits.flag(true).put(UNSPECIFIED_FORMAT, 3).flag(self.colorimetry.range == ColorRange::Full);
        bits.flag(true).put(points.primaries.into(), 8).put(points.transfer.into(), 8).put(points.matrix.into(), 8);
        // No chroma location, neutral chroma, fields, field information, display window,
        // timing or restrictions.
        bits.put(0, 7);
    }

    fn picture_parameter_set(&self) -> Packed {
        let tools = &self.tools;
        let mut bits = BitWriter::default();
        // No dependent slices, no output flag, no extra bits.
        bits.ue(0).ue(0).flag(false).flag(false).put(0, 3);
        bits.flag(tools.sign_hiding).flag(false).ue(0).ue(0).se(0);
        bits.flag(false).flag(tools.transform_skip).flag(tools.quantizer_varies);
        if tools.quantizer_varies {
            bits.ue(0);
        }
        // No chroma offsets, weights, lossless coding, tiles or wavefronts.
        bits.se(0).se(0).put(0, 6);
        // Filters go across slices; deblocking as it is; no scaling, no other lists.
        bits.flag(true).flag(false).flag(false).flag(false);
        bits.ue(0).flag(false).flag(false);
        nal::unit(&header(34), bits.trailing())
    }

    /// A slice's header, which ends at a whole byte, where its blocks begin.
    #[must_use]
    pub fn slice_header(&self, slice: &Slice) -> Packed {
        let mut bits = BitWriter::default();
        let is_idr = slice.order == 0;
        bits.flag(slice.address == 0);
        if is_idr {
            bits.flag(false);
        }
        bits.ue(0);
        if slice.address != 0 {
            let (columns, rows) = self.blocks();
            bits.put(slice.address, (columns * rows - 1).ilog2() + 1);
        }
        bits.ue(if is_idr { I } else { self.predicted() });
        if !is_idr {
            bits.put(order_bits(slice.order), ORDER_BITS).flag(false);
            put_kept(&mut bits, &slice.kept);
        }
        if self.tools.adaptive_offset {
            bits.flag(true).flag(true);
        }
        if !is_idr {
            // One picture in each list.
            bits.flag(false);
            if self.tools.both_lists {
                bits.flag(false);
            }
            // Five candidates to merge with.
            bits.ue(0);
        }
        bits.se(0).flag(true);
        let unit = if is_idr { IDR } else { TRAIL };
        nal::unit(&header(unit), bits.trailing())
    }

    /// `slice_type` of what refers to a picture.
    #[must_use]
    pub const fn predicted(&self) -> u32 {
        if self.tools.both_lists { B } else { P }
    }
}

/// 7.3.7: all before the current one, which refers to those that are marked.
fn put_kept(bits: &mut BitWriter, kept: &[(u32, bool)]) {
    bits.ue(u32::try_from(kept.len()).unwrap_or(0)).ue(0);
    let mut before = 0;
    for &(distance, used) in kept {
        bits.ue(distance - before - 1).flag(used);
        before = distance;
    }
}

/// 7.3.1.2: of the base layer, of the lowest sub-layer.
const fn header(unit: u8) -> [u8; 2] {
    [unit << 1, 1]
}

/// `slice_pic_order_cnt_lsb` of a picture.
const fn order_bits(order: u32) -> u32 {
    order % (1 << ORDER_BITS)
}

/// `general_level_idc` that a stream needs, in the main tier: the lowest of Annex A that
/// has all of it.
#[must_use]
pub fn level(size: Size, millihertz: u32, bits_per_second: u64) -> u8 {
    let samples = u64::from(size.width) * u64::from(size.height);
    let rate = (samples * u64::from(millihertz)).div_ceil(1000);
    let enough =
        |level: &&(u8, u64, u64, u64)| level.1 >= samples && level.2 >= rate && level.3 * 1000 >= bits_per_second;
    LEVELS.iter().find(enough).unwrap_or(&LEVELS[LEVELS.len() - 1]).0
}

/// Tables A.8 and A.9, from level 3 on: `general_level_idc`, samples in a picture, samples
/// per second, thousands of bits per second in the main tier. Six pictures are kept in
/// pictures of the largest size, more in smaller ones.
const LEVELS: [(u8, u64, u64, u64); 11] = [
    (90, 552_960, 16_588_800, 6000),
    (93, 983_040, 33_177_600, 10_000),
    (120, 2_228_224, 66_846_720, 12_000),
    (123, 2_228_224, 133_693_440, 20_000),
    (150, 8_912_896, 267_386_880, 25_000),
    (153, 8_912_896, 534_773_760, 40_000),
    (156, 8_912_896, 1_069_547_520, 60_000),
    (180, 35_651_584, 1_069_547_520, 60_000),
    (183, 35_651_584, 2_139_095_040, 120_000),
    (186, 35_651_584, 4_278_190_080, 240_000),
    (255, u64::MAX, u64::MAX, u64::MAX / 1000),
];

/// `log2_max_pic_order_cnt_lsb`: half of it is more than pictures that may be lost in a row
/// while another reference is left.
pub const ORDER_BITS: u32 = 8;

/// `video_format` of what was never analogue.
const UNSPECIFIED_FORMAT: u32 = 5;

/// `nal_unit_type` of IDR pictures that nothing before them follows (`IDR_N_LP`).
pub const IDR: u8 = 20;
/// `nal_unit_type` of others (`TRAIL_R`).
pub const TRAIL: u8 = 1;

/// `slice_type`.
const B: u32 = 0;
const P: u32 = 1;
const I: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;

    fn sequence(ten_bit: bool, both_lists: bool) -> Sequence {
        Sequence {
            ten_bit,
            level: 120,
            size: Size::new(1366, 766),
            references: 4,
            colorimetry: Colorimetry { space: ColorSpace::Bt2020, range: ColorRange::Limited },
            tools: Tools {
                largest_block: 6,
                smallest_block: 3,
                transforms: (2, 5),
                transform_depths: (2, 1),
                asymmetric_motion: true,
                adaptive_offset: true,
                strong_smoothing: true,
                sign_hiding: false,
                transform_skip: true,
                quantizer_varies: true,
                both_lists,
            },
        }
    }

    #[test]
    fn levels_have_what_a_stream_needs() {
        let level = |width, height, hertz: u32, megabits: u64| {
            super::level(Size::new(width, height), hertz * 1000, megabits * 1_000_000)
        };
        assert_eq!(level(1280, 720, 60, 5), 120);
        assert_eq!(level(1920, 1080, 60, 20), 123);
        assert_eq!(level(1920, 1080, 60, 50), 156);
        assert_eq!(level(3840, 2160, 120, 50), 156);
        assert_eq!(level(20000, 20000, 60, 5), 255, "without a level");
    }

    #[test]
    fn what_ffmpeg_reads_is_what_was_written() {
        for (ten_bit, both_lists) in [(false, false), (true, true)] {
            let sequence = sequence(ten_bit, both_lists);
            assert_eq!((sequence.coded_size(), sequence.blocks()), (Size::new(1368, 768), (22, 12)));
            let idr = Slice { address: 0, order: 0, kept: Vec::new() };
            let second = Slice { address: 44, ..idr.clone() };
            let later = Slice { address: 22, order: 300, kept: vec![(3, true), (4, false), (7, false)] };
            let mut stream = sequence.parameter_sets().bytes;
            for slice in [&idr, &second, &later] {
                let header = sequence.slice_header(slice);
                assert!(header.bits.is_multiple_of(8));
                stream.extend_from_slice(&header.bytes);
                // Something for the blocks, which a parser of headers does not read.
                stream.extend_from_slice(&[0x80; 16]);
            }
            let Some(read) = crate::worker::encode::testing::headers("hevc", &stream) else { return };
            for (element, value) in [
                ("general_profile_idc", if ten_bit { "2" } else { "1" }),
                ("general_level_idc", "120"),
                ("pic_width_in_luma_samples", "1368"),
                ("conf_win_bottom_offset", "1"),
                ("bit_depth_luma_minus8", if ten_bit { "2" } else { "0" }),
                ("sps_max_dec_pic_buffering_minus1[0]", "4"),
                ("sps_max_num_reorder_pics[0]", "0"),
                ("log2_diff_max_min_luma_coding_block_size", "3"),
                ("log2_diff_max_min_luma_transform_block_size", "3"),
                ("amp_enabled_flag", "1"),
                ("sample_adaptive_offset_enabled_flag", "1"),
                ("matrix_coefficients", "9"),
                ("video_full_range_flag", "0"),
                ("transform_skip_enabled_flag", "1"),
                ("cu_qp_delta_enabled_flag", "1"),
                ("pps_loop_filter_across_slices_enabled_flag", "1"),
            ] {
                let found = read.iter().find(|(name, _)| name == element);
                assert_eq!(found.map(|(_, value)| value.as_str()), Some(value), "{element}");
            }
            let all = |element: &str| -> Vec<&str> {
                read.iter().filter(|(name, _)| name == element).map(|(_, value)| value.as_str()).collect()
            };
            assert_eq!(all("slice_segment_address"), ["44", "22"]);
            assert_eq!(all("slice_type"), ["2", "2", if both_lists { "0" } else { "1" }]);
            assert_eq!(all("slice_pic_order_cnt_lsb"), ["44"]);
            assert_eq!(all("num_negative_pics"), ["3"]);
            for (index, (distance, used)) in [("2", "1"), ("0", "0"), ("2", "0")].into_iter().enumerate() {
                assert_eq!(all(&format!("delta_poc_s0_minus1[{index}]")), [distance]);
                assert_eq!(all(&format!("used_by_curr_pic_s0_flag[{index}]")), [used]);
            }
            assert_eq!(all("slice_loop_filter_across_slices_enabled_flag"), ["1"; 3]);
        }
    }
}
