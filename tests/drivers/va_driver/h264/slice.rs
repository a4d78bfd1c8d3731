//! Slice headers: read out of packed headers, or made of the parameters (ITU-T H.264,
//! 7.3.3).

use earthshine_ffi::vaapi::bits::h264_picture;
use earthshine_ffi::vaapi::sys::*;

use super::sets::Sets;
use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};
use crate::nal::Unit;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Of the unit.
    pub(crate) unit: u8,
    pub(crate) first: u32,
    pub(crate) is_predicted: bool,
    pub(crate) frame_number: u32,
    /// IDR pictures have it.
    pub(crate) idr: Option<u32>,
    pub(crate) order: u32,
    /// How far before the current one the picture is that list 0 begins with, where the
    /// header says so.
    pub(crate) distance: Option<u32>,
    pub(crate) quantizer_delta: i32,
}

impl Header {
    /// Out of the parameters; `distance` is known to who knows the decoder's buffer.
    pub(crate) fn of(
        picture: &VAEncPictureParameterBufferH264,
        slice: &VAEncSliceParameterBufferH264,
        distance: Option<u32>,
    ) -> Self {
        let is_idr = h264_picture::IDR_PIC_FLAG.get(picture.pic_fields) == 1;
        Self {
            unit: if is_idr { 0x65 } else { 0x61 },
            first: slice.macroblock_address,
            is_predicted: matches!(slice.slice_type, 0 | 5),
            frame_number: picture.frame_num.into(),
            idr: is_idr.then_some(slice.idr_pic_id.into()),
            order: slice.pic_order_cnt_lsb.into(),
            distance,
            quantizer_delta: slice.slice_qp_delta.into(),
        }
    }

    pub(crate) fn read(unit: &Unit, sets: &Sets) -> Result<Self> {
        let bits = &mut Reader::new(&unit.payload, unit.bits);
        let header = unit.header[0];
        let is_idr = header & 0x1f == 5;
        require(header == 0x65 || header == 0x61, || format!("a slice's unit {header:#x}"))?;
        let first = bits.ue()?;
        let kind = bits.ue()?;
        require(matches!(kind % 5, 0 | 2) && kind < 10, || format!("slice_type {kind}"))?;
        let is_predicted = kind % 5 == 0;
        require_equal("pic_parameter_set_id", bits.ue()?, 0)?;
        let frame_number = bits.bits(sets.frame_number_bits)?;
        let idr = if is_idr { Some(bits.ue()?) } else { None };
        let order = bits.bits(sets.order_bits)?;
        let distance = if is_predicted { Self::read_list(bits)? } else { None };
        if is_idr {
            require_equal(
                "no_output_of_prior_pics and long_term_reference",
                (bits.bit()?, bits.bit()?),
                (false, false),
            )?;
        } else {
            require_equal("adaptive_ref_pic_marking_mode_flag", bits.bit()?, false)?;
        }
        if sets.has_cabac && is_predicted {
            require_equal("cabac_init_idc", bits.ue()?, 0)?;
        }
        let quantizer_delta = bits.se()?;
        if sets.deblocking_control {
            require_equal("deblocking", (bits.ue()?, bits.se()?, bits.se()?), (0, 0, 0))?;
        }
        bits.finish("the slice header")?;
        Ok(Self { unit: header, first, is_predicted, frame_number, idr, order, distance, quantizer_delta })
    }

    fn read_list(bits: &mut Reader<'_>) -> Result<Option<u32>> {
        require_equal("num_ref_idx_active_override_flag", bits.bit()?, false)?;
        if !bits.bit()? {
            return Ok(None);
        }
        require_equal("modification_of_pic_nums_idc", bits.ue()?, 0)?;
        let distance = bits.ue()? + 1;
        require_equal("the end of the modification", bits.ue()?, 3)?;
        Ok(Some(distance))
    }

    pub(crate) fn write(&self, sets: &Sets) -> Writer {
        let mut bits = Writer::default();
        bits.ue(self.first);
        bits.ue(if self.is_predicted { 0 } else { 2 });
        bits.ue(0);
        bits.put(self.frame_number, sets.frame_number_bits);
        if let Some(id) = self.idr {
            bits.ue(id);
        }
        bits.put(self.order, sets.order_bits);
        if self.is_predicted {
            bits.bit(false);
            bits.bit(self.distance.is_some());
            if let Some(distance) = self.distance {
                [0, distance - 1, 3].iter().for_each(|value| bits.ue(*value));
            }
        }
        bits.put(0, if self.idr.is_some() { 2 } else { 1 });
        if sets.has_cabac && self.is_predicted {
            bits.ue(0);
        }
        bits.se(self.quantizer_delta);
        if sets.deblocking_control {
            bits.put(0b111, 3);
        }
        bits
    }
}
