//! Slice headers: read out of packed headers, and written (ITU-T H.265, 7.3.6.1 and
//! 7.3.7).

use super::sets::Sets;
use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::Unit;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// `nal_unit_type`.
    pub(super) unit: u32,
    pub(super) first: u32,
    /// `slice_type`.
    pub(super) kind: u32,
    /// `slice_pic_order_cnt_lsb`.
    pub(super) order: u32,
    /// How far before it the pictures are that are kept, nearest first, and whether it
    /// refers to them.
    pub(super) kept: Vec<(u32, bool)>,
    /// Of luma, and of chroma.
    pub(super) offsets: (bool, bool),
    pub(super) quantizer_delta: i32,
    pub(super) filter_across: bool,
}

impl Header {
    pub(super) const fn is_idr(&self) -> bool {
        self.unit == IDR
    }

    pub(super) const fn is_predicted(&self) -> bool {
        self.kind != I
    }

    pub(super) fn read(unit: &Unit, sets: &Sets) -> Result<Self> {
        let kind = u32::from(unit.header[0] >> 1);
        require(kind == IDR || kind == TRAIL, || format!("a slice's unit of type {kind}"))?;
        require_equal("header of a slice's unit", unit.header.as_slice(), &[unit.header[0] & 0x7e, 1])?;
        let bits = &mut Reader::new(&unit.payload, unit.bits);
        let is_first = bits.bit()?;
        if kind == IDR {
            require_equal("no_output_of_prior_pics_flag", bits.bit()?, false)?;
        }
        require_equal("slice_pic_parameter_set_id", bits.ue()?, 0)?;
        let first = if is_first { 0 } else { bits.bits(address_bits(sets))? };
        let mut header = Self {
            unit: kind,
            first,
            kind: bits.ue()?,
            order: 0,
            kept: Vec::new(),
            offsets: (false, false),
            quantizer_delta: 0,
            filter_across: sets.filter_across,
        };
        require(header.kind <= I, || format!("slice_type {}", header.kind))?;
        if kind != IDR {
            header.order = bits.bits(sets.order_bits)?;
            require_equal("short_term_ref_pic_set_sps_flag", bits.bit()?, false)?;
            header.kept = read_kept(bits)?;
        }
        if sets.offsets {
            header.offsets = (bits.bit()?, bits.bit()?);
        }
        if header.is_predicted() {
            require_equal("num_ref_idx_active_override_flag", bits.bit()?, false)?;
            if header.kind == B {
                require_equal("mvd_l1_zero_flag", bits.bit()?, false)?;
            }
            require_equal("five_minus_max_num_merge_cand", bits.ue()?, 0)?;
        }
        header.quantizer_delta = bits.se()?;
        if sets.filter_across {
            header.filter_across = bits.bit()?;
        }
        bits.trailing("the slice header")?;
        Ok(header)
    }

    /// At its end blocks begin.
    pub(super) fn write(&self, sets: &Sets) -> Writer {
        let mut bits = Writer::default();
        bits.bit(self.first == 0);
        if self.is_idr() {
            bits.bit(false);
        }
        bits.ue(0);
        if self.first > 0 {
            bits.put(self.first, address_bits(sets));
        }
        bits.ue(self.kind);
        if !self.is_idr() {
            bits.put(self.order, sets.order_bits);
            bits.bit(false);
            bits.ue(u32::try_from(self.kept.len()).unwrap_or(0));
            bits.ue(0);
            let mut before = 0;
            for &(distance, used) in &self.kept {
                bits.ue(distance - before - 1);
                bits.bit(used);
                before = distance;
            }
        }
        if sets.offsets {
            bits.bit(self.offsets.0);
            bits.bit(self.offsets.1);
        }
        if self.is_predicted() {
            bits.put(0, if self.kind == B { 2 } else { 1 });
            bits.ue(0);
        }
        bits.se(self.quantizer_delta);
        if sets.filter_across {
            bits.bit(self.filter_across);
        }
        bits.trailing();
        bits
    }
}

/// `short_term_ref_pic_set()`: pictures before only.
fn read_kept(bits: &mut Reader<'_>) -> Result<Vec<(u32, bool)>> {
    let (before, after) = (bits.ue()?, bits.ue()?);
    require(before <= 16 && after == 0, || format!("{before} pictures before, {after} after"))?;
    let mut distance = 0;
    (0..before)
        .map(|_| {
            distance += bits.ue()? + 1;
            Ok((distance, bits.bit()?))
        })
        .collect()
}

fn address_bits(sets: &Sets) -> u32 {
    let (columns, rows) = sets.grid();
    u32::BITS - (columns * rows - 1).leading_zeros()
}

/// `nal_unit_type`.
pub(super) const IDR: u32 = 20;
pub(super) const TRAIL: u32 = 1;

/// `slice_type`.
pub(super) const B: u32 = 0;
pub(super) const P: u32 = 1;
pub(super) const I: u32 = 2;
