//! The buffers of a picture, in their order, as structures.

use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Misc, Parameter, Plain};

use crate::driver::{Result, require, require_equal, violation};
use crate::nal::Unit;

/// A codec's structures.
pub(crate) trait Structures {
    type Sequence: Parameter;
    type Picture: Parameter;
    type Slice: Parameter;
    /// What a slice's header is called.
    const SLICE_HEADER: VAEncPackedHeaderType = VAEncPackedHeaderType::VAEncPackedHeaderSlice;
    /// The units of a packed header of so many bits.
    fn units(bytes: &[u8], bits: usize) -> Result<Vec<Unit>>;
}

/// Everything that a picture was rendered with.
pub(crate) struct Parameters<S: Structures> {
    pub(crate) sequence: Option<S::Sequence>,
    pub(crate) picture: S::Picture,
    pub(crate) slices: Vec<Slice<S>>,
    pub(crate) others: Others,
}

/// What is alike in all codecs.
#[derive(Default)]
pub(crate) struct Others {
    /// The parameter sets, as units and as the program wrote them.
    pub(crate) sets: Option<(Vec<Unit>, Vec<u8>)>,
    pub(crate) rate: Option<VAEncMiscParameterRateControl>,
    pub(crate) buffering: Option<VAEncMiscParameterHRD>,
    pub(crate) frames: Option<VAEncMiscParameterFrameRate>,
    pub(crate) quality: Option<VAEncMiscParameterBufferQualityLevel>,
}

/// A slice, with the header that the program wrote.
pub(crate) struct Slice<S: Structures> {
    pub(crate) parameters: S::Slice,
    pub(crate) header: Option<Unit>,
}

impl<S: Structures> Parameters<S> {
    /// Reads the buffers of a picture.
    pub(crate) fn gather(buffers: &[(VABufferType, &[u8])]) -> Result<Self> {
        let (mut sequence, mut picture, mut slices, mut others) = (None, None, Vec::new(), Others::default());
        let (mut described, mut header) = (None, None);
        for &(kind, bytes) in buffers {
            // What describes data has it behind, and a slice's header has the slice.
            let follows = described.is_none() || kind == VABufferType::VAEncPackedHeaderDataBufferType;
            require(follows, || "a packed header's description without its data".to_owned())?;
            match kind {
                VABufferType::VAEncSequenceParameterBufferType => {
                    require(picture.is_none(), || "the sequence comes after the picture".to_owned())?;
                    once(&mut sequence, structure(bytes)?)?;
                }
                VABufferType::VAEncPictureParameterBufferType => once(&mut picture, structure(bytes)?)?,
                VABufferType::VAEncMiscParameterBufferType => others.add_misc(bytes)?,
                VABufferType::VAEncPackedHeaderParameterBufferType => {
                    described = Some(structure::<VAEncPackedHeaderParameterBuffer>(bytes)?);
                }
                VABufferType::VAEncPackedHeaderDataBufferType => {
                    others.add_header::<S>(described.take(), bytes, &mut header)?;
                }
                _ => {
                    require(picture.is_some(), || "a slice comes before its picture".to_owned())?;
                    slices.push(Slice { parameters: structure(bytes)?, header: header.take() });
                }
            }
        }
        require(described.is_none() && header.is_none(), || "a header without what it is for".to_owned())?;
        let missing = || violation(VA_STATUS_ERROR_INVALID_PARAMETER, "no parameters of the picture");
        Ok(Self { sequence, picture: picture.ok_or_else(missing)?, slices, others })
    }
}

impl Others {
    fn add_misc(&mut self, bytes: &[u8]) -> Result {
        require(bytes.len() > 4, || "a setting without its structure".to_owned())?;
        let (kind, bytes) = bytes.split_at(4);
        let kind = VAEncMiscParameterType(u32::from_ne_bytes([kind[0], kind[1], kind[2], kind[3]]));
        match kind {
            VAEncMiscParameterRateControl::TYPE => once(&mut self.rate, structure(bytes)?),
            VAEncMiscParameterHRD::TYPE => once(&mut self.buffering, structure(bytes)?),
            VAEncMiscParameterFrameRate::TYPE => once(&mut self.frames, structure(bytes)?),
            VAEncMiscParameterBufferQualityLevel::TYPE => once(&mut self.quality, structure(bytes)?),
            other => require(false, || format!("setting {} is not for this driver", other.0)),
        }
    }

    fn add_header<S: Structures>(
        &mut self,
        described: Option<VAEncPackedHeaderParameterBuffer>,
        bytes: &[u8],
        slice: &mut Option<Unit>,
    ) -> Result {
        let Some(described) = described else {
            return require(false, || "a packed header without its description".to_owned());
        };
        require_equal("has_emulation_bytes", described.has_emulation_bytes, 1)?;
        let mut units = S::units(bytes, described.bit_length as usize)?;
        match VAEncPackedHeaderType(described.type_) {
            VAEncPackedHeaderType::VAEncPackedHeaderSequence => {
                require(described.bit_length % 8 == 0, || "parameter sets end within a byte".to_owned())?;
                once(&mut self.sets, (units, bytes.to_vec()))
            }
            kind if kind == S::SLICE_HEADER => {
                require_equal("units in a slice's header", units.len(), 1)?;
                once(slice, units.remove(0))
            }
            other => require(false, || format!("packed headers of type {} are not looked into here", other.0)),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result {
    require(place.replace(value).is_none(), || format!("two of {}", std::any::type_name::<T>()))
}

fn structure<T: Plain>(bytes: &[u8]) -> Result<T> {
    require_equal(std::any::type_name::<T>(), bytes.len(), size_of::<T>())?;
    // SAFETY: so many bytes, and of these structures all bits are values.
    Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// What the program is told that a buffer is: the same as what it says.
const _: () = {
    assert!(<VAEncSliceParameterBufferH264 as Parameter>::TYPE.0 == VABufferType::VAEncSliceParameterBufferType.0);
};
