//! The calls of the encoder's stand-in, as a program makes them that is correct.

#![allow(dead_code, reason = "no test makes all calls")]

use std::ffi::c_void;

use earthshine_ffi::nvenc::bits;
use earthshine_ffi::nvenc::constants::*;
use earthshine_ffi::nvenc::sys::*;

use crate::support::Library;
use crate::support::cuda::{Cuda, Memory};

/// An open session.
pub(crate) struct Nvenc {
    pub(crate) list: Box<NV_ENCODE_API_FUNCTION_LIST>,
    pub(crate) encoder: *mut c_void,
}

/// A picture that was fetched.
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_idr: bool,
    pub(crate) slices: u32,
}

/// A call from the table, with the session before its arguments.
macro_rules! call {
    ($nvenc:expr, $name:ident $(, $argument:expr)*) => {{
        let function = $nvenc.list.$name.expect("the table is filled");
        // SAFETY: pointers are to variables that outlive the call.
        unsafe { function($nvenc.encoder $(, $argument)*) }.0
    }};
}
pub(crate) use call;

/// A structure of zeros.
pub(crate) fn zeros<T>() -> T {
    // SAFETY: used for structures of integers, null pointers and functions that are not.
    unsafe { std::mem::zeroed() }
}

impl Nvenc {
    /// Opens a session, or the driver's answer.
    pub(crate) fn open(cuda: &Cuda) -> Result<Self, u32> {
        let library = Library::open("libnvidia-encode.so.1");
        let mut list: Box<NV_ENCODE_API_FUNCTION_LIST> = Box::new(zeros());
        list.version = NV_ENCODE_API_FUNCTION_LIST::VERSION;
        // SAFETY: the types are the header's, and pointers to variables.
        let status = unsafe {
            let create: unsafe extern "C" fn(*mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS =
                library.function("NvEncodeAPICreateInstance");
            create(&raw mut *list)
        };
        if status.0 != 0 {
            return Err(status.0);
        }
        let mut parameters: NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS = zeros();
        parameters.version = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::VERSION;
        parameters.apiVersion = API_VERSION;
        parameters.deviceType = NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA;
        parameters.device = std::ptr::without_provenance_mut(cuda.context);
        let mut nvenc = Self { list, encoder: std::ptr::null_mut() };
        let open = nvenc.list.nvEncOpenEncodeSessionEx.expect("the table is filled");
        // SAFETY: pointers are to variables.
        match unsafe { open(&raw mut parameters, &raw mut nvenc.encoder) }.0 {
            0 => Ok(nvenc),
            status => Err(status),
        }
    }

    /// What the preset gives, with the codec's headers before every IDR frame, in
    /// BT.709, with two slices.
    pub(crate) fn config(&self, codec: GUID) -> Box<NV_ENC_CONFIG> {
        let mut preset: Box<NV_ENC_PRESET_CONFIG> = Box::new(zeros());
        preset.version = NV_ENC_PRESET_CONFIG::VERSION;
        preset.presetCfg.version = NV_ENC_CONFIG::VERSION;
        let tuning = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
        assert_eq!(call!(self, nvEncGetEncodePresetConfigEx, codec, PRESET_P1, tuning, &raw mut *preset), 0);
        let mut config = Box::new(preset.presetCfg);
        config.rcParams.averageBitRate = 1_000_000;
        if codec.Data1 == CODEC_H264.Data1 {
            // SAFETY: the preset is H.264's.
            let h264 = unsafe { &mut config.encodeCodecConfig.h264Config };
            h264.sliceModeData = 2;
            bits::h264::REPEAT_SPSPPS.set(&mut h264.bitFields, 1);
            h264.h264VUIParameters.videoSignalTypePresentFlag = 1;
            h264.h264VUIParameters.colourDescriptionPresentFlag = 1;
            h264.h264VUIParameters.colourPrimaries = NV_ENC_VUI_COLOR_PRIMARIES(1);
            h264.h264VUIParameters.transferCharacteristics = NV_ENC_VUI_TRANSFER_CHARACTERISTIC(1);
            h264.h264VUIParameters.colourMatrix = NV_ENC_VUI_MATRIX_COEFFS(1);
        }
        config
    }

    pub(crate) fn parameters(&self, codec: GUID, config: &mut NV_ENC_CONFIG) -> NV_ENC_INITIALIZE_PARAMS {
        let mut parameters: NV_ENC_INITIALIZE_PARAMS = zeros();
        parameters.version = NV_ENC_INITIALIZE_PARAMS::VERSION;
        parameters.encodeGUID = codec;
        parameters.presetGUID = PRESET_P1;
        parameters.tuningInfo = NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
        (parameters.encodeWidth, parameters.encodeHeight) = (WIDTH, HEIGHT);
        (parameters.frameRateNum, parameters.frameRateDen) = (60, 1);
        parameters.enablePTD = 1;
        parameters.encodeConfig = config;
        parameters
    }

    pub(crate) fn initialize(&self, codec: GUID) -> u32 {
        let mut config = self.config(codec);
        let mut parameters = self.parameters(codec, &mut config);
        call!(self, nvEncInitializeEncoder, &raw mut parameters)
    }

    pub(crate) fn bitstream(&self) -> *mut c_void {
        let mut parameters: NV_ENC_CREATE_BITSTREAM_BUFFER = zeros();
        parameters.version = NV_ENC_CREATE_BITSTREAM_BUFFER::VERSION;
        assert_eq!(call!(self, nvEncCreateBitstreamBuffer, &raw mut parameters), 0);
        parameters.bitstreamBuffer
    }

    /// Registers NV12 memory of the encoder's size.
    pub(crate) fn register(&self, memory: Memory) -> Result<*mut c_void, u32> {
        let mut parameters: NV_ENC_REGISTER_RESOURCE = zeros();
        parameters.version = NV_ENC_REGISTER_RESOURCE::VERSION;
        parameters.resourceType = NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR;
        (parameters.width, parameters.height) = (WIDTH, HEIGHT);
        parameters.pitch = u32::try_from(memory.pitch).expect("a small pitch");
        parameters.resourceToRegister =
            std::ptr::without_provenance_mut(usize::try_from(memory.address).expect("64 bits"));
        parameters.bufferFormat = NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12;
        match call!(self, nvEncRegisterResource, &raw mut parameters) {
            0 => Ok(parameters.registeredResource),
            status => Err(status),
        }
    }

    pub(crate) fn map(&self, resource: *mut c_void) -> *mut c_void {
        let mut parameters: NV_ENC_MAP_INPUT_RESOURCE = zeros();
        parameters.version = NV_ENC_MAP_INPUT_RESOURCE::VERSION;
        parameters.registeredResource = resource;
        assert_eq!(call!(self, nvEncMapInputResource, &raw mut parameters), 0);
        parameters.mappedResource
    }

    pub(crate) fn encode(&self, input: *mut c_void, output: *mut c_void, timestamp: u64, flags: u32) -> u32 {
        self.encode_with(input, output, timestamp, |parameters| parameters.encodePicFlags = flags)
    }

    pub(crate) fn encode_with(
        &self,
        input: *mut c_void,
        output: *mut c_void,
        timestamp: u64,
        change: impl FnOnce(&mut NV_ENC_PIC_PARAMS),
    ) -> u32 {
        let mut parameters: NV_ENC_PIC_PARAMS = zeros();
        parameters.version = NV_ENC_PIC_PARAMS::VERSION;
        (parameters.inputWidth, parameters.inputHeight) = (WIDTH, HEIGHT);
        parameters.inputTimeStamp = timestamp;
        (parameters.inputBuffer, parameters.outputBitstream) = (input, output);
        parameters.bufferFmt = NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12;
        parameters.pictureStruct = NV_ENC_PIC_STRUCT::NV_ENC_PIC_STRUCT_FRAME;
        change(&mut parameters);
        call!(self, nvEncEncodePicture, &raw mut parameters)
    }

    pub(crate) fn fetch(&self, output: *mut c_void) -> Result<Fetched, u32> {
        let mut parameters: NV_ENC_LOCK_BITSTREAM = zeros();
        parameters.version = NV_ENC_LOCK_BITSTREAM::VERSION;
        parameters.outputBitstream = output;
        let status = call!(self, nvEncLockBitstream, &raw mut parameters);
        if status != 0 {
            return Err(status);
        }
        let (start, length) = (parameters.bitstreamBufferPtr.cast::<u8>(), parameters.bitstreamSizeInBytes as usize);
        // SAFETY: valid from lock to unlock.
        let bytes = unsafe { std::slice::from_raw_parts(start, length) }.to_vec();
        assert_eq!(call!(self, nvEncUnlockBitstream, output), 0);
        let is_idr = parameters.pictureType == NV_ENC_PIC_TYPE::NV_ENC_PIC_TYPE_IDR;
        Ok(Fetched { bytes, is_idr, slices: parameters.numSlices })
    }

    pub(crate) fn destroy(&self) -> u32 {
        call!(self, nvEncDestroyEncoder)
    }
}

pub(crate) const WIDTH: u32 = 320;
pub(crate) const HEIGHT: u32 = 180;
