//! A stream's frames are checked, and coded for a decoder that keeps eight.

use std::sync::Arc;

use earthshine_drivers::ledger;
use earthshine_ffi::vulkan::video::av1_sys::{self as sys, picture};

use super::frame::Frame;
use super::obu;
use super::sequence::Sequence;
use super::structures::Sets;
use super::tile::Kept;
use super::told::Told;
use crate::capabilities::get;
use crate::codec::{Job, Mark};
use crate::rules::{Result, require, require_equal, violation};

/// What is known of a stream from its frames up to now.
#[derive(Default)]
pub(crate) struct Stream {
    /// What a decoder keeps.
    places: [Option<Place>; 8],
}

/// A frame that is kept.
#[derive(Clone)]
struct Place {
    mark: Mark,
    number: u64,
    kept: Arc<Kept>,
}

impl Stream {
    /// The frame, as a decoder takes it after a temporal delimiter.
    pub(crate) fn encode(&mut self, told: &Told, sets: &Sets, job: &Job<'_>) -> Result<Vec<u8>> {
        let sequence = &sets.sequence;
        check(told, job)?;
        let frame = self.frame(told, sequence, job)?;
        let reference = self.reference(told, &frame, job)?;
        if job.number == 0 {
            ledger::event(&format!("stream codec=av1 {} {}", sets.told(), job.told()));
        }
        if let Some(distance) = reference.map(|place| job.number - place.number).filter(|distance| *distance > 1) {
            job.report_distance(u32::try_from(distance).unwrap_or(u32::MAX));
        }
        let mut bytes = obu::with_size(obu::FRAME_HEADER, &frame.write(sequence).bytes);
        let (coded, kept) = frame.tile(sequence)?.code(&job.pixels.planes, reference.map(|place| &*place.kept));
        bytes.extend(obu::with_size(obu::TILE_GROUP, &coded));
        let place = Place { mark: job.setup, number: job.number, kept: Arc::new(kept) };
        for (index, kept) in self.places.iter_mut().enumerate() {
            if frame.refreshed >> index & 1 == 1 {
                *kept = Some(place.clone());
            }
        }
        Ok(bytes)
    }

    pub(crate) fn reset(&mut self) {
        self.places = [const { None }; 8];
    }

    /// The header, as a driver writes it.
    fn frame(&self, told: &Told, sequence: &Sequence, job: &Job<'_>) -> Result<Frame> {
        let info = &told.info;
        let quantizer = job.quantizer(told.constant_quantizer.cast_signed())?;
        let frame = Frame {
            is_key: told.is_idr(),
            order_hint: u32::from(info.order_hint) % (1 << sequence.order_bits),
            primary: info.primary_ref_frame.into(),
            refreshed: info.refresh_frame_flags.into(),
            references: info.ref_frame_idx.map(|place| u32::from(place.cast_unsigned())),
            quantizer: 0,
            filter_levels: [12; 4],
            transforms_vary: info.TxMode == 2,
        };
        Ok(match quantizer {
            Some(quantizer) => Frame { quantizer: quantizer.cast_unsigned(), ..frame },
            None => frame.decided(),
        })
    }

    /// What a decoder refers to that read the header: it has to be in the slot that is
    /// named.
    fn reference(&self, told: &Told, frame: &Frame, job: &Job<'_>) -> Result<Option<&Place>> {
        let named: Vec<_> = (0..7).filter(|name| told.slots[*name] >= 0).collect();
        let Some((slot, mark)) = job.references.first() else {
            require_equal("names of a key frame's references", named, Vec::new())?;
            return Ok(None);
        };
        let [name] = named.as_slice() else { return Err(violation(format!("references of names {named:?}"))) };
        require_equal("the slot of the name", told.slots[*name], *slot)?;
        require(get("names") >> name & 1 == 1, || format!("a reference of name {name}"))?;
        let index = frame.references[*name];
        require_equal("names of one reference", frame.references, [index; 7])?;
        require_equal("primary_ref_frame", frame.primary as usize, *name)?;
        let place = self.places.get(index as usize).and_then(Option::as_ref);
        let place = place.ok_or_else(|| violation("a decoder has nothing there"))?;
        require_equal("what a decoder refers to", place.mark, *mark)?;
        // Where a decoder looks hints up that a header does not say.
        for (place, hint) in self.places.iter().zip(told.info.ref_order_hint) {
            let is_right = hint == 0 || place.as_ref().is_some_and(|place| place.mark.order == i32::from(hint));
            require(is_right, || format!("hints {:?}", told.info.ref_order_hint))?;
        }
        Ok(Some(place))
    }
}

fn check(told: &Told, job: &Job<'_>) -> Result {
    let (info, is_key) = (&told.info, told.is_idr());
    require(info.frame_type <= 1, || format!("frame_type {}", info.frame_type))?;
    let resilient = if is_key { picture::ERROR_RESILIENT_MODE } else { 0 };
    require_equal("flags of a frame", info.flags, picture::SHOW_FRAME | resilient)?;
    let kinds = match is_key {
        true => (sys::PREDICTION_MODE_INTRA_ONLY, sys::RATE_CONTROL_GROUP_INTRA),
        false => (sys::PREDICTION_MODE_SINGLE_REFERENCE, sys::RATE_CONTROL_GROUP_PREDICTIVE),
    };
    require_equal("prediction mode and group", told.kinds, kinds)?;
    if is_key {
        let all = (info.refresh_frame_flags, info.primary_ref_frame, info.order_hint);
        require_equal("what a key frame takes", all, (0xff, 7, 0))?;
    } else {
        require_equal("places that are taken", info.refresh_frame_flags.count_ones(), 1)?;
    }
    let unused = (info.coded_denom, info.current_frame_id, info.frame_presentation_time, info.interpolation_filter);
    require_equal("scaling, number, time, filter", unused, (0, 0, 0, 0))?;
    require_equal("reserved1 and numbers", (info.reserved1, info.delta_frame_id_minus_1), ([0; 3], [0; 7]))?;
    let mark = Mark { kind: info.frame_type, number: 0, order: info.order_hint.into() };
    require_equal("slot", job.setup, mark)
}
