//! A safe owner of an OpenH264 encoder (Cisco, BSD-2), through its raw API.
//!
//! The high-level crate hides what low latency needs: a quantizer per frame,
//! slices with threads, colour description in the VUI. The library's own rate
//! control is off: it knows no limit per frame, so the caller decides the
//! quantizer of every frame. Facts from `codec_api.h`, `codec_app_def.h` and
//! `encoder_ext.cpp` of the vendored source.

mod decoder;
mod memory;
mod settings;
mod trace;

use std::ffi::c_int;
use std::ptr::{NonNull, addr_of_mut};

use openh264_sys2::source::APILoader;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, ENCODER_OPTION_TRACE_CALLBACK,
    ENCODER_OPTION_TRACE_CALLBACK_CONTEXT, ENCODER_OPTION_TRACE_LEVEL, ISVCEncoder, ISVCEncoderVtbl, SEncParamExt,
    SFrameBSInfo, SLayerBSInfo, SSourcePicture, WelsTraceCallback, videoFormatI420, videoFrameTypeIDR,
    videoFrameTypeSkip,
};

pub use self::decoder::{DecodeError, Decoder, Luma};
pub use self::settings::{MAX_SLICES, Settings};
use self::trace::Trace;

/// One open encoder. Bound to the thread that opened it.
#[derive(Debug)]
pub struct Encoder {
    raw: NonNull<ISVCEncoder>,
    parameters: Box<SEncParamExt>,
    width: usize,
    height: usize,
    // Last: the library may write to it until the encoder is destroyed.
    trace: Box<Trace>,
}

/// A picture in I420: full-size luma, chroma of half the width and height.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Luma rows.
    pub y: &'a [u8],
    /// Blue-difference rows.
    pub u: &'a [u8],
    /// Red-difference rows.
    pub v: &'a [u8],
    /// Bytes from one luma row to the next.
    pub y_stride: usize,
    /// Bytes from one chroma row to the next, the same in both planes.
    pub uv_stride: usize,
}

/// What an access unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodedKind {
    /// Parameter sets and IDR slices.
    Idr,
    /// P slices that refer to the picture before.
    Predicted,
}

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`OpenError`]; nothing stays open.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        settings.check()?;
        Self::link_memory();
        let mut raw = std::ptr::null_mut();
        // SAFETY: WelsCreateSVCEncoder writes a pointer through its argument
        // and returns 0, or returns another number (codec_api.h).
        let code = unsafe { APILoader::WelsCreateSVCEncoder(&raw mut raw) };
        let raw = NonNull::new(raw).filter(|_| code == 0).ok_or(OpenError::Create { code })?;
        let mut encoder = Self {
            raw,
            parameters: Box::default(),
            width: settings.width as usize,
            height: settings.height as usize,
            trace: Box::default(),
        };
        encoder.catch_messages();
        encoder.initialize(settings)?;
        Ok(encoder)
    }

    /// Encodes one picture and appends its access unit (Annex B) to `out`.
    ///
    /// `quantizer` is the H.264 QP of the whole picture, 0..=51; above that it
    /// counts as 51.
    ///
    /// # Errors
    /// [`EncodeError`]. After `Library` the encoder must not be used again.
    pub fn encode(
        &mut self,
        picture: &Picture<'_>,
        quantizer: u8,
        idr: bool,
        out: &mut Vec<u8>,
    ) -> Result<CodedKind, EncodeError> {
        let source = self.source_picture(picture)?;
        self.set_quantizer(quantizer.min(51))?;
        if idr {
            self.force_idr()?;
        }
        let mut info = SFrameBSInfo::default();
        let encode = self.vtable().EncodeFrame.ok_or(EncodeError::Incomplete)?;
        // SAFETY: the encoder is initialized; `source` points into slices that
        // `source_picture` checked and that outlive the call, and the library
        // only reads them; `info` is written by the library (codec_api.h).
        let code = unsafe { encode(self.raw.as_ptr(), &raw const source, &raw mut info) };
        if code != 0 {
            return Err(self.library_error("EncodeFrame", code));
        }
        let before = out.len();
        append_layers(&info, out);
        if info.eFrameType == videoFrameTypeSkip || out.len() == before {
            return Err(EncodeError::NothingCoded);
        }
        Ok(if info.eFrameType == videoFrameTypeIDR { CodedKind::Idr } else { CodedKind::Predicted })
    }

    fn initialize(&mut self, settings: &Settings) -> Result<(), OpenError> {
        let table = self.vtable();
        let (Some(defaults), Some(initialize)) = (table.GetDefaultParams, table.InitializeExt) else {
            return Err(OpenError::Create { code: -1 });
        };
        // SAFETY: GetDefaultParams fills the whole structure it is given.
        unsafe { defaults(self.raw.as_ptr(), addr_of_mut!(*self.parameters)) };
        settings.fill(&mut self.parameters);
        // SAFETY: the structure is complete and is copied by the library.
        let code = unsafe { initialize(self.raw.as_ptr(), &raw const *self.parameters) };
        if code == 0 { Ok(()) } else { Err(OpenError::Refused { code, message: self.trace.take() }) }
    }

    /// The library prints to stderr unless told otherwise; keep the last error
    /// message for our own errors instead.
    fn catch_messages(&mut self) {
        let mut callback: WelsTraceCallback = Some(trace::keep_message);
        let mut context: *mut std::ffi::c_void = addr_of_mut!(*self.trace).cast();
        let mut level: c_int = trace::LEVEL;
        for (option, value) in [
            (ENCODER_OPTION_TRACE_CALLBACK, addr_of_mut!(callback).cast()),
            (ENCODER_OPTION_TRACE_CALLBACK_CONTEXT, addr_of_mut!(context).cast()),
            (ENCODER_OPTION_TRACE_LEVEL, addr_of_mut!(level).cast()),
        ] {
            // SAFETY: each option takes a pointer to a value of exactly this
            // type and copies it (welsEncoderExt.cpp, SetOption). The context
            // is boxed and outlives the encoder (see the field order).
            let _ = unsafe { self.set_option(option, value) };
        }
    }

    /// The structure is the same but for the quantizer, so the library changes
    /// nothing else (`WelsEncoderParamAdjust`): no reset, no IDR frame.
    fn set_quantizer(&mut self, quantizer: u8) -> Result<(), EncodeError> {
        let quantizer = c_int::from(quantizer);
        if self.parameters.sSpatialLayers[0].iDLayerQp == quantizer {
            return Ok(());
        }
        self.parameters.sSpatialLayers[0].iDLayerQp = quantizer;
        let parameters = addr_of_mut!(*self.parameters).cast();
        // SAFETY: the option takes a pointer to a SEncParamExt and copies it.
        let code = unsafe { self.set_option(ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, parameters) };
        if code == 0 { Ok(()) } else { Err(self.library_error("SetOption", code)) }
    }

    fn force_idr(&mut self) -> Result<(), EncodeError> {
        let force = self.vtable().ForceIntraFrame.ok_or(EncodeError::Incomplete)?;
        // SAFETY: the encoder is initialized; the call takes no memory of ours.
        let code = unsafe { force(self.raw.as_ptr(), true) };
        if code == 0 { Ok(()) } else { Err(self.library_error("ForceIntraFrame", code)) }
    }

    fn source_picture(&self, picture: &Picture<'_>) -> Result<SSourcePicture, EncodeError> {
        let (width, height) = (self.width, self.height);
        let holds = |plane: &[u8], stride: usize, width: usize, height: usize| {
            stride >= width && plane.len() >= stride * (height - 1) + width
        };
        if !holds(picture.y, picture.y_stride, width, height)
            || !holds(picture.u, picture.uv_stride, width / 2, height / 2)
            || !holds(picture.v, picture.uv_stride, width / 2, height / 2)
        {
            return Err(EncodeError::SmallPicture { width, height });
        }
        let stride = |bytes: usize| c_int::try_from(bytes).map_err(|_| EncodeError::SmallPicture { width, height });
        let (y_stride, uv_stride) = (stride(picture.y_stride)?, stride(picture.uv_stride)?);
        Ok(SSourcePicture {
            iColorFormat: videoFormatI420,
            iStride: [y_stride, uv_stride, uv_stride, 0],
            // The library takes mutable pointers but only reads the source
            // (wels_preprocess.cpp, WelsMoveMemoryWrapper).
            pData: [
                picture.y.as_ptr().cast_mut(),
                picture.u.as_ptr().cast_mut(),
                picture.v.as_ptr().cast_mut(),
                std::ptr::null_mut(),
            ],
            iPicWidth: self.parameters.iPicWidth,
            iPicHeight: self.parameters.iPicHeight,
            uiTimeStamp: 0,
            bPsnrY: false,
            bPsnrU: false,
            bPsnrV: false,
        })
    }

    /// # Safety
    /// `value` must point to what `option` takes.
    unsafe fn set_option(&mut self, option: ENCODER_OPTION, value: *mut std::ffi::c_void) -> c_int {
        match self.vtable().SetOption {
            // SAFETY: the encoder is alive; the caller vouches for `value`.
            Some(set) => unsafe { set(self.raw.as_ptr(), option, value) },
            None => -1,
        }
    }

    fn vtable(&self) -> &ISVCEncoderVtbl {
        // SAFETY: WelsCreateSVCEncoder returned an object whose first word
        // points to its function table, valid until it is destroyed.
        unsafe { &**self.raw.as_ptr() }
    }

    fn library_error(&self, call: &'static str, code: c_int) -> EncodeError {
        EncodeError::Library { call, code, message: self.trace.take() }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if let Some(uninitialize) = self.vtable().Uninitialize {
            // SAFETY: allowed at any time; joins the library's threads.
            unsafe { uninitialize(self.raw.as_ptr()) };
        }
        // SAFETY: created by WelsCreateSVCEncoder, destroyed once.
        unsafe { APILoader::WelsDestroySVCEncoder(self.raw.as_ptr()) };
    }
}

/// Why an encoder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is outside what the library takes.
    #[error("OpenH264 cannot encode {width}x{height}: both sides must be even, 16 at least, 36864 macroblocks at most")]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// No object was made.
    #[error("OpenH264 made no encoder (code {code})")]
    Create {
        /// What the library returned.
        code: c_int,
    },
    /// The settings were refused.
    #[error("OpenH264 refused its settings (code {code}): {message}")]
    Refused {
        /// What the library returned.
        code: c_int,
        /// What it logged last.
        message: String,
    },
}

/// Why a picture was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The planes do not hold a picture of the encoder's size.
    #[error("the planes are too small for {width}x{height}")]
    SmallPicture {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A call of the library failed.
    #[error("OpenH264 {call} failed (code {code}): {message}")]
    Library {
        /// Which call.
        call: &'static str,
        /// What it returned.
        code: c_int,
        /// What it logged last.
        message: String,
    },
    /// The library skipped the picture, which it is told not to do.
    #[error("OpenH264 coded nothing")]
    NothingCoded,
    /// The library lacks a function of its interface.
    #[error("OpenH264 lacks a function")]
    Incomplete,
}

/// Whether the library was built with its assembler kernels. Without them
/// (nasm was missing at build time) it is about 2.8 times slower.
#[must_use]
pub fn has_assembler() -> bool {
    if !cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
        // ARM kernels need no nasm.
        return true;
    }
    let mut cores: c_int = 0;
    // SAFETY: takes a pointer to an int that it may set and returns a bit set;
    // built without kernels for x86 it always returns 0 (cpu.cpp).
    unsafe { WelsCPUFeatureDetect(&raw mut cores) != 0 }
}

fn append_layers(info: &SFrameBSInfo, out: &mut Vec<u8>) {
    let layers = usize::try_from(info.iLayerNum).unwrap_or(0);
    for layer in info.sLayerInfo.iter().take(layers) {
        out.extend_from_slice(layer_bytes(layer));
    }
}

fn layer_bytes(layer: &SLayerBSInfo) -> &[u8] {
    let nals = usize::try_from(layer.iNalCount).unwrap_or(0);
    if nals == 0 || layer.pNalLengthInByte.is_null() || layer.pBsBuf.is_null() {
        return &[];
    }
    // SAFETY: the library sets `iNalCount` lengths behind the pointer, valid
    // until its next call (codec_app_def.h, SLayerBSInfo).
    let lengths = unsafe { std::slice::from_raw_parts(layer.pNalLengthInByte, nals) };
    let bytes = lengths.iter().map(|&length| usize::try_from(length).unwrap_or(0)).sum();
    // SAFETY: the NAL units follow each other from `pBsBuf` on, start codes
    // included in their lengths; valid until the library's next call.
    unsafe { std::slice::from_raw_parts(layer.pBsBuf, bytes) }
}

unsafe extern "C" {
    // codec/common/inc/cpu.h; part of the static library, not of its API.
    fn WelsCPUFeatureDetect(logical_processors: *mut c_int) -> u32;
}

#[cfg(test)]
mod tests;
