//! A stream's pictures are checked, and coded for a decoder that keeps what each says.

use ash::vk::native::StdVideoEncodeH265SliceSegmentHeader;
use earthshine_drivers::ledger;

use super::blocks;
use super::decoder::{Decoder, Kept};
use super::slice::{self, Header};
use super::structures::Sets;
use super::told::{self, Slice, Told};
use crate::capabilities::get;
use crate::codec::{Job, Mark};
use crate::nal;
use crate::rules::{Result, require, require_equal, violation};

/// What is known of a stream from its pictures up to now.
#[derive(Default)]
pub(crate) struct Stream {
    decoder: Decoder<()>,
}

impl Stream {
    /// The picture, as a decoder takes it.
    pub(crate) fn encode(&mut self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        check(told, job)?;
        let order = told.info.PicOrderCntVal;
        let headers: Vec<_> = told.slices.iter().map(|slice| header(told, slice, sets, job)).collect::<Result<_>>()?;
        if told.is_idr() {
            self.decoder.begin();
        } else {
            self.decoder.forget(order, &headers[0], &sets.sets)?;
        }
        let bytes = self.code(&headers, told, sets, job)?;
        self.decoder.keep(Kept { place: (), order, pixels: job.pixels.clone() });
        Ok(bytes)
    }

    pub(crate) fn reset(&mut self) {
        self.decoder.begin();
    }

    fn code(&self, headers: &[Header], told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        let order = told.info.PicOrderCntVal;
        let reference = match job.references.first() {
            None => None,
            Some((_, named)) => {
                let kept = self.decoder.referred(order, &headers[0]);
                let kept = kept.ok_or_else(|| violation("a decoder finds no picture to refer to"))?;
                require_equal("what a decoder refers to", kept.order, named.order)?;
                Some(kept)
            }
        };
        if job.number == 0 {
            let both = u8::from(predicted() == told::B);
            let (sets, slices, others) = (sets.told(), headers.len(), job.told());
            ledger::event(&format!("stream codec=hevc {sets} both_lists={both} slices={slices} {others}"));
        }
        let (columns, rows) = sets.sets.grid();
        let mut bytes = Vec::new();
        for (index, header) in headers.iter().enumerate() {
            let end = headers.get(index + 1).map_or(columns * rows, |next| next.first);
            require(header.first < end && (index > 0 || header.first == 0), || "slices that are none".to_owned())?;
            let count = end - header.first;
            let (bits, pixels) = (header.write(&sets.sets), reference.map(|kept| &kept.pixels));
            let coded = blocks::write(bits, &sets.sets, header, count, job.pixels, pixels)?;
            bytes.extend(nal::escape(&[u8::try_from(header.unit << 1).unwrap_or(0), 1], &coded.bytes));
        }
        if let Some(distance) = reference.map(|kept| order - kept.order).filter(|distance| *distance > 1) {
            job.report_distance(distance.cast_unsigned());
        }
        Ok(bytes)
    }
}

fn check(told: &Told, job: &Job<'_>) -> Result {
    let (info, flags, is_idr) = (&told.info, &told.info.flags, told.is_idr());
    for (name, found, expected) in [
        ("is_reference", flags.is_reference(), 1),
        ("pic_output_flag", flags.pic_output_flag(), 1),
        ("used_for_long_term_reference", flags.used_for_long_term_reference(), 0),
        ("discardable_flag", flags.discardable_flag(), 0),
        ("cross_layer_bla_flag", flags.cross_layer_bla_flag(), 0),
        ("no_output_of_prior_pics_flag", flags.no_output_of_prior_pics_flag(), 0),
        ("short_term_ref_pic_set_sps_flag", flags.short_term_ref_pic_set_sps_flag(), 0),
        ("slice_temporal_mvp_enabled_flag", flags.slice_temporal_mvp_enabled_flag(), 0),
        ("sps_video_parameter_set_id", info.sps_video_parameter_set_id.into(), 0),
        ("pps_seq_parameter_set_id", info.pps_seq_parameter_set_id.into(), 0),
        ("pps_pic_parameter_set_id", info.pps_pic_parameter_set_id.into(), 0),
        ("short_term_ref_pic_set_idx", info.short_term_ref_pic_set_idx.into(), 0),
        ("TemporalId", info.TemporalId.into(), 0),
        ("pic_type", info.pic_type, if is_idr { told::IDR } else { predicted() }),
    ] {
        require_equal(name, found, expected)?;
    }
    require_equal("reserved members", info.reserved1, [0; 7])?;
    let order = info.PicOrderCntVal;
    require_equal("PicOrderCntVal of an IDR picture", order == 0, is_idr)?;
    require_equal("slot", job.setup, Mark { kind: info.pic_type, number: 0, order })?;
    require(!is_idr || told.kept.is_empty(), || format!("an IDR picture keeps {:?}", told.kept))?;
    let used = told.kept.iter().filter(|(_, used)| *used).count();
    require_equal("pictures that are referred to", used, job.references.len())?;
    let slots: Vec<_> = job.references.iter().map(|(slot, _)| u8::try_from(*slot).unwrap_or(0xFF)).collect();
    let second = if info.pic_type == told::B { slots.clone() } else { Vec::new() };
    require_equal("lists", &told.lists, &[slots, second])?;
    job.check_slices(told.slices.len())
}

/// A slice's header, as a driver writes it.
fn header(told: &Told, slice: &Slice, sets: &Sets, job: &Job<'_>) -> Result<Header> {
    let (header, is_idr) = (&slice.header, told.is_idr());
    let kind = match told.info.pic_type {
        told::IDR => slice::I,
        told::B => slice::B,
        _ => slice::P,
    };
    require_equal("slice_type", header.slice_type, kind)?;
    check_unused(header)?;
    let is_first = header.flags.first_slice_segment_in_pic_flag() == 1;
    require_equal("first_slice_segment_in_pic_flag", is_first, header.slice_segment_address == 0)?;
    let (columns, _) = sets.sets.grid();
    let starts_row = header.slice_segment_address.is_multiple_of(columns);
    require(starts_row, || format!("a slice within a row, at {}", header.slice_segment_address))?;
    let offered = get("offsets") == 1;
    let offsets = (header.flags.slice_sao_luma_flag() == 1, header.flags.slice_sao_chroma_flag() == 1);
    require(offered || offsets == (false, false), || "offsets that are not there".to_owned())?;
    let quantizer = job.quantizer(slice.constant_quantizer)?.unwrap_or(sets.sets.quantizer);
    Ok(Header {
        unit: if is_idr { slice::IDR } else { slice::TRAIL },
        first: header.slice_segment_address,
        kind,
        order: told.info.PicOrderCntVal.cast_unsigned() % (1 << sets.sets.order_bits),
        kept: told.kept.clone(),
        offsets: if sets.sets.offsets { offsets } else { (false, false) },
        quantizer_delta: quantizer - sets.sets.quantizer,
        filter_across: header.flags.slice_loop_filter_across_slices_enabled_flag() == 1,
    })
}

fn check_unused(header: &StdVideoEncodeH265SliceSegmentHeader) -> Result {
    let flags = &header.flags;
    for (name, found, expected) in [
        ("dependent_slice_segment_flag", flags.dependent_slice_segment_flag(), 0),
        ("num_ref_idx_active_override_flag", flags.num_ref_idx_active_override_flag(), 0),
        ("mvd_l1_zero_flag", flags.mvd_l1_zero_flag(), 0),
        ("cabac_init_flag", flags.cabac_init_flag(), 0),
        ("cu_chroma_qp_offset_enabled_flag", flags.cu_chroma_qp_offset_enabled_flag(), 0),
        ("deblocking_filter_override_flag", flags.deblocking_filter_override_flag(), 0),
        ("slice_deblocking_filter_disabled_flag", flags.slice_deblocking_filter_disabled_flag(), 0),
        ("collocated_from_l0_flag", flags.collocated_from_l0_flag(), 1),
        ("collocated_ref_idx", header.collocated_ref_idx.into(), 0),
        ("MaxNumMergeCand", header.MaxNumMergeCand.into(), 5),
        ("reserved1", header.reserved1.into(), 0),
    ] {
        require_equal(name, found, expected)?;
    }
    let quantizers = (header.slice_qp_delta, header.slice_cb_qp_offset, header.slice_cr_qp_offset);
    require_equal("quantizers", quantizers, (0, 0, 0))?;
    require_equal("deblocking", (header.slice_beta_offset_div2, header.slice_tc_offset_div2), (0, 0))
}

/// Engines differ in whether they know P pictures.
fn predicted() -> u32 {
    if get("both_lists") == 1 { told::B } else { told::P }
}
