//! Frame headers (AV1, 5.9), of one tile: read out of packed headers, or made of the
//! parameters.

use earthshine_ffi::vaapi::bits::{av1_mode_control, av1_picture};
use earthshine_ffi::vaapi::sys::*;

use super::obu;
use super::sequence::Sequence;
use super::tile::Tile;
use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::Unit;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) is_key: bool,
    pub(super) order_hint: u32,
    pub(super) primary: u32,
    pub(super) refreshed: u32,
    pub(super) references: [u32; 7],
    pub(super) quantizer: u32,
    pub(super) filter_levels: [u32; 4],
    pub(super) transforms_vary: bool,
}

/// Where things are, in bits from the beginning of the unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Offsets {
    pub(super) quantizer: u32,
    /// Only where the driver decides upon segments.
    segmentation: u32,
    pub(super) loop_filter: u32,
    directional: u32,
    directional_bits: u32,
    size: u32,
    all: u32,
}

impl Frame {
    /// Out of the parameters.
    pub(super) fn of(picture: &VAEncPictureParameterBufferAV1) -> Result<Self> {
        let flags = picture.picture_flags;
        let kind = av1_picture::FRAME_TYPE.get(flags);
        require(kind <= 1, || format!("frame_type {kind}"))?;
        for (name, bits) in [
            ("disable_cdf_update", av1_picture::DISABLE_CDF_UPDATE),
            ("use_superres", av1_picture::USE_SUPERRES),
            ("allow_high_precision_mv", av1_picture::ALLOW_HIGH_PRECISION_MV),
            ("use_ref_frame_mvs", av1_picture::USE_REF_FRAME_MVS),
            ("disable_frame_end_update_cdf", av1_picture::DISABLE_FRAME_END_UPDATE_CDF),
            ("reduced_tx_set", av1_picture::REDUCED_TX_SET),
            ("enable_frame_obu", av1_picture::ENABLE_FRAME_OBU),
            ("allow_intrabc", av1_picture::ALLOW_INTRABC),
            ("palette_mode_enable", av1_picture::PALETTE_MODE_ENABLE),
        ] {
            require_equal(name, bits.get(flags), 0)?;
        }
        require_equal("error_resilient_mode", av1_picture::ERROR_RESILIENT_MODE.get(flags), 1 - kind)?;
        let tiles = (picture.tile_cols, picture.tile_rows, picture.num_tile_groups_minus1);
        require_equal("tiles, as many as this looks into", tiles, (1, 1, 0))?;
        require_equal("segmentation", picture.segments.seg_flags, 0)?;
        require_equal("references by name", picture.ref_frame_ctrl_l0, kind)?;
        require_equal("no second references", picture.ref_frame_ctrl_l1, 0)?;
        require(picture.va_reserved == [0; 16], || "reserved words are not zero".to_owned())?;
        Ok(Self {
            is_key: kind == 0,
            order_hint: picture.order_hint.into(),
            primary: picture.primary_ref_frame.into(),
            refreshed: picture.refresh_frame_flags.into(),
            references: picture.ref_frame_idx.map(u32::from),
            quantizer: picture.base_qindex.into(),
            filter_levels: [
                picture.filter_level[0].into(),
                picture.filter_level[1].into(),
                picture.filter_level_u.into(),
                picture.filter_level_v.into(),
            ],
            transforms_vary: av1_mode_control::TX_MODE.get(picture.mode_control_flags) == 2,
        })
    }

    /// Out of a packed header.
    pub(super) fn read(unit: &Unit, sequence: &Sequence) -> Result<(Self, Offsets)> {
        require_equal("obu_type", obu::kind(unit), obu::FRAME_HEADER)?;
        let mut bits = Reader::new(&unit.payload, unit.bits);
        let bits = &mut bits;
        require_equal("show_existing_frame", bits.bit()?, false)?;
        let kind = bits.bits(2)?;
        require(kind <= 1, || format!("frame_type {kind}"))?;
        let is_key = kind == 0;
        require_equal("show_frame", bits.bit()?, true)?;
        require_equal("error_resilient_mode", !is_key && bits.bit()?, false)?;
        require_equal("disable_cdf_update, and another size", bits.bits(2)?, 0)?;
        let order_hint = bits.bits(sequence.order_bits)?;
        let (mut primary, mut refreshed, mut references) = (7, 0xff, [0; 7]);
        if !is_key {
            (primary, refreshed) = (bits.bits(3)?, bits.bits(8)?);
            require_equal("frame_refs_short_signaling", bits.bit()?, false)?;
            for reference in &mut references {
                *reference = bits.bits(3)?;
            }
        }
        require_equal("render_and_frame_size_different", bits.bit()?, false)?;
        if !is_key {
            require_equal("motion and its filter", bits.bits(5)?, 0)?;
        }
        require_equal("disable_frame_end_update_cdf", bits.bit()?, false)?;
        read_tiles(bits, sequence)?;
        let mut offsets = Offsets { size: 1, ..Offsets::default() };
        offsets.quantizer = at(bits);
        let quantizer = bits.bits(8)?;
        require_equal("other quantizers, and matrices", bits.bits(4)?, 0)?;
        require_equal("segmentation, and quantizers that differ", bits.bits(2)?, 0)?;
        offsets.loop_filter = at(bits);
        let filter_levels = [bits.bits(6)?, bits.bits(6)?, bits.bits(6)?, bits.bits(6)?];
        require(filter_levels[0] + filter_levels[1] > 0, || "no place for chroma's filters".to_owned())?;
        require_equal("sharpness and deltas", bits.bits(4)?, 0)?;
        if sequence.directional {
            offsets.directional = at(bits);
            require_equal("cdef_params()", bits.bits(16)?, 0)?;
            offsets.directional_bits = at(bits) - offsets.directional;
        }
        let transforms_vary = bits.bit()?;
        require_equal("compounds", !is_key && bits.bit()?, false)?;
        require_equal("reduced_tx_set", bits.bit()?, false)?;
        if !is_key {
            require_equal("global motion", bits.bits(7)?, 0)?;
        }
        bits.trailing("the frame header")?;
        offsets.all = at(bits);
        let frame =
            Self { is_key, order_hint, primary, refreshed, references, quantizer, filter_levels, transforms_vary };
        Ok((frame, offsets))
    }

    /// What rate control finds: the least quantizer, and edges that are not smoothed.
    pub(super) fn decided(self) -> Self {
        Self { quantizer: QUANTIZER.into(), filter_levels: [0; 4], ..self }
    }

    /// What the only tile is coded by.
    pub(super) fn tile(&self, sequence: &Sequence) -> Result<Tile> {
        require(self.quantizer > 0, || "no quantizer".to_owned())?;
        let byte = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
        Ok(Tile {
            size: (sequence.size.0 as usize, sequence.size.1 as usize),
            depth: sequence.depth,
            large_blocks: sequence.large_blocks,
            filter_intra: sequence.filter_intra,
            quantizer: byte(self.quantizer),
            filter_levels: self.filter_levels.map(byte),
        })
    }

    /// The header's payload.
    pub(super) fn write(&self, sequence: &Sequence) -> Writer {
        let mut bits = Writer::default();
        // A frame of its own, which is shown; only key frames are resilient by themselves.
        bits.put(if self.is_key { 0b0001 } else { 0b00110 }, if self.is_key { 4 } else { 5 });
        bits.put(0, 2);
        bits.put(self.order_hint, sequence.order_bits);
        if !self.is_key {
            bits.put(self.primary, 3);
            bits.put(self.refreshed, 8);
            bits.bit(false);
            self.references.iter().for_each(|reference| bits.put(*reference, 3));
        }
        // No other size, motion by quarters and its filter, symbols that are kept.
        bits.put(0, if self.is_key { 2 } else { 7 });
        write_tiles(&mut bits, sequence);
        bits.put(self.quantizer, 8);
        bits.put(0, 4 + 2);
        let [columns, rows, chroma @ ..] = self.filter_levels;
        bits.put(columns, 6);
        bits.put(rows, 6);
        if columns + rows > 0 {
            chroma.iter().for_each(|level| bits.put(*level, 6));
        }
        bits.put(0, 4);
        if sequence.directional {
            bits.put(0, 16);
        }
        bits.bit(self.transforms_vary);
        bits.put(0, if self.is_key { 1 } else { 2 + 7 });
        bits.trailing();
        bits
    }
}

impl Offsets {
    /// Out of the parameters.
    pub(super) const fn of(picture: &VAEncPictureParameterBufferAV1) -> Self {
        Self {
            quantizer: picture.bit_offset_qindex,
            segmentation: picture.bit_offset_segmentation,
            loop_filter: picture.bit_offset_loopfilter_params,
            directional: picture.bit_offset_cdef_params,
            directional_bits: picture.size_in_bits_cdef_params,
            size: picture.byte_offset_frame_hdr_obu_size,
            all: picture.size_in_bits_frame_hdr_obu,
        }
    }
}

/// 5.9.15: one tile, where more could be.
fn read_tiles(bits: &mut Reader<'_>, sequence: &Sequence) -> Result {
    let block = if sequence.large_blocks { 128 } else { 64 };
    require_equal("uniform_tile_spacing_flag", bits.bit()?, true)?;
    for side in [sequence.size.0, sequence.size.1] {
        let blocks: u32 = side.div_ceil(block);
        require(blocks <= 4096 / block, || "more tiles than this looks into".to_owned())?;
        require_equal("tiles", blocks > 1 && bits.bit()?, false)?;
    }
    Ok(())
}

/// The same.
fn write_tiles(bits: &mut Writer, sequence: &Sequence) {
    let block = if sequence.large_blocks { 128 } else { 64 };
    bits.bit(true);
    for side in [sequence.size.0, sequence.size.1] {
        if side > block {
            bits.bit(false);
        }
    }
}

/// Bits from the beginning of the unit.
fn at(bits: &Reader<'_>) -> u32 {
    u32::try_from(bits.position() + obu::BEFORE * 8).unwrap_or(u32::MAX)
}

/// Not one that a program guesses.
pub(super) const QUANTIZER: u8 = 1;
