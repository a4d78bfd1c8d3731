//! What libva and a VA driver say to each other, as libva's header declares it.
//!
//! Made by bindgen 0.73 from `va_backend.h` of libva 2.17. What the stand-ins do not
//! look into is a number or a pointer to anything.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(clippy::all, clippy::pedantic)]

// Copyright (c) 2007 Intel Corporation. All Rights Reserved.
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
// IN NO EVENT SHALL PRECISION INSIGHT AND/OR ITS SUPPLIERS BE LIABLE FOR
// ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
// TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
// SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

use core::ffi::c_void;

use earthshine_ffi::vaapi::sys::*;

pub type VABufferInfo = c_void;
pub type VACopyObject = c_void;
pub type VACopyOption = u32;
pub type VADisplayAttribute = c_void;
pub type VADriverVTableEGL = c_void;
pub type VADriverVTableGLX = c_void;
pub type VADriverVTableProt = c_void;
pub type VADriverVTableVPP = c_void;
pub type VADriverVTableWayland = c_void;
pub type VAMFContextID = u32;
pub type VAProcessingRateParameter = c_void;
pub type VASubpictureID = u32;

pub type VADriverContextP = *mut VADriverContext;
pub type VADisplayContextP = *mut VADisplayContext;
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VADriverVTable {
    pub vaTerminate: core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP) -> VAStatus>,
    pub vaQueryConfigProfiles: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            profile_list: *mut VAProfile,
            num_profiles: *mut core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaQueryConfigEntrypoints: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            profile: VAProfile,
            entrypoint_list: *mut VAEntrypoint,
            num_entrypoints: *mut core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaGetConfigAttributes: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            profile: VAProfile,
            entrypoint: VAEntrypoint,
            attrib_list: *mut VAConfigAttrib,
            num_attribs: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaCreateConfig: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            profile: VAProfile,
            entrypoint: VAEntrypoint,
            attrib_list: *mut VAConfigAttrib,
            num_attribs: core::ffi::c_int,
            config_id: *mut VAConfigID,
        ) -> VAStatus,
    >,
    pub vaDestroyConfig:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, config_id: VAConfigID) -> VAStatus>,
    pub vaQueryConfigAttributes: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            config_id: VAConfigID,
            profile: *mut VAProfile,
            entrypoint: *mut VAEntrypoint,
            attrib_list: *mut VAConfigAttrib,
            num_attribs: *mut core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaCreateSurfaces: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            width: core::ffi::c_int,
            height: core::ffi::c_int,
            format: core::ffi::c_int,
            num_surfaces: core::ffi::c_int,
            surfaces: *mut VASurfaceID,
        ) -> VAStatus,
    >,
    pub vaDestroySurfaces: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface_list: *mut VASurfaceID,
            num_surfaces: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaCreateContext: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            config_id: VAConfigID,
            picture_width: core::ffi::c_int,
            picture_height: core::ffi::c_int,
            flag: core::ffi::c_int,
            render_targets: *mut VASurfaceID,
            num_render_targets: core::ffi::c_int,
            context: *mut VAContextID,
        ) -> VAStatus,
    >,
    pub vaDestroyContext:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, context: VAContextID) -> VAStatus>,
    pub vaCreateBuffer: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            context: VAContextID,
            type_: VABufferType,
            size: core::ffi::c_uint,
            num_elements: core::ffi::c_uint,
            data: *mut core::ffi::c_void,
            buf_id: *mut VABufferID,
        ) -> VAStatus,
    >,
    pub vaBufferSetNumElements: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID, num_elements: core::ffi::c_uint) -> VAStatus,
    >,
    pub vaMapBuffer: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID, pbuf: *mut *mut core::ffi::c_void) -> VAStatus,
    >,
    pub vaUnmapBuffer:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID) -> VAStatus>,
    pub vaDestroyBuffer:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, buffer_id: VABufferID) -> VAStatus>,
    pub vaBeginPicture: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, context: VAContextID, render_target: VASurfaceID) -> VAStatus,
    >,
    pub vaRenderPicture: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            context: VAContextID,
            buffers: *mut VABufferID,
            num_buffers: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaEndPicture:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, context: VAContextID) -> VAStatus>,
    pub vaSyncSurface:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, render_target: VASurfaceID) -> VAStatus>,
    pub vaQuerySurfaceStatus: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            render_target: VASurfaceID,
            status: *mut VASurfaceStatus,
        ) -> VAStatus,
    >,
    pub vaQuerySurfaceError: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            render_target: VASurfaceID,
            error_status: VAStatus,
            error_info: *mut *mut core::ffi::c_void,
        ) -> VAStatus,
    >,
    pub vaPutSurface: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface: VASurfaceID,
            draw: *mut core::ffi::c_void,
            srcx: core::ffi::c_short,
            srcy: core::ffi::c_short,
            srcw: core::ffi::c_ushort,
            srch: core::ffi::c_ushort,
            destx: core::ffi::c_short,
            desty: core::ffi::c_short,
            destw: core::ffi::c_ushort,
            desth: core::ffi::c_ushort,
            cliprects: *mut VARectangle,
            number_cliprects: core::ffi::c_uint,
            flags: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaQueryImageFormats: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            format_list: *mut VAImageFormat,
            num_formats: *mut core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaCreateImage: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            format: *mut VAImageFormat,
            width: core::ffi::c_int,
            height: core::ffi::c_int,
            image: *mut VAImage,
        ) -> VAStatus,
    >,
    pub vaDeriveImage: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, surface: VASurfaceID, image: *mut VAImage) -> VAStatus,
    >,
    pub vaDestroyImage: core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, image: VAImageID) -> VAStatus>,
    pub vaSetImagePalette: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, image: VAImageID, palette: *mut core::ffi::c_uchar) -> VAStatus,
    >,
    pub vaGetImage: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface: VASurfaceID,
            x: core::ffi::c_int,
            y: core::ffi::c_int,
            width: core::ffi::c_uint,
            height: core::ffi::c_uint,
            image: VAImageID,
        ) -> VAStatus,
    >,
    pub vaPutImage: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface: VASurfaceID,
            image: VAImageID,
            src_x: core::ffi::c_int,
            src_y: core::ffi::c_int,
            src_width: core::ffi::c_uint,
            src_height: core::ffi::c_uint,
            dest_x: core::ffi::c_int,
            dest_y: core::ffi::c_int,
            dest_width: core::ffi::c_uint,
            dest_height: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaQuerySubpictureFormats: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            format_list: *mut VAImageFormat,
            flags: *mut core::ffi::c_uint,
            num_formats: *mut core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaCreateSubpicture: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, image: VAImageID, subpicture: *mut VASubpictureID) -> VAStatus,
    >,
    pub vaDestroySubpicture:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, subpicture: VASubpictureID) -> VAStatus>,
    pub vaSetSubpictureImage: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, subpicture: VASubpictureID, image: VAImageID) -> VAStatus,
    >,
    pub vaSetSubpictureChromakey: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            subpicture: VASubpictureID,
            chromakey_min: core::ffi::c_uint,
            chromakey_max: core::ffi::c_uint,
            chromakey_mask: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaSetSubpictureGlobalAlpha: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, subpicture: VASubpictureID, global_alpha: f32) -> VAStatus,
    >,
    pub vaAssociateSubpicture: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            subpicture: VASubpictureID,
            target_surfaces: *mut VASurfaceID,
            num_surfaces: core::ffi::c_int,
            src_x: core::ffi::c_short,
            src_y: core::ffi::c_short,
            src_width: core::ffi::c_ushort,
            src_height: core::ffi::c_ushort,
            dest_x: core::ffi::c_short,
            dest_y: core::ffi::c_short,
            dest_width: core::ffi::c_ushort,
            dest_height: core::ffi::c_ushort,
            flags: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaDeassociateSubpicture: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            subpicture: VASubpictureID,
            target_surfaces: *mut VASurfaceID,
            num_surfaces: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaQueryDisplayAttributes: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            attr_list: *mut VADisplayAttribute,
            num_attributes: *mut core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaGetDisplayAttributes: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            attr_list: *mut VADisplayAttribute,
            num_attributes: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaSetDisplayAttributes: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            attr_list: *mut VADisplayAttribute,
            num_attributes: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaBufferInfo: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            buf_id: VABufferID,
            type_: *mut VABufferType,
            size: *mut core::ffi::c_uint,
            num_elements: *mut core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaLockSurface: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface: VASurfaceID,
            fourcc: *mut core::ffi::c_uint,
            luma_stride: *mut core::ffi::c_uint,
            chroma_u_stride: *mut core::ffi::c_uint,
            chroma_v_stride: *mut core::ffi::c_uint,
            luma_offset: *mut core::ffi::c_uint,
            chroma_u_offset: *mut core::ffi::c_uint,
            chroma_v_offset: *mut core::ffi::c_uint,
            buffer_name: *mut core::ffi::c_uint,
            buffer: *mut *mut core::ffi::c_void,
        ) -> VAStatus,
    >,
    pub vaUnlockSurface:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, surface: VASurfaceID) -> VAStatus>,
    pub vaGetSurfaceAttributes: core::option::Option<
        unsafe extern "C" fn(
            dpy: VADriverContextP,
            config: VAConfigID,
            attrib_list: *mut VASurfaceAttrib,
            num_attribs: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaCreateSurfaces2: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            format: core::ffi::c_uint,
            width: core::ffi::c_uint,
            height: core::ffi::c_uint,
            surfaces: *mut VASurfaceID,
            num_surfaces: core::ffi::c_uint,
            attrib_list: *mut VASurfaceAttrib,
            num_attribs: core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaQuerySurfaceAttributes: core::option::Option<
        unsafe extern "C" fn(
            dpy: VADriverContextP,
            config: VAConfigID,
            attrib_list: *mut VASurfaceAttrib,
            num_attribs: *mut core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaAcquireBufferHandle: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID, buf_info: *mut VABufferInfo) -> VAStatus,
    >,
    pub vaReleaseBufferHandle:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID) -> VAStatus>,
    pub vaCreateMFContext:
        core::option::Option<unsafe extern "C" fn(ctx: VADriverContextP, mfe_context: *mut VAMFContextID) -> VAStatus>,
    pub vaMFAddContext: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, mf_context: VAMFContextID, context: VAContextID) -> VAStatus,
    >,
    pub vaMFReleaseContext: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, mf_context: VAMFContextID, context: VAContextID) -> VAStatus,
    >,
    pub vaMFSubmit: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            mf_context: VAMFContextID,
            contexts: *mut VAContextID,
            num_contexts: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub vaCreateBuffer2: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            context: VAContextID,
            type_: VABufferType,
            width: core::ffi::c_uint,
            height: core::ffi::c_uint,
            unit_size: *mut core::ffi::c_uint,
            pitch: *mut core::ffi::c_uint,
            buf_id: *mut VABufferID,
        ) -> VAStatus,
    >,
    pub vaQueryProcessingRate: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            config_id: VAConfigID,
            proc_buf: *mut VAProcessingRateParameter,
            processing_rate: *mut core::ffi::c_uint,
        ) -> VAStatus,
    >,
    pub vaExportSurfaceHandle: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            surface_id: VASurfaceID,
            mem_type: u32,
            flags: u32,
            descriptor: *mut core::ffi::c_void,
        ) -> VAStatus,
    >,
    pub vaSyncSurface2: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, surface: VASurfaceID, timeout_ns: u64) -> VAStatus,
    >,
    pub vaSyncBuffer: core::option::Option<
        unsafe extern "C" fn(ctx: VADriverContextP, buf_id: VABufferID, timeout_ns: u64) -> VAStatus,
    >,
    pub vaCopy: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADriverContextP,
            dst: *mut VACopyObject,
            src: *mut VACopyObject,
            option: VACopyOption,
        ) -> VAStatus,
    >,
    pub reserved: [core::ffi::c_ulong; 54usize],
}
#[repr(C)]
#[derive(Copy, Clone)]
pub struct VADriverContext {
    pub pDriverData: *mut core::ffi::c_void,
    pub vtable: *mut VADriverVTable,
    pub vtable_glx: *mut VADriverVTableGLX,
    pub vtable_egl: *mut VADriverVTableEGL,
    pub vtable_tpi: *mut core::ffi::c_void,
    pub native_dpy: *mut core::ffi::c_void,
    pub x11_screen: core::ffi::c_int,
    pub version_major: core::ffi::c_int,
    pub version_minor: core::ffi::c_int,
    pub max_profiles: core::ffi::c_int,
    pub max_entrypoints: core::ffi::c_int,
    pub max_attributes: core::ffi::c_int,
    pub max_image_formats: core::ffi::c_int,
    pub max_subpic_formats: core::ffi::c_int,
    pub max_display_attributes: core::ffi::c_int,
    pub str_vendor: *const core::ffi::c_char,
    pub handle: *mut core::ffi::c_void,
    pub drm_state: *mut core::ffi::c_void,
    pub glx: *mut core::ffi::c_void,
    pub display_type: core::ffi::c_ulong,
    pub vtable_wayland: *mut VADriverVTableWayland,
    pub vtable_vpp: *mut VADriverVTableVPP,
    pub override_driver_name: *mut core::ffi::c_char,
    pub pDisplayContext: *mut core::ffi::c_void,
    pub error_callback:
        core::option::Option<unsafe extern "C" fn(pDriverContext: VADriverContextP, message: *const core::ffi::c_char)>,
    pub info_callback:
        core::option::Option<unsafe extern "C" fn(pDriverContext: VADriverContextP, message: *const core::ffi::c_char)>,
    pub vtable_prot: *mut VADriverVTableProt,
    pub reserved: [core::ffi::c_ulong; 37usize],
}
#[repr(C)]
pub struct VADisplayContext {
    pub vadpy_magic: core::ffi::c_int,
    pub pNext: VADisplayContextP,
    pub pDriverContext: VADriverContextP,
    pub vaIsValid: core::option::Option<unsafe extern "C" fn(ctx: VADisplayContextP) -> core::ffi::c_int>,
    pub vaDestroy: core::option::Option<unsafe extern "C" fn(ctx: VADisplayContextP)>,
    pub vaGetDriverName: core::option::Option<
        unsafe extern "C" fn(ctx: VADisplayContextP, driver_name: *mut *mut core::ffi::c_char) -> VAStatus,
    >,
    pub opaque: *mut core::ffi::c_void,
    pub vatrace: *mut core::ffi::c_void,
    pub vafool: *mut core::ffi::c_void,
    pub error_callback: VAMessageCallback,
    pub error_callback_user_context: *mut core::ffi::c_void,
    pub info_callback: VAMessageCallback,
    pub info_callback_user_context: *mut core::ffi::c_void,
    pub vaGetNumCandidates: core::option::Option<
        unsafe extern "C" fn(ctx: VADisplayContextP, num_candidates: *mut core::ffi::c_int) -> VAStatus,
    >,
    pub vaGetDriverNameByIndex: core::option::Option<
        unsafe extern "C" fn(
            ctx: VADisplayContextP,
            driver_name: *mut *mut core::ffi::c_char,
            candidate_index: core::ffi::c_int,
        ) -> VAStatus,
    >,
    pub reserved: [core::ffi::c_ulong; 30usize],
}
