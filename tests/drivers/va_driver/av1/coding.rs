//! A picture is checked, and encoded.

use std::sync::Arc;

use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::sys::*;

use super::frame::{Frame, Offsets, QUANTIZER};
use super::obu;
use super::sequence::Sequence;
use super::tile::Kept;
use crate::bits::{Reader, Writer};
use crate::coder::Coder;
use crate::config::Config;
use crate::driver::{Result, require, require_equal, violation};
use crate::nal::Unit;
use crate::parameters::{self, Structures};
use crate::pixels::Picture;
use crate::rate::Rate;

/// AV1's structures.
struct Av1;

impl Structures for Av1 {
    type Sequence = VAEncSequenceParameterBufferAV1;
    type Picture = VAEncPictureParameterBufferAV1;
    type Slice = VAEncTileGroupBufferAV1;
    const SLICE_HEADER: VAEncPackedHeaderType = VAEncPackedHeaderType::VAEncPackedHeaderPicture;

    fn units(bytes: &[u8], bits: usize) -> Result<Vec<Unit>> {
        obu::units(bytes, bits)
    }
}

type Parameters = parameters::Parameters<Av1>;
type Group = parameters::Slice<Av1>;

/// What is known of a stream from its pictures up to now.
pub(crate) struct Stream {
    size: (u32, u32),
    sequence: Option<Sequence>,
    rate: Rate,
    pictures: u64,
    /// What a decoder keeps.
    places: [Option<Place>; 8],
}

/// A picture that is kept.
#[derive(Clone)]
struct Place {
    surface: VASurfaceID,
    number: u64,
    kept: Arc<Kept>,
}

impl Coder for Stream {
    fn keeps(&self, surface: VASurfaceID) -> bool {
        self.places.iter().flatten().any(|place| place.surface == surface)
    }

    fn places(&self, buffers: &[(VABufferType, &[u8])]) -> Result<(VASurfaceID, VABufferID)> {
        let picture = Parameters::gather(buffers)?.picture;
        Ok((picture.reconstructed_frame, picture.coded_buf))
    }

    fn encode(&mut self, config: &Config, buffers: &[(VABufferType, &[u8])], pixels: &Picture) -> Result<Vec<u8>> {
        self.encode_picture(config, &Parameters::gather(buffers)?, pixels)
    }
}

impl Stream {
    pub(crate) fn new(size: (u32, u32)) -> Self {
        Self { size, sequence: None, rate: Rate::default(), pictures: 0, places: [const { None }; 8] }
    }

    fn encode_picture(&mut self, config: &Config, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let picture = &parameters.picture;
        let expected = Frame::of(picture)?;
        require(expected.is_key || self.pictures > 0, || "the first picture is no key frame".to_owned())?;
        require_equal("sequence parameters", parameters.sequence.is_some(), expected.is_key)?;
        self.rate.spend(config, &parameters.others, self.pictures, expected.is_key)?;
        let mut bytes = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            bytes = self.begin(config, parameters, sequence)?;
        }
        let sequence =
            self.sequence.clone().ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no sequence"))?;
        require_equal("the input's depth", pixels.format.depth(), sequence.depth)?;
        let [group] = parameters.slices.as_slice() else {
            return require(false, || format!("{} groups of tiles", parameters.slices.len())).map(|()| bytes);
        };
        require_equal("tiles of the group", (group.parameters.tg_start, group.parameters.tg_end), (0, 0))?;
        let (header, frame) = header(config, picture, group, &expected, &sequence)?;
        bytes.extend(header);
        let reference = self.reference(picture, &expected)?;
        let (coded, kept) = frame.tile(&sequence)?.code(&pixels.planes, reference);
        bytes.extend(obu::with_size(obu::TILE_GROUP, &coded));
        self.keep(picture.reconstructed_frame, &expected, kept);
        Ok(bytes)
    }

    /// A key frame. The sequence header, as it is to be sent.
    fn begin(
        &mut self,
        config: &Config,
        parameters: &Parameters,
        sequence: &VAEncSequenceParameterBufferAV1,
    ) -> Result<Vec<u8>> {
        let told = Sequence::of(sequence, &parameters.picture)?;
        let rounded = (told.size.0.next_multiple_of(16), told.size.1.next_multiple_of(16));
        require_equal("size", rounded, self.size)?;
        require_equal("bits_per_second", sequence.bits_per_second, self.rate.bits_per_second.unwrap_or(0))?;
        let packs = config.packed & VA_ENC_PACKED_HEADER_SEQUENCE != 0;
        require_equal("packed sequence header", parameters.others.sets.is_some(), packs)?;
        let (found, bytes) = match &parameters.others.sets {
            Some((units, bytes)) => {
                let found = Sequence::read(&units[0])?;
                let (points, full_range) = (found.points, found.full_range);
                require_equal("packed sequence header", &found, &Sequence { points, full_range, ..told })?;
                (found, bytes.clone())
            }
            None => (told.clone(), obu::with_size(obu::SEQUENCE, &told.write(false).bytes)),
        };
        if self.pictures == 0 {
            let told = if packs {
                format!(" matrix={} full_range={}", found.points[2], u8::from(found.full_range))
            } else {
                String::new()
            };
            ledger::event(&format!(
                "stream codec=av1 depth={} level={} block={} filter_intra={} cdef={} bitrate={}{told}",
                found.depth,
                found.level,
                if found.large_blocks { 128 } else { 64 },
                u8::from(found.filter_intra),
                u8::from(found.directional),
                sequence.bits_per_second,
            ));
        }
        self.sequence = Some(found);
        Ok(bytes)
    }

    /// What a decoder refers to that read this header: it has to be the surface that the
    /// parameters name there.
    fn reference(&self, picture: &VAEncPictureParameterBufferAV1, frame: &Frame) -> Result<Option<&Kept>> {
        if frame.is_key {
            return Ok(None);
        }
        let index = frame.references[0];
        require_equal("names of one reference", frame.references, [index; 7])?;
        require_equal("primary_ref_frame", frame.primary, 0)?;
        let place = self.places[index as usize].as_ref();
        let place = place.ok_or_else(|| violation(VA_STATUS_ERROR_INVALID_PARAMETER, "a decoder has nothing there"))?;
        require_equal("the reference's surface", picture.reference_frames[index as usize], place.surface)?;
        let distance = self.pictures - place.number;
        if distance > 1 {
            ledger::event(&format!("refer {distance} picture={}", self.pictures));
        }
        // A surface may stand in places that are not named any more, but not in others.
        let overwritten = picture.reference_frames.contains(&picture.reconstructed_frame);
        require(!overwritten, || "a reference would be overwritten".to_owned())?;
        Ok(Some(&*place.kept))
    }

    fn keep(&mut self, surface: VASurfaceID, frame: &Frame, kept: Kept) {
        if frame.is_key {
            ledger::event(&format!("idr {}", self.pictures));
        }
        let kept = Arc::new(kept);
        for (index, place) in self.places.iter_mut().enumerate() {
            if frame.refreshed >> index & 1 == 1 {
                *place = Some(Place { surface, number: self.pictures, kept: kept.clone() });
            } else if place.as_ref().is_some_and(|place| place.surface == surface) {
                // What was there is drawn over; nothing may refer to it.
                *place = None;
            }
        }
        self.pictures += 1;
    }
}

/// A frame's header, as it is to be sent, and what it says then.
fn header(
    config: &Config,
    picture: &VAEncPictureParameterBufferAV1,
    group: &Group,
    expected: &Frame,
    sequence: &Sequence,
) -> Result<(Vec<u8>, Frame)> {
    let is_decided = config.rate_control != VA_RC_CQP;
    let packs = config.packed & VA_ENC_PACKED_HEADER_PICTURE != 0;
    require_equal("packed frame header", group.header.is_some(), packs)?;
    let (found, offsets) = match &group.header {
        Some(header) => Frame::read(header, sequence)?,
        None => (expected.clone(), Offsets::default()),
    };
    require_equal("packed frame header", &found, expected)?;
    // What is said without rate control is what is done.
    let offsets = if is_decided { offsets } else { Offsets::default() };
    require_equal("offsets", &Offsets::of(picture), &offsets)?;
    let range = picture.min_base_qindex..=picture.max_base_qindex;
    require(!is_decided || range.contains(&QUANTIZER), || format!("quantizers of {range:?}"))?;
    let frame = if is_decided { found.decided() } else { found };
    let payload = match &group.header {
        Some(header) if is_decided => written_into(header, &offsets)?.bytes,
        Some(header) => header.payload.clone(),
        None => frame.write(sequence).bytes,
    };
    Ok((obu::with_size(obu::FRAME_HEADER, &payload), frame))
}

/// The program's header, with what rate control found. That takes fewer bits, so that what
/// follows moves up and the unit's size changes.
fn written_into(header: &Unit, offsets: &Offsets) -> Result<Writer> {
    let (mut read, mut bits) = (Reader::new(&header.payload, header.bits), Writer::default());
    let copy = |read: &mut Reader<'_>, bits: &mut Writer, end: usize| -> Result {
        while read.position() < end {
            bits.bit(read.bit()?);
        }
        Ok(())
    };
    let before = |at: u32| at as usize - obu::BEFORE * 8;
    copy(&mut read, &mut bits, before(offsets.quantizer))?;
    read.bits(8)?;
    bits.put(QUANTIZER.into(), 8);
    copy(&mut read, &mut bits, before(offsets.loop_filter))?;
    // Levels of luma, and without those none of chroma; sharpness, and no deltas.
    read.bits(4 * 6 + 4)?;
    bits.put(0, 2 * 6 + 4);
    copy(&mut read, &mut bits, obu::end(header))?;
    bits.trailing();
    Ok(bits)
}
