//! A stream's pictures are checked, and coded for a decoder that keeps the newest (ITU-T
//! H.264, 8.2.5.3).

use earthshine_drivers::ledger;

use super::macroblocks::{self, Entropy};
use super::sets::Sets;
use super::slice::Common;
use super::told::Told;
use crate::codec::{Job, Mark};
use crate::nal;
use crate::pixels::Picture;
use crate::rules::{Result, require, require_equal};

/// What is known of a stream from its pictures up to now.
#[derive(Default)]
pub(crate) struct Stream {
    /// What decoders keep, newest first.
    kept: Vec<Kept>,
    last_idr: Option<u16>,
    frame_number: u32,
}

/// A picture that a decoder keeps.
pub(super) struct Kept {
    pub(super) frame_number: u32,
    pub(super) order: i32,
    pixels: Picture,
}

impl Stream {
    /// The picture, as a decoder takes it.
    pub(crate) fn encode(&mut self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        self.check(told, sets, job)?;
        if told.is_idr() {
            self.kept.clear();
        }
        let bytes = self.code(told, sets, job)?;
        self.keep(&told.common, job.pixels.clone(), sets);
        Ok(bytes)
    }

    pub(crate) fn reset(&mut self) {
        self.kept.clear();
    }

    fn check(&self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result {
        let (info, common, is_idr) = (&told.info, &told.common, told.is_idr());
        require_equal("is_reference", info.flags.is_reference(), 1)?;
        require_equal("primary_pic_type", info.primary_pic_type, if is_idr { 5 } else { 0 })?;
        let others = (info.flags.long_term_reference_flag(), info.flags.adaptive_ref_pic_marking_mode_flag());
        require_equal("long terms and marking", others, (0, 0))?;
        let expected = if is_idr { 0 } else { (self.frame_number + 1) % (1 << sets.frame_number_bits) };
        require_equal("frame_num", common.frame_number, expected)?;
        require_equal("PicOrderCnt of an IDR picture", common.order == 0, is_idr)?;
        let mark = Mark { kind: info.primary_pic_type, number: common.frame_number, order: common.order };
        require_equal("slot", job.setup, mark)?;
        let slots: Vec<_> = job.references.iter().map(|(slot, _)| u8::try_from(*slot).unwrap_or(0xFF)).collect();
        require_equal("list 0", &told.list, &slots)?;
        if let Some(id) = common.idr {
            require(self.last_idr != Some(id), || "idr_pic_id is that of the IDR picture before".to_owned())?;
        }
        job.check_slices(told.slices.len())
    }

    fn code(&self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        let (common, is_idr) = (&told.common, told.is_idr());
        let reference = match is_idr {
            true => None,
            false => Some(common.referred(&self.kept, sets)?),
        };
        if let (Some(kept), Some((_, named))) = (reference, job.references.first()) {
            let decoded = (kept.frame_number, kept.order);
            require_equal("what a decoder refers to", decoded, (named.number, named.order))?;
        }
        if job.number == 0 {
            ledger::event(&format!("stream codec=h264 {} slices={} {}", sets.told(), told.slices.len(), job.told()));
        }
        let mut bytes = Vec::new();
        for (index, slice) in told.slices.iter().enumerate() {
            slice.check(is_idr, sets)?;
            let quantizer = job.quantizer(slice.constant_quantizer)?.unwrap_or(sets.quantizer + 2);
            // Above, a decoder deblocks what was coded without loss.
            require((0..=30).contains(&quantizer), || format!("quantizer {quantizer}"))?;
            let next = told.slices.get(index + 1);
            let end = next.map_or(sets.columns * sets.rows, |next| next.header.first_mb_in_slice);
            let addresses = slice.header.first_mb_in_slice..end;
            require(addresses.start < end && (index > 0 || addresses.start == 0), || {
                "slices that are none".to_owned()
            })?;
            let (unit, mut bits) = slice.write(common, sets, quantizer);
            let entropy = Entropy { has_cabac: sets.has_cabac, quantizer };
            macroblocks::write(&mut bits, entropy, addresses, job.pixels, reference.map(|kept| &kept.pixels));
            bytes.extend(nal::escape(&[unit], &bits.bytes));
        }
        if let Some(distance) = common.distance()? {
            job.report_distance(distance);
        }
        Ok(bytes)
    }

    /// A decoder keeps the picture.
    fn keep(&mut self, common: &Common, pixels: Picture, sets: &Sets) {
        let (frame_number, order) = (common.frame_number, common.order);
        self.kept.insert(0, Kept { frame_number, order, pixels });
        self.kept.truncate(sets.references as usize);
        self.last_idr = common.idr.or(self.last_idr);
        self.frame_number = frame_number;
    }
}
