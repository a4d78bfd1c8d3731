//! What differs from codec to codec: the parameters that a driver gets, and the headers
//! that go with them.

use std::ops::Range;
use std::rc::Rc;

use earthshine_ffi::vaapi::sys::{VABufferID, VAEncPackedHeaderType, VASurfaceID};
use earthshine_ffi::vaapi::{Buffer, Context, VaError};

use crate::units::Size;
use crate::worker::encode::bitstream::nal::Packed;

/// A stream in one codec.
pub(super) trait Syntax: std::fmt::Debug {
    /// Size of the pictures in whole blocks.
    fn coded_size(&self) -> Size;

    /// Rows of blocks in a picture.
    fn rows(&self) -> u32;

    /// Pictures that the client lost have their place among those that are kept.
    fn keeps_lost(&self) -> bool {
        true
    }

    /// Parameters of the stream, before an IDR picture.
    fn sequence(&self, context: &Rc<Context>, bits_per_second: u32) -> Result<Buffer, VaError>;

    /// Parameter sets that say the same.
    fn parameter_sets(&self) -> Packed;

    /// Parameters of a picture.
    fn picture(&self, context: &Rc<Context>, coding: &Coding) -> Result<Buffer, VaError>;

    /// Parameters of a slice: these rows of blocks.
    fn slice(&self, context: &Rc<Context>, coding: &Coding, rows: Range<u32>) -> Result<Buffer, VaError>;

    /// The header that says the same.
    fn slice_header(&self, coding: &Coding, rows: Range<u32>) -> Packed;

    /// What drivers call that header.
    fn slice_header_kind(&self) -> VAEncPackedHeaderType {
        VAEncPackedHeaderType::VAEncPackedHeaderSlice
    }

    /// What a picture begins with, where its driver did not write that.
    fn beginning(&self) -> &'static [u8] {
        &[]
    }
}

/// A picture that is being encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coding {
    /// `None` for an IDR picture.
    pub(super) reference: Option<Reference>,
    /// Counts IDR pictures.
    pub(super) idr: u16,
    /// Pictures since the last IDR picture.
    pub(super) order: u32,
    /// Where it is reconstructed.
    pub(super) target: VASurfaceID,
    /// Where it is written.
    pub(super) coded: VABufferID,
    /// All that decoders keep before it, newest first.
    pub(super) kept: Vec<Reference>,
}

/// A picture that was reconstructed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    /// Pictures since the last IDR picture.
    pub(super) order: u32,
    /// Where it is.
    pub(super) surface: VASurfaceID,
}

/// Pictures from one IDR picture to the next that a driver plans with. They come when
/// they are asked for; this is a number that every driver takes.
pub(super) const NO_PERIOD: u32 = 0x7FFF;
