//! NVIDIA's encoder interface, version 12.1, as its header declares it.
//!
//! Made by bindgen 0.73 from `nvEncodeAPI.h` of the Video Codec SDK 12.1, after bit
//! fields were joined to one word each ([`bits`](super::bits) has their places).
//! Enumerations are wrapped integers, because a newer driver may answer with values
//! that this header does not know. What is unused stays, so that it can be compared.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]

// This copyright notice applies to this header file only:
//
// Copyright (c) 2010-2023 NVIDIA Corporation
//
// Permission is hereby granted, free of charge, to any person
// obtaining a copy of this software and associated documentation
// files (the "Software"), to deal in the Software without
// restriction, including without limitation the rights to use,
// copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the software, and to permit persons to whom the
// software is furnished to do so, subject to the following
// conditions:
//
// The above copyright notice and this permission notice shall be
// included in all copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
// EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES
// OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
// NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
// HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
// WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR
// OTHER DEALINGS IN THE SOFTWARE.

#[derive(PartialEq, Eq, Copy, Clone, Debug, Hash)]
#[repr(C, align(8))]
pub struct __BindgenOpaqueArray8<T>(pub T);
impl<T: Copy + Default, const N: usize> Default for __BindgenOpaqueArray8<[T; N]> {
    fn default() -> Self {
        Self([<T as Default>::default(); N])
    }
}
pub const NVENC_INFINITE_GOPLENGTH: u32 = 4294967295;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct GUID {
    pub Data1: u32,
    pub Data2: u16,
    pub Data3: u16,
    pub Data4: [u8; 8usize],
}
pub type NV_ENC_INPUT_PTR = *mut core::ffi::c_void;
pub type NV_ENC_OUTPUT_PTR = *mut core::ffi::c_void;
pub type NV_ENC_REGISTERED_PTR = *mut core::ffi::c_void;
pub type NV_ENC_CUSTREAM_PTR = *mut core::ffi::c_void;
impl NV_ENC_PARAMS_FRAME_FIELD_MODE {
    pub const NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME: NV_ENC_PARAMS_FRAME_FIELD_MODE = NV_ENC_PARAMS_FRAME_FIELD_MODE(1);
    pub const NV_ENC_PARAMS_FRAME_FIELD_MODE_FIELD: NV_ENC_PARAMS_FRAME_FIELD_MODE = NV_ENC_PARAMS_FRAME_FIELD_MODE(2);
    pub const NV_ENC_PARAMS_FRAME_FIELD_MODE_MBAFF: NV_ENC_PARAMS_FRAME_FIELD_MODE = NV_ENC_PARAMS_FRAME_FIELD_MODE(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_PARAMS_FRAME_FIELD_MODE(pub core::ffi::c_uint);
impl NV_ENC_PARAMS_RC_MODE {
    pub const NV_ENC_PARAMS_RC_CONSTQP: NV_ENC_PARAMS_RC_MODE = NV_ENC_PARAMS_RC_MODE(0);
    pub const NV_ENC_PARAMS_RC_VBR: NV_ENC_PARAMS_RC_MODE = NV_ENC_PARAMS_RC_MODE(1);
    pub const NV_ENC_PARAMS_RC_CBR: NV_ENC_PARAMS_RC_MODE = NV_ENC_PARAMS_RC_MODE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_PARAMS_RC_MODE(pub core::ffi::c_uint);
impl NV_ENC_MULTI_PASS {
    pub const NV_ENC_MULTI_PASS_DISABLED: NV_ENC_MULTI_PASS = NV_ENC_MULTI_PASS(0);
    pub const NV_ENC_TWO_PASS_QUARTER_RESOLUTION: NV_ENC_MULTI_PASS = NV_ENC_MULTI_PASS(1);
    pub const NV_ENC_TWO_PASS_FULL_RESOLUTION: NV_ENC_MULTI_PASS = NV_ENC_MULTI_PASS(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_MULTI_PASS(pub core::ffi::c_uint);
impl NV_ENC_STATE_RESTORE_TYPE {
    pub const NV_ENC_STATE_RESTORE_FULL: NV_ENC_STATE_RESTORE_TYPE = NV_ENC_STATE_RESTORE_TYPE(1);
    pub const NV_ENC_STATE_RESTORE_RATE_CONTROL: NV_ENC_STATE_RESTORE_TYPE = NV_ENC_STATE_RESTORE_TYPE(2);
    pub const NV_ENC_STATE_RESTORE_ENCODE: NV_ENC_STATE_RESTORE_TYPE = NV_ENC_STATE_RESTORE_TYPE(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_STATE_RESTORE_TYPE(pub core::ffi::c_uint);
impl NV_ENC_OUTPUT_STATS_LEVEL {
    pub const NV_ENC_OUTPUT_STATS_NONE: NV_ENC_OUTPUT_STATS_LEVEL = NV_ENC_OUTPUT_STATS_LEVEL(0);
    pub const NV_ENC_OUTPUT_STATS_BLOCK_LEVEL: NV_ENC_OUTPUT_STATS_LEVEL = NV_ENC_OUTPUT_STATS_LEVEL(1);
    pub const NV_ENC_OUTPUT_STATS_ROW_LEVEL: NV_ENC_OUTPUT_STATS_LEVEL = NV_ENC_OUTPUT_STATS_LEVEL(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_OUTPUT_STATS_LEVEL(pub core::ffi::c_uint);
impl NV_ENC_QP_MAP_MODE {
    pub const NV_ENC_QP_MAP_DISABLED: NV_ENC_QP_MAP_MODE = NV_ENC_QP_MAP_MODE(0);
    pub const NV_ENC_QP_MAP_EMPHASIS: NV_ENC_QP_MAP_MODE = NV_ENC_QP_MAP_MODE(1);
    pub const NV_ENC_QP_MAP_DELTA: NV_ENC_QP_MAP_MODE = NV_ENC_QP_MAP_MODE(2);
    pub const NV_ENC_QP_MAP: NV_ENC_QP_MAP_MODE = NV_ENC_QP_MAP_MODE(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_QP_MAP_MODE(pub core::ffi::c_uint);
impl NV_ENC_PIC_STRUCT {
    pub const NV_ENC_PIC_STRUCT_FRAME: NV_ENC_PIC_STRUCT = NV_ENC_PIC_STRUCT(1);
    pub const NV_ENC_PIC_STRUCT_FIELD_TOP_BOTTOM: NV_ENC_PIC_STRUCT = NV_ENC_PIC_STRUCT(2);
    pub const NV_ENC_PIC_STRUCT_FIELD_BOTTOM_TOP: NV_ENC_PIC_STRUCT = NV_ENC_PIC_STRUCT(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_PIC_STRUCT(pub core::ffi::c_uint);
impl NV_ENC_DISPLAY_PIC_STRUCT {
    pub const NV_ENC_PIC_STRUCT_DISPLAY_FRAME: NV_ENC_DISPLAY_PIC_STRUCT = NV_ENC_DISPLAY_PIC_STRUCT(0);
    pub const NV_ENC_PIC_STRUCT_DISPLAY_FIELD_TOP_BOTTOM: NV_ENC_DISPLAY_PIC_STRUCT = NV_ENC_DISPLAY_PIC_STRUCT(1);
    pub const NV_ENC_PIC_STRUCT_DISPLAY_FIELD_BOTTOM_TOP: NV_ENC_DISPLAY_PIC_STRUCT = NV_ENC_DISPLAY_PIC_STRUCT(2);
    pub const NV_ENC_PIC_STRUCT_DISPLAY_FRAME_DOUBLING: NV_ENC_DISPLAY_PIC_STRUCT = NV_ENC_DISPLAY_PIC_STRUCT(3);
    pub const NV_ENC_PIC_STRUCT_DISPLAY_FRAME_TRIPLING: NV_ENC_DISPLAY_PIC_STRUCT = NV_ENC_DISPLAY_PIC_STRUCT(4);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_DISPLAY_PIC_STRUCT(pub core::ffi::c_uint);
impl NV_ENC_PIC_TYPE {
    pub const NV_ENC_PIC_TYPE_P: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(0);
    pub const NV_ENC_PIC_TYPE_B: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(1);
    pub const NV_ENC_PIC_TYPE_I: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(2);
    pub const NV_ENC_PIC_TYPE_IDR: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(3);
    pub const NV_ENC_PIC_TYPE_BI: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(4);
    pub const NV_ENC_PIC_TYPE_SKIPPED: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(5);
    pub const NV_ENC_PIC_TYPE_INTRA_REFRESH: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(6);
    pub const NV_ENC_PIC_TYPE_NONREF_P: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(7);
    pub const NV_ENC_PIC_TYPE_UNKNOWN: NV_ENC_PIC_TYPE = NV_ENC_PIC_TYPE(255);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_PIC_TYPE(pub core::ffi::c_uint);
impl NV_ENC_MV_PRECISION {
    pub const NV_ENC_MV_PRECISION_DEFAULT: NV_ENC_MV_PRECISION = NV_ENC_MV_PRECISION(0);
    pub const NV_ENC_MV_PRECISION_FULL_PEL: NV_ENC_MV_PRECISION = NV_ENC_MV_PRECISION(1);
    pub const NV_ENC_MV_PRECISION_HALF_PEL: NV_ENC_MV_PRECISION = NV_ENC_MV_PRECISION(2);
    pub const NV_ENC_MV_PRECISION_QUARTER_PEL: NV_ENC_MV_PRECISION = NV_ENC_MV_PRECISION(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_MV_PRECISION(pub core::ffi::c_uint);
impl NV_ENC_BUFFER_FORMAT {
    pub const NV_ENC_BUFFER_FORMAT_UNDEFINED: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(0);
    pub const NV_ENC_BUFFER_FORMAT_NV12: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(1);
    pub const NV_ENC_BUFFER_FORMAT_YV12: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(16);
    pub const NV_ENC_BUFFER_FORMAT_IYUV: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(256);
    pub const NV_ENC_BUFFER_FORMAT_YUV444: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(4096);
    pub const NV_ENC_BUFFER_FORMAT_YUV420_10BIT: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(65536);
    pub const NV_ENC_BUFFER_FORMAT_YUV444_10BIT: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(1048576);
    pub const NV_ENC_BUFFER_FORMAT_ARGB: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(16777216);
    pub const NV_ENC_BUFFER_FORMAT_ARGB10: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(33554432);
    pub const NV_ENC_BUFFER_FORMAT_AYUV: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(67108864);
    pub const NV_ENC_BUFFER_FORMAT_ABGR: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(268435456);
    pub const NV_ENC_BUFFER_FORMAT_ABGR10: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(536870912);
    pub const NV_ENC_BUFFER_FORMAT_U8: NV_ENC_BUFFER_FORMAT = NV_ENC_BUFFER_FORMAT(1073741824);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_BUFFER_FORMAT(pub core::ffi::c_uint);
impl NVENCSTATUS {
    pub const NV_ENC_SUCCESS: NVENCSTATUS = NVENCSTATUS(0);
    pub const NV_ENC_ERR_NO_ENCODE_DEVICE: NVENCSTATUS = NVENCSTATUS(1);
    pub const NV_ENC_ERR_UNSUPPORTED_DEVICE: NVENCSTATUS = NVENCSTATUS(2);
    pub const NV_ENC_ERR_INVALID_ENCODERDEVICE: NVENCSTATUS = NVENCSTATUS(3);
    pub const NV_ENC_ERR_INVALID_DEVICE: NVENCSTATUS = NVENCSTATUS(4);
    pub const NV_ENC_ERR_DEVICE_NOT_EXIST: NVENCSTATUS = NVENCSTATUS(5);
    pub const NV_ENC_ERR_INVALID_PTR: NVENCSTATUS = NVENCSTATUS(6);
    pub const NV_ENC_ERR_INVALID_EVENT: NVENCSTATUS = NVENCSTATUS(7);
    pub const NV_ENC_ERR_INVALID_PARAM: NVENCSTATUS = NVENCSTATUS(8);
    pub const NV_ENC_ERR_INVALID_CALL: NVENCSTATUS = NVENCSTATUS(9);
    pub const NV_ENC_ERR_OUT_OF_MEMORY: NVENCSTATUS = NVENCSTATUS(10);
    pub const NV_ENC_ERR_ENCODER_NOT_INITIALIZED: NVENCSTATUS = NVENCSTATUS(11);
    pub const NV_ENC_ERR_UNSUPPORTED_PARAM: NVENCSTATUS = NVENCSTATUS(12);
    pub const NV_ENC_ERR_LOCK_BUSY: NVENCSTATUS = NVENCSTATUS(13);
    pub const NV_ENC_ERR_NOT_ENOUGH_BUFFER: NVENCSTATUS = NVENCSTATUS(14);
    pub const NV_ENC_ERR_INVALID_VERSION: NVENCSTATUS = NVENCSTATUS(15);
    pub const NV_ENC_ERR_MAP_FAILED: NVENCSTATUS = NVENCSTATUS(16);
    pub const NV_ENC_ERR_NEED_MORE_INPUT: NVENCSTATUS = NVENCSTATUS(17);
    pub const NV_ENC_ERR_ENCODER_BUSY: NVENCSTATUS = NVENCSTATUS(18);
    pub const NV_ENC_ERR_EVENT_NOT_REGISTERD: NVENCSTATUS = NVENCSTATUS(19);
    pub const NV_ENC_ERR_GENERIC: NVENCSTATUS = NVENCSTATUS(20);
    pub const NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY: NVENCSTATUS = NVENCSTATUS(21);
    pub const NV_ENC_ERR_UNIMPLEMENTED: NVENCSTATUS = NVENCSTATUS(22);
    pub const NV_ENC_ERR_RESOURCE_REGISTER_FAILED: NVENCSTATUS = NVENCSTATUS(23);
    pub const NV_ENC_ERR_RESOURCE_NOT_REGISTERED: NVENCSTATUS = NVENCSTATUS(24);
    pub const NV_ENC_ERR_RESOURCE_NOT_MAPPED: NVENCSTATUS = NVENCSTATUS(25);
    pub const NV_ENC_ERR_NEED_MORE_OUTPUT: NVENCSTATUS = NVENCSTATUS(26);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NVENCSTATUS(pub core::ffi::c_uint);
impl NV_ENC_PIC_FLAGS {
    pub const NV_ENC_PIC_FLAG_FORCEINTRA: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(1);
    pub const NV_ENC_PIC_FLAG_FORCEIDR: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(2);
    pub const NV_ENC_PIC_FLAG_OUTPUT_SPSPPS: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(4);
    pub const NV_ENC_PIC_FLAG_EOS: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(8);
    pub const NV_ENC_PIC_FLAG_DISABLE_ENC_STATE_ADVANCE: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(16);
    pub const NV_ENC_PIC_FLAG_OUTPUT_RECON_FRAME: NV_ENC_PIC_FLAGS = NV_ENC_PIC_FLAGS(32);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_PIC_FLAGS(pub core::ffi::c_uint);
impl NV_ENC_MEMORY_HEAP {
    pub const NV_ENC_MEMORY_HEAP_AUTOSELECT: NV_ENC_MEMORY_HEAP = NV_ENC_MEMORY_HEAP(0);
    pub const NV_ENC_MEMORY_HEAP_VID: NV_ENC_MEMORY_HEAP = NV_ENC_MEMORY_HEAP(1);
    pub const NV_ENC_MEMORY_HEAP_SYSMEM_CACHED: NV_ENC_MEMORY_HEAP = NV_ENC_MEMORY_HEAP(2);
    pub const NV_ENC_MEMORY_HEAP_SYSMEM_UNCACHED: NV_ENC_MEMORY_HEAP = NV_ENC_MEMORY_HEAP(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_MEMORY_HEAP(pub core::ffi::c_uint);
impl NV_ENC_BFRAME_REF_MODE {
    pub const NV_ENC_BFRAME_REF_MODE_DISABLED: NV_ENC_BFRAME_REF_MODE = NV_ENC_BFRAME_REF_MODE(0);
    pub const NV_ENC_BFRAME_REF_MODE_EACH: NV_ENC_BFRAME_REF_MODE = NV_ENC_BFRAME_REF_MODE(1);
    pub const NV_ENC_BFRAME_REF_MODE_MIDDLE: NV_ENC_BFRAME_REF_MODE = NV_ENC_BFRAME_REF_MODE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_BFRAME_REF_MODE(pub core::ffi::c_uint);
impl NV_ENC_H264_ENTROPY_CODING_MODE {
    pub const NV_ENC_H264_ENTROPY_CODING_MODE_AUTOSELECT: NV_ENC_H264_ENTROPY_CODING_MODE =
        NV_ENC_H264_ENTROPY_CODING_MODE(0);
    pub const NV_ENC_H264_ENTROPY_CODING_MODE_CABAC: NV_ENC_H264_ENTROPY_CODING_MODE =
        NV_ENC_H264_ENTROPY_CODING_MODE(1);
    pub const NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC: NV_ENC_H264_ENTROPY_CODING_MODE =
        NV_ENC_H264_ENTROPY_CODING_MODE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_H264_ENTROPY_CODING_MODE(pub core::ffi::c_uint);
impl NV_ENC_H264_BDIRECT_MODE {
    pub const NV_ENC_H264_BDIRECT_MODE_AUTOSELECT: NV_ENC_H264_BDIRECT_MODE = NV_ENC_H264_BDIRECT_MODE(0);
    pub const NV_ENC_H264_BDIRECT_MODE_DISABLE: NV_ENC_H264_BDIRECT_MODE = NV_ENC_H264_BDIRECT_MODE(1);
    pub const NV_ENC_H264_BDIRECT_MODE_TEMPORAL: NV_ENC_H264_BDIRECT_MODE = NV_ENC_H264_BDIRECT_MODE(2);
    pub const NV_ENC_H264_BDIRECT_MODE_SPATIAL: NV_ENC_H264_BDIRECT_MODE = NV_ENC_H264_BDIRECT_MODE(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_H264_BDIRECT_MODE(pub core::ffi::c_uint);
impl NV_ENC_H264_FMO_MODE {
    pub const NV_ENC_H264_FMO_AUTOSELECT: NV_ENC_H264_FMO_MODE = NV_ENC_H264_FMO_MODE(0);
    pub const NV_ENC_H264_FMO_ENABLE: NV_ENC_H264_FMO_MODE = NV_ENC_H264_FMO_MODE(1);
    pub const NV_ENC_H264_FMO_DISABLE: NV_ENC_H264_FMO_MODE = NV_ENC_H264_FMO_MODE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_H264_FMO_MODE(pub core::ffi::c_uint);
impl NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE {
    pub const NV_ENC_H264_ADAPTIVE_TRANSFORM_AUTOSELECT: NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE =
        NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE(0);
    pub const NV_ENC_H264_ADAPTIVE_TRANSFORM_DISABLE: NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE =
        NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE(1);
    pub const NV_ENC_H264_ADAPTIVE_TRANSFORM_ENABLE: NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE =
        NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE(pub core::ffi::c_uint);
impl NV_ENC_STEREO_PACKING_MODE {
    pub const NV_ENC_STEREO_PACKING_MODE_NONE: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(0);
    pub const NV_ENC_STEREO_PACKING_MODE_CHECKERBOARD: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(1);
    pub const NV_ENC_STEREO_PACKING_MODE_COLINTERLEAVE: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(2);
    pub const NV_ENC_STEREO_PACKING_MODE_ROWINTERLEAVE: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(3);
    pub const NV_ENC_STEREO_PACKING_MODE_SIDEBYSIDE: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(4);
    pub const NV_ENC_STEREO_PACKING_MODE_TOPBOTTOM: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(5);
    pub const NV_ENC_STEREO_PACKING_MODE_FRAMESEQ: NV_ENC_STEREO_PACKING_MODE = NV_ENC_STEREO_PACKING_MODE(6);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_STEREO_PACKING_MODE(pub core::ffi::c_uint);
impl NV_ENC_INPUT_RESOURCE_TYPE {
    pub const NV_ENC_INPUT_RESOURCE_TYPE_DIRECTX: NV_ENC_INPUT_RESOURCE_TYPE = NV_ENC_INPUT_RESOURCE_TYPE(0);
    pub const NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR: NV_ENC_INPUT_RESOURCE_TYPE = NV_ENC_INPUT_RESOURCE_TYPE(1);
    pub const NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY: NV_ENC_INPUT_RESOURCE_TYPE = NV_ENC_INPUT_RESOURCE_TYPE(2);
    pub const NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX: NV_ENC_INPUT_RESOURCE_TYPE = NV_ENC_INPUT_RESOURCE_TYPE(3);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_INPUT_RESOURCE_TYPE(pub core::ffi::c_uint);
impl NV_ENC_BUFFER_USAGE {
    pub const NV_ENC_INPUT_IMAGE: NV_ENC_BUFFER_USAGE = NV_ENC_BUFFER_USAGE(0);
    pub const NV_ENC_OUTPUT_MOTION_VECTOR: NV_ENC_BUFFER_USAGE = NV_ENC_BUFFER_USAGE(1);
    pub const NV_ENC_OUTPUT_BITSTREAM: NV_ENC_BUFFER_USAGE = NV_ENC_BUFFER_USAGE(2);
    pub const NV_ENC_OUTPUT_RECON: NV_ENC_BUFFER_USAGE = NV_ENC_BUFFER_USAGE(4);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_BUFFER_USAGE(pub core::ffi::c_uint);
impl NV_ENC_DEVICE_TYPE {
    pub const NV_ENC_DEVICE_TYPE_DIRECTX: NV_ENC_DEVICE_TYPE = NV_ENC_DEVICE_TYPE(0);
    pub const NV_ENC_DEVICE_TYPE_CUDA: NV_ENC_DEVICE_TYPE = NV_ENC_DEVICE_TYPE(1);
    pub const NV_ENC_DEVICE_TYPE_OPENGL: NV_ENC_DEVICE_TYPE = NV_ENC_DEVICE_TYPE(2);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_DEVICE_TYPE(pub core::ffi::c_uint);
impl NV_ENC_NUM_REF_FRAMES {
    pub const NV_ENC_NUM_REF_FRAMES_AUTOSELECT: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(0);
    pub const NV_ENC_NUM_REF_FRAMES_1: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(1);
    pub const NV_ENC_NUM_REF_FRAMES_2: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(2);
    pub const NV_ENC_NUM_REF_FRAMES_3: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(3);
    pub const NV_ENC_NUM_REF_FRAMES_4: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(4);
    pub const NV_ENC_NUM_REF_FRAMES_5: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(5);
    pub const NV_ENC_NUM_REF_FRAMES_6: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(6);
    pub const NV_ENC_NUM_REF_FRAMES_7: NV_ENC_NUM_REF_FRAMES = NV_ENC_NUM_REF_FRAMES(7);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_NUM_REF_FRAMES(pub core::ffi::c_uint);
impl NV_ENC_CAPS {
    pub const NV_ENC_CAPS_NUM_MAX_BFRAMES: NV_ENC_CAPS = NV_ENC_CAPS(0);
    pub const NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES: NV_ENC_CAPS = NV_ENC_CAPS(1);
    pub const NV_ENC_CAPS_SUPPORT_FIELD_ENCODING: NV_ENC_CAPS = NV_ENC_CAPS(2);
    pub const NV_ENC_CAPS_SUPPORT_MONOCHROME: NV_ENC_CAPS = NV_ENC_CAPS(3);
    pub const NV_ENC_CAPS_SUPPORT_FMO: NV_ENC_CAPS = NV_ENC_CAPS(4);
    pub const NV_ENC_CAPS_SUPPORT_QPELMV: NV_ENC_CAPS = NV_ENC_CAPS(5);
    pub const NV_ENC_CAPS_SUPPORT_BDIRECT_MODE: NV_ENC_CAPS = NV_ENC_CAPS(6);
    pub const NV_ENC_CAPS_SUPPORT_CABAC: NV_ENC_CAPS = NV_ENC_CAPS(7);
    pub const NV_ENC_CAPS_SUPPORT_ADAPTIVE_TRANSFORM: NV_ENC_CAPS = NV_ENC_CAPS(8);
    pub const NV_ENC_CAPS_SUPPORT_STEREO_MVC: NV_ENC_CAPS = NV_ENC_CAPS(9);
    pub const NV_ENC_CAPS_NUM_MAX_TEMPORAL_LAYERS: NV_ENC_CAPS = NV_ENC_CAPS(10);
    pub const NV_ENC_CAPS_SUPPORT_HIERARCHICAL_PFRAMES: NV_ENC_CAPS = NV_ENC_CAPS(11);
    pub const NV_ENC_CAPS_SUPPORT_HIERARCHICAL_BFRAMES: NV_ENC_CAPS = NV_ENC_CAPS(12);
    pub const NV_ENC_CAPS_LEVEL_MAX: NV_ENC_CAPS = NV_ENC_CAPS(13);
    pub const NV_ENC_CAPS_LEVEL_MIN: NV_ENC_CAPS = NV_ENC_CAPS(14);
    pub const NV_ENC_CAPS_SEPARATE_COLOUR_PLANE: NV_ENC_CAPS = NV_ENC_CAPS(15);
    pub const NV_ENC_CAPS_WIDTH_MAX: NV_ENC_CAPS = NV_ENC_CAPS(16);
    pub const NV_ENC_CAPS_HEIGHT_MAX: NV_ENC_CAPS = NV_ENC_CAPS(17);
    pub const NV_ENC_CAPS_SUPPORT_TEMPORAL_SVC: NV_ENC_CAPS = NV_ENC_CAPS(18);
    pub const NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE: NV_ENC_CAPS = NV_ENC_CAPS(19);
    pub const NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE: NV_ENC_CAPS = NV_ENC_CAPS(20);
    pub const NV_ENC_CAPS_SUPPORT_DYN_FORCE_CONSTQP: NV_ENC_CAPS = NV_ENC_CAPS(21);
    pub const NV_ENC_CAPS_SUPPORT_DYN_RCMODE_CHANGE: NV_ENC_CAPS = NV_ENC_CAPS(22);
    pub const NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK: NV_ENC_CAPS = NV_ENC_CAPS(23);
    pub const NV_ENC_CAPS_SUPPORT_CONSTRAINED_ENCODING: NV_ENC_CAPS = NV_ENC_CAPS(24);
    pub const NV_ENC_CAPS_SUPPORT_INTRA_REFRESH: NV_ENC_CAPS = NV_ENC_CAPS(25);
    pub const NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE: NV_ENC_CAPS = NV_ENC_CAPS(26);
    pub const NV_ENC_CAPS_SUPPORT_DYNAMIC_SLICE_MODE: NV_ENC_CAPS = NV_ENC_CAPS(27);
    pub const NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION: NV_ENC_CAPS = NV_ENC_CAPS(28);
    pub const NV_ENC_CAPS_PREPROC_SUPPORT: NV_ENC_CAPS = NV_ENC_CAPS(29);
    pub const NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT: NV_ENC_CAPS = NV_ENC_CAPS(30);
    pub const NV_ENC_CAPS_MB_NUM_MAX: NV_ENC_CAPS = NV_ENC_CAPS(31);
    pub const NV_ENC_CAPS_MB_PER_SEC_MAX: NV_ENC_CAPS = NV_ENC_CAPS(32);
    pub const NV_ENC_CAPS_SUPPORT_YUV444_ENCODE: NV_ENC_CAPS = NV_ENC_CAPS(33);
    pub const NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE: NV_ENC_CAPS = NV_ENC_CAPS(34);
    pub const NV_ENC_CAPS_SUPPORT_SAO: NV_ENC_CAPS = NV_ENC_CAPS(35);
    pub const NV_ENC_CAPS_SUPPORT_MEONLY_MODE: NV_ENC_CAPS = NV_ENC_CAPS(36);
    pub const NV_ENC_CAPS_SUPPORT_LOOKAHEAD: NV_ENC_CAPS = NV_ENC_CAPS(37);
    pub const NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ: NV_ENC_CAPS = NV_ENC_CAPS(38);
    pub const NV_ENC_CAPS_SUPPORT_10BIT_ENCODE: NV_ENC_CAPS = NV_ENC_CAPS(39);
    pub const NV_ENC_CAPS_NUM_MAX_LTR_FRAMES: NV_ENC_CAPS = NV_ENC_CAPS(40);
    pub const NV_ENC_CAPS_SUPPORT_WEIGHTED_PREDICTION: NV_ENC_CAPS = NV_ENC_CAPS(41);
    pub const NV_ENC_CAPS_DYNAMIC_QUERY_ENCODER_CAPACITY: NV_ENC_CAPS = NV_ENC_CAPS(42);
    pub const NV_ENC_CAPS_SUPPORT_BFRAME_REF_MODE: NV_ENC_CAPS = NV_ENC_CAPS(43);
    pub const NV_ENC_CAPS_SUPPORT_EMPHASIS_LEVEL_MAP: NV_ENC_CAPS = NV_ENC_CAPS(44);
    pub const NV_ENC_CAPS_WIDTH_MIN: NV_ENC_CAPS = NV_ENC_CAPS(45);
    pub const NV_ENC_CAPS_HEIGHT_MIN: NV_ENC_CAPS = NV_ENC_CAPS(46);
    pub const NV_ENC_CAPS_SUPPORT_MULTIPLE_REF_FRAMES: NV_ENC_CAPS = NV_ENC_CAPS(47);
    pub const NV_ENC_CAPS_SUPPORT_ALPHA_LAYER_ENCODING: NV_ENC_CAPS = NV_ENC_CAPS(48);
    pub const NV_ENC_CAPS_NUM_ENCODER_ENGINES: NV_ENC_CAPS = NV_ENC_CAPS(49);
    pub const NV_ENC_CAPS_SINGLE_SLICE_INTRA_REFRESH: NV_ENC_CAPS = NV_ENC_CAPS(50);
    pub const NV_ENC_CAPS_DISABLE_ENC_STATE_ADVANCE: NV_ENC_CAPS = NV_ENC_CAPS(51);
    pub const NV_ENC_CAPS_OUTPUT_RECON_SURFACE: NV_ENC_CAPS = NV_ENC_CAPS(52);
    pub const NV_ENC_CAPS_OUTPUT_BLOCK_STATS: NV_ENC_CAPS = NV_ENC_CAPS(53);
    pub const NV_ENC_CAPS_OUTPUT_ROW_STATS: NV_ENC_CAPS = NV_ENC_CAPS(54);
    pub const NV_ENC_CAPS_EXPOSED_COUNT: NV_ENC_CAPS = NV_ENC_CAPS(55);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_CAPS(pub core::ffi::c_uint);
impl NV_ENC_HEVC_CUSIZE {
    pub const NV_ENC_HEVC_CUSIZE_AUTOSELECT: NV_ENC_HEVC_CUSIZE = NV_ENC_HEVC_CUSIZE(0);
    pub const NV_ENC_HEVC_CUSIZE_8x8: NV_ENC_HEVC_CUSIZE = NV_ENC_HEVC_CUSIZE(1);
    pub const NV_ENC_HEVC_CUSIZE_16x16: NV_ENC_HEVC_CUSIZE = NV_ENC_HEVC_CUSIZE(2);
    pub const NV_ENC_HEVC_CUSIZE_32x32: NV_ENC_HEVC_CUSIZE = NV_ENC_HEVC_CUSIZE(3);
    pub const NV_ENC_HEVC_CUSIZE_64x64: NV_ENC_HEVC_CUSIZE = NV_ENC_HEVC_CUSIZE(4);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_HEVC_CUSIZE(pub core::ffi::c_uint);
impl NV_ENC_AV1_PART_SIZE {
    pub const NV_ENC_AV1_PART_SIZE_AUTOSELECT: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(0);
    pub const NV_ENC_AV1_PART_SIZE_4x4: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(1);
    pub const NV_ENC_AV1_PART_SIZE_8x8: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(2);
    pub const NV_ENC_AV1_PART_SIZE_16x16: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(3);
    pub const NV_ENC_AV1_PART_SIZE_32x32: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(4);
    pub const NV_ENC_AV1_PART_SIZE_64x64: NV_ENC_AV1_PART_SIZE = NV_ENC_AV1_PART_SIZE(5);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_AV1_PART_SIZE(pub core::ffi::c_uint);
impl NV_ENC_VUI_VIDEO_FORMAT {
    pub const NV_ENC_VUI_VIDEO_FORMAT_COMPONENT: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(0);
    pub const NV_ENC_VUI_VIDEO_FORMAT_PAL: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(1);
    pub const NV_ENC_VUI_VIDEO_FORMAT_NTSC: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(2);
    pub const NV_ENC_VUI_VIDEO_FORMAT_SECAM: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(3);
    pub const NV_ENC_VUI_VIDEO_FORMAT_MAC: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(4);
    pub const NV_ENC_VUI_VIDEO_FORMAT_UNSPECIFIED: NV_ENC_VUI_VIDEO_FORMAT = NV_ENC_VUI_VIDEO_FORMAT(5);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_VUI_VIDEO_FORMAT(pub core::ffi::c_uint);
impl NV_ENC_VUI_COLOR_PRIMARIES {
    pub const NV_ENC_VUI_COLOR_PRIMARIES_UNDEFINED: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(0);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_BT709: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(1);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_UNSPECIFIED: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(2);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_RESERVED: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(3);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_BT470M: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(4);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_BT470BG: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(5);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_SMPTE170M: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(6);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_SMPTE240M: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(7);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_FILM: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(8);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_BT2020: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(9);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_SMPTE428: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(10);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_SMPTE431: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(11);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_SMPTE432: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(12);
    pub const NV_ENC_VUI_COLOR_PRIMARIES_JEDEC_P22: NV_ENC_VUI_COLOR_PRIMARIES = NV_ENC_VUI_COLOR_PRIMARIES(22);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_VUI_COLOR_PRIMARIES(pub core::ffi::c_uint);
impl NV_ENC_VUI_TRANSFER_CHARACTERISTIC {
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_UNDEFINED: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(0);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT709: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(1);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_UNSPECIFIED: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(2);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_RESERVED: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(3);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT470M: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(4);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT470BG: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(5);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_SMPTE170M: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(6);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_SMPTE240M: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(7);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_LINEAR: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(8);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_LOG: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(9);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_LOG_SQRT: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(10);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_IEC61966_2_4: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(11);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT1361_ECG: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(12);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_SRGB: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(13);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT2020_10: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(14);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT2020_12: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(15);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_SMPTE2084: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(16);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_SMPTE428: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(17);
    pub const NV_ENC_VUI_TRANSFER_CHARACTERISTIC_ARIB_STD_B67: NV_ENC_VUI_TRANSFER_CHARACTERISTIC =
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC(18);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_VUI_TRANSFER_CHARACTERISTIC(pub core::ffi::c_uint);
impl NV_ENC_VUI_MATRIX_COEFFS {
    pub const NV_ENC_VUI_MATRIX_COEFFS_RGB: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(0);
    pub const NV_ENC_VUI_MATRIX_COEFFS_BT709: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(1);
    pub const NV_ENC_VUI_MATRIX_COEFFS_UNSPECIFIED: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(2);
    pub const NV_ENC_VUI_MATRIX_COEFFS_RESERVED: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(3);
    pub const NV_ENC_VUI_MATRIX_COEFFS_FCC: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(4);
    pub const NV_ENC_VUI_MATRIX_COEFFS_BT470BG: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(5);
    pub const NV_ENC_VUI_MATRIX_COEFFS_SMPTE170M: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(6);
    pub const NV_ENC_VUI_MATRIX_COEFFS_SMPTE240M: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(7);
    pub const NV_ENC_VUI_MATRIX_COEFFS_YCGCO: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(8);
    pub const NV_ENC_VUI_MATRIX_COEFFS_BT2020_NCL: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(9);
    pub const NV_ENC_VUI_MATRIX_COEFFS_BT2020_CL: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(10);
    pub const NV_ENC_VUI_MATRIX_COEFFS_SMPTE2085: NV_ENC_VUI_MATRIX_COEFFS = NV_ENC_VUI_MATRIX_COEFFS(11);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_VUI_MATRIX_COEFFS(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CAPS_PARAM {
    pub version: u32,
    pub capsToQuery: NV_ENC_CAPS,
    pub reserved: [u32; 62usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_RESTORE_ENCODER_STATE_PARAMS {
    pub version: u32,
    pub bufferIdx: u32,
    pub state: NV_ENC_STATE_RESTORE_TYPE,
    pub outputBitstream: NV_ENC_OUTPUT_PTR,
    pub completionEvent: *mut core::ffi::c_void,
    pub reserved1: [u32; 64usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_LOOKAHEAD_PIC_PARAMS {
    pub version: u32,
    pub inputBuffer: NV_ENC_INPUT_PTR,
    pub pictureType: NV_ENC_PIC_TYPE,
    pub reserved: [u32; 64usize],
    pub reserved1: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CREATE_INPUT_BUFFER {
    pub version: u32,
    pub width: u32,
    pub height: u32,
    pub memoryHeap: NV_ENC_MEMORY_HEAP,
    pub bufferFmt: NV_ENC_BUFFER_FORMAT,
    pub reserved: u32,
    pub inputBuffer: NV_ENC_INPUT_PTR,
    pub pSysMemBuffer: *mut core::ffi::c_void,
    pub reserved1: [u32; 57usize],
    pub reserved2: [*mut core::ffi::c_void; 63usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CREATE_BITSTREAM_BUFFER {
    pub version: u32,
    pub size: u32,
    pub memoryHeap: NV_ENC_MEMORY_HEAP,
    pub reserved: u32,
    pub bitstreamBuffer: NV_ENC_OUTPUT_PTR,
    pub bitstreamBufferPtr: *mut core::ffi::c_void,
    pub reserved1: [u32; 58usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CREATE_MV_BUFFER {
    pub version: u32,
    pub mvBuffer: NV_ENC_OUTPUT_PTR,
    pub reserved1: [u32; 255usize],
    pub reserved2: [*mut core::ffi::c_void; 63usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_QP {
    pub qpInterP: u32,
    pub qpInterB: u32,
    pub qpIntra: u32,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_RC_PARAMS {
    pub version: u32,
    pub rateControlMode: NV_ENC_PARAMS_RC_MODE,
    pub constQP: NV_ENC_QP,
    pub averageBitRate: u32,
    pub maxBitRate: u32,
    pub vbvBufferSize: u32,
    pub vbvInitialDelay: u32,
    pub bitFields: u32,
    pub minQP: NV_ENC_QP,
    pub maxQP: NV_ENC_QP,
    pub initialRCQP: NV_ENC_QP,
    pub temporallayerIdxMask: u32,
    pub temporalLayerQP: [u8; 8usize],
    pub targetQuality: u8,
    pub targetQualityLSB: u8,
    pub lookaheadDepth: u16,
    pub lowDelayKeyFrameScale: u8,
    pub yDcQPIndexOffset: i8,
    pub uDcQPIndexOffset: i8,
    pub vDcQPIndexOffset: i8,
    pub qpMapMode: NV_ENC_QP_MAP_MODE,
    pub multiPass: NV_ENC_MULTI_PASS,
    pub alphaLayerBitrateRatio: u32,
    pub cbQPIndexOffset: i8,
    pub crQPIndexOffset: i8,
    pub reserved2: u16,
    pub reserved: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CLOCK_TIMESTAMP_SET {
    pub bitFields: u32,
    pub timeOffset: u32,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_TIME_CODE {
    pub displayPicStruct: NV_ENC_DISPLAY_PIC_STRUCT,
    pub clockTimestamp: [NV_ENC_CLOCK_TIMESTAMP_SET; 3usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_H264_VUI_PARAMETERS {
    pub overscanInfoPresentFlag: u32,
    pub overscanInfo: u32,
    pub videoSignalTypePresentFlag: u32,
    pub videoFormat: NV_ENC_VUI_VIDEO_FORMAT,
    pub videoFullRangeFlag: u32,
    pub colourDescriptionPresentFlag: u32,
    pub colourPrimaries: NV_ENC_VUI_COLOR_PRIMARIES,
    pub transferCharacteristics: NV_ENC_VUI_TRANSFER_CHARACTERISTIC,
    pub colourMatrix: NV_ENC_VUI_MATRIX_COEFFS,
    pub chromaSampleLocationFlag: u32,
    pub chromaSampleLocationTop: u32,
    pub chromaSampleLocationBot: u32,
    pub bitstreamRestrictionFlag: u32,
    pub timingInfoPresentFlag: u32,
    pub numUnitInTicks: u32,
    pub timeScale: u32,
    pub reserved: [u32; 12usize],
}
pub type NV_ENC_CONFIG_HEVC_VUI_PARAMETERS = NV_ENC_CONFIG_H264_VUI_PARAMETERS;
#[repr(C)]
#[repr(align(4))]
#[derive(Copy, Clone)]
pub struct NVENC_EXTERNAL_ME_HINT_COUNTS_PER_BLOCKTYPE {
    pub _bindgen_opaque_blob: [u32; 4usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NVENC_EXTERNAL_ME_HINT {
    pub _bindgen_align: [u32; 0],
    pub _bindgen_opaque_blob: u32,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NVENC_EXTERNAL_ME_SB_HINT {
    pub _bindgen_align: [u16; 0],
    pub _bindgen_opaque_blob: [u16; 3usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_H264 {
    pub bitFields: u32,
    pub level: u32,
    pub idrPeriod: u32,
    pub separateColourPlaneFlag: u32,
    pub disableDeblockingFilterIDC: u32,
    pub numTemporalLayers: u32,
    pub spsId: u32,
    pub ppsId: u32,
    pub adaptiveTransformMode: NV_ENC_H264_ADAPTIVE_TRANSFORM_MODE,
    pub fmoMode: NV_ENC_H264_FMO_MODE,
    pub bdirectMode: NV_ENC_H264_BDIRECT_MODE,
    pub entropyCodingMode: NV_ENC_H264_ENTROPY_CODING_MODE,
    pub stereoMode: NV_ENC_STEREO_PACKING_MODE,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFrames: u32,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub h264VUIParameters: NV_ENC_CONFIG_H264_VUI_PARAMETERS,
    pub ltrNumFrames: u32,
    pub ltrTrustMode: u32,
    pub chromaFormatIDC: u32,
    pub maxTemporalLayers: u32,
    pub useBFramesAsRef: NV_ENC_BFRAME_REF_MODE,
    pub numRefL0: NV_ENC_NUM_REF_FRAMES,
    pub numRefL1: NV_ENC_NUM_REF_FRAMES,
    pub reserved1: [u32; 267usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_HEVC {
    pub level: u32,
    pub tier: u32,
    pub minCUSize: NV_ENC_HEVC_CUSIZE,
    pub maxCUSize: NV_ENC_HEVC_CUSIZE,
    pub bitFields: u32,
    pub idrPeriod: u32,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFramesInDPB: u32,
    pub ltrNumFrames: u32,
    pub vpsId: u32,
    pub spsId: u32,
    pub ppsId: u32,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub maxTemporalLayersMinus1: u32,
    pub hevcVUIParameters: NV_ENC_CONFIG_HEVC_VUI_PARAMETERS,
    pub ltrTrustMode: u32,
    pub useBFramesAsRef: NV_ENC_BFRAME_REF_MODE,
    pub numRefL0: NV_ENC_NUM_REF_FRAMES,
    pub numRefL1: NV_ENC_NUM_REF_FRAMES,
    pub reserved1: [u32; 214usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_FILM_GRAIN_PARAMS_AV1 {
    pub bitFields: u32,
    pub pointYValue: [u8; 14usize],
    pub pointYScaling: [u8; 14usize],
    pub pointCbValue: [u8; 10usize],
    pub pointCbScaling: [u8; 10usize],
    pub pointCrValue: [u8; 10usize],
    pub pointCrScaling: [u8; 10usize],
    pub arCoeffsYPlus128: [u8; 24usize],
    pub arCoeffsCbPlus128: [u8; 25usize],
    pub arCoeffsCrPlus128: [u8; 25usize],
    pub reserved2: [u8; 2usize],
    pub cbMult: u8,
    pub cbLumaMult: u8,
    pub cbOffset: u16,
    pub crMult: u8,
    pub crLumaMult: u8,
    pub crOffset: u16,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_AV1 {
    pub level: u32,
    pub tier: u32,
    pub minPartSize: NV_ENC_AV1_PART_SIZE,
    pub maxPartSize: NV_ENC_AV1_PART_SIZE,
    pub bitFields: u32,
    pub idrPeriod: u32,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFramesInDPB: u32,
    pub numTileColumns: u32,
    pub numTileRows: u32,
    pub tileWidths: *mut u32,
    pub tileHeights: *mut u32,
    pub maxTemporalLayersMinus1: u32,
    pub colorPrimaries: NV_ENC_VUI_COLOR_PRIMARIES,
    pub transferCharacteristics: NV_ENC_VUI_TRANSFER_CHARACTERISTIC,
    pub matrixCoefficients: NV_ENC_VUI_MATRIX_COEFFS,
    pub colorRange: u32,
    pub chromaSamplePosition: u32,
    pub useBFramesAsRef: NV_ENC_BFRAME_REF_MODE,
    pub filmGrainParams: *mut NV_ENC_FILM_GRAIN_PARAMS_AV1,
    pub numFwdRefs: NV_ENC_NUM_REF_FRAMES,
    pub numBwdRefs: NV_ENC_NUM_REF_FRAMES,
    pub reserved1: [u32; 235usize],
    pub reserved2: [*mut core::ffi::c_void; 62usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_H264_MEONLY {
    pub bitFields: u32,
    pub reserved1: [u32; 255usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG_HEVC_MEONLY {
    pub reserved: [u32; 256usize],
    pub reserved1: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub union NV_ENC_CODEC_CONFIG {
    pub h264Config: NV_ENC_CONFIG_H264,
    pub hevcConfig: NV_ENC_CONFIG_HEVC,
    pub av1Config: NV_ENC_CONFIG_AV1,
    pub h264MeOnlyConfig: NV_ENC_CONFIG_H264_MEONLY,
    pub hevcMeOnlyConfig: NV_ENC_CONFIG_HEVC_MEONLY,
    pub reserved: [u32; 320usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_CONFIG {
    pub version: u32,
    pub profileGUID: GUID,
    pub gopLength: u32,
    pub frameIntervalP: i32,
    pub monoChromeEncoding: u32,
    pub frameFieldMode: NV_ENC_PARAMS_FRAME_FIELD_MODE,
    pub mvPrecision: NV_ENC_MV_PRECISION,
    pub rcParams: NV_ENC_RC_PARAMS,
    pub encodeCodecConfig: NV_ENC_CODEC_CONFIG,
    pub reserved: [u32; 278usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
impl NV_ENC_TUNING_INFO {
    pub const NV_ENC_TUNING_INFO_UNDEFINED: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(0);
    pub const NV_ENC_TUNING_INFO_HIGH_QUALITY: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(1);
    pub const NV_ENC_TUNING_INFO_LOW_LATENCY: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(2);
    pub const NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(3);
    pub const NV_ENC_TUNING_INFO_LOSSLESS: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(4);
    pub const NV_ENC_TUNING_INFO_COUNT: NV_ENC_TUNING_INFO = NV_ENC_TUNING_INFO(5);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_TUNING_INFO(pub core::ffi::c_uint);
impl NV_ENC_SPLIT_ENCODE_MODE {
    pub const NV_ENC_SPLIT_AUTO_MODE: NV_ENC_SPLIT_ENCODE_MODE = NV_ENC_SPLIT_ENCODE_MODE(0);
    pub const NV_ENC_SPLIT_AUTO_FORCED_MODE: NV_ENC_SPLIT_ENCODE_MODE = NV_ENC_SPLIT_ENCODE_MODE(1);
    pub const NV_ENC_SPLIT_TWO_FORCED_MODE: NV_ENC_SPLIT_ENCODE_MODE = NV_ENC_SPLIT_ENCODE_MODE(2);
    pub const NV_ENC_SPLIT_THREE_FORCED_MODE: NV_ENC_SPLIT_ENCODE_MODE = NV_ENC_SPLIT_ENCODE_MODE(3);
    pub const NV_ENC_SPLIT_DISABLE_MODE: NV_ENC_SPLIT_ENCODE_MODE = NV_ENC_SPLIT_ENCODE_MODE(15);
}
#[repr(transparent)]
#[derive(Copy, Clone, Hash, PartialEq, Eq)]
pub struct NV_ENC_SPLIT_ENCODE_MODE(pub core::ffi::c_uint);
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_INITIALIZE_PARAMS {
    pub version: u32,
    pub encodeGUID: GUID,
    pub presetGUID: GUID,
    pub encodeWidth: u32,
    pub encodeHeight: u32,
    pub darWidth: u32,
    pub darHeight: u32,
    pub frameRateNum: u32,
    pub frameRateDen: u32,
    pub enableEncodeAsync: u32,
    pub enablePTD: u32,
    pub bitFields: u32,
    pub privDataSize: u32,
    pub privData: *mut core::ffi::c_void,
    pub encodeConfig: *mut NV_ENC_CONFIG,
    pub maxEncodeWidth: u32,
    pub maxEncodeHeight: u32,
    pub maxMEHintCountsPerBlock: [NVENC_EXTERNAL_ME_HINT_COUNTS_PER_BLOCKTYPE; 2usize],
    pub tuningInfo: NV_ENC_TUNING_INFO,
    pub bufferFormat: NV_ENC_BUFFER_FORMAT,
    pub numStateBuffers: u32,
    pub outputStatsLevel: NV_ENC_OUTPUT_STATS_LEVEL,
    pub reserved: [u32; 285usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_RECONFIGURE_PARAMS {
    pub version: u32,
    pub reInitEncodeParams: NV_ENC_INITIALIZE_PARAMS,
    pub bitFields: u32,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PRESET_CONFIG {
    pub version: u32,
    pub presetCfg: NV_ENC_CONFIG,
    pub reserved1: [u32; 255usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PIC_PARAMS_MVC {
    pub version: u32,
    pub viewID: u32,
    pub temporalID: u32,
    pub priorityID: u32,
    pub reserved1: [u32; 12usize],
    pub reserved2: [*mut core::ffi::c_void; 8usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub union NV_ENC_PIC_PARAMS_H264_EXT {
    pub mvcPicParams: NV_ENC_PIC_PARAMS_MVC,
    pub reserved1: [u32; 32usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_SEI_PAYLOAD {
    pub payloadSize: u32,
    pub payloadType: u32,
    pub payload: *mut u8,
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PIC_PARAMS_H264 {
    pub displayPOCSyntax: u32,
    pub reserved3: u32,
    pub refPicFlag: u32,
    pub colourPlaneId: u32,
    pub forceIntraRefreshWithFrameCnt: u32,
    pub bitFields: u32,
    pub sliceTypeData: *mut u8,
    pub sliceTypeArrayCnt: u32,
    pub seiPayloadArrayCnt: u32,
    pub seiPayloadArray: *mut NV_ENC_SEI_PAYLOAD,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub ltrMarkFrameIdx: u32,
    pub ltrUseFrameBitmap: u32,
    pub ltrUsageMode: u32,
    pub forceIntraSliceCount: u32,
    pub forceIntraSliceIdx: *mut u32,
    pub h264ExtPicParams: NV_ENC_PIC_PARAMS_H264_EXT,
    pub timeCode: NV_ENC_TIME_CODE,
    pub reserved: [u32; 203usize],
    pub reserved2: [*mut core::ffi::c_void; 61usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PIC_PARAMS_HEVC {
    pub displayPOCSyntax: u32,
    pub refPicFlag: u32,
    pub temporalId: u32,
    pub forceIntraRefreshWithFrameCnt: u32,
    pub bitFields: u32,
    pub sliceTypeData: *mut u8,
    pub sliceTypeArrayCnt: u32,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub ltrMarkFrameIdx: u32,
    pub ltrUseFrameBitmap: u32,
    pub ltrUsageMode: u32,
    pub seiPayloadArrayCnt: u32,
    pub reserved: u32,
    pub seiPayloadArray: *mut NV_ENC_SEI_PAYLOAD,
    pub timeCode: NV_ENC_TIME_CODE,
    pub reserved2: [u32; 237usize],
    pub reserved3: [*mut core::ffi::c_void; 61usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PIC_PARAMS_AV1 {
    pub displayPOCSyntax: u32,
    pub refPicFlag: u32,
    pub temporalId: u32,
    pub forceIntraRefreshWithFrameCnt: u32,
    pub bitFields: u32,
    pub numTileColumns: u32,
    pub numTileRows: u32,
    pub tileWidths: *mut u32,
    pub tileHeights: *mut u32,
    pub obuPayloadArrayCnt: u32,
    pub reserved: u32,
    pub obuPayloadArray: *mut NV_ENC_SEI_PAYLOAD,
    pub filmGrainParams: *mut NV_ENC_FILM_GRAIN_PARAMS_AV1,
    pub reserved2: [u32; 247usize],
    pub reserved3: [*mut core::ffi::c_void; 61usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub union NV_ENC_CODEC_PIC_PARAMS {
    pub h264PicParams: NV_ENC_PIC_PARAMS_H264,
    pub hevcPicParams: NV_ENC_PIC_PARAMS_HEVC,
    pub av1PicParams: NV_ENC_PIC_PARAMS_AV1,
    pub reserved: [u32; 256usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_PIC_PARAMS {
    pub version: u32,
    pub inputWidth: u32,
    pub inputHeight: u32,
    pub inputPitch: u32,
    pub encodePicFlags: u32,
    pub frameIdx: u32,
    pub inputTimeStamp: u64,
    pub inputDuration: u64,
    pub inputBuffer: NV_ENC_INPUT_PTR,
    pub outputBitstream: NV_ENC_OUTPUT_PTR,
    pub completionEvent: *mut core::ffi::c_void,
    pub bufferFmt: NV_ENC_BUFFER_FORMAT,
    pub pictureStruct: NV_ENC_PIC_STRUCT,
    pub pictureType: NV_ENC_PIC_TYPE,
    pub codecPicParams: NV_ENC_CODEC_PIC_PARAMS,
    pub meHintCountsPerBlock: [NVENC_EXTERNAL_ME_HINT_COUNTS_PER_BLOCKTYPE; 2usize],
    pub meExternalHints: *mut NVENC_EXTERNAL_ME_HINT,
    pub reserved1: [u32; 6usize],
    pub reserved2: [*mut core::ffi::c_void; 2usize],
    pub qpDeltaMap: *mut i8,
    pub qpDeltaMapSize: u32,
    pub reservedBitFields: u32,
    pub meHintRefPicDist: [u16; 2usize],
    pub alphaBuffer: NV_ENC_INPUT_PTR,
    pub meExternalSbHints: *mut NVENC_EXTERNAL_ME_SB_HINT,
    pub meSbHintsCount: u32,
    pub stateBufferIdx: u32,
    pub outputReconBuffer: NV_ENC_OUTPUT_PTR,
    pub reserved3: [u32; 284usize],
    pub reserved4: [*mut core::ffi::c_void; 57usize],
}
pub type NV_ENC_MEONLY_PARAMS = __BindgenOpaqueArray8<[u8; 1552usize]>;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_LOCK_BITSTREAM {
    pub version: u32,
    pub bitFields: u32,
    pub outputBitstream: *mut core::ffi::c_void,
    pub sliceOffsets: *mut u32,
    pub frameIdx: u32,
    pub hwEncodeStatus: u32,
    pub numSlices: u32,
    pub bitstreamSizeInBytes: u32,
    pub outputTimeStamp: u64,
    pub outputDuration: u64,
    pub bitstreamBufferPtr: *mut core::ffi::c_void,
    pub pictureType: NV_ENC_PIC_TYPE,
    pub pictureStruct: NV_ENC_PIC_STRUCT,
    pub frameAvgQP: u32,
    pub frameSatd: u32,
    pub ltrFrameIdx: u32,
    pub ltrFrameBitmap: u32,
    pub temporalId: u32,
    pub intraMBCount: u32,
    pub interMBCount: u32,
    pub averageMVX: i32,
    pub averageMVY: i32,
    pub alphaLayerSizeInBytes: u32,
    pub outputStatsPtrSize: u32,
    pub outputStatsPtr: *mut core::ffi::c_void,
    pub frameIdxDisplay: u32,
    pub reserved1: [u32; 220usize],
    pub reserved2: [*mut core::ffi::c_void; 63usize],
    pub reservedInternal: [u32; 8usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_LOCK_INPUT_BUFFER {
    pub version: u32,
    pub bitFields: u32,
    pub inputBuffer: NV_ENC_INPUT_PTR,
    pub bufferDataPtr: *mut core::ffi::c_void,
    pub pitch: u32,
    pub reserved1: [u32; 251usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_MAP_INPUT_RESOURCE {
    pub version: u32,
    pub subResourceIndex: u32,
    pub inputResource: *mut core::ffi::c_void,
    pub registeredResource: NV_ENC_REGISTERED_PTR,
    pub mappedResource: NV_ENC_INPUT_PTR,
    pub mappedBufferFmt: NV_ENC_BUFFER_FORMAT,
    pub reserved1: [u32; 251usize],
    pub reserved2: [*mut core::ffi::c_void; 63usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_FENCE_POINT_D3D12 {
    pub version: u32,
    pub reserved: u32,
    pub pFence: *mut core::ffi::c_void,
    pub waitValue: u64,
    pub signalValue: u64,
    pub bitFields: u32,
    pub reserved1: [u32; 7usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_REGISTER_RESOURCE {
    pub version: u32,
    pub resourceType: NV_ENC_INPUT_RESOURCE_TYPE,
    pub width: u32,
    pub height: u32,
    pub pitch: u32,
    pub subResourceIndex: u32,
    pub resourceToRegister: *mut core::ffi::c_void,
    pub registeredResource: NV_ENC_REGISTERED_PTR,
    pub bufferFormat: NV_ENC_BUFFER_FORMAT,
    pub bufferUsage: NV_ENC_BUFFER_USAGE,
    pub pInputFencePoint: *mut NV_ENC_FENCE_POINT_D3D12,
    pub chromaOffset: [u32; 2usize],
    pub reserved1: [u32; 245usize],
    pub reserved2: [*mut core::ffi::c_void; 61usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_STAT {
    pub version: u32,
    pub reserved: u32,
    pub outputBitStream: NV_ENC_OUTPUT_PTR,
    pub bitStreamSize: u32,
    pub picType: u32,
    pub lastValidByteOffset: u32,
    pub sliceOffsets: [u32; 16usize],
    pub picIdx: u32,
    pub frameAvgQP: u32,
    pub bitFields: u32,
    pub ltrFrameIdx: u32,
    pub intraMBCount: u32,
    pub interMBCount: u32,
    pub averageMVX: i32,
    pub averageMVY: i32,
    pub reserved1: [u32; 226usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_SEQUENCE_PARAM_PAYLOAD {
    pub version: u32,
    pub inBufferSize: u32,
    pub spsId: u32,
    pub ppsId: u32,
    pub spsppsBuffer: *mut core::ffi::c_void,
    pub outSPSPPSPayloadSize: *mut u32,
    pub reserved: [u32; 250usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_EVENT_PARAMS {
    pub version: u32,
    pub reserved: u32,
    pub completionEvent: *mut core::ffi::c_void,
    pub reserved1: [u32; 253usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
    pub version: u32,
    pub deviceType: NV_ENC_DEVICE_TYPE,
    pub device: *mut core::ffi::c_void,
    pub reserved: *mut core::ffi::c_void,
    pub apiVersion: u32,
    pub reserved1: [u32; 253usize],
    pub reserved2: [*mut core::ffi::c_void; 64usize],
}
pub type PNVENCOPENENCODESESSION = core::option::Option<
    unsafe extern "C" fn(
        device: *mut core::ffi::c_void,
        deviceType: u32,
        encoder: *mut *mut core::ffi::c_void,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEGUIDCOUNT = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, encodeGUIDCount: *mut u32) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEGUIDS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        GUIDs: *mut GUID,
        guidArraySize: u32,
        GUIDCount: *mut u32,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETINPUTFORMATCOUNT = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, encodeGUID: GUID, inputFmtCount: *mut u32) -> NVENCSTATUS,
>;
pub type PNVENCGETINPUTFORMATS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        inputFmts: *mut NV_ENC_BUFFER_FORMAT,
        inputFmtArraySize: u32,
        inputFmtCount: *mut u32,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODECAPS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        capsParam: *mut NV_ENC_CAPS_PARAM,
        capsVal: *mut core::ffi::c_int,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEPRESETCOUNT = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        encodePresetGUIDCount: *mut u32,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEPRESETGUIDS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        presetGUIDs: *mut GUID,
        guidArraySize: u32,
        encodePresetGUIDCount: *mut u32,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEPRESETCONFIG = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        presetGUID: GUID,
        presetConfig: *mut NV_ENC_PRESET_CONFIG,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODEPRESETCONFIGEX = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encodeGUID: GUID,
        presetGUID: GUID,
        tuningInfo: NV_ENC_TUNING_INFO,
        presetConfig: *mut NV_ENC_PRESET_CONFIG,
    ) -> NVENCSTATUS,
>;
pub type PNVENCINITIALIZEENCODER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        createEncodeParams: *mut NV_ENC_INITIALIZE_PARAMS,
    ) -> NVENCSTATUS,
>;
pub type PNVENCCREATEINPUTBUFFER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        createInputBufferParams: *mut NV_ENC_CREATE_INPUT_BUFFER,
    ) -> NVENCSTATUS,
>;
pub type PNVENCDESTROYINPUTBUFFER = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, inputBuffer: NV_ENC_INPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCCREATEBITSTREAMBUFFER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        createBitstreamBufferParams: *mut NV_ENC_CREATE_BITSTREAM_BUFFER,
    ) -> NVENCSTATUS,
>;
pub type PNVENCDESTROYBITSTREAMBUFFER = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, bitstreamBuffer: NV_ENC_OUTPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCENCODEPICTURE = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, encodePicParams: *mut NV_ENC_PIC_PARAMS) -> NVENCSTATUS,
>;
pub type PNVENCLOCKBITSTREAM = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        lockBitstreamBufferParams: *mut NV_ENC_LOCK_BITSTREAM,
    ) -> NVENCSTATUS,
>;
pub type PNVENCUNLOCKBITSTREAM = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, bitstreamBuffer: NV_ENC_OUTPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCLOCKINPUTBUFFER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        lockInputBufferParams: *mut NV_ENC_LOCK_INPUT_BUFFER,
    ) -> NVENCSTATUS,
>;
pub type PNVENCUNLOCKINPUTBUFFER = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, inputBuffer: NV_ENC_INPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCGETENCODESTATS = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, encodeStats: *mut NV_ENC_STAT) -> NVENCSTATUS,
>;
pub type PNVENCGETSEQUENCEPARAMS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        sequenceParamPayload: *mut NV_ENC_SEQUENCE_PARAM_PAYLOAD,
    ) -> NVENCSTATUS,
>;
pub type PNVENCREGISTERASYNCEVENT = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, eventParams: *mut NV_ENC_EVENT_PARAMS) -> NVENCSTATUS,
>;
pub type PNVENCUNREGISTERASYNCEVENT = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, eventParams: *mut NV_ENC_EVENT_PARAMS) -> NVENCSTATUS,
>;
pub type PNVENCMAPINPUTRESOURCE = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        mapInputResParams: *mut NV_ENC_MAP_INPUT_RESOURCE,
    ) -> NVENCSTATUS,
>;
pub type PNVENCUNMAPINPUTRESOURCE = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, mappedInputBuffer: NV_ENC_INPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCDESTROYENCODER =
    core::option::Option<unsafe extern "C" fn(encoder: *mut core::ffi::c_void) -> NVENCSTATUS>;
pub type PNVENCINVALIDATEREFFRAMES = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, invalidRefFrameTimeStamp: u64) -> NVENCSTATUS,
>;
pub type PNVENCOPENENCODESESSIONEX = core::option::Option<
    unsafe extern "C" fn(
        openSessionExParams: *mut NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
        encoder: *mut *mut core::ffi::c_void,
    ) -> NVENCSTATUS,
>;
pub type PNVENCREGISTERRESOURCE = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        registerResParams: *mut NV_ENC_REGISTER_RESOURCE,
    ) -> NVENCSTATUS,
>;
pub type PNVENCUNREGISTERRESOURCE = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, registeredRes: NV_ENC_REGISTERED_PTR) -> NVENCSTATUS,
>;
pub type PNVENCRECONFIGUREENCODER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        reInitEncodeParams: *mut NV_ENC_RECONFIGURE_PARAMS,
    ) -> NVENCSTATUS,
>;
pub type PNVENCCREATEMVBUFFER = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        createMVBufferParams: *mut NV_ENC_CREATE_MV_BUFFER,
    ) -> NVENCSTATUS,
>;
pub type PNVENCDESTROYMVBUFFER = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, mvBuffer: NV_ENC_OUTPUT_PTR) -> NVENCSTATUS,
>;
pub type PNVENCRUNMOTIONESTIMATIONONLY = core::option::Option<
    unsafe extern "C" fn(encoder: *mut core::ffi::c_void, meOnlyParams: *mut NV_ENC_MEONLY_PARAMS) -> NVENCSTATUS,
>;
pub type PNVENCGETLASTERROR =
    core::option::Option<unsafe extern "C" fn(encoder: *mut core::ffi::c_void) -> *const core::ffi::c_char>;
pub type PNVENCSETIOCUDASTREAMS = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        inputStream: NV_ENC_CUSTREAM_PTR,
        outputStream: NV_ENC_CUSTREAM_PTR,
    ) -> NVENCSTATUS,
>;
pub type PNVENCGETSEQUENCEPARAMEX = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        encInitParams: *mut NV_ENC_INITIALIZE_PARAMS,
        sequenceParamPayload: *mut NV_ENC_SEQUENCE_PARAM_PAYLOAD,
    ) -> NVENCSTATUS,
>;
pub type PNVENCRESTOREENCODERSTATE = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        restoreState: *mut NV_ENC_RESTORE_ENCODER_STATE_PARAMS,
    ) -> NVENCSTATUS,
>;
pub type PNVENCLOOKAHEADPICTURE = core::option::Option<
    unsafe extern "C" fn(
        encoder: *mut core::ffi::c_void,
        lookaheadParams: *mut NV_ENC_LOOKAHEAD_PIC_PARAMS,
    ) -> NVENCSTATUS,
>;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct NV_ENCODE_API_FUNCTION_LIST {
    pub version: u32,
    pub reserved: u32,
    pub nvEncOpenEncodeSession: PNVENCOPENENCODESESSION,
    pub nvEncGetEncodeGUIDCount: PNVENCGETENCODEGUIDCOUNT,
    pub nvEncGetEncodeProfileGUIDCount: PNVENCGETENCODEPRESETCOUNT,
    pub nvEncGetEncodeProfileGUIDs: PNVENCGETENCODEPRESETGUIDS,
    pub nvEncGetEncodeGUIDs: PNVENCGETENCODEGUIDS,
    pub nvEncGetInputFormatCount: PNVENCGETINPUTFORMATCOUNT,
    pub nvEncGetInputFormats: PNVENCGETINPUTFORMATS,
    pub nvEncGetEncodeCaps: PNVENCGETENCODECAPS,
    pub nvEncGetEncodePresetCount: PNVENCGETENCODEPRESETCOUNT,
    pub nvEncGetEncodePresetGUIDs: PNVENCGETENCODEPRESETGUIDS,
    pub nvEncGetEncodePresetConfig: PNVENCGETENCODEPRESETCONFIG,
    pub nvEncInitializeEncoder: PNVENCINITIALIZEENCODER,
    pub nvEncCreateInputBuffer: PNVENCCREATEINPUTBUFFER,
    pub nvEncDestroyInputBuffer: PNVENCDESTROYINPUTBUFFER,
    pub nvEncCreateBitstreamBuffer: PNVENCCREATEBITSTREAMBUFFER,
    pub nvEncDestroyBitstreamBuffer: PNVENCDESTROYBITSTREAMBUFFER,
    pub nvEncEncodePicture: PNVENCENCODEPICTURE,
    pub nvEncLockBitstream: PNVENCLOCKBITSTREAM,
    pub nvEncUnlockBitstream: PNVENCUNLOCKBITSTREAM,
    pub nvEncLockInputBuffer: PNVENCLOCKINPUTBUFFER,
    pub nvEncUnlockInputBuffer: PNVENCUNLOCKINPUTBUFFER,
    pub nvEncGetEncodeStats: PNVENCGETENCODESTATS,
    pub nvEncGetSequenceParams: PNVENCGETSEQUENCEPARAMS,
    pub nvEncRegisterAsyncEvent: PNVENCREGISTERASYNCEVENT,
    pub nvEncUnregisterAsyncEvent: PNVENCUNREGISTERASYNCEVENT,
    pub nvEncMapInputResource: PNVENCMAPINPUTRESOURCE,
    pub nvEncUnmapInputResource: PNVENCUNMAPINPUTRESOURCE,
    pub nvEncDestroyEncoder: PNVENCDESTROYENCODER,
    pub nvEncInvalidateRefFrames: PNVENCINVALIDATEREFFRAMES,
    pub nvEncOpenEncodeSessionEx: PNVENCOPENENCODESESSIONEX,
    pub nvEncRegisterResource: PNVENCREGISTERRESOURCE,
    pub nvEncUnregisterResource: PNVENCUNREGISTERRESOURCE,
    pub nvEncReconfigureEncoder: PNVENCRECONFIGUREENCODER,
    pub reserved1: *mut core::ffi::c_void,
    pub nvEncCreateMVBuffer: PNVENCCREATEMVBUFFER,
    pub nvEncDestroyMVBuffer: PNVENCDESTROYMVBUFFER,
    pub nvEncRunMotionEstimationOnly: PNVENCRUNMOTIONESTIMATIONONLY,
    pub nvEncGetLastErrorString: PNVENCGETLASTERROR,
    pub nvEncSetIOCudaStreams: PNVENCSETIOCUDASTREAMS,
    pub nvEncGetEncodePresetConfigEx: PNVENCGETENCODEPRESETCONFIGEX,
    pub nvEncGetSequenceParamEx: PNVENCGETSEQUENCEPARAMEX,
    pub nvEncRestoreEncoderState: PNVENCRESTOREENCODERSTATE,
    pub nvEncLookaheadPicture: PNVENCLOOKAHEADPICTURE,
    pub reserved2: [*mut core::ffi::c_void; 275usize],
}
