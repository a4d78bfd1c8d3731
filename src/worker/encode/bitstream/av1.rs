//! Sequence and frame headers of AV1, as OBUs.
//!
//! Syntax of the AV1 Bitstream & Decoding Process Specification (2019-01-08): 5.3 for
//! OBUs, 5.5 for the sequence, 5.9 for frames, Annex A for levels. 4:2:0 at 8 or 10 bits,
//! one tile where that is allowed, no reordering, every frame shown and kept.

use super::nal::Packed;
use super::writer::BitWriter;
use crate::color::{ColorRange, Colorimetry};
use crate::units::Size;
use crate::worker::convert::color_matrix;

/// Tools that an engine uses: it says what it has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tools {
    /// `use_128x128_superblock`.
    pub large_blocks: bool,
    /// `enable_cdef`.
    pub directional: bool,
    /// `enable_filter_intra`.
    pub filter_intra: bool,
    /// `enable_intra_edge_filter`.
    pub intra_edge: bool,
    /// `tx_mode_select`.
    pub transforms_vary: bool,
    /// Bytes of a tile's size.
    pub tile_size_bytes: u32,
}

/// What holds for a whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// 10 bits instead of 8, both in the Main profile.
    pub ten_bit: bool,
    /// `seq_level_idx`.
    pub level: u8,
    /// Pixels, even both ways.
    pub size: Size,
    /// How its samples are colours.
    pub colorimetry: Colorimetry,
    /// How it is coded.
    pub tools: Tools,
}

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Frames since the last key frame; 0 for that itself, which refers to nothing.
    pub order: u32,
    /// The place of the frame that it refers to.
    pub reference: u8,
    /// The place that it takes; a key frame takes all.
    pub place: u8,
    /// `base_q_idx`, which engines with rate control write over.
    pub quantizer: u8,
}

/// Where an engine writes what it finds out while it codes, in bits from the first of the
/// packed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offsets {
    /// `base_q_idx`.
    pub quantizer: u32,
    /// `loop_filter_params()`.
    pub loop_filter: u32,
    /// `cdef_params()`.
    pub directional: u32,
    /// Bits of `cdef_params()`.
    pub directional_bits: u32,
    /// In bytes: `obu_size`.
    pub size: u32,
    /// Bits of all of it.
    pub all: u32,
}

impl Sequence {
    /// The sequence header, after a temporal delimiter.
    #[must_use]
    pub fn header(&self) -> Packed {
        let (tools, size) = (&self.tools, self.size);
        let mut bits = BitWriter::default();
        // Main profile, no still picture, no timing, no delay; one operating point.
        bits.put(0, 3).put(0, 4).put(0, 5).put(0, 12).put(self.level.into(), 5);
        if self.level > 7 {
            bits.flag(false);
        }
        let (width, height) = (size.width - 1, size.height - 1);
        let widths = (width.max(1).ilog2() + 1, height.max(1).ilog2() + 1);
        bits.put(widths.0 - 1, 4).put(widths.1 - 1, 4).put(width, widths.0).put(height, widths.1);
        // Frames without numbers.
        bits.flag(false);
        bits.flag(tools.large_blocks).flag(tools.filter_intra).flag(tools.intra_edge);
        // No compounds, warped motion or second filter; an order, and nothing that needs it.
        bits.put(0, 4).flag(true).put(0, 2);
        // No screen content tools.
        bits.flag(false).flag(false);
        bits.put(ORDER_BITS - 1, 3);
        bits.flag(false).flag(tools.directional).flag(false);
        self.put_colours(&mut bits);
        // No film grain.
        bits.flag(false);
        obu(SEQUENCE, bits.trailing())
    }

    /// 5.5.2.
    fn put_colours(&self, bits: &mut BitWriter) {
        let points = color_matrix::code_points(self.colorimetry.space);
        bits.flag(self.ten_bit).flag(false).flag(true);
        bits.put(points.primaries.into(), 8).put(points.transfer.into(), 8).put(points.matrix.into(), 8);
        bits.flag(self.colorimetry.range == ColorRange::Full);
        // Where chroma lies is not said; both differences have one quantizer.
        bits.put(0, 2).flag(false);
    }

    /// A frame's header, and where things are in it.
    #[must_use]
    pub fn frame_header(&self, frame: &FrameHeader) -> (Packed, Offsets) {
        let mut bits = BitWriter::default();
        let is_key = frame.order == 0;
        // A frame of its own, which is shown; only key frames are resilient by themselves.
        bits.flag(false).put(u32::from(!is_key), 2).flag(true);
        if !is_key {
            bits.flag(false);
        }
        // Symbols adapt; no other size than the sequence's.
        bits.flag(false).flag(false).put(order_hint(frame.order).into(), ORDER_BITS);
        if !is_key {
            // Symbols go on from the frame that it refers to, which is there.
            bits.put(0, 3).put(1 << frame.place, 8).flag(false);
            for _ in 0..REFERENCES_OF_A_FRAME {
                bits.put(frame.reference.into(), 3);
            }
        }
        // Shown as large as it is.
        bits.flag(false);
        if !is_key {
            // Quarter samples, one filter of eight taps, no overlapping motion.
            bits.flag(false).flag(false).put(0, 2).flag(false);
        }
        // Symbols are kept as they are at the end.
        bits.flag(false);
        self.put_tiles(&mut bits);
        let mut offsets = Offsets { size: 1, ..Offsets::default() };
        offsets.quantizer = PREFIX + count(&bits);
        // One for all planes, without matrices, segments and differences.
        bits.put(frame.quantizer.into(), 8).put(0, 4).flag(false).flag(false);
        offsets.loop_filter = PREFIX + count(&bits);
        // The engine writes its own over it; without deltas.
        let level = u32::from(FILTER_LEVEL);
        bits.put(level, 6).put(level, 6).put(level, 6).put(level, 6).put(0, 3).flag(false);
        if self.tools.directional {
            offsets.directional = PREFIX + count(&bits);
            bits.put(0, 4).put(0, 12);
            offsets.directional_bits = PREFIX + count(&bits) - offsets.directional;
        }
        bits.flag(self.tools.transforms_vary);
        if !is_key {
            bits.flag(false);
        }
        bits.flag(false);
        if !is_key {
            bits.put(0, REFERENCES_OF_A_FRAME);
        }
        let packed = obu(FRAME_HEADER, bits.trailing());
        offsets.all = u32::try_from(packed.bits).unwrap_or(u32::MAX);
        (packed, offsets)
    }

    /// Tiles in a row, and rows of them: as few as may be, log2.
    #[must_use]
    pub fn tiles(&self) -> (u32, u32) {
        let (columns, rows) = self.blocks();
        let scale = if self.tools.large_blocks { 1 } else { 0 };
        let across = log2_of_parts(64 >> scale, columns);
        let all = across.max(log2_of_parts(2304 >> (2 * scale), columns * rows));
        (across, all - across)
    }

    /// Superblocks in a row, and rows of them.
    #[must_use]
    pub const fn blocks(&self) -> (u32, u32) {
        let block = if self.tools.large_blocks { 128 } else { 64 };
        (self.size.width.div_ceil(block), self.size.height.div_ceil(block))
    }

    /// 5.9.15, spaced alike.
    fn put_tiles(&self, bits: &mut BitWriter) {
        let ((columns, rows), (across, down)) = (self.blocks(), self.tiles());
        bits.flag(true);
        for (least, blocks) in [(across, columns), (down, rows)] {
            if least < log2_of_parts(1, blocks.min(64)) {
                bits.flag(false);
            }
        }
        if across + down > 0 {
            bits.put(0, across + down).put(self.tools.tile_size_bytes - 1, 2);
        }
    }
}

/// The smallest power of two of which `part`s are at least `all`.
fn log2_of_parts(part: u32, all: u32) -> u32 {
    (0..31).find(|power| part << power >= all).unwrap_or(31)
}

/// `order_hint` of a frame.
#[must_use]
pub const fn order_hint(order: u32) -> u8 {
    // Its eight bits.
    order.to_le_bytes()[0]
}

/// A unit whose size is said in four bytes, as engines want that write into it.
fn obu(kind: u8, payload: &BitWriter) -> Packed {
    let mut bytes = vec![kind << 3 | HAS_SIZE];
    let length = payload.bytes().len();
    for group in 0..4 {
        let more = if group < 3 { 0x80 } else { 0 };
        bytes.push(u8::try_from(length >> (7 * group) & 0x7F).unwrap_or(0) | more);
    }
    bytes.extend_from_slice(payload.bytes());
    Packed { bits: bytes.len() * 8, bytes }
}

fn count(bits: &BitWriter) -> u32 {
    u32::try_from(bits.bits()).unwrap_or(u32::MAX)
}

/// `seq_level_idx` that a stream needs in the main tier: the lowest of Annex A that has all
/// of it.
#[must_use]
pub fn level(size: Size, millihertz: u32, bits_per_second: u64) -> u8 {
    let samples = u64::from(size.width) * u64::from(size.height);
    let rate = (samples * u64::from(millihertz)).div_ceil(1000);
    let side = u64::from(size.width.max(size.height));
    let enough = |level: &&Level| {
        level.samples >= samples && level.side >= side && level.rate >= rate && level.kilobits * 1000 >= bits_per_second
    };
    LEVELS.iter().find(enough).map_or(WITHOUT_A_LEVEL, |level| level.index)
}

/// Of Annex A.3.
struct Level {
    index: u8,
    samples: u64,
    side: u64,
    rate: u64,
    kilobits: u64,
}

const LEVELS: [Level; 12] = [
    Level { index: 0, samples: 147_456, side: 2048, rate: 4_423_680, kilobits: 1500 },
    Level { index: 1, samples: 278_784, side: 2816, rate: 8_363_520, kilobits: 3000 },
    Level { index: 4, samples: 665_856, side: 4352, rate: 19_975_680, kilobits: 6000 },
    Level { index: 5, samples: 1_065_024, side: 5504, rate: 31_950_720, kilobits: 10_000 },
    Level { index: 8, samples: 2_359_296, side: 6144, rate: 70_778_880, kilobits: 12_000 },
    Level { index: 9, samples: 2_359_296, side: 6144, rate: 141_557_760, kilobits: 20_000 },
    Level { index: 12, samples: 8_912_896, side: 8192, rate: 267_386_880, kilobits: 30_000 },
    Level { index: 13, samples: 8_912_896, side: 8192, rate: 534_773_760, kilobits: 40_000 },
    Level { index: 14, samples: 8_912_896, side: 8192, rate: 1_069_547_520, kilobits: 60_000 },
    Level { index: 16, samples: 35_651_584, side: 16_384, rate: 1_069_547_520, kilobits: 60_000 },
    Level { index: 17, samples: 35_651_584, side: 16_384, rate: 2_139_095_040, kilobits: 100_000 },
    Level { index: 18, samples: 35_651_584, side: 16_384, rate: 4_278_190_080, kilobits: 160_000 },
];

/// `seq_level_idx` of streams that keep to none.
const WITHOUT_A_LEVEL: u8 = 31;

/// `OrderHintBits`: half of it is more than frames that may be lost in a row while another
/// reference is left.
pub const ORDER_BITS: u32 = 8;

/// Places that a decoder keeps frames in.
pub const PLACES: u32 = 8;

/// Names that a frame has for what it refers to.
pub const REFERENCES_OF_A_FRAME: u32 = 7;

/// `loop_filter_level` of all planes, where the engine says nothing better. Not zero, which
/// would leave engines no place to write chroma's.
pub const FILTER_LEVEL: u8 = 12;

/// Bits before a header's own: the unit's, and its size.
const PREFIX: u32 = 40;

/// A unit without anything in it, with which a picture begins.
pub const TEMPORAL_DELIMITER: [u8; 2] = [2 << 3 | HAS_SIZE, 0];

/// `obu_type`.
const SEQUENCE: u8 = 1;
const FRAME_HEADER: u8 = 3;

/// `obu_has_size_field`.
const HAS_SIZE: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;

    fn sequence(width: u32, height: u32, ten_bit: bool) -> Sequence {
        Sequence {
            ten_bit,
            level: 8,
            size: Size::new(width, height),
            colorimetry: Colorimetry { space: ColorSpace::Bt2020, range: ColorRange::Full },
            tools: Tools {
                large_blocks: false,
                directional: true,
                filter_intra: false,
                intra_edge: true,
                transforms_vary: true,
                tile_size_bytes: 4,
            },
        }
    }

    /// An IVF file: it says the size, for which FFmpeg would have to decode a frame.
    fn contained(size: Size, frames: &[Vec<u8>]) -> Vec<u8> {
        let mut file = b"DKIF\0\0\x20\0AV01".to_vec();
        for side in [size.width, size.height] {
            file.extend(u16::try_from(side).unwrap().to_le_bytes());
        }
        for word in [60, 1, 2, 0_u32] {
            file.extend(word.to_le_bytes());
        }
        for (number, frame) in (0_u64..).zip(frames) {
            file.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
            file.extend(number.to_le_bytes());
            file.extend(frame);
        }
        file
    }

    #[test]
    fn levels_have_what_a_stream_needs() {
        let level = |width, height, hertz: u32, megabits: u64| {
            super::level(Size::new(width, height), hertz * 1000, megabits * 1_000_000)
        };
        assert_eq!(level(1280, 720, 60, 5), 8);
        assert_eq!(level(1920, 1080, 60, 20), 9);
        assert_eq!(level(1920, 1080, 60, 50), 14);
        assert_eq!(level(20_000, 20_000, 60, 5), WITHOUT_A_LEVEL);
    }

    #[test]
    fn tiles_are_as_few_as_may_be() {
        for (width, height, tiles) in
            [(320, 180, (0, 0)), (4096, 2304, (0, 0)), (4098, 2160, (1, 0)), (4096, 2400, (0, 1)), (7680, 4320, (1, 1))]
        {
            assert_eq!(sequence(width, height, false).tiles(), tiles, "{width}x{height}");
        }
    }

    #[test]
    fn offsets_point_at_what_they_say() {
        let sequence = sequence(1920, 1080, false);
        for order in [0, 300] {
            let frame = FrameHeader { order, reference: 3, place: 5, quantizer: 0xA5 };
            let (header, offsets) = sequence.frame_header(&frame);
            let at = |bit: u32| header.bytes[bit as usize / 8] >> (7 - bit % 8) & 1;
            let read = |from: u32| (from..from + 8).fold(0, |value, bit| value << 1 | at(bit));
            assert_eq!(read(offsets.quantizer), 0xA5);
            assert_eq!((offsets.size, offsets.directional_bits, offsets.all as usize), (1, 16, header.bits));
            assert_eq!(offsets.loop_filter + 28, offsets.directional);
            assert_eq!(header.bytes[1] as usize & 0x7F, header.bytes.len() - 5);
        }
    }

    #[test]
    fn what_ffmpeg_reads_is_what_was_written() {
        for (width, height, ten_bit) in [(1366, 766, false), (7680, 4320, true)] {
            let sequence = sequence(width, height, ten_bit);
            let key = FrameHeader { order: 0, reference: 0, place: 0, quantizer: 90 };
            let later = FrameHeader { order: 300, reference: 3, place: 5, quantizer: 80 };
            // Something for the tiles, which a parser of headers does not read.
            let tiles = [4 << 3 | HAS_SIZE, 4, 0, 0x80, 0x80, 0x80];
            let headers = [sequence.header().bytes, sequence.frame_header(&key).0.bytes, tiles.to_vec()].concat();
            let second = [sequence.frame_header(&later).0.bytes, tiles.to_vec()].concat();
            let frames = [headers, second].map(|frame| [&TEMPORAL_DELIMITER[..], &frame].concat());
            let stream = contained(sequence.size, &frames);
            let Some(read) = crate::worker::encode::testing::headers("ivf", &stream) else { return };
            let all = |element: &str| -> Vec<&str> {
                read.iter().filter(|(name, _)| name == element).map(|(_, value)| value.as_str()).collect()
            };
            let depth = if ten_bit { "1" } else { "0" };
            for (element, value) in [
                ("max_frame_width_minus_1", (width - 1).to_string().as_str()),
                ("max_frame_height_minus_1", (height - 1).to_string().as_str()),
                ("seq_level_idx[0]", "8"),
                ("high_bitdepth", depth),
                ("matrix_coefficients", "9"),
                ("color_range", "1"),
                ("enable_cdef", "1"),
                ("order_hint_bits_minus_1", "7"),
                ("frame_type", "0"),
                ("base_q_idx", "90"),
                ("loop_filter_level[3]", "12"),
                ("tx_mode", "2"),
                ("reduced_tx_set", "0"),
            ] {
                assert_eq!(all(element).first(), Some(&value), "{element}");
            }
            assert_eq!(all("base_q_idx").last(), Some(&"80"));
            assert_eq!(all("refresh_frame_flags").last(), Some(&"32"));
            assert_eq!(all("order_hint").last(), Some(&"44"));
            for name in 0..REFERENCES_OF_A_FRAME {
                assert_eq!(all(&format!("ref_frame_idx[{name}]")).last(), Some(&"3"));
            }
        }
    }
}
