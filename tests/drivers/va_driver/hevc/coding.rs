//! A picture is checked, and encoded.

use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::bits::{hevc_picture, hevc_slice};
use earthshine_ffi::vaapi::sys::*;

use super::blocks;
use super::decoder::Kept;
use super::sets::Sets;
use super::slice::{B, Header, I, IDR, P, TRAIL};
use super::stream::Stream;
use super::told;
use crate::bits::Writer;
use crate::coder::{Coder, check_cover};
use crate::config::Config;
use crate::driver::{Result, require, require_equal, violation};
use crate::nal::{self, Unit};
use crate::parameters::{self, Structures};
use crate::pixels::Picture;

/// HEVC's structures.
pub(super) struct Hevc;

impl Structures for Hevc {
    type Sequence = VAEncSequenceParameterBufferHEVC;
    type Picture = VAEncPictureParameterBufferHEVC;
    type Slice = VAEncSliceParameterBufferHEVC;

    fn units(bytes: &[u8], bits: usize) -> Result<Vec<Unit>> {
        nal::units(bytes, bits, 2)
    }
}

type Parameters = parameters::Parameters<Hevc>;
type Slice = parameters::Slice<Hevc>;

impl Coder for Stream {
    fn keeps(&self, surface: VASurfaceID) -> bool {
        self.decoder.has(&surface)
    }

    fn places(&self, buffers: &[(VABufferType, &[u8])]) -> Result<(VASurfaceID, VABufferID)> {
        let picture = Parameters::gather(buffers)?.picture;
        Ok((picture.decoded_curr_pic.picture_id, picture.coded_buf))
    }

    fn encode(&mut self, config: &Config, buffers: &[(VABufferType, &[u8])], pixels: &Picture) -> Result<Vec<u8>> {
        self.encode_picture(config, &Parameters::gather(buffers)?, pixels)
    }
}

impl Stream {
    fn encode_picture(&mut self, config: &Config, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let picture = &parameters.picture;
        let is_idr = told::is_idr(picture);
        require(is_idr || self.pictures > 0, || "the first picture is no IDR picture".to_owned())?;
        require_equal("sequence parameters", parameters.sequence.is_some(), is_idr)?;
        self.rate.spend(config, &parameters.others, self.pictures, is_idr)?;
        let mut bytes = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            bytes = self.begin_sequence(config, parameters, sequence)?;
        }
        let sets = self.sets.clone().ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no sequence"))?;
        require_equal("the input's depth", pixels.format.depth(), sets.depth)?;
        self.check_picture(is_idr, picture, &sets)?;
        let covers = |slice: &Slice| (slice.parameters.slice_segment_address, slice.parameters.num_ctu_in_slice);
        check_cover(&parameters.slices.iter().map(covers).collect::<Vec<_>>(), sets.grid())?;
        let order = picture.decoded_curr_pic.pic_order_cnt;
        let headers: Result<Vec<_>> =
            parameters.slices.iter().map(|slice| self.header(config, picture, slice, &sets)).collect();
        let headers = headers?;
        let differ = headers.iter().find(|(header, _)| header.kept != headers[0].0.kept);
        require(differ.is_none(), || "slices of one picture keep different pictures".to_owned())?;
        if !is_idr {
            self.decoder.forget(order, &headers[0].0, &sets)?;
        }
        let surface = picture.decoded_curr_pic.picture_id;
        require(!self.decoder.has(&surface), || "a reference would be overwritten".to_owned())?;
        for (index, (slice, (header, bits))) in parameters.slices.iter().zip(headers).enumerate() {
            let is_last = index + 1 == parameters.slices.len();
            let told = hevc_slice::LAST_SLICE_OF_PIC_FLAG.get(slice.parameters.slice_fields) == 1;
            require_equal("last_slice_of_pic_flag", told, is_last)?;
            let reference = self.reference(order, &header, &slice.parameters, index == 0)?;
            let count = slice.parameters.num_ctu_in_slice;
            let coded = blocks::write(bits, &sets, &header, count, pixels, reference.map(|kept| &kept.pixels))?;
            bytes.extend(nal::escape(&[u8::try_from(header.unit << 1).unwrap_or(0), 1], &coded.bytes));
        }
        if is_idr {
            ledger::event(&format!("idr {}", self.pictures));
        }
        self.keep(Kept { place: surface, order, pixels: pixels.clone() });
        Ok(bytes)
    }

    /// An IDR picture: a decoder forgets all. The parameter sets, as they are to be sent.
    fn begin_sequence(
        &mut self,
        config: &Config,
        parameters: &Parameters,
        sequence: &VAEncSequenceParameterBufferHEVC,
    ) -> Result<Vec<u8>> {
        let told = told::sets(sequence, &parameters.picture)?;
        require_equal("size", told.size, self.size)?;
        require_equal("bits_per_second", sequence.bits_per_second, self.rate.bits_per_second.unwrap_or(0))?;
        let packs = config.packed & VA_ENC_PACKED_HEADER_SEQUENCE != 0;
        require_equal("packed parameter sets", parameters.others.sets.is_some(), packs)?;
        let (sets, colours, bytes) = match &parameters.others.sets {
            Some((units, bytes)) => {
                let (found, colours) = Sets::read(units)?;
                // What only the program's own sets say.
                let (cropping, order_bits, references) = (found.cropping, found.order_bits, found.references);
                require_equal("packed parameter sets", &found, &Sets { cropping, order_bits, references, ..told })?;
                (found, Some(colours), bytes.clone())
            }
            None => (told.clone(), None, told.write(None)),
        };
        sets.check(config.profile == VAProfile::VAProfileHEVCMain10)?;
        sets.check_cropping()?;
        if self.pictures == 0 {
            let told = colours.map_or_else(String::new, |colours| {
                format!(" matrix={} full_range={}", colours.points[2], u8::from(colours.full_range))
            });
            ledger::event(&format!(
                "stream codec=hevc profile={} depth={} level={} block={} both_lists={} references={} slices={} \
                 bitrate={}{told}",
                sets.profile.number,
                sets.depth,
                sets.profile.level,
                1 << sets.blocks.1,
                u8::from(capabilities_want_both()),
                sets.references,
                parameters.slices.len(),
                sequence.bits_per_second,
            ));
        }
        self.decoder.begin();
        self.sets = Some(sets);
        Ok(bytes)
    }

    fn check_picture(&self, is_idr: bool, picture: &VAEncPictureParameterBufferHEVC, sets: &Sets) -> Result {
        let fields = picture.pic_fields;
        require_equal("nal_unit_type", picture.nal_unit_type.into(), if is_idr { IDR } else { TRAIL })?;
        let coding = if is_idr { 1 } else { 3 - predicted() };
        require_equal("coding_type", hevc_picture::CODING_TYPE.get(fields), coding)?;
        require_equal("reference_pic_flag", hevc_picture::REFERENCE_PIC_FLAG.get(fields), 1)?;
        require_equal("pic_init_qp", i32::from(picture.pic_init_qp), sets.quantizer)?;
        let order = picture.decoded_curr_pic.pic_order_cnt;
        require((order == 0) == is_idr, || format!("picture {order}, which is an IDR picture: {is_idr}"))?;
        require_equal("slice_pic_parameter_set_id", picture.slice_pic_parameter_set_id, 0)?;
        require_equal("collocated_ref_pic_index", picture.collocated_ref_pic_index, 0xff)?;
        let lists = (picture.num_ref_idx_l0_default_active_minus1, picture.num_ref_idx_l1_default_active_minus1);
        require_equal("default sizes of the lists", lists, (0, 0))?;
        require_equal("diff_cu_qp_delta_depth", picture.diff_cu_qp_delta_depth, 0)?;
        require(picture.va_reserved == [0; 15], || "reserved words are not zero".to_owned())?;
        let named = picture.reference_frames.iter().filter(|named| is_there(named));
        require_equal("references of an IDR picture", is_idr && named.clone().count() > 0, false)?;
        named.clone().try_for_each(|named| self.check_named(named))
    }

    /// A slice's header, with the bits that it is.
    fn header(
        &self,
        config: &Config,
        picture: &VAEncPictureParameterBufferHEVC,
        slice: &Slice,
        sets: &Sets,
    ) -> Result<(Header, Writer)> {
        let parameters = &slice.parameters;
        let wanted = if told::is_idr(picture) { I } else { predicted() };
        require_equal("slice_type", u32::from(parameters.slice_type), wanted)?;
        require_equal("max_num_merge_cand", parameters.max_num_merge_cand, 5)?;
        let lists = (parameters.num_ref_idx_l0_active_minus1, parameters.num_ref_idx_l1_active_minus1);
        require_equal("sizes of the lists", lists, (0, 0))?;
        let chroma = (parameters.slice_cb_qp_offset, parameters.slice_cr_qp_offset);
        let deblocking = (parameters.slice_beta_offset_div2, parameters.slice_tc_offset_div2);
        require_equal("chroma and deblocking", (chroma, deblocking), ((0, 0), (0, 0)))?;
        for (name, bits) in [
            ("dependent_slice_segment_flag", hevc_slice::DEPENDENT_SLICE_SEGMENT_FLAG),
            ("slice_temporal_mvp_enabled_flag", hevc_slice::SLICE_TEMPORAL_MVP_ENABLED_FLAG),
            ("num_ref_idx_active_override_flag", hevc_slice::NUM_REF_IDX_ACTIVE_OVERRIDE_FLAG),
            ("mvd_l1_zero_flag", hevc_slice::MVD_L1_ZERO_FLAG),
            ("cabac_init_flag", hevc_slice::CABAC_INIT_FLAG),
            ("slice_deblocking_filter_disabled_flag", hevc_slice::SLICE_DEBLOCKING_FILTER_DISABLED_FLAG),
        ] {
            require_equal(name, bits.get(parameters.slice_fields), 0)?;
        }
        require(parameters.va_reserved == [0; 6], || "reserved words are not zero".to_owned())?;
        let expected = told::header(picture, parameters, sets);
        let packs = config.packed & VA_ENC_PACKED_HEADER_SLICE != 0;
        require_equal("packed slice header", slice.header.is_some(), packs)?;
        let Some(unit) = &slice.header else {
            let bits = expected.write(sets);
            return Ok((expected, bits));
        };
        let found = Header::read(unit, sets)?;
        require_equal("packed slice header", &found, &expected)?;
        Ok((found, Writer::after(&unit.payload, unit.bits)))
    }

    /// What a decoder refers to that read this header: the one that the lists name.
    fn reference(
        &self,
        order: i32,
        header: &Header,
        slice: &VAEncSliceParameterBufferHEVC,
        is_first: bool,
    ) -> Result<Option<&Kept<VASurfaceID>>> {
        let listed = |list: &[VAPictureHEVC]| -> Vec<(VASurfaceID, i32)> {
            list.iter().filter(|named| is_there(named)).map(|named| (named.picture_id, named.pic_order_cnt)).collect()
        };
        let lists = (listed(&slice.ref_pic_list0), listed(&slice.ref_pic_list1));
        if !header.is_predicted() {
            require_equal("lists of an I slice", lists, (vec![], vec![]))?;
            return Ok(None);
        }
        let kept = self.referred(order, header)?;
        let named = vec![(kept.place, kept.order)];
        let second = if header.kind == B { named.clone() } else { vec![] };
        require_equal("lists", lists, (named, second))?;
        let distance = order - kept.order;
        if is_first && distance > 1 {
            ledger::event(&format!("refer {distance} picture={}", self.pictures));
        }
        Ok(Some(kept))
    }
}

/// Engines differ in whether they know P slices.
fn capabilities_want_both() -> bool {
    crate::capabilities::get("PredictionDirection") >= 4
}

/// `slice_type` of pictures that refer to one.
fn predicted() -> u32 {
    if capabilities_want_both() { B } else { P }
}

const fn is_there(named: &VAPictureHEVC) -> bool {
    named.flags & VA_PICTURE_HEVC_INVALID == 0
}
