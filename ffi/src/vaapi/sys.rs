//! VA-API 1.17 for encoding, as its headers declare it.
//!
//! Made by bindgen 0.73 from `va.h`, `va_enc_h264.h`, `va_enc_hevc.h`, `va_enc_av1.h` and
//! `va_drmcommon.h` of libva 2.17, after bit fields were joined to one word each
//! ([`bits`](super::bits) has their places). Enumerations are wrapped integers, because a
//! newer driver may answer with values that these headers do not know. What is unused
//! stays, so that it can be compared; `VAEncMiscParameterBuffer`, of open size, is left out.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]

// Copyright (c) 2007-2009 Intel Corporation. All Rights Reserved.
//
// Permission is hereby granted, free of charge, to any person obtaining a
// copy of this software and associated documentation files (the
// "Software"), to deal in the Software without restriction, including
// without limitation the rights to use, copy, modify, merge, publish,
// distribute, sub license, and/or sell copies of the Software, and to
// permit persons to whom the Software is furnished to do so, subject to
// the following conditions:
//
// The above copyright notice and this permission notice (including the
// next paragraph) shall be included in all copies or substantial portions
// of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS
// OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
// MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NON-INFRINGEMENT.
// IN NO EVENT SHALL INTEL AND/OR ITS SUPPLIERS BE LIABLE FOR
// ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
// TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
// SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

pub const VA_STATUS_SUCCESS: u32 = 0;
pub const VA_STATUS_ERROR_OPERATION_FAILED: u32 = 1;
pub const VA_STATUS_ERROR_ALLOCATION_FAILED: u32 = 2;
pub const VA_STATUS_ERROR_INVALID_DISPLAY: u32 = 3;
pub const VA_STATUS_ERROR_INVALID_CONFIG: u32 = 4;
pub const VA_STATUS_ERROR_INVALID_CONTEXT: u32 = 5;
pub const VA_STATUS_ERROR_INVALID_SURFACE: u32 = 6;
pub const VA_STATUS_ERROR_INVALID_BUFFER: u32 = 7;
pub const VA_STATUS_ERROR_INVALID_IMAGE: u32 = 8;
pub const VA_STATUS_ERROR_INVALID_SUBPICTURE: u32 = 9;
pub const VA_STATUS_ERROR_ATTR_NOT_SUPPORTED: u32 = 10;
pub const VA_STATUS_ERROR_MAX_NUM_EXCEEDED: u32 = 11;
pub const VA_STATUS_ERROR_UNSUPPORTED_PROFILE: u32 = 12;
pub const VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT: u32 = 13;
pub const VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT: u32 = 14;
pub const VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE: u32 = 15;
pub const VA_STATUS_ERROR_SURFACE_BUSY: u32 = 16;
pub const VA_STATUS_ERROR_FLAG_NOT_SUPPORTED: u32 = 17;
pub const VA_STATUS_ERROR_INVALID_PARAMETER: u32 = 18;
pub const VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED: u32 = 19;
pub const VA_STATUS_ERROR_UNIMPLEMENTED: u32 = 20;
pub const VA_STATUS_ERROR_SURFACE_IN_DISPLAYING: u32 = 21;
pub const VA_STATUS_ERROR_INVALID_IMAGE_FORMAT: u32 = 22;
pub const VA_STATUS_ERROR_DECODING_ERROR: u32 = 23;
pub const VA_STATUS_ERROR_ENCODING_ERROR: u32 = 24;
pub const VA_STATUS_ERROR_INVALID_VALUE: u32 = 25;
pub const VA_STATUS_ERROR_UNSUPPORTED_FILTER: u32 = 32;
pub const VA_STATUS_ERROR_INVALID_FILTER_CHAIN: u32 = 33;
pub const VA_STATUS_ERROR_HW_BUSY: u32 = 34;
pub const VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE: u32 = 36;
pub const VA_STATUS_ERROR_NOT_ENOUGH_BUFFER: u32 = 37;
pub const VA_STATUS_ERROR_TIMEDOUT: u32 = 38;
pub const VA_STATUS_ERROR_UNKNOWN: u32 = 4294967295;
pub const VA_RT_FORMAT_YUV420: u32 = 1;
pub const VA_RT_FORMAT_YUV420_10: u32 = 256;
pub const VA_RC_NONE: u32 = 1;
pub const VA_RC_CBR: u32 = 2;
pub const VA_RC_VBR: u32 = 4;
pub const VA_RC_VCM: u32 = 8;
pub const VA_RC_CQP: u32 = 16;
pub const VA_RC_VBR_CONSTRAINED: u32 = 32;
pub const VA_RC_ICQ: u32 = 64;
pub const VA_RC_MB: u32 = 128;
pub const VA_RC_CFS: u32 = 256;
pub const VA_RC_PARALLEL: u32 = 512;
pub const VA_RC_QVBR: u32 = 1024;
pub const VA_RC_AVBR: u32 = 2048;
pub const VA_RC_TCBRC: u32 = 4096;
pub const VA_ENC_PACKED_HEADER_NONE: u32 = 0;
pub const VA_ENC_PACKED_HEADER_SEQUENCE: u32 = 1;
pub const VA_ENC_PACKED_HEADER_PICTURE: u32 = 2;
pub const VA_ENC_PACKED_HEADER_SLICE: u32 = 4;
pub const VA_ENC_PACKED_HEADER_MISC: u32 = 8;
pub const VA_ENC_PACKED_HEADER_RAW_DATA: u32 = 16;
pub const VA_ENC_SLICE_STRUCTURE_POWER_OF_TWO_ROWS: u32 = 1;
pub const VA_ENC_SLICE_STRUCTURE_ARBITRARY_MACROBLOCKS: u32 = 2;
pub const VA_ENC_SLICE_STRUCTURE_EQUAL_ROWS: u32 = 4;
pub const VA_ENC_SLICE_STRUCTURE_MAX_SLICE_SIZE: u32 = 8;
pub const VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS: u32 = 16;
pub const VA_ENC_SLICE_STRUCTURE_EQUAL_MULTI_ROWS: u32 = 32;
pub const VA_ATTRIB_NOT_SUPPORTED: u32 = 2147483648;
pub const VA_INVALID_ID: u32 = 4294967295;
pub const VA_INVALID_SURFACE: u32 = 4294967295;
pub const VA_SURFACE_ATTRIB_NOT_SUPPORTED: u32 = 0;
pub const VA_SURFACE_ATTRIB_GETTABLE: u32 = 1;
pub const VA_SURFACE_ATTRIB_SETTABLE: u32 = 2;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_VA: u32 = 1;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_V4L2: u32 = 2;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_USER_PTR: u32 = 4;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_GENERIC: u32 = 0;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_DECODER: u32 = 1;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_ENCODER: u32 = 2;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_VPP_READ: u32 = 4;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_VPP_WRITE: u32 = 8;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_DISPLAY: u32 = 16;
pub const VA_SURFACE_ATTRIB_USAGE_HINT_EXPORT: u32 = 32;
pub const VA_PROGRESSIVE: u32 = 1;
pub const VA_PICTURE_H264_INVALID: u32 = 1;
pub const VA_PICTURE_H264_TOP_FIELD: u32 = 2;
pub const VA_PICTURE_H264_BOTTOM_FIELD: u32 = 4;
pub const VA_PICTURE_H264_SHORT_TERM_REFERENCE: u32 = 8;
pub const VA_PICTURE_H264_LONG_TERM_REFERENCE: u32 = 16;
pub const VA_CODED_BUF_STATUS_PICTURE_AVE_QP_MASK: u32 = 255;
pub const VA_CODED_BUF_STATUS_LARGE_SLICE_MASK: u32 = 256;
pub const VA_CODED_BUF_STATUS_SLICE_OVERFLOW_MASK: u32 = 512;
pub const VA_CODED_BUF_STATUS_BITRATE_OVERFLOW: u32 = 1024;
pub const VA_CODED_BUF_STATUS_BITRATE_HIGH: u32 = 2048;
pub const VA_CODED_BUF_STATUS_FRAME_SIZE_OVERFLOW: u32 = 4096;
pub const VA_CODED_BUF_STATUS_BAD_BITSTREAM: u32 = 32768;
pub const VA_CODED_BUF_STATUS_AIR_MB_OVER_THRESHOLD: u32 = 16711680;
pub const VA_CODED_BUF_STATUS_NUMBER_PASSES_MASK: u32 = 251658240;
pub const VA_CODED_BUF_STATUS_SINGLE_NALU: u32 = 268435456;
pub const VA_EXPORT_SURFACE_READ_ONLY: u32 = 1;
pub const VA_EXPORT_SURFACE_WRITE_ONLY: u32 = 2;
pub const VA_EXPORT_SURFACE_READ_WRITE: u32 = 3;
pub const VA_EXPORT_SURFACE_SEPARATE_LAYERS: u32 = 4;
pub const VA_EXPORT_SURFACE_COMPOSED_LAYERS: u32 = 8;
pub const VA_TIMEOUT_INFINITE: i32 = -1;
pub const VA_FOURCC_NV12: u32 = 842094158;
pub const VA_FOURCC_BGRX: u32 = 1481787202;
pub const VA_FOURCC_ARGB: u32 = 1111970369;
pub const VA_FOURCC_XRGB: u32 = 1111970392;
pub const VA_FOURCC_P010: u32 = 808530000;
pub const VA_LSB_FIRST: u32 = 1;
pub const VA_PICTURE_HEVC_INVALID: u32 = 1;
pub const VA_PICTURE_HEVC_FIELD_PIC: u32 = 2;
pub const VA_PICTURE_HEVC_BOTTOM_FIELD: u32 = 4;
pub const VA_PICTURE_HEVC_LONG_TERM_REFERENCE: u32 = 8;
pub const VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE: u32 = 16;
pub const VA_PICTURE_HEVC_RPS_ST_CURR_AFTER: u32 = 32;
pub const VA_PICTURE_HEVC_RPS_LT_CURR: u32 = 64;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_KERNEL_DRM: u32 = 268435456;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME: u32 = 536870912;
pub const VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2: u32 = 1073741824;
pub type VADisplay = *mut core::ffi::c_void;
pub type VAStatus = core::ffi::c_int;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VARectangle {
    pub x: i16,
    pub y: i16,
    pub width: u16,
    pub height: u16,
}
pub type VAMessageCallback =
    core::option::Option<unsafe extern "C" fn(user_context: *mut core::ffi::c_void, message: *const core::ffi::c_char)>;
impl VAProfile {
    pub const VAProfileNone: VAProfile = VAProfile(-1);
    pub const VAProfileMPEG2Simple: VAProfile = VAProfile(0);
    pub const VAProfileMPEG2Main: VAProfile = VAProfile(1);
    pub const VAProfileMPEG4Simple: VAProfile = VAProfile(2);
    pub const VAProfileMPEG4AdvancedSimple: VAProfile = VAProfile(3);
    pub const VAProfileMPEG4Main: VAProfile = VAProfile(4);
    pub const VAProfileH264Baseline: VAProfile = VAProfile(5);
    pub const VAProfileH264Main: VAProfile = VAProfile(6);
    pub const VAProfileH264High: VAProfile = VAProfile(7);
    pub const VAProfileVC1Simple: VAProfile = VAProfile(8);
    pub const VAProfileVC1Main: VAProfile = VAProfile(9);
    pub const VAProfileVC1Advanced: VAProfile = VAProfile(10);
    pub const VAProfileH263Baseline: VAProfile = VAProfile(11);
    pub const VAProfileJPEGBaseline: VAProfile = VAProfile(12);
    pub const VAProfileH264ConstrainedBaseline: VAProfile = VAProfile(13);
    pub const VAProfileVP8Version0_3: VAProfile = VAProfile(14);
    pub const VAProfileH264MultiviewHigh: VAProfile = VAProfile(15);
    pub const VAProfileH264StereoHigh: VAProfile = VAProfile(16);
    pub const VAProfileHEVCMain: VAProfile = VAProfile(17);
    pub const VAProfileHEVCMain10: VAProfile = VAProfile(18);
    pub const VAProfileVP9Profile0: VAProfile = VAProfile(19);
    pub const VAProfileVP9Profile1: VAProfile = VAProfile(20);
    pub const VAProfileVP9Profile2: VAProfile = VAProfile(21);
    pub const VAProfileVP9Profile3: VAProfile = VAProfile(22);
    pub const VAProfileHEVCMain12: VAProfile = VAProfile(23);
    pub const VAProfileHEVCMain422_10: VAProfile = VAProfile(24);
    pub const VAProfileHEVCMain422_12: VAProfile = VAProfile(25);
    pub const VAProfileHEVCMain444: VAProfile = VAProfile(26);
    pub const VAProfileHEVCMain444_10: VAProfile = VAProfile(27);
    pub const VAProfileHEVCMain444_12: VAProfile = VAProfile(28);
    pub const VAProfileHEVCSccMain: VAProfile = VAProfile(29);
    pub const VAProfileHEVCSccMain10: VAProfile = VAProfile(30);
    pub const VAProfileHEVCSccMain444: VAProfile = VAProfile(31);
    pub const VAProfileAV1Profile0: VAProfile = VAProfile(32);
    pub const VAProfileAV1Profile1: VAProfile = VAProfile(33);
    pub const VAProfileHEVCSccMain444_10: VAProfile = VAProfile(34);
    pub const VAProfileProtected: VAProfile = VAProfile(35);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAProfile(pub core::ffi::c_int);
impl VAEntrypoint {
    pub const VAEntrypointVLD: VAEntrypoint = VAEntrypoint(1);
    pub const VAEntrypointIZZ: VAEntrypoint = VAEntrypoint(2);
    pub const VAEntrypointIDCT: VAEntrypoint = VAEntrypoint(3);
    pub const VAEntrypointMoComp: VAEntrypoint = VAEntrypoint(4);
    pub const VAEntrypointDeblocking: VAEntrypoint = VAEntrypoint(5);
    pub const VAEntrypointEncSlice: VAEntrypoint = VAEntrypoint(6);
    pub const VAEntrypointEncPicture: VAEntrypoint = VAEntrypoint(7);
    pub const VAEntrypointEncSliceLP: VAEntrypoint = VAEntrypoint(8);
    pub const VAEntrypointVideoProc: VAEntrypoint = VAEntrypoint(10);
    pub const VAEntrypointFEI: VAEntrypoint = VAEntrypoint(11);
    pub const VAEntrypointStats: VAEntrypoint = VAEntrypoint(12);
    pub const VAEntrypointProtectedTEEComm: VAEntrypoint = VAEntrypoint(13);
    pub const VAEntrypointProtectedContent: VAEntrypoint = VAEntrypoint(14);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAEntrypoint(pub core::ffi::c_uint);
impl VAConfigAttribType {
    pub const VAConfigAttribRTFormat: VAConfigAttribType = VAConfigAttribType(0);
    pub const VAConfigAttribSpatialResidual: VAConfigAttribType = VAConfigAttribType(1);
    pub const VAConfigAttribSpatialClipping: VAConfigAttribType = VAConfigAttribType(2);
    pub const VAConfigAttribIntraResidual: VAConfigAttribType = VAConfigAttribType(3);
    pub const VAConfigAttribEncryption: VAConfigAttribType = VAConfigAttribType(4);
    pub const VAConfigAttribRateControl: VAConfigAttribType = VAConfigAttribType(5);
    pub const VAConfigAttribDecSliceMode: VAConfigAttribType = VAConfigAttribType(6);
    pub const VAConfigAttribDecJPEG: VAConfigAttribType = VAConfigAttribType(7);
    pub const VAConfigAttribDecProcessing: VAConfigAttribType = VAConfigAttribType(8);
    pub const VAConfigAttribEncPackedHeaders: VAConfigAttribType = VAConfigAttribType(10);
    pub const VAConfigAttribEncInterlaced: VAConfigAttribType = VAConfigAttribType(11);
    pub const VAConfigAttribEncMaxRefFrames: VAConfigAttribType = VAConfigAttribType(13);
    pub const VAConfigAttribEncMaxSlices: VAConfigAttribType = VAConfigAttribType(14);
    pub const VAConfigAttribEncSliceStructure: VAConfigAttribType = VAConfigAttribType(15);
    pub const VAConfigAttribEncMacroblockInfo: VAConfigAttribType = VAConfigAttribType(16);
    pub const VAConfigAttribMaxPictureWidth: VAConfigAttribType = VAConfigAttribType(18);
    pub const VAConfigAttribMaxPictureHeight: VAConfigAttribType = VAConfigAttribType(19);
    pub const VAConfigAttribEncJPEG: VAConfigAttribType = VAConfigAttribType(20);
    pub const VAConfigAttribEncQualityRange: VAConfigAttribType = VAConfigAttribType(21);
    pub const VAConfigAttribEncQuantization: VAConfigAttribType = VAConfigAttribType(22);
    pub const VAConfigAttribEncIntraRefresh: VAConfigAttribType = VAConfigAttribType(23);
    pub const VAConfigAttribEncSkipFrame: VAConfigAttribType = VAConfigAttribType(24);
    pub const VAConfigAttribEncROI: VAConfigAttribType = VAConfigAttribType(25);
    pub const VAConfigAttribEncRateControlExt: VAConfigAttribType = VAConfigAttribType(26);
    pub const VAConfigAttribProcessingRate: VAConfigAttribType = VAConfigAttribType(27);
    pub const VAConfigAttribEncDirtyRect: VAConfigAttribType = VAConfigAttribType(28);
    pub const VAConfigAttribEncParallelRateControl: VAConfigAttribType = VAConfigAttribType(29);
    pub const VAConfigAttribEncDynamicScaling: VAConfigAttribType = VAConfigAttribType(30);
    pub const VAConfigAttribFrameSizeToleranceSupport: VAConfigAttribType = VAConfigAttribType(31);
    pub const VAConfigAttribFEIFunctionType: VAConfigAttribType = VAConfigAttribType(32);
    pub const VAConfigAttribFEIMVPredictors: VAConfigAttribType = VAConfigAttribType(33);
    pub const VAConfigAttribStats: VAConfigAttribType = VAConfigAttribType(34);
    pub const VAConfigAttribEncTileSupport: VAConfigAttribType = VAConfigAttribType(35);
    pub const VAConfigAttribCustomRoundingControl: VAConfigAttribType = VAConfigAttribType(36);
    pub const VAConfigAttribQPBlockSize: VAConfigAttribType = VAConfigAttribType(37);
    pub const VAConfigAttribMaxFrameSize: VAConfigAttribType = VAConfigAttribType(38);
    pub const VAConfigAttribPredictionDirection: VAConfigAttribType = VAConfigAttribType(39);
    pub const VAConfigAttribMultipleFrame: VAConfigAttribType = VAConfigAttribType(40);
    pub const VAConfigAttribContextPriority: VAConfigAttribType = VAConfigAttribType(41);
    pub const VAConfigAttribDecAV1Features: VAConfigAttribType = VAConfigAttribType(42);
    pub const VAConfigAttribTEEType: VAConfigAttribType = VAConfigAttribType(43);
    pub const VAConfigAttribTEETypeClient: VAConfigAttribType = VAConfigAttribType(44);
    pub const VAConfigAttribProtectedContentCipherAlgorithm: VAConfigAttribType = VAConfigAttribType(45);
    pub const VAConfigAttribProtectedContentCipherBlockSize: VAConfigAttribType = VAConfigAttribType(46);
    pub const VAConfigAttribProtectedContentCipherMode: VAConfigAttribType = VAConfigAttribType(47);
    pub const VAConfigAttribProtectedContentCipherSampleType: VAConfigAttribType = VAConfigAttribType(48);
    pub const VAConfigAttribProtectedContentUsage: VAConfigAttribType = VAConfigAttribType(49);
    pub const VAConfigAttribEncHEVCFeatures: VAConfigAttribType = VAConfigAttribType(50);
    pub const VAConfigAttribEncHEVCBlockSizes: VAConfigAttribType = VAConfigAttribType(51);
    pub const VAConfigAttribEncAV1: VAConfigAttribType = VAConfigAttribType(52);
    pub const VAConfigAttribEncAV1Ext1: VAConfigAttribType = VAConfigAttribType(53);
    pub const VAConfigAttribEncAV1Ext2: VAConfigAttribType = VAConfigAttribType(54);
    pub const VAConfigAttribEncPerBlockControl: VAConfigAttribType = VAConfigAttribType(55);
    pub const VAConfigAttribTypeMax: VAConfigAttribType = VAConfigAttribType(56);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAConfigAttribType(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAConfigAttrib {
    pub type_: VAConfigAttribType,
    pub value: u32,
}
pub type VAGenericID = core::ffi::c_uint;
pub type VAConfigID = VAGenericID;
pub type VAContextID = VAGenericID;
pub type VASurfaceID = VAGenericID;
impl VAGenericValueType {
    pub const VAGenericValueTypeInteger: VAGenericValueType = VAGenericValueType(1);
    pub const VAGenericValueTypeFloat: VAGenericValueType = VAGenericValueType(2);
    pub const VAGenericValueTypePointer: VAGenericValueType = VAGenericValueType(3);
    pub const VAGenericValueTypeFunc: VAGenericValueType = VAGenericValueType(4);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAGenericValueType(pub core::ffi::c_uint);
pub type VAGenericFunc = core::option::Option<unsafe extern "C" fn()>;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAGenericValue {
    pub type_: VAGenericValueType,
    pub value: VAGenericValue__bindgen_ty_1,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub union VAGenericValue__bindgen_ty_1 {
    pub i: i32,
    pub f: f32,
    pub p: *mut core::ffi::c_void,
    pub fn_: VAGenericFunc,
}
impl VASurfaceAttribType {
    pub const VASurfaceAttribNone: VASurfaceAttribType = VASurfaceAttribType(0);
    pub const VASurfaceAttribPixelFormat: VASurfaceAttribType = VASurfaceAttribType(1);
    pub const VASurfaceAttribMinWidth: VASurfaceAttribType = VASurfaceAttribType(2);
    pub const VASurfaceAttribMaxWidth: VASurfaceAttribType = VASurfaceAttribType(3);
    pub const VASurfaceAttribMinHeight: VASurfaceAttribType = VASurfaceAttribType(4);
    pub const VASurfaceAttribMaxHeight: VASurfaceAttribType = VASurfaceAttribType(5);
    pub const VASurfaceAttribMemoryType: VASurfaceAttribType = VASurfaceAttribType(6);
    pub const VASurfaceAttribExternalBufferDescriptor: VASurfaceAttribType = VASurfaceAttribType(7);
    pub const VASurfaceAttribUsageHint: VASurfaceAttribType = VASurfaceAttribType(8);
    pub const VASurfaceAttribDRMFormatModifiers: VASurfaceAttribType = VASurfaceAttribType(9);
    pub const VASurfaceAttribCount: VASurfaceAttribType = VASurfaceAttribType(10);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VASurfaceAttribType(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VASurfaceAttrib {
    pub type_: VASurfaceAttribType,
    pub flags: u32,
    pub value: VAGenericValue,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VASurfaceAttribExternalBuffers {
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub data_size: u32,
    pub num_planes: u32,
    pub pitches: [u32; 4usize],
    pub offsets: [u32; 4usize],
    pub buffers: *mut usize,
    pub num_buffers: u32,
    pub flags: u32,
    pub private_data: *mut core::ffi::c_void,
}
pub type VABufferID = VAGenericID;
impl VABufferType {
    pub const VAPictureParameterBufferType: VABufferType = VABufferType(0);
    pub const VAIQMatrixBufferType: VABufferType = VABufferType(1);
    pub const VABitPlaneBufferType: VABufferType = VABufferType(2);
    pub const VASliceGroupMapBufferType: VABufferType = VABufferType(3);
    pub const VASliceParameterBufferType: VABufferType = VABufferType(4);
    pub const VASliceDataBufferType: VABufferType = VABufferType(5);
    pub const VAMacroblockParameterBufferType: VABufferType = VABufferType(6);
    pub const VAResidualDataBufferType: VABufferType = VABufferType(7);
    pub const VADeblockingParameterBufferType: VABufferType = VABufferType(8);
    pub const VAImageBufferType: VABufferType = VABufferType(9);
    pub const VAProtectedSliceDataBufferType: VABufferType = VABufferType(10);
    pub const VAQMatrixBufferType: VABufferType = VABufferType(11);
    pub const VAHuffmanTableBufferType: VABufferType = VABufferType(12);
    pub const VAProbabilityBufferType: VABufferType = VABufferType(13);
    pub const VAEncCodedBufferType: VABufferType = VABufferType(21);
    pub const VAEncSequenceParameterBufferType: VABufferType = VABufferType(22);
    pub const VAEncPictureParameterBufferType: VABufferType = VABufferType(23);
    pub const VAEncSliceParameterBufferType: VABufferType = VABufferType(24);
    pub const VAEncPackedHeaderParameterBufferType: VABufferType = VABufferType(25);
    pub const VAEncPackedHeaderDataBufferType: VABufferType = VABufferType(26);
    pub const VAEncMiscParameterBufferType: VABufferType = VABufferType(27);
    pub const VAEncMacroblockParameterBufferType: VABufferType = VABufferType(28);
    pub const VAEncMacroblockMapBufferType: VABufferType = VABufferType(29);
    pub const VAEncQPBufferType: VABufferType = VABufferType(30);
    pub const VAProcPipelineParameterBufferType: VABufferType = VABufferType(41);
    pub const VAProcFilterParameterBufferType: VABufferType = VABufferType(42);
    pub const VAEncFEIMVBufferType: VABufferType = VABufferType(43);
    pub const VAEncFEIMBCodeBufferType: VABufferType = VABufferType(44);
    pub const VAEncFEIDistortionBufferType: VABufferType = VABufferType(45);
    pub const VAEncFEIMBControlBufferType: VABufferType = VABufferType(46);
    pub const VAEncFEIMVPredictorBufferType: VABufferType = VABufferType(47);
    pub const VAStatsStatisticsParameterBufferType: VABufferType = VABufferType(48);
    pub const VAStatsStatisticsBufferType: VABufferType = VABufferType(49);
    pub const VAStatsStatisticsBottomFieldBufferType: VABufferType = VABufferType(50);
    pub const VAStatsMVBufferType: VABufferType = VABufferType(51);
    pub const VAStatsMVPredictorBufferType: VABufferType = VABufferType(52);
    pub const VAEncMacroblockDisableSkipMapBufferType: VABufferType = VABufferType(53);
    pub const VAEncFEICTBCmdBufferType: VABufferType = VABufferType(54);
    pub const VAEncFEICURecordBufferType: VABufferType = VABufferType(55);
    pub const VADecodeStreamoutBufferType: VABufferType = VABufferType(56);
    pub const VASubsetsParameterBufferType: VABufferType = VABufferType(57);
    pub const VAContextParameterUpdateBufferType: VABufferType = VABufferType(58);
    pub const VAProtectedSessionExecuteBufferType: VABufferType = VABufferType(59);
    pub const VAEncryptionParameterBufferType: VABufferType = VABufferType(60);
    pub const VAEncDeltaQpPerBlockBufferType: VABufferType = VABufferType(61);
    pub const VABufferTypeMax: VABufferType = VABufferType(62);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VABufferType(pub core::ffi::c_uint);
impl VAEncMiscParameterType {
    pub const VAEncMiscParameterTypeFrameRate: VAEncMiscParameterType = VAEncMiscParameterType(0);
    pub const VAEncMiscParameterTypeRateControl: VAEncMiscParameterType = VAEncMiscParameterType(1);
    pub const VAEncMiscParameterTypeMaxSliceSize: VAEncMiscParameterType = VAEncMiscParameterType(2);
    pub const VAEncMiscParameterTypeAIR: VAEncMiscParameterType = VAEncMiscParameterType(3);
    pub const VAEncMiscParameterTypeMaxFrameSize: VAEncMiscParameterType = VAEncMiscParameterType(4);
    pub const VAEncMiscParameterTypeHRD: VAEncMiscParameterType = VAEncMiscParameterType(5);
    pub const VAEncMiscParameterTypeQualityLevel: VAEncMiscParameterType = VAEncMiscParameterType(6);
    pub const VAEncMiscParameterTypeRIR: VAEncMiscParameterType = VAEncMiscParameterType(7);
    pub const VAEncMiscParameterTypeQuantization: VAEncMiscParameterType = VAEncMiscParameterType(8);
    pub const VAEncMiscParameterTypeSkipFrame: VAEncMiscParameterType = VAEncMiscParameterType(9);
    pub const VAEncMiscParameterTypeROI: VAEncMiscParameterType = VAEncMiscParameterType(10);
    pub const VAEncMiscParameterTypeMultiPassFrameSize: VAEncMiscParameterType = VAEncMiscParameterType(11);
    pub const VAEncMiscParameterTypeTemporalLayerStructure: VAEncMiscParameterType = VAEncMiscParameterType(12);
    pub const VAEncMiscParameterTypeDirtyRect: VAEncMiscParameterType = VAEncMiscParameterType(13);
    pub const VAEncMiscParameterTypeParallelBRC: VAEncMiscParameterType = VAEncMiscParameterType(14);
    pub const VAEncMiscParameterTypeSubMbPartPel: VAEncMiscParameterType = VAEncMiscParameterType(15);
    pub const VAEncMiscParameterTypeEncQuality: VAEncMiscParameterType = VAEncMiscParameterType(16);
    pub const VAEncMiscParameterTypeCustomRoundingControl: VAEncMiscParameterType = VAEncMiscParameterType(17);
    pub const VAEncMiscParameterTypeFEIFrameControl: VAEncMiscParameterType = VAEncMiscParameterType(18);
    pub const VAEncMiscParameterTypeExtensionData: VAEncMiscParameterType = VAEncMiscParameterType(19);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAEncMiscParameterType(pub core::ffi::c_uint);
impl VAEncPackedHeaderType {
    pub const VAEncPackedHeaderSequence: VAEncPackedHeaderType = VAEncPackedHeaderType(1);
    pub const VAEncPackedHeaderPicture: VAEncPackedHeaderType = VAEncPackedHeaderType(2);
    pub const VAEncPackedHeaderSlice: VAEncPackedHeaderType = VAEncPackedHeaderType(3);
    pub const VAEncPackedHeaderRawData: VAEncPackedHeaderType = VAEncPackedHeaderType(4);
    pub const VAEncPackedHeaderMiscMask: VAEncPackedHeaderType = VAEncPackedHeaderType(2147483648);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAEncPackedHeaderType(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncPackedHeaderParameterBuffer {
    pub type_: u32,
    pub bit_length: u32,
    pub has_emulation_bytes: u8,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncMiscParameterRateControl {
    pub bits_per_second: u32,
    pub target_percentage: u32,
    pub window_size: u32,
    pub initial_qp: u32,
    pub min_qp: u32,
    pub basic_unit_size: u32,
    pub rc_flags: u32,
    pub ICQ_quality_factor: u32,
    pub max_qp: u32,
    pub quality_factor: u32,
    pub target_frame_size: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncMiscParameterFrameRate {
    pub framerate: u32,
    pub framerate_flags: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncMiscParameterHRD {
    pub initial_buffer_fullness: u32,
    pub buffer_size: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncMiscParameterBufferQualityLevel {
    pub quality_level: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAPictureH264 {
    pub picture_id: VASurfaceID,
    pub frame_idx: u32,
    pub flags: u32,
    pub TopFieldOrderCnt: i32,
    pub BottomFieldOrderCnt: i32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VACodedBufferSegment {
    pub size: u32,
    pub bit_offset: u32,
    pub status: u32,
    pub reserved: u32,
    pub buf: *mut core::ffi::c_void,
    pub next: *mut core::ffi::c_void,
    pub va_reserved: [u32; 4usize],
}
impl VASurfaceStatus {
    pub const VASurfaceRendering: VASurfaceStatus = VASurfaceStatus(1);
    pub const VASurfaceDisplaying: VASurfaceStatus = VASurfaceStatus(2);
    pub const VASurfaceReady: VASurfaceStatus = VASurfaceStatus(4);
    pub const VASurfaceSkipped: VASurfaceStatus = VASurfaceStatus(8);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VASurfaceStatus(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAImageFormat {
    pub fourcc: u32,
    pub byte_order: u32,
    pub bits_per_pixel: u32,
    pub depth: u32,
    pub red_mask: u32,
    pub green_mask: u32,
    pub blue_mask: u32,
    pub alpha_mask: u32,
    pub va_reserved: [u32; 4usize],
}
pub type VAImageID = VAGenericID;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAImage {
    pub image_id: VAImageID,
    pub format: VAImageFormat,
    pub buf: VABufferID,
    pub width: u16,
    pub height: u16,
    pub data_size: u32,
    pub num_planes: u32,
    pub pitches: [u32; 3usize],
    pub offsets: [u32; 3usize],
    pub num_palette_entries: i32,
    pub entry_bytes: i32,
    pub component_order: [i8; 4usize],
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAPictureHEVC {
    pub picture_id: VASurfaceID,
    pub pic_order_cnt: i32,
    pub flags: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSequenceParameterBufferHEVC {
    pub general_profile_idc: u8,
    pub general_level_idc: u8,
    pub general_tier_flag: u8,
    pub intra_period: u32,
    pub intra_idr_period: u32,
    pub ip_period: u32,
    pub bits_per_second: u32,
    pub pic_width_in_luma_samples: u16,
    pub pic_height_in_luma_samples: u16,
    pub seq_fields: u32,
    pub log2_min_luma_coding_block_size_minus3: u8,
    pub log2_diff_max_min_luma_coding_block_size: u8,
    pub log2_min_transform_block_size_minus2: u8,
    pub log2_diff_max_min_transform_block_size: u8,
    pub max_transform_hierarchy_depth_inter: u8,
    pub max_transform_hierarchy_depth_intra: u8,
    pub pcm_sample_bit_depth_luma_minus1: u32,
    pub pcm_sample_bit_depth_chroma_minus1: u32,
    pub log2_min_pcm_luma_coding_block_size_minus3: u32,
    pub log2_max_pcm_luma_coding_block_size_minus3: u32,
    pub vui_parameters_present_flag: u8,
    pub vui_fields: u32,
    pub aspect_ratio_idc: u8,
    pub sar_width: u32,
    pub sar_height: u32,
    pub vui_num_units_in_tick: u32,
    pub vui_time_scale: u32,
    pub min_spatial_segmentation_idc: u16,
    pub max_bytes_per_pic_denom: u8,
    pub max_bits_per_min_cu_denom: u8,
    pub scc_fields: u32,
    pub va_reserved: [u32; 7usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncPictureParameterBufferHEVC {
    pub decoded_curr_pic: VAPictureHEVC,
    pub reference_frames: [VAPictureHEVC; 15usize],
    pub coded_buf: VABufferID,
    pub collocated_ref_pic_index: u8,
    pub last_picture: u8,
    pub pic_init_qp: u8,
    pub diff_cu_qp_delta_depth: u8,
    pub pps_cb_qp_offset: i8,
    pub pps_cr_qp_offset: i8,
    pub num_tile_columns_minus1: u8,
    pub num_tile_rows_minus1: u8,
    pub column_width_minus1: [u8; 19usize],
    pub row_height_minus1: [u8; 21usize],
    pub log2_parallel_merge_level_minus2: u8,
    pub ctu_max_bitsize_allowed: u8,
    pub num_ref_idx_l0_default_active_minus1: u8,
    pub num_ref_idx_l1_default_active_minus1: u8,
    pub slice_pic_parameter_set_id: u8,
    pub nal_unit_type: u8,
    pub pic_fields: u32,
    pub hierarchical_level_plus1: u8,
    pub va_byte_reserved: u8,
    pub scc_fields: u16,
    pub va_reserved: [u32; 15usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSliceParameterBufferHEVC {
    pub slice_segment_address: u32,
    pub num_ctu_in_slice: u32,
    pub slice_type: u8,
    pub slice_pic_parameter_set_id: u8,
    pub num_ref_idx_l0_active_minus1: u8,
    pub num_ref_idx_l1_active_minus1: u8,
    pub ref_pic_list0: [VAPictureHEVC; 15usize],
    pub ref_pic_list1: [VAPictureHEVC; 15usize],
    pub luma_log2_weight_denom: u8,
    pub delta_chroma_log2_weight_denom: i8,
    pub delta_luma_weight_l0: [i8; 15usize],
    pub luma_offset_l0: [i8; 15usize],
    pub delta_chroma_weight_l0: [[i8; 2usize]; 15usize],
    pub chroma_offset_l0: [[i8; 2usize]; 15usize],
    pub delta_luma_weight_l1: [i8; 15usize],
    pub luma_offset_l1: [i8; 15usize],
    pub delta_chroma_weight_l1: [[i8; 2usize]; 15usize],
    pub chroma_offset_l1: [[i8; 2usize]; 15usize],
    pub max_num_merge_cand: u8,
    pub slice_qp_delta: i8,
    pub slice_cb_qp_offset: i8,
    pub slice_cr_qp_offset: i8,
    pub slice_beta_offset_div2: i8,
    pub slice_tc_offset_div2: i8,
    pub slice_fields: u32,
    pub pred_weight_table_bit_offset: u32,
    pub pred_weight_table_bit_length: u32,
    pub va_reserved: [u32; 6usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSequenceParameterBufferH264 {
    pub seq_parameter_set_id: u8,
    pub level_idc: u8,
    pub intra_period: u32,
    pub intra_idr_period: u32,
    pub ip_period: u32,
    pub bits_per_second: u32,
    pub max_num_ref_frames: u32,
    pub picture_width_in_mbs: u16,
    pub picture_height_in_mbs: u16,
    pub seq_fields: u32,
    pub bit_depth_luma_minus8: u8,
    pub bit_depth_chroma_minus8: u8,
    pub num_ref_frames_in_pic_order_cnt_cycle: u8,
    pub offset_for_non_ref_pic: i32,
    pub offset_for_top_to_bottom_field: i32,
    pub offset_for_ref_frame: [i32; 256usize],
    pub frame_cropping_flag: u8,
    pub frame_crop_left_offset: u32,
    pub frame_crop_right_offset: u32,
    pub frame_crop_top_offset: u32,
    pub frame_crop_bottom_offset: u32,
    pub vui_parameters_present_flag: u8,
    pub vui_fields: u32,
    pub aspect_ratio_idc: u8,
    pub sar_width: u32,
    pub sar_height: u32,
    pub num_units_in_tick: u32,
    pub time_scale: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncPictureParameterBufferH264 {
    pub CurrPic: VAPictureH264,
    pub ReferenceFrames: [VAPictureH264; 16usize],
    pub coded_buf: VABufferID,
    pub pic_parameter_set_id: u8,
    pub seq_parameter_set_id: u8,
    pub last_picture: u8,
    pub frame_num: u16,
    pub pic_init_qp: u8,
    pub num_ref_idx_l0_active_minus1: u8,
    pub num_ref_idx_l1_active_minus1: u8,
    pub chroma_qp_index_offset: i8,
    pub second_chroma_qp_index_offset: i8,
    pub pic_fields: u32,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSliceParameterBufferH264 {
    pub macroblock_address: u32,
    pub num_macroblocks: u32,
    pub macroblock_info: VABufferID,
    pub slice_type: u8,
    pub pic_parameter_set_id: u8,
    pub idr_pic_id: u16,
    pub pic_order_cnt_lsb: u16,
    pub delta_pic_order_cnt_bottom: i32,
    pub delta_pic_order_cnt: [i32; 2usize],
    pub direct_spatial_mv_pred_flag: u8,
    pub num_ref_idx_active_override_flag: u8,
    pub num_ref_idx_l0_active_minus1: u8,
    pub num_ref_idx_l1_active_minus1: u8,
    pub RefPicList0: [VAPictureH264; 32usize],
    pub RefPicList1: [VAPictureH264; 32usize],
    pub luma_log2_weight_denom: u8,
    pub chroma_log2_weight_denom: u8,
    pub luma_weight_l0_flag: u8,
    pub luma_weight_l0: [core::ffi::c_short; 32usize],
    pub luma_offset_l0: [core::ffi::c_short; 32usize],
    pub chroma_weight_l0_flag: u8,
    pub chroma_weight_l0: [[core::ffi::c_short; 2usize]; 32usize],
    pub chroma_offset_l0: [[core::ffi::c_short; 2usize]; 32usize],
    pub luma_weight_l1_flag: u8,
    pub luma_weight_l1: [core::ffi::c_short; 32usize],
    pub luma_offset_l1: [core::ffi::c_short; 32usize],
    pub chroma_weight_l1_flag: u8,
    pub chroma_weight_l1: [[core::ffi::c_short; 2usize]; 32usize],
    pub chroma_offset_l1: [[core::ffi::c_short; 2usize]; 32usize],
    pub cabac_init_idc: u8,
    pub slice_qp_delta: i8,
    pub disable_deblocking_filter_idc: u8,
    pub slice_alpha_c0_offset_div2: i8,
    pub slice_beta_offset_div2: i8,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSequenceParameterBufferAV1 {
    pub seq_profile: u8,
    pub seq_level_idx: u8,
    pub seq_tier: u8,
    pub hierarchical_flag: u8,
    pub intra_period: u32,
    pub ip_period: u32,
    pub bits_per_second: u32,
    pub seq_fields: u32,
    pub order_hint_bits_minus_1: u8,
    pub va_reserved: [u32; 16usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncSegParamAV1 {
    pub seg_flags: u8,
    pub segment_number: u8,
    pub feature_data: [[i16; 8usize]; 8usize],
    pub feature_mask: [u8; 8usize],
    pub va_reserved: [u32; 4usize],
}
impl VAEncTransformationTypeAV1 {
    pub const VAAV1EncTransformationIdentity: VAEncTransformationTypeAV1 = VAEncTransformationTypeAV1(0);
    pub const VAAV1EncTransformationTranslation: VAEncTransformationTypeAV1 = VAEncTransformationTypeAV1(1);
    pub const VAAV1EncTransformationRotzoom: VAEncTransformationTypeAV1 = VAEncTransformationTypeAV1(2);
    pub const VAAV1EncTransformationAffine: VAEncTransformationTypeAV1 = VAEncTransformationTypeAV1(3);
    pub const VAAV1EncTransformationCount: VAEncTransformationTypeAV1 = VAEncTransformationTypeAV1(4);
}
#[repr(transparent)]
#[derive(Debug, Copy, Clone, Hash, PartialEq, Eq)]
pub struct VAEncTransformationTypeAV1(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncWarpedMotionParamsAV1 {
    pub wmtype: VAEncTransformationTypeAV1,
    pub wmmat: [i32; 8usize],
    pub invalid: u8,
    pub va_reserved: [u32; 4usize],
}
pub type VARefFrameCtrlAV1 = u32;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncPictureParameterBufferAV1 {
    pub frame_width_minus_1: u16,
    pub frame_height_minus_1: u16,
    pub reconstructed_frame: VASurfaceID,
    pub coded_buf: VABufferID,
    pub reference_frames: [VASurfaceID; 8usize],
    pub ref_frame_idx: [u8; 7usize],
    pub hierarchical_level_plus1: u8,
    pub primary_ref_frame: u8,
    pub order_hint: u8,
    pub refresh_frame_flags: u8,
    pub reserved8bits1: u8,
    pub ref_frame_ctrl_l0: VARefFrameCtrlAV1,
    pub ref_frame_ctrl_l1: VARefFrameCtrlAV1,
    pub picture_flags: u32,
    pub seg_id_block_size: u8,
    pub num_tile_groups_minus1: u8,
    pub temporal_id: u8,
    pub filter_level: [u8; 2usize],
    pub filter_level_u: u8,
    pub filter_level_v: u8,
    pub loop_filter_flags: u8,
    pub superres_scale_denominator: u8,
    pub interpolation_filter: u8,
    pub ref_deltas: [i8; 8usize],
    pub mode_deltas: [i8; 2usize],
    pub base_qindex: u8,
    pub y_dc_delta_q: i8,
    pub u_dc_delta_q: i8,
    pub u_ac_delta_q: i8,
    pub v_dc_delta_q: i8,
    pub v_ac_delta_q: i8,
    pub min_base_qindex: u8,
    pub max_base_qindex: u8,
    pub qmatrix_flags: u16,
    pub reserved16bits1: u16,
    pub mode_control_flags: u32,
    pub segments: VAEncSegParamAV1,
    pub tile_cols: u8,
    pub tile_rows: u8,
    pub reserved16bits2: u16,
    pub width_in_sbs_minus_1: [u16; 63usize],
    pub height_in_sbs_minus_1: [u16; 63usize],
    pub context_update_tile_id: u16,
    pub cdef_damping_minus_3: u8,
    pub cdef_bits: u8,
    pub cdef_y_strengths: [u8; 8usize],
    pub cdef_uv_strengths: [u8; 8usize],
    pub loop_restoration_flags: u16,
    pub wm: [VAEncWarpedMotionParamsAV1; 7usize],
    pub bit_offset_qindex: u32,
    pub bit_offset_segmentation: u32,
    pub bit_offset_loopfilter_params: u32,
    pub bit_offset_cdef_params: u32,
    pub size_in_bits_cdef_params: u32,
    pub byte_offset_frame_hdr_obu_size: u32,
    pub size_in_bits_frame_hdr_obu: u32,
    pub tile_group_obu_hdr_info: u8,
    pub number_skip_frames: u8,
    pub reserved16bits3: u16,
    pub skip_frames_reduced_size: i32,
    pub va_reserved: [u32; 16usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VAEncTileGroupBufferAV1 {
    pub tg_start: u8,
    pub tg_end: u8,
    pub va_reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VADRMPRIMESurfaceDescriptor {
    pub fourcc: u32,
    pub width: u32,
    pub height: u32,
    pub num_objects: u32,
    pub objects: [VADRMPRIMESurfaceDescriptor__bindgen_ty_1; 4usize],
    pub num_layers: u32,
    pub layers: [VADRMPRIMESurfaceDescriptor__bindgen_ty_2; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VADRMPRIMESurfaceDescriptor__bindgen_ty_1 {
    pub fd: core::ffi::c_int,
    pub size: u32,
    pub drm_format_modifier: u64,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VADRMPRIMESurfaceDescriptor__bindgen_ty_2 {
    pub drm_format: u32,
    pub num_planes: u32,
    pub object_index: [u32; 4usize],
    pub offset: [u32; 4usize],
    pub pitch: [u32; 4usize],
}
