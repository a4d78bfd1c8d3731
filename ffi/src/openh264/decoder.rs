//! A safe owner of an OpenH264 decoder, for measurements: it gives each picture out in the
//! call that brought its bytes, in this process, so that the moment is known. (FFmpeg's program
//! gives out each picture when the next one comes.)
//!
//! Facts from `codec_api.h`, `codec_app_def.h` and `welsDecoderExt.cpp` of the vendored
//! source.

use std::ffi::{c_int, c_long, c_uchar, c_void};
use std::ptr::{NonNull, null_mut};

use openh264_sys2::source::APILoader;
use openh264_sys2::{
    DECODER_OPTION_TRACE_LEVEL, ERROR_CON_DISABLE, ISVCDecoder, ISVCDecoderVtbl, SBufferInfo, SDecodingParam,
    SVideoProperty, VIDEO_BITSTREAM_AVC,
};

/// One open decoder of H.264 without B slices. Bound to the thread that opened it.
#[derive(Debug)]
pub struct Decoder {
    raw: NonNull<ISVCDecoder>,
}

/// Luma of a decoded picture.
#[derive(Debug, Clone, Copy)]
pub struct Luma<'a> {
    /// Rows of 8 bits a sample.
    pub samples: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No decoder could be made.
    #[error("OpenH264 makes no decoder (code {0})")]
    Open(c_long),
    /// The library lacks a function of its interface.
    #[error("OpenH264's decoder lacks a function")]
    Incomplete,
    /// It does not understand the access unit, or lacks what that refers to.
    #[error("OpenH264 cannot decode this (state {0:#x})")]
    Refused(c_int),
    /// The access unit holds no whole picture.
    #[error("OpenH264 decoded no picture")]
    NoPicture,
}

impl Decoder {
    /// Opens a decoder.
    ///
    /// # Errors
    /// [`DecodeError`]; nothing stays open.
    pub fn open() -> Result<Self, DecodeError> {
        let mut raw = null_mut();
        // SAFETY: WelsCreateDecoder writes a pointer through its argument and returns 0,
        // or returns another number (codec_api.h).
        let code = unsafe { APILoader::WelsCreateDecoder(&raw mut raw) };
        let raw = NonNull::new(raw).filter(|_| code == 0).ok_or(DecodeError::Open(code))?;
        let decoder = Self { raw };
        let (Some(set_option), Some(initialize)) = (decoder.vtable().SetOption, decoder.vtable().Initialize) else {
            return Err(DecodeError::Incomplete);
        };
        let mut quiet: c_int = 0;
        // SAFETY: this option reads an int through the pointer (welsDecoderExt.cpp).
        unsafe { set_option(decoder.raw.as_ptr(), DECODER_OPTION_TRACE_LEVEL, (&raw mut quiet).cast::<c_void>()) };
        let parameters = SDecodingParam {
            uiTargetDqLayer: c_uchar::MAX,
            eEcActiveIdc: ERROR_CON_DISABLE,
            sVideoProperty: SVideoProperty { eVideoBsType: VIDEO_BITSTREAM_AVC, ..SVideoProperty::default() },
            ..SDecodingParam::default()
        };
        // SAFETY: the structure is complete, and is copied by the library.
        let code = unsafe { initialize(decoder.raw.as_ptr(), &raw const parameters) };
        if code == 0 { Ok(decoder) } else { Err(DecodeError::Open(code)) }
    }

    /// Decodes an access unit (Annex B) of one picture.
    ///
    /// # Errors
    /// [`DecodeError`]; the decoder may be used on from the next IDR picture.
    pub fn decode(&mut self, unit: &[u8]) -> Result<Luma<'_>, DecodeError> {
        let decode = self.vtable().DecodeFrameNoDelay.ok_or(DecodeError::Incomplete)?;
        let length = c_int::try_from(unit.len()).map_err(|_| DecodeError::Refused(-1))?;
        let mut planes: [*mut c_uchar; 3] = [null_mut(); 3];
        let mut info = SBufferInfo::default();
        // SAFETY: the decoder is initialized; it reads `length` bytes, and writes three
        // pointers and the description of a picture (codec_api.h).
        let state = unsafe { decode(self.raw.as_ptr(), unit.as_ptr(), length, planes.as_mut_ptr(), &raw mut info) };
        if state != 0 {
            return Err(DecodeError::Refused(state));
        }
        if info.iBufferStatus != 1 {
            self.flush(&mut planes, &mut info)?;
        }
        if info.iBufferStatus != 1 || planes[0].is_null() {
            return Err(DecodeError::NoPicture);
        }
        // SAFETY: the only member of the union.
        let system = unsafe { info.UsrData.sSystemBuffer };
        let number = |number: c_int| usize::try_from(number).map_err(|_| DecodeError::NoPicture);
        let (width, height, stride) = (number(system.iWidth)?, number(system.iHeight)?, number(system.iStride[0])?);
        if width == 0 || height == 0 || stride < width {
            return Err(DecodeError::NoPicture);
        }
        let length = stride * (height - 1) + width;
        // SAFETY: luma has `height` rows of `width` bytes, `stride` apart, which stay as they
        // are until the next call (codec_api.h); the borrow of self keeps that away.
        let samples = unsafe { std::slice::from_raw_parts(planes[0], length) };
        Ok(Luma { samples, stride, width, height })
    }

    /// Takes the picture out of the queue in which the library puts pictures into their order,
    /// and keeps the newest one back. There are no B slices, so nothing will come before it.
    fn flush(&mut self, planes: &mut [*mut c_uchar; 3], info: &mut SBufferInfo) -> Result<(), DecodeError> {
        let flush = self.vtable().FlushFrame.ok_or(DecodeError::Incomplete)?;
        // SAFETY: the decoder is initialized; it writes three pointers and the description
        // of a picture, or nothing (welsDecoderExt.cpp).
        let state = unsafe { flush(self.raw.as_ptr(), planes.as_mut_ptr(), info) };
        if state == 0 { Ok(()) } else { Err(DecodeError::Refused(state)) }
    }

    fn vtable(&self) -> &ISVCDecoderVtbl {
        // SAFETY: WelsCreateDecoder returned an object whose first word points to its
        // function table, valid until it is destroyed.
        unsafe { &**self.raw.as_ptr() }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        if let Some(uninitialize) = self.vtable().Uninitialize {
            // SAFETY: allowed at any time.
            unsafe { uninitialize(self.raw.as_ptr()) };
        }
        // SAFETY: created by WelsCreateDecoder, destroyed once.
        unsafe { APILoader::WelsDestroyDecoder(self.raw.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Encoder, Picture, Settings};
    use super::*;

    fn settings() -> Settings {
        Settings {
            width: 64,
            height: 48,
            frame_rate: 60.0,
            bitrate: 5_000_000,
            slices: 1,
            threads: 1,
            primaries: 1,
            transfer: 1,
            matrix: 1,
            full_range: false,
        }
    }

    #[test]
    fn what_is_encoded_comes_out_in_the_same_call() {
        let mut encoder = Encoder::open(&settings()).unwrap();
        let mut decoder = Decoder::open().unwrap();
        let (width, height) = (64, 48);
        for shade in [40_u8, 90, 200] {
            let (luma, chroma) = (vec![shade; width * height], vec![128; width * height / 4]);
            let picture = Picture { y: &luma, u: &chroma, v: &chroma, y_stride: width, uv_stride: width / 2 };
            let mut unit = Vec::new();
            encoder.encode(&picture, 20, shade == 40, &mut unit).unwrap();
            let decoded = decoder.decode(&unit).unwrap();
            assert_eq!((decoded.width, decoded.height), (width, height));
            assert!(decoded.samples[decoded.stride * 20 + 30].abs_diff(shade) < 4);
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let mut decoder = Decoder::open().unwrap();
        for junk in [&b""[..], &[0, 0, 0, 1, 0x67, 1, 2, 3], &[0xFF; 100], &[0, 0, 1, 0x65, 0x88, 0x84]] {
            assert!(decoder.decode(junk).is_err(), "{junk:?}");
        }
    }
}
