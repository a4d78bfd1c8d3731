//! The sequence header (AV1, 5.5): read out of a packed one, or made of the parameters.

use earthshine_ffi::vaapi::bits::av1_sequence;
use earthshine_ffi::vaapi::sys::*;

use super::obu;
use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::Unit;

/// As far as anything depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) level: u32,
    /// Parameters of pictures have it.
    pub(super) size: (u32, u32),
    pub(super) depth: u32,
    pub(super) large_blocks: bool,
    pub(super) filter_intra: bool,
    pub(super) intra_edge: bool,
    pub(super) directional: bool,
    pub(super) order_bits: u32,
    /// Primaries, transfer, matrix; parameters have no place for them.
    pub(super) points: [u32; 3],
    pub(super) full_range: bool,
}

impl Sequence {
    /// Out of the parameters.
    pub(super) fn of(
        sequence: &VAEncSequenceParameterBufferAV1,
        picture: &VAEncPictureParameterBufferAV1,
    ) -> Result<Self> {
        let fields = sequence.seq_fields;
        for (name, bits, value) in [
            ("still_picture", av1_sequence::STILL_PICTURE, 0),
            ("enable_interintra_compound", av1_sequence::ENABLE_INTERINTRA_COMPOUND, 0),
            ("enable_masked_compound", av1_sequence::ENABLE_MASKED_COMPOUND, 0),
            ("enable_warped_motion", av1_sequence::ENABLE_WARPED_MOTION, 0),
            ("enable_dual_filter", av1_sequence::ENABLE_DUAL_FILTER, 0),
            ("enable_order_hint", av1_sequence::ENABLE_ORDER_HINT, 1),
            ("enable_jnt_comp", av1_sequence::ENABLE_JNT_COMP, 0),
            ("enable_ref_frame_mvs", av1_sequence::ENABLE_REF_FRAME_MVS, 0),
            ("enable_superres", av1_sequence::ENABLE_SUPERRES, 0),
            ("enable_restoration", av1_sequence::ENABLE_RESTORATION, 0),
            ("subsampling_x", av1_sequence::SUBSAMPLING_X, 1),
            ("subsampling_y", av1_sequence::SUBSAMPLING_Y, 1),
        ] {
            require_equal(name, bits.get(fields), value)?;
        }
        require_equal("profile and tier", (sequence.seq_profile, sequence.seq_tier), (0, 0))?;
        require_equal("ip_period", sequence.ip_period, 1)?;
        require(sequence.va_reserved == [0; 16], || "reserved words are not zero".to_owned())?;
        Ok(Self {
            level: sequence.seq_level_idx.into(),
            size: (u32::from(picture.frame_width_minus_1) + 1, u32::from(picture.frame_height_minus_1) + 1),
            depth: av1_sequence::BIT_DEPTH_MINUS8.get(fields) + 8,
            large_blocks: av1_sequence::USE_128X128_SUPERBLOCK.get(fields) == 1,
            filter_intra: av1_sequence::ENABLE_FILTER_INTRA.get(fields) == 1,
            intra_edge: av1_sequence::ENABLE_INTRA_EDGE_FILTER.get(fields) == 1,
            directional: av1_sequence::ENABLE_CDEF.get(fields) == 1,
            order_bits: u32::from(sequence.order_hint_bits_minus_1) + 1,
            points: [2; 3],
            full_range: false,
        })
    }

    /// Out of a packed header.
    pub(super) fn read(unit: &Unit) -> Result<Self> {
        require_equal("obu_type", obu::kind(unit), obu::SEQUENCE)?;
        let bits = &mut Reader::new(&unit.payload, unit.bits);
        require_equal("profile, still pictures, timing, delay", bits.bits(7)?, 0)?;
        require_equal("operating points", (bits.bits(5)?, bits.bits(12)?), (0, 0))?;
        let level = bits.bits(5)?;
        require_equal("seq_tier", level > 7 && bits.bit()?, false)?;
        let widths = (bits.bits(4)? + 1, bits.bits(4)? + 1);
        let size = (bits.bits(widths.0)? + 1, bits.bits(widths.1)? + 1);
        require_equal("frame_id_numbers_present_flag", bits.bit()?, false)?;
        let (large_blocks, filter_intra, intra_edge) = (bits.bit()?, bits.bit()?, bits.bit()?);
        require_equal("compounds, warped motion, dual filter", bits.bits(4)?, 0)?;
        require_equal("an order, and what needs it", bits.bits(3)?, 0b100)?;
        require_equal("screen content tools", bits.bits(2)?, 0)?;
        let order_bits = bits.bits(3)? + 1;
        let (scaled, directional, restored) = (bits.bit()?, bits.bit()?, bits.bit()?);
        require_equal("superres and restoration", (scaled, restored), (false, false))?;
        let depth = if bits.bit()? { 10 } else { 8 };
        require_equal("mono_chrome", bits.bit()?, false)?;
        require(bits.bit()?, || "no colour description".to_owned())?;
        let points = [bits.bits(8)?, bits.bits(8)?, bits.bits(8)?];
        let full_range = bits.bit()?;
        require_equal("chroma location, and its quantizers", bits.bits(3)?, 0)?;
        require_equal("film grain", bits.bit()?, false)?;
        bits.trailing("the sequence header")?;
        Ok(Self {
            level,
            size,
            depth,
            large_blocks,
            filter_intra,
            intra_edge,
            directional,
            order_bits,
            points,
            full_range,
        })
    }

    /// The header's payload; not every driver is told of colours.
    pub(super) fn write(&self, says_colours: bool) -> Writer {
        let mut bits = Writer::default();
        bits.put(0, 7 + 5 + 12);
        bits.put(self.level, 5);
        if self.level > 7 {
            bits.bit(false);
        }
        let sides = [self.size.0 - 1, self.size.1 - 1];
        sides.iter().for_each(|_| bits.put(16 - 1, 4));
        sides.iter().for_each(|side| bits.put(*side, 16));
        bits.bit(false);
        [self.large_blocks, self.filter_intra, self.intra_edge].into_iter().for_each(|tool| bits.bit(tool));
        // An order, and nothing else.
        bits.put(0b0000_1000, 4 + 3 + 1);
        bits.bit(false);
        bits.put(self.order_bits - 1, 3);
        bits.put(u32::from(self.directional) << 1, 3);
        bits.bit(self.depth > 8);
        bits.bit(false);
        bits.bit(says_colours);
        if says_colours {
            self.points.iter().for_each(|point| bits.put(*point, 8));
        }
        bits.bit(says_colours && self.full_range);
        // Neither where chroma lies, nor film grain.
        bits.put(0, 3 + 1);
        bits.trailing();
        bits
    }
}
