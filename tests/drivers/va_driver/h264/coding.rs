//! A picture is checked, and encoded.

use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::bits::h264_picture;
use earthshine_ffi::vaapi::sys::*;

use super::macroblocks::{self, Entropy};
use super::sets::Sets;
use super::slice::Header;
use super::stream::{Kept, Stream};
use crate::bits::Writer;
use crate::coder::{Coder, check_cover};
use crate::config::Config;
use crate::driver::{Result, require, require_equal, violation};
use crate::nal::{self, Unit};
use crate::parameters::{self, Structures};
use crate::pixels::{Format, Picture};

/// H.264's structures.
pub(super) struct H264;

impl Structures for H264 {
    type Sequence = VAEncSequenceParameterBufferH264;
    type Picture = VAEncPictureParameterBufferH264;
    type Slice = VAEncSliceParameterBufferH264;

    fn units(bytes: &[u8], bits: usize) -> Result<Vec<Unit>> {
        nal::units(bytes, bits, 1)
    }
}

type Parameters = parameters::Parameters<H264>;
type Slice = parameters::Slice<H264>;

impl Coder for Stream {
    fn keeps(&self, surface: VASurfaceID) -> bool {
        self.has(surface)
    }

    fn places(&self, buffers: &[(VABufferType, &[u8])]) -> Result<(VASurfaceID, VABufferID)> {
        let picture = Parameters::gather(buffers)?.picture;
        Ok((picture.CurrPic.picture_id, picture.coded_buf))
    }

    fn encode(&mut self, config: &Config, buffers: &[(VABufferType, &[u8])], pixels: &Picture) -> Result<Vec<u8>> {
        require_equal("the input's format", pixels.format, Format::Nv12)?;
        self.encode_picture(config, &Parameters::gather(buffers)?, pixels)
    }
}

impl Stream {
    fn encode_picture(&mut self, config: &Config, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let picture = &parameters.picture;
        let is_idr = h264_picture::IDR_PIC_FLAG.get(picture.pic_fields) == 1;
        require(is_idr || self.pictures > 0, || "the first picture is no IDR picture".to_owned())?;
        require_equal("sequence parameters", parameters.sequence.is_some(), is_idr)?;
        require(h264_picture::REFERENCE_PIC_FLAG.get(picture.pic_fields) > 0, || "no reference".to_owned())?;
        self.rate.spend(config, &parameters.others, self.pictures, is_idr)?;
        let mut bytes = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            let sets = Sets::of(config.profile, sequence, picture)?;
            bytes = self.begin_sequence(config, parameters, sequence, sets)?;
        }
        let sets = self.sets.clone().ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no sequence"))?;
        require_equal("entropy_coding_mode_flag", is_cabac(picture), sets.has_cabac)?;
        require_equal("pic_init_qp", i32::from(picture.pic_init_qp), sets.quantizer)?;
        self.check_picture(is_idr, picture, &sets)?;
        let covers = |slice: &Slice| (slice.parameters.macroblock_address, slice.parameters.num_macroblocks);
        check_cover(&parameters.slices.iter().map(covers).collect::<Vec<_>>(), (sets.columns, sets.rows))?;
        for (index, slice) in parameters.slices.iter().enumerate() {
            bytes.extend(self.encode_slice(config, (picture, slice), &sets, pixels, index == 0)?);
        }
        if is_idr {
            ledger::event(&format!("idr {}", self.pictures));
            self.last_idr = parameters.slices.first().map(|slice| slice.parameters.idr_pic_id.into());
        }
        let kept = Kept {
            surface: picture.CurrPic.picture_id,
            frame_number: picture.frame_num.into(),
            order: picture.CurrPic.TopFieldOrderCnt,
            pixels: pixels.clone(),
        };
        self.keep(kept, sets.references);
        Ok(bytes)
    }

    /// An IDR picture: a decoder forgets all. The parameter sets, as they are to be sent.
    fn begin_sequence(
        &mut self,
        config: &Config,
        parameters: &Parameters,
        sequence: &VAEncSequenceParameterBufferH264,
        sets: Sets,
    ) -> Result<Vec<u8>> {
        sets.check()?;
        require_equal("macroblocks", (sets.columns * 16, sets.rows * 16), self.size)?;
        require_equal("ip_period", sequence.ip_period, 1)?;
        require(sequence.va_reserved == [0; 4], || "reserved words are not zero".to_owned())?;
        require_equal("bits_per_second", sequence.bits_per_second, self.rate.bits_per_second.unwrap_or(0))?;
        let packs = config.packed & VA_ENC_PACKED_HEADER_SEQUENCE != 0;
        require_equal("packed parameter sets", parameters.others.sets.is_some(), packs)?;
        let (colours, bytes) = match &parameters.others.sets {
            Some((units, bytes)) => {
                let (found, colours) = Sets::read(units)?;
                require_equal("packed parameter sets", &found, &sets)?;
                (Some(colours), bytes.clone())
            }
            None => (None, sets.write(sequence)),
        };
        if self.pictures == 0 {
            let told = colours.map_or_else(String::new, |colours| {
                format!(" matrix={} full_range={}", colours.points[2], u8::from(colours.full_range))
            });
            ledger::event(&format!(
                "stream codec=h264 profile={} level={} cabac={} references={} slices={} bitrate={}{told}",
                sets.profile,
                sets.level,
                u8::from(sets.has_cabac),
                sets.references,
                parameters.slices.len(),
                sequence.bits_per_second,
            ));
        }
        self.begin();
        self.sets = Some(sets);
        Ok(bytes)
    }

    fn check_picture(&self, is_idr: bool, picture: &VAEncPictureParameterBufferH264, sets: &Sets) -> Result {
        self.check_frame_number(is_idr, picture.frame_num.into(), sets)?;
        require_equal("frame_idx", picture.CurrPic.frame_idx, picture.frame_num.into())?;
        let orders = (picture.CurrPic.TopFieldOrderCnt, picture.CurrPic.BottomFieldOrderCnt);
        require(orders.0 == orders.1 && (orders.0 == 0) == is_idr, || format!("order {orders:?}"))?;
        require(!self.has(picture.CurrPic.picture_id), || "a reference would be overwritten".to_owned())?;
        require_equal("parameter sets", (picture.pic_parameter_set_id, picture.seq_parameter_set_id), (0, 0))?;
        require(picture.va_reserved == [0; 4], || "reserved words are not zero".to_owned())?;
        self.check_references(&picture.ReferenceFrames)
    }

    fn encode_slice(
        &self,
        config: &Config,
        (picture, slice): (&VAEncPictureParameterBufferH264, &Slice),
        sets: &Sets,
        pixels: &Picture,
        is_first: bool,
    ) -> Result<Vec<u8>> {
        let parameters = &slice.parameters;
        let distance = self.check_slice(picture, parameters, sets)?;
        let expected = Header::of(picture, parameters, distance);
        let packs = config.packed & VA_ENC_PACKED_HEADER_SLICE != 0;
        require_equal("packed slice header", slice.header.is_some(), packs)?;
        let mut bits = match &slice.header {
            Some(unit) => {
                let found = Header::read(unit, sets)?;
                require_equal("packed slice header", &found, &expected)?;
                Writer::after(&unit.payload, unit.bits)
            }
            None => expected.write(sets),
        };
        let reference = if expected.is_predicted {
            Some(self.referred(expected.frame_number, expected.distance, sets)?)
        } else {
            None
        };
        if let Some(distance) = expected.distance.filter(|_| is_first) {
            ledger::event(&format!("refer {distance} picture={}", self.pictures));
        }
        let quantizer = sets.quantizer + expected.quantizer_delta;
        // Above, a decoder deblocks what was coded without loss.
        require((0..=30).contains(&quantizer), || {
            format!("the stand-in codes without loss up to 30, not {quantizer}")
        })?;
        let entropy = Entropy { has_cabac: sets.has_cabac, quantizer };
        let addresses = expected.first..expected.first + parameters.num_macroblocks;
        macroblocks::write(&mut bits, entropy, addresses, pixels, reference.map(|kept| &kept.pixels));
        Ok(nal::escape(&[expected.unit], &bits.bytes))
    }

    /// How far before the picture the one is that list 0 names; `None` for the newest.
    fn check_slice(
        &self,
        picture: &VAEncPictureParameterBufferH264,
        slice: &VAEncSliceParameterBufferH264,
        sets: &Sets,
    ) -> Result<Option<u32>> {
        let is_idr = h264_picture::IDR_PIC_FLAG.get(picture.pic_fields) == 1;
        require_equal("slice_type", slice.slice_type, if is_idr { 2 } else { 0 })?;
        let count = u32::from(slice.pic_order_cnt_lsb);
        let span = 1 << sets.order_bits;
        require_equal("pic_order_cnt_lsb", count, picture.CurrPic.TopFieldOrderCnt.cast_unsigned() % span)?;
        let lists = (slice.num_ref_idx_active_override_flag, slice.num_ref_idx_l0_active_minus1);
        require_equal("sizes of the lists", (lists, picture.num_ref_idx_l0_active_minus1), ((0, 0), 0))?;
        require_equal("macroblock_info", slice.macroblock_info, VA_INVALID_ID)?;
        require(slice.va_reserved == [0; 4], || "reserved words are not zero".to_owned())?;
        let deblocking = (slice.disable_deblocking_filter_idc, slice.slice_alpha_c0_offset_div2);
        require_equal("deblocking", (deblocking, slice.slice_beta_offset_div2), ((0, 0), 0))?;
        let is_there = |picture: &VAPictureH264| picture.flags & VA_PICTURE_H264_INVALID == 0;
        let named = slice.RefPicList0.iter().filter(|picture| is_there(picture)).count();
        require_equal("pictures in list 0", named, usize::from(!is_idr))?;
        require(!slice.RefPicList1.iter().any(is_there), || "list 1 in a P slice".to_owned())?;
        if is_idr {
            let differs = self.last_idr != Some(slice.idr_pic_id.into());
            require(differs, || "idr_pic_id is that of the IDR picture before".to_owned())?;
            return Ok(None);
        }
        self.distance(picture.frame_num.into(), &slice.RefPicList0[0], sets)
    }
}

fn is_cabac(picture: &VAEncPictureParameterBufferH264) -> bool {
    h264_picture::ENTROPY_CODING_MODE_FLAG.get(picture.pic_fields) == 1
}
