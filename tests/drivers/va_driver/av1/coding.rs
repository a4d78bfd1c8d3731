//! A picture is checked, and stands in the stream with its headers alone.

use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::sys::*;

use super::frame::{Frame, Offsets};
use super::obu;
use super::sequence::Sequence;
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

/// What is known of a stream from its pictures up to now.
pub(crate) struct Stream {
    size: (u32, u32),
    sequence: Option<Sequence>,
    rate: Rate,
    pictures: u64,
    /// What a decoder keeps: surfaces, and which pictures they are.
    places: [Option<(VASurfaceID, u64)>; 8],
}

impl Coder for Stream {
    fn keeps(&self, surface: VASurfaceID) -> bool {
        self.places.iter().flatten().any(|(kept, _)| *kept == surface)
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
        Self { size, sequence: None, rate: Rate::default(), pictures: 0, places: [None; 8] }
    }

    fn encode_picture(&mut self, config: &Config, parameters: &Parameters, pixels: &Picture) -> Result<Vec<u8>> {
        let picture = &parameters.picture;
        let expected = Frame::of(picture)?;
        require(expected.is_key || self.pictures > 0, || "the first picture is no key frame".to_owned())?;
        require_equal("sequence parameters", parameters.sequence.is_some(), expected.is_key)?;
        self.rate.spend(config, &parameters.others, self.pictures, expected.is_key)?;
        let mut bytes = Vec::new();
        if let Some(sequence) = &parameters.sequence {
            bytes = self.begin(parameters, sequence)?;
        }
        let sequence =
            self.sequence.clone().ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no sequence"))?;
        require_equal("the input's depth", pixels.format.depth(), sequence.depth)?;
        let [group] = parameters.slices.as_slice() else {
            return require(false, || format!("{} groups of tiles", parameters.slices.len())).map(|()| bytes);
        };
        require_equal("tiles of the group", (group.parameters.tg_start, group.parameters.tg_end), (0, 0))?;
        let packs = config.packed & VA_ENC_PACKED_HEADER_PICTURE != 0;
        require_equal("packed frame header", group.header.is_some(), packs)?;
        if let Some(header) = &group.header {
            let (found, offsets) = Frame::read(header, &sequence)?;
            require_equal("packed frame header", &found, &expected)?;
            bytes.extend(with_quantizer(config, picture, header, &offsets)?);
        }
        self.check_references(picture, &expected)?;
        bytes.extend([obu::TILE_GROUP << 3 | 2, 2, 0, 0x80]);
        self.keep(picture.reconstructed_frame, &expected);
        Ok(bytes)
    }

    /// A key frame. The sequence header, as it is to be sent.
    fn begin(&mut self, parameters: &Parameters, sequence: &VAEncSequenceParameterBufferAV1) -> Result<Vec<u8>> {
        let told = Sequence::of(sequence, &parameters.picture)?;
        let rounded = (told.size.0.next_multiple_of(16), told.size.1.next_multiple_of(16));
        require_equal("size", rounded, self.size)?;
        require_equal("bits_per_second", sequence.bits_per_second, self.rate.bits_per_second.unwrap_or(0))?;
        let Some((units, bytes)) = &parameters.others.sets else {
            return require(false, || "the stand-in writes no sequence header".to_owned()).map(|()| Vec::new());
        };
        let found = Sequence::read(&units[0])?;
        let (points, full_range) = (found.points, found.full_range);
        require_equal("packed sequence header", &found, &Sequence { points, full_range, ..told })?;
        if self.pictures == 0 {
            ledger::event(&format!(
                "stream codec=av1 depth={} level={} bitrate={} matrix={} full_range={}",
                found.depth,
                found.level,
                sequence.bits_per_second,
                points[2],
                u8::from(full_range)
            ));
        }
        self.sequence = Some(found);
        Ok(bytes.clone())
    }

    /// What a decoder has in a place is the surface that the parameters name there.
    fn check_references(&self, picture: &VAEncPictureParameterBufferAV1, frame: &Frame) -> Result {
        if frame.is_key {
            return Ok(());
        }
        let place = frame.references[0];
        require_equal("names of one reference", frame.references, [place; 7])?;
        require_equal("primary_ref_frame", frame.primary, 0)?;
        let (named, kept) = (picture.reference_frames[place as usize], self.places[place as usize]);
        require_equal("the reference's surface", Some(named), kept.map(|(surface, _)| surface))?;
        let distance = self.pictures - kept.map_or(0, |(_, number)| number);
        if distance > 1 {
            ledger::event(&format!("refer {distance} picture={}", self.pictures));
        }
        // A surface may stand in places that are not named any more, but not in others.
        let overwritten = picture.reference_frames.contains(&picture.reconstructed_frame);
        require(!overwritten, || "a reference would be overwritten".to_owned())
    }

    fn keep(&mut self, surface: VASurfaceID, frame: &Frame) {
        if frame.is_key {
            ledger::event(&format!("idr {}", self.pictures));
        }
        for (place, kept) in self.places.iter_mut().enumerate() {
            if frame.refreshed >> place & 1 == 1 {
                *kept = Some((surface, self.pictures));
            } else if kept.is_some_and(|(other, _)| other == surface) {
                // What was there is drawn over; nothing may refer to it.
                *kept = None;
            }
        }
        self.pictures += 1;
    }
}

/// The program's header, with the quantizer that rate control found.
fn with_quantizer(
    config: &Config,
    picture: &VAEncPictureParameterBufferAV1,
    header: &Unit,
    offsets: &Offsets,
) -> Result<Vec<u8>> {
    let mut bytes = obu::whole(header);
    if config.rate_control == VA_RC_CQP {
        require_equal("offsets without rate control", Offsets::of(picture), Offsets::default())?;
        return Ok(bytes);
    }
    require_equal("offsets", &Offsets::of(picture), offsets)?;
    for bit in 0..8 {
        let at = offsets.quantizer as usize + bit;
        let (byte, mask) = (&mut bytes[at / 8], 0x80 >> (at % 8));
        *byte = if QUANTIZER >> (7 - bit) & 1 == 1 { *byte | mask } else { *byte & !mask };
    }
    Ok(bytes)
}

/// Not one that a program guesses.
const QUANTIZER: u8 = 77;
