//! Parameter sets and slice headers of H.264.
//!
//! Syntax of ITU-T H.264 (08/2021): 7.3.2.1.1 for the sequence, 7.3.2.2 for the picture,
//! 7.3.3 for slices, Annex A for profiles and levels, Annex E for colours. Progressive
//! 4:2:0 at 8 bits, no B pictures, every picture a reference.

use super::nal::{self, Packed};
use super::writer::BitWriter;
use crate::color::{ColorRange, Colorimetry};
use crate::units::Size;
use crate::worker::convert::color_matrix;

/// Which tools a stream uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Constrained Baseline: variable-length codes.
    ConstrainedBaseline,
    /// Main: arithmetic codes.
    Main,
    /// High: arithmetic codes and large transforms.
    High,
}

impl Profile {
    const fn idc(self) -> u32 {
        match self {
            Self::ConstrainedBaseline => 66,
            Self::Main => 77,
            Self::High => 100,
        }
    }

    /// `constraint_set0_flag` to `constraint_set5_flag` and two zeros.
    const fn constraints(self) -> u32 {
        match self {
            Self::ConstrainedBaseline => 0b1100_0000,
            Self::Main => 0b0100_0000,
            Self::High => 0,
        }
    }

    /// `entropy_coding_mode_flag`.
    #[must_use]
    pub const fn has_cabac(self) -> bool {
        !matches!(self, Self::ConstrainedBaseline)
    }

    /// `transform_8x8_mode_flag`.
    #[must_use]
    pub const fn has_large_transforms(self) -> bool {
        matches!(self, Self::High)
    }
}

/// What holds for a whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Which tools it uses.
    pub profile: Profile,
    /// `level_idc`.
    pub level: u8,
    /// Pixels that are shown, even both ways.
    pub size: Size,
    /// Pictures that a decoder keeps.
    pub references: u8,
    /// How its samples are colours.
    pub colorimetry: Colorimetry,
}

/// A slice of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Its first macroblock.
    pub first_macroblock: u32,
    /// What it refers to.
    pub kind: SliceKind,
    /// Pictures since the last IDR picture.
    pub order: u32,
    /// `slice_qp_delta`.
    pub quantizer_delta: i32,
}

/// What a slice refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceKind {
    /// Nothing: its picture is an IDR picture.
    Idr {
        /// `idr_pic_id`, another one than that of the IDR picture before.
        id: u16,
    },
    /// One picture, that many before it.
    Predicted {
        /// 1 for the one before.
        distance: u32,
    },
}

impl Sequence {
    /// Macroblocks in a row, and rows of them.
    #[must_use]
    pub const fn macroblocks(&self) -> (u32, u32) {
        (self.size.width.div_ceil(16), self.size.height.div_ceil(16))
    }

    /// Both parameter sets, as units.
    #[must_use]
    pub fn parameter_sets(&self) -> Packed {
        let mut sets = self.sequence_parameter_set();
        sets.append(&self.picture_parameter_set());
        sets
    }

    fn sequence_parameter_set(&self) -> Packed {
        let mut bits = BitWriter::default();
        bits.put(self.profile.idc(), 8).put(self.profile.constraints(), 8).put(self.level.into(), 8);
        bits.ue(0);
        if self.profile == Profile::High {
            // 4:2:0, 8 bits of luma and of chroma, no lossless coding, flat scaling.
            bits.ue(1).ue(0).ue(0).flag(false).flag(false);
        }
        bits.ue(FRAME_NUMBER_BITS - 4).ue(0).ue(ORDER_BITS - 4);
        bits.ue(self.references.into()).flag(false);
        let (columns, rows) = self.macroblocks();
        bits.ue(columns - 1).ue(rows - 1);
        // Frames only; direct_8x8_inference_flag.
        bits.flag(true).flag(true);
        self.put_cropping(&mut bits);
        bits.flag(true);
        self.put_usability(&mut bits);
        nal::unit(&[REFERENCE | 7], bits.trailing())
    }

    fn put_cropping(&self, bits: &mut BitWriter) {
        let [right, bottom] = self.cropping();
        let crops = right + bottom > 0;
        bits.flag(crops);
        if crops {
            bits.ue(0).ue(right).ue(0).ue(bottom);
        }
    }

    /// Chroma samples that are not shown, at the right and below.
    #[must_use]
    pub const fn cropping(&self) -> [u32; 2] {
        let (columns, rows) = self.macroblocks();
        [(columns * 16 - self.size.width) / 2, (rows * 16 - self.size.height) / 2]
    }

    /// Annex E: what the colours are, and that no picture waits for another.
    fn put_usability(&self, bits: &mut BitWriter) {
        let points = color_matrix::code_points(self.colorimetry.space);
        // No aspect ratio, no overscan.
        bits.flag(false).flag(false);
        bits.flag(true).put(UNSPECIFIED_FORMAT, 3).flag(self.colorimetry.range == ColorRange::Full);
        bits.flag(true).put(points.primaries.into(), 8).put(points.transfer.into(), 8).put(points.matrix.into(), 8);
        // No chroma location, no timing (it varies), no HRD of either kind, no structure.
        bits.flag(false).flag(false).flag(false).flag(false).flag(false);
        bits.flag(true).flag(true).ue(0).ue(0).ue(MOTION_BITS).ue(MOTION_BITS);
        bits.ue(0).ue(self.references.into());
    }

    fn picture_parameter_set(&self) -> Packed {
        let mut bits = BitWriter::default();
        bits.ue(0).ue(0).flag(self.profile.has_cabac()).flag(false).ue(0);
        // One reference in each list; no weights.
        bits.ue(0).ue(0).flag(false).put(0, 2);
        bits.se(0).se(0).se(0);
        // Slices say how they are deblocked; no constrained intra, no redundancy.
        bits.flag(true).flag(false).flag(false);
        if self.profile == Profile::High {
            bits.flag(true).flag(false).se(0);
        }
        nal::unit(&[REFERENCE | 8], bits.trailing())
    }

    /// A slice's header, which ends where its macroblocks begin.
    #[must_use]
    pub fn slice_header(&self, slice: &Slice) -> Packed {
        let mut bits = BitWriter::default();
        // 5 and 7: all slices of the picture are alike.
        let (unit, kind) = match slice.kind {
            SliceKind::Idr { .. } => (5, 7),
            SliceKind::Predicted { .. } => (1, 5),
        };
        bits.ue(slice.first_macroblock).ue(kind).ue(0);
        bits.put(frame_number(slice.order).into(), FRAME_NUMBER_BITS);
        if let SliceKind::Idr { id } = slice.kind {
            bits.ue(id.into());
        }
        bits.put(order_bits(slice.order).into(), ORDER_BITS);
        match slice.kind {
            // Older pictures are shown, and none is kept for long.
            SliceKind::Idr { .. } => bits.flag(false).flag(false),
            SliceKind::Predicted { distance } => {
                bits.flag(false);
                put_reference(&mut bits, distance);
                // Pictures leave the decoder's buffer as others come in.
                bits.flag(false);
                if self.profile.has_cabac() { bits.ue(0) } else { &mut bits }
            }
        };
        bits.se(slice.quantizer_delta);
        bits.ue(0).se(0).se(0);
        nal::unit(&[REFERENCE | unit], &bits)
    }
}

/// 7.3.3.1: the one picture of list 0, unless it is the one before, which is there by
/// itself.
fn put_reference(bits: &mut BitWriter, distance: u32) {
    bits.flag(distance != 1);
    if distance != 1 {
        bits.ue(0).ue(distance - 1).ue(3);
    }
}

/// `frame_num` of a picture.
#[must_use]
pub const fn frame_number(order: u32) -> u16 {
    (order % (1 << FRAME_NUMBER_BITS)) as u16
}

/// `pic_order_cnt_lsb` of a picture.
#[must_use]
pub const fn order_bits(order: u32) -> u16 {
    (order_count(order).cast_unsigned() % (1 << ORDER_BITS)) as u16
}

/// `PicOrderCnt` of a picture: frames count two.
#[must_use]
pub const fn order_count(order: u32) -> i32 {
    order.wrapping_mul(2).cast_signed()
}

/// `level_idc` that a stream needs: the lowest of Annex A that has all of it.
#[must_use]
pub fn level(size: Size, millihertz: u32, bits_per_second: u64, references: u8) -> u8 {
    let macroblocks = u64::from(size.width.div_ceil(16)) * u64::from(size.height.div_ceil(16));
    let rate = (macroblocks * u64::from(millihertz)).div_ceil(1000);
    let kept = macroblocks * u64::from(references);
    let enough = |level: &&Level| {
        level.rate >= rate
            && level.frame >= macroblocks
            && level.kept >= kept
            && level.kilobits * 1000 >= bits_per_second
    };
    LEVELS.iter().find(enough).unwrap_or(&LEVELS[LEVELS.len() - 1]).idc
}

struct Level {
    idc: u8,
    /// Macroblocks per second.
    rate: u64,
    /// Macroblocks per frame.
    frame: u64,
    /// Macroblocks that a decoder keeps.
    kept: u64,
    /// Thousands of bits per second, as Main and Baseline have them.
    kilobits: u64,
}

const fn row(idc: u8, rate: u64, frame: u64, kept: u64, kilobits: u64) -> Level {
    Level { idc, rate, frame, kept, kilobits }
}

/// Table A-1, from level 3 on: decoders of less play no games.
const LEVELS: [Level; 12] = [
    row(30, 40_500, 1620, 8100, 10_000),
    row(31, 108_000, 3600, 18_000, 14_000),
    row(32, 216_000, 5120, 20_480, 20_000),
    row(40, 245_760, 8192, 32_768, 20_000),
    row(41, 245_760, 8192, 32_768, 50_000),
    row(42, 522_240, 8704, 34_816, 50_000),
    row(50, 589_824, 22_080, 110_400, 135_000),
    row(51, 983_040, 36_864, 184_320, 240_000),
    row(52, 2_073_600, 36_864, 184_320, 240_000),
    row(60, 4_177_920, 139_264, 696_320, 240_000),
    row(61, 8_355_840, 139_264, 696_320, 480_000),
    row(62, 16_711_680, 139_264, 696_320, 800_000),
];

/// `nal_ref_idc` of everything we write, in its place.
const REFERENCE: u8 = 3 << 5;

/// `log2_max_frame_num`: far more pictures than a decoder keeps.
pub const FRAME_NUMBER_BITS: u32 = 8;

/// `log2_max_pic_order_cnt_lsb`: half of it is more than pictures that may be lost in a
/// row while another reference is left.
pub const ORDER_BITS: u32 = 8;

/// `video_format` of what was never analogue.
const UNSPECIFIED_FORMAT: u32 = 5;

/// `log2_max_mv_length_*`: no limit beyond the standard's.
const MOTION_BITS: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;

    fn sequence(profile: Profile) -> Sequence {
        Sequence {
            profile,
            level: 31,
            size: Size::new(1280, 718),
            references: 4,
            colorimetry: Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Full },
        }
    }

    #[test]
    fn levels_have_what_a_stream_needs() {
        let level = |width, height, hertz: u32, megabits: u64, references| {
            super::level(Size::new(width, height), hertz * 1000, megabits * 1_000_000, references)
        };
        assert_eq!(level(320, 180, 60, 1, 1), 30);
        assert_eq!(level(1280, 720, 60, 10, 1), 32);
        assert_eq!(level(1920, 1080, 60, 20, 4), 42);
        assert_eq!(level(1920, 1080, 60, 20, 5), 50, "five pictures are too many for 4.2");
        assert_eq!(level(1920, 1080, 30, 60, 1), 50);
        assert_eq!(level(3840, 2160, 120, 100, 5), 60);
        assert_eq!(level(16384, 16384, 240, 900, 5), 62, "the highest there is");
    }

    #[test]
    fn a_slice_names_another_picture_than_the_one_before() {
        let sequence = sequence(Profile::ConstrainedBaseline);
        let header = |distance| {
            let slice =
                Slice { first_macroblock: 0, kind: SliceKind::Predicted { distance }, order: 300, quantizer_delta: 0 };
            sequence.slice_header(&slice)
        };
        let text = |packed: Packed| {
            let bits: String = packed.bytes[5..].iter().map(|byte| format!("{byte:08b}")).collect();
            bits[..packed.bits - 40].to_owned()
        };
        // first_mb 0, type 5, set 0, frame 44, order 600 mod 256, no override,
        let common = "1".to_owned() + "00110" + "1" + "00101100" + "01011000" + "0";
        // the marking, the quantizer and the deblocking.
        let end = "0".to_owned() + "1" + "1" + "1" + "1";
        assert_eq!(text(header(1)), format!("{common}0{end}"));
        assert_eq!(text(header(3)), format!("{common}1{}{}{}{end}", "1", "011", "00100"));
    }

    #[test]
    fn what_ffmpeg_reads_is_what_was_written() {
        for (profile, name) in [(Profile::ConstrainedBaseline, "66"), (Profile::Main, "77"), (Profile::High, "100")] {
            let sequence = sequence(profile);
            let idr = Slice { first_macroblock: 0, kind: SliceKind::Idr { id: 1 }, order: 0, quantizer_delta: 2 };
            let mut stream = sequence.parameter_sets().bytes;
            let mut slice = sequence.slice_header(&idr).bytes;
            // Something for the macroblocks, which a parser of headers does not read.
            slice.extend_from_slice(&[0x80; 16]);
            stream.extend_from_slice(&slice);
            let Some(read) = crate::worker::encode::testing::headers("h264", &stream) else { return };
            for (element, value) in [
                ("profile_idc", name),
                ("level_idc", "31"),
                ("max_num_ref_frames", "4"),
                ("pic_width_in_mbs_minus1", "79"),
                ("pic_height_in_map_units_minus1", "44"),
                ("frame_crop_bottom_offset", "1"),
                ("video_full_range_flag", "1"),
                ("matrix_coefficients", "1"),
                ("max_num_reorder_frames", "0"),
                ("max_dec_frame_buffering", "4"),
                ("entropy_coding_mode_flag", if profile.has_cabac() { "1" } else { "0" }),
                ("slice_type", "7"),
                ("idr_pic_id", "1"),
                ("slice_qp_delta", "2"),
                ("disable_deblocking_filter_idc", "0"),
            ] {
                let found = read.iter().find(|(name, _)| name == element);
                assert_eq!(found.map(|(_, value)| value.as_str()), Some(value), "{element} of {profile:?}");
            }
        }
    }
}
