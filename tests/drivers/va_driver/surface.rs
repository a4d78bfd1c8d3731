//! Surfaces: pictures in the driver's memory.

use std::ffi::{c_int, c_uint, c_void};

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::capabilities;
use crate::driver::{Driver, Result, array, give_back, put, require, require_equal, violation, with};
use crate::pixels::{Format, Picture};
use crate::shared::{self, Shared};

/// A picture.
pub(crate) struct Surface {
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<u8>,
    /// Somebody drew something into it.
    pub(crate) is_drawn: bool,
    /// A picture of it is encoded that nobody waited for.
    pub(crate) is_busy: bool,
    /// Images whose memory is this surface's.
    pub(crate) derived: usize,
    /// What the program wants it for (`VA_SURFACE_ATTRIB_USAGE_HINT_*`).
    pub(crate) hints: u32,
    /// Its memory, where that is not only this driver's.
    pub(crate) shared: Option<Shared>,
}

impl Surface {
    fn new(format: Format, width: u32, height: u32) -> Self {
        let pixels = Vec::new();
        let mut surface =
            Self { format, width, height, pixels, is_drawn: false, is_busy: false, derived: 0, hints: 0, shared: None };
        surface.pixels = vec![POISON; surface.chroma_offset() + surface.pitch() * height as usize / 2];
        surface
    }

    /// Bytes of a row that are pixels.
    pub(crate) const fn row_length(&self) -> usize {
        self.width as usize * self.format.bytes()
    }

    /// As no program expects by luck.
    pub(crate) const fn pitch(&self) -> usize {
        self.row_length().next_multiple_of(64) + 64
    }

    pub(crate) const fn chroma_offset(&self) -> usize {
        self.pitch() * ((self.height as usize).next_multiple_of(32) + 32)
    }

    /// What a picture is encoded from, without padding.
    pub(crate) fn picture(&mut self) -> Result<Picture> {
        self.fetch()?;
        require(self.is_drawn, || "nobody drew anything into the surface".to_owned())?;
        let (length, height, pitch) = (self.row_length(), self.height as usize, self.pitch());
        let rows = |offset: usize, rows: usize| -> Vec<u16> {
            (0..rows).flat_map(|row| self.format.samples(&self.pixels[offset + row * pitch..][..length])).collect()
        };
        let (luma, pairs) = (rows(0, height), rows(self.chroma_offset(), height / 2));
        Ok(Picture::of_pairs(self.format, self.width as usize, luma, &pairs))
    }

    /// Reads memory that others write to.
    fn fetch(&mut self) -> Result {
        let (length, height, pitch, chroma) =
            (self.row_length(), self.height as usize, self.pitch(), self.chroma_offset());
        let Some(shared) = &self.shared else { return Ok(()) };
        for (plane, (start, rows)) in [(0, height), (chroma, height / 2)].into_iter().enumerate() {
            for row in 0..rows {
                shared.read(plane, row, &mut self.pixels[start + row * pitch..][..length])?;
            }
        }
        self.is_drawn = shared.is_imported || self.pixels.iter().any(|byte| *byte != POISON);
        Ok(())
    }

    /// Nothing else may touch it now.
    pub(crate) fn require_idle(&self, id: VASurfaceID) -> Result {
        if self.is_busy {
            return Err(violation(VA_STATUS_ERROR_SURFACE_BUSY, format!("surface {id:#x} was not waited for")));
        }
        Ok(())
    }
}

fn create(
    driver: &mut Driver,
    format: u32,
    (width, height): (u32, u32),
    attributes: &[VASurfaceAttrib],
) -> Result<VASurfaceID> {
    let format = Format::of_target(format)?;
    require(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0, || format!("{width}x{height}"))?;
    let mut surface = Surface::new(format, width, height);
    let (mut memory, mut descriptor) = (VA_SURFACE_ATTRIB_MEM_TYPE_VA, None);
    for attribute in attributes {
        require(attribute.flags & VA_SURFACE_ATTRIB_SETTABLE != 0, || "an attribute that is not set".to_owned())?;
        // SAFETY: a union of integers and pointers, whose type is beside it.
        let (integer, pointer) = unsafe { (attribute.value.value.i, attribute.value.value.p) };
        match (attribute.type_, attribute.value.type_) {
            (VASurfaceAttribType::VASurfaceAttribPixelFormat, VAGenericValueType::VAGenericValueTypeInteger) => {
                require_equal("pixel format", integer.cast_unsigned(), format.fourcc())?;
            }
            (VASurfaceAttribType::VASurfaceAttribUsageHint, VAGenericValueType::VAGenericValueTypeInteger) => {
                surface.hints = integer.cast_unsigned();
            }
            (VASurfaceAttribType::VASurfaceAttribMemoryType, VAGenericValueType::VAGenericValueTypeInteger) => {
                memory = integer.cast_unsigned();
            }
            (
                VASurfaceAttribType::VASurfaceAttribExternalBufferDescriptor,
                VAGenericValueType::VAGenericValueTypePointer,
            ) => descriptor = Some(pointer),
            (kind, value) => require(false, || format!("attribute {} as type {}", kind.0, value.0))?,
        }
    }
    match memory {
        VA_SURFACE_ATTRIB_MEM_TYPE_VA => require(descriptor.is_none(), || "memory that is not used".to_owned())?,
        VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2 if capabilities::get("import") != 0 => {
            // SAFETY: what that memory type says is behind the pointer.
            let described =
                descriptor.and_then(|pointer| unsafe { pointer.cast::<VADRMPRIMESurfaceDescriptor>().as_ref() });
            surface.shared = Some(Shared::import(described, format, (width, height))?);
        }
        other => {
            // Not every driver takes in what others drew.
            let text = format!("memory type {other:#x}");
            return Err(Refusal::excusable(VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE, text));
        }
    }
    let id = driver.new_id();
    driver.surfaces.insert(id, surface);
    Ok(id)
}

fn destroy(driver: &mut Driver, id: VASurfaceID) -> Result {
    let is_lost = driver.is_lost;
    let surface = driver.surface(id)?;
    let (busy, derived) = (surface.require_idle(id), surface.derived);
    let target = driver.contexts.values().any(|context| context.targets.contains(&id));
    driver.surfaces.remove(&id);
    if is_lost {
        return Ok(());
    }
    busy?;
    require(derived == 0, || format!("an image has the memory of surface {id:#x}"))?;
    require(!target, || format!("a context reconstructs pictures in surface {id:#x}"))
}

pub(crate) unsafe extern "C" fn create_surfaces(
    context: VADriverContextP,
    format: c_uint,
    width: c_uint,
    height: c_uint,
    surfaces: *mut VASurfaceID,
    count: c_uint,
    attributes: *mut VASurfaceAttrib,
    attribute_count: c_uint,
) -> VAStatus {
    with("vaCreateSurfaces", context, |driver| {
        require(!surfaces.is_null(), || "no place for the surfaces".to_owned())?;
        // SAFETY: the caller's contract.
        let attributes = unsafe { array(attributes, attribute_count.cast_signed())? };
        for index in 0..count as usize {
            let id = create(driver, format, (width, height), attributes)?;
            // SAFETY: the caller's list has so many places.
            unsafe { surfaces.add(index).write(id) };
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn destroy_surfaces(
    context: VADriverContextP,
    surfaces: *mut VASurfaceID,
    count: c_int,
) -> VAStatus {
    give_back("vaDestroySurfaces", context, |driver| {
        // SAFETY: the caller's contract.
        unsafe { array(surfaces, count)? }.iter().try_for_each(|&id| destroy(driver, id))
    })
}

pub(crate) unsafe extern "C" fn sync_surface(context: VADriverContextP, surface: VASurfaceID) -> VAStatus {
    with("vaSyncSurface", context, |driver| {
        driver.surface(surface)?.is_busy = false;
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn export_surface(
    context: VADriverContextP,
    surface: VASurfaceID,
    memory: u32,
    flags: u32,
    descriptor: *mut c_void,
) -> VAStatus {
    with("vaExportSurfaceHandle", context, |driver| {
        // SAFETY: the caller's contract.
        unsafe { put(descriptor.cast(), shared::export(driver, surface, memory, flags)?) }
    })
}

/// Neither black nor anything that a picture has by luck.
pub(crate) const POISON: u8 = 0xa5;
