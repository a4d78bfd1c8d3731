//! What goes into an encoder besides pixels, and what comes out of it.

use std::ffi::c_void;
use std::rc::Rc;

use super::context::Context;
use super::display::call;
use super::error::VaError;
use super::sys::*;

/// Parameters of a picture, in the driver's memory.
#[derive(Debug)]
pub struct Buffer {
    context: Rc<Context>,
    raw: VABufferID,
}

/// Structures that are parameters of a picture.
pub trait Parameter: Plain {
    /// What the driver is told that it is.
    const TYPE: VABufferType;
}

/// Structures that are an encoder's settings.
pub trait Misc: Plain {
    /// What the driver is told that it is.
    const TYPE: VAEncMiscParameterType;
}

/// Structures that may be all zero, and are read by the driver as they are.
///
/// # Safety
/// Both have to be true.
pub unsafe trait Plain: Copy {}

/// A structure with nothing in it.
#[must_use]
pub fn zeroed<T: Plain>() -> T {
    // SAFETY: that is what the trait says.
    unsafe { std::mem::zeroed() }
}

impl Buffer {
    /// Parameters of a picture.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn parameter<T: Parameter>(context: &Rc<Context>, parameter: &T) -> Result<Self, VaError> {
        Self::create(context, T::TYPE, size_of::<T>(), std::ptr::from_ref(parameter).cast())
    }

    /// A setting of the encoder, from the picture on whose parameter it is.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn misc<T: Misc>(context: &Rc<Context>, setting: &T) -> Result<Self, VaError> {
        let tagged = Tagged { kind: T::TYPE.0, setting: *setting };
        let kind = VABufferType::VAEncMiscParameterBufferType;
        Self::create(context, kind, size_of::<Tagged<T>>(), (&raw const tagged).cast())
    }

    /// A header of `bits` bits with start codes and with emulation prevention, that
    /// the driver is to put into the stream as it is; two buffers, in this order.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn packed(
        context: &Rc<Context>,
        kind: VAEncPackedHeaderType,
        bytes: &[u8],
        bits: usize,
    ) -> Result<[Self; 2], VaError> {
        let mut description: VAEncPackedHeaderParameterBuffer = zeroed();
        description.type_ = kind.0;
        description.bit_length = u32::try_from(bits.min(bytes.len() * 8)).unwrap_or(0);
        description.has_emulation_bytes = 1;
        let described = Self::parameter(context, &description)?;
        let data = VABufferType::VAEncPackedHeaderDataBufferType;
        Ok([described, Self::create(context, data, bytes.len(), bytes.as_ptr().cast())?])
    }

    fn create(context: &Rc<Context>, kind: VABufferType, size: usize, data: *const c_void) -> Result<Self, VaError> {
        let (mut raw, size) = (VA_INVALID_ID, u32::try_from(size).unwrap_or(u32::MAX));
        // The driver copies the data, and takes a pointer that it does not write through.
        call!(context.display(), vaCreateBuffer(context.raw(), kind, size, 1, data.cast_mut(), &raw mut raw))?;
        Ok(Self { context: Rc::clone(context), raw })
    }

    pub(crate) const fn id(&self) -> VABufferID {
        self.raw
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let _ = call!(self.context.display(), vaDestroyBuffer(self.raw));
    }
}

/// Where the encoder writes.
#[derive(Debug)]
pub struct CodedBuffer {
    buffer: Buffer,
}

/// What the driver says of a coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodedStatus {
    /// Average quantizer; 0 from drivers that do not say.
    pub quantizer: u32,
    /// The picture is no valid one.
    pub broken: bool,
}

impl CodedBuffer {
    /// For pictures of so many bytes at most.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create(context: &Rc<Context>, size: usize) -> Result<Self, VaError> {
        let kind = VABufferType::VAEncCodedBufferType;
        Ok(Self { buffer: Buffer::create(context, kind, size, std::ptr::null())? })
    }

    /// Its number, as parameters name it.
    #[must_use]
    pub const fn id(&self) -> VABufferID {
        self.buffer.id()
    }

    /// Appends what was encoded to `out`, when the input was waited for.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn read(&mut self, out: &mut Vec<u8>) -> Result<CodedStatus, VaError> {
        let display = self.buffer.context.display();
        let mut data: *mut c_void = std::ptr::null_mut();
        call!(display, vaMapBuffer(self.buffer.raw, &raw mut data))?;
        let (mut segment, mut status) = (data.cast::<VACodedBufferSegment>(), CodedStatus::default());
        while !segment.is_null() {
            // SAFETY: a list of segments, valid until the buffer is unmapped.
            let part = unsafe { &*segment };
            if !part.buf.is_null() {
                // SAFETY: a segment has so many bytes.
                out.extend_from_slice(unsafe { std::slice::from_raw_parts(part.buf.cast(), part.size as usize) });
            }
            status.quantizer = part.status & VA_CODED_BUF_STATUS_PICTURE_AVE_QP_MASK;
            status.broken |= part.status & BROKEN != 0;
            segment = part.next.cast();
        }
        call!(display, vaUnmapBuffer(self.buffer.raw))?;
        Ok(status)
    }
}

/// `VAEncMiscParameterBuffer`, whose data C leaves open.
#[repr(C)]
#[derive(Clone, Copy)]
struct Tagged<T> {
    kind: u32,
    setting: T,
}

macro_rules! plain {
    ($($name:ident),* $(,)?) => {
        $(
            // SAFETY: declared in `sys`, of integers, wrapped integers and pointers.
            unsafe impl Plain for $name {}
        )*
    };
}

macro_rules! parameters {
    ($($name:ident: $type:ident),* $(,)?) => {
        $(
            plain!($name);
            impl Parameter for $name {
                const TYPE: VABufferType = VABufferType::$type;
            }
        )*
    };
}

macro_rules! miscs {
    ($($name:ident: $type:ident),* $(,)?) => {
        $(
            plain!($name);
            impl Misc for $name {
                const TYPE: VAEncMiscParameterType = VAEncMiscParameterType::$type;
            }
        )*
    };
}

parameters!(
    VAEncSequenceParameterBufferH264: VAEncSequenceParameterBufferType,
    VAEncPictureParameterBufferH264: VAEncPictureParameterBufferType,
    VAEncSliceParameterBufferH264: VAEncSliceParameterBufferType,
    VAEncSequenceParameterBufferHEVC: VAEncSequenceParameterBufferType,
    VAEncPictureParameterBufferHEVC: VAEncPictureParameterBufferType,
    VAEncSliceParameterBufferHEVC: VAEncSliceParameterBufferType,
    VAEncSequenceParameterBufferAV1: VAEncSequenceParameterBufferType,
    VAEncPictureParameterBufferAV1: VAEncPictureParameterBufferType,
    VAEncTileGroupBufferAV1: VAEncSliceParameterBufferType,
    VAEncPackedHeaderParameterBuffer: VAEncPackedHeaderParameterBufferType,
);

miscs!(
    VAEncMiscParameterRateControl: VAEncMiscParameterTypeRateControl,
    VAEncMiscParameterFrameRate: VAEncMiscParameterTypeFrameRate,
    VAEncMiscParameterHRD: VAEncMiscParameterTypeHRD,
    VAEncMiscParameterBufferQualityLevel: VAEncMiscParameterTypeQualityLevel,
);

plain!(VAImage, VAImageFormat, VADRMPRIMESurfaceDescriptor, VAPictureH264, VAPictureHEVC);

const BROKEN: u32 = VA_CODED_BUF_STATUS_BAD_BITSTREAM;
