//! Where libva comes in: the table of the driver's functions.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::Mutex;

use earthshine_drivers::calls::take;
use earthshine_drivers::va_backend::*;
use earthshine_ffi::vaapi::sys::*;

use crate::driver::{Driver, give_back, violation};
use crate::{buffer, capabilities, config, context, image, picture, surface};

#[unsafe(no_mangle)]
unsafe extern "C" fn __vaDriverInit_1_0(context: VADriverContextP) -> VAStatus {
    let code = take("vaInitialize", || {
        // SAFETY: libva's, with an empty table of functions.
        let (context, table) = unsafe {
            let context = context.as_mut().ok_or_else(|| violation(VA_STATUS_ERROR_INVALID_DISPLAY, "no context"))?;
            let table = context.vtable.as_mut();
            (context, table)
        };
        fill(table.ok_or_else(|| violation(VA_STATUS_ERROR_INVALID_DISPLAY, "no table"))?);
        (context.version_major, context.version_minor) = (1, 0);
        context.max_profiles = 16;
        context.max_entrypoints = 4;
        context.max_attributes = 64;
        context.max_image_formats = 4;
        context.max_subpic_formats = 1;
        context.max_display_attributes = 1;
        context.str_vendor = c"Earthshine's stand-in for a VA driver".as_ptr();
        context.pDriverData = Box::into_raw(Box::<Mutex<Driver>>::default()).cast();
        Ok(())
    });
    code.cast_signed()
}

unsafe extern "C" fn terminate(context: VADriverContextP) -> VAStatus {
    let status = give_back("vaTerminate", context, |driver| {
        driver.report_leaks();
        Ok(())
    });
    // SAFETY: libva calls this once for what was made when the driver started.
    unsafe {
        let data = std::mem::replace(&mut (*context).pDriverData, std::ptr::null_mut());
        drop(Box::from_raw(data.cast::<Mutex<Driver>>()));
    }
    status
}

fn fill(table: &mut VADriverVTable) {
    table.vaTerminate = Some(terminate);
    table.vaQueryConfigProfiles = Some(capabilities::query_profiles);
    table.vaQueryConfigEntrypoints = Some(capabilities::query_entrypoints);
    table.vaGetConfigAttributes = Some(capabilities::get_attributes);
    table.vaCreateConfig = Some(config::create_config);
    table.vaDestroyConfig = Some(config::destroy_config);
    table.vaCreateSurfaces2 = Some(surface::create_surfaces);
    table.vaDestroySurfaces = Some(surface::destroy_surfaces);
    table.vaSyncSurface = Some(surface::sync_surface);
    table.vaExportSurfaceHandle = Some(surface::export_surface);
    table.vaCreateContext = Some(context::create_context);
    table.vaDestroyContext = Some(context::destroy_context);
    table.vaCreateBuffer = Some(buffer::create_buffer);
    table.vaMapBuffer = Some(buffer::map_buffer);
    table.vaUnmapBuffer = Some(buffer::unmap_buffer);
    table.vaDestroyBuffer = Some(buffer::destroy_buffer);
    table.vaBeginPicture = Some(picture::begin_picture);
    table.vaRenderPicture = Some(picture::render_picture);
    table.vaEndPicture = Some(picture::end_picture);
    table.vaQueryImageFormats = Some(image::query_formats);
    table.vaCreateImage = Some(image::create_image);
    table.vaDeriveImage = Some(image::derive_image);
    table.vaDestroyImage = Some(image::destroy_image);
    table.vaPutImage = Some(image::put_image);
    fill_unimplemented(table);
}

/// A function that this driver lacks, and the table must have.
macro_rules! lacking {
    ($($type:ty),*) => {{
        unsafe extern "C" fn lacking(_: VADriverContextP $(, _: $type)*) -> VAStatus {
            VA_STATUS_ERROR_UNIMPLEMENTED.cast_signed()
        }
        Some(lacking)
    }};
}

type Surfaces = *mut VASurfaceID;

fn fill_unimplemented(table: &mut VADriverVTable) {
    table.vaQueryConfigAttributes =
        lacking!(VAConfigID, *mut VAProfile, *mut VAEntrypoint, *mut VAConfigAttrib, *mut c_int);
    table.vaCreateSurfaces = lacking!(c_int, c_int, c_int, c_int, Surfaces);
    table.vaBufferSetNumElements = lacking!(VABufferID, c_uint);
    table.vaQuerySurfaceStatus = lacking!(VASurfaceID, *mut VASurfaceStatus);
    table.vaSetImagePalette = lacking!(VAImageID, *mut u8);
    table.vaGetImage = lacking!(VASurfaceID, c_int, c_int, c_uint, c_uint, VAImageID);
    table.vaQuerySubpictureFormats = lacking!(*mut VAImageFormat, *mut c_uint, *mut c_uint);
    table.vaCreateSubpicture = lacking!(VAImageID, *mut VASubpictureID);
    table.vaDestroySubpicture = lacking!(VASubpictureID);
    table.vaSetSubpictureImage = lacking!(VASubpictureID, VAImageID);
    table.vaSetSubpictureChromakey = lacking!(VASubpictureID, c_uint, c_uint, c_uint);
    table.vaSetSubpictureGlobalAlpha = lacking!(VASubpictureID, f32);
    table.vaAssociateSubpicture =
        lacking!(VASubpictureID, Surfaces, c_int, i16, i16, u16, u16, i16, i16, u16, u16, c_uint);
    table.vaDeassociateSubpicture = lacking!(VASubpictureID, Surfaces, c_int);
    table.vaQueryDisplayAttributes = lacking!(*mut c_void, *mut c_int);
    table.vaGetDisplayAttributes = lacking!(*mut c_void, c_int);
    table.vaSetDisplayAttributes = lacking!(*mut c_void, c_int);
}
