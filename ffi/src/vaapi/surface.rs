//! Pictures in the GPU's memory.

use std::rc::Rc;

use super::buffer::zeroed;
use super::display::{Display, call};
use super::dma_buf::DmaBuf;
use super::error::VaError;
use super::exported::ExportedSurface;
use super::image::Image;
use super::sys::*;

/// A picture.
#[derive(Debug)]
pub struct Surface {
    display: Rc<Display>,
    raw: VASurfaceID,
}

impl Surface {
    /// A picture of a format (`VA_RT_FORMAT_*`), laid out as `fourcc` (`VA_FOURCC_*`).
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create(
        display: &Rc<Display>,
        format: u32,
        fourcc: u32,
        (width, height): (u32, u32),
    ) -> Result<Rc<Self>, VaError> {
        let mut attributes = [integer(VASurfaceAttribType::VASurfaceAttribPixelFormat, fourcc)];
        let raw = create(display, format, (width, height), &mut attributes)?;
        Ok(Rc::new(Self { display: Rc::clone(display), raw }))
    }

    /// The same for the encoder, and to be handed out: drivers keep it free of what only
    /// their own engines read.
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create_to_export(
        display: &Rc<Display>,
        format: u32,
        fourcc: u32,
        (width, height): (u32, u32),
    ) -> Result<Rc<Self>, VaError> {
        let hints = VA_SURFACE_ATTRIB_USAGE_HINT_ENCODER | VA_SURFACE_ATTRIB_USAGE_HINT_EXPORT;
        let mut attributes = [
            integer(VASurfaceAttribType::VASurfaceAttribPixelFormat, fourcc),
            integer(VASurfaceAttribType::VASurfaceAttribUsageHint, hints),
        ];
        let raw = create(display, format, (width, height), &mut attributes)?;
        Ok(Rc::new(Self { display: Rc::clone(display), raw }))
    }

    /// A picture that somebody else drew, without a copy. The driver keeps the memory;
    /// the descriptors may be closed.
    ///
    /// # Errors
    /// [`VaError`], above all of drivers that do not know the modifier; nothing stays.
    pub fn import(display: &Rc<Display>, format: u32, picture: &DmaBuf<'_>) -> Result<Rc<Self>, VaError> {
        let Some(mut descriptor) = picture.descriptor() else {
            return Err(VaError::broken(
                "vaCreateSurfaces",
                "a picture of more parts than the interface has place for",
            ));
        };
        let mut attributes = [
            integer(VASurfaceAttribType::VASurfaceAttribMemoryType, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2),
            VASurfaceAttrib {
                type_: VASurfaceAttribType::VASurfaceAttribExternalBufferDescriptor,
                flags: VA_SURFACE_ATTRIB_SETTABLE,
                value: VAGenericValue {
                    type_: VAGenericValueType::VAGenericValueTypePointer,
                    value: VAGenericValue__bindgen_ty_1 { p: (&raw mut descriptor).cast() },
                },
            },
        ];
        let raw = create(display, format, (picture.width, picture.height), &mut attributes)?;
        Ok(Rc::new(Self { display: Rc::clone(display), raw }))
    }

    /// Its number, as parameters name it.
    #[must_use]
    pub const fn id(&self) -> VASurfaceID {
        self.raw
    }

    /// Waits until the GPU is done with it.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn sync(&self) -> Result<(), VaError> {
        call!(&self.display, vaSyncSurface(self.raw))
    }

    /// Its memory, plane by plane, for another interface to write to. Whoever does so waits
    /// for [`sync`](Self::sync) before, and is done before the surface is used here.
    ///
    /// # Errors
    /// [`VaError`], of drivers that keep their memory to themselves.
    pub fn export(&self) -> Result<ExportedSurface, VaError> {
        let mut descriptor: VADRMPRIMESurfaceDescriptor = zeroed();
        let flags = VA_EXPORT_SURFACE_WRITE_ONLY | VA_EXPORT_SURFACE_SEPARATE_LAYERS;
        let memory = VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2;
        call!(&self.display, vaExportSurfaceHandle(self.raw, memory, flags, (&raw mut descriptor).cast()))?;
        // SAFETY: what the driver has just written; its descriptors are ours.
        unsafe { ExportedSurface::take(&descriptor) }
    }

    /// Its memory itself, where the driver hands that out.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn derive(&self) -> Result<Image, VaError> {
        Image::derive(&self.display, self.raw)
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        let mut raw = self.raw;
        let _ = call!(&self.display, vaDestroySurfaces(&raw mut raw, 1));
    }
}

fn create(
    display: &Rc<Display>,
    format: u32,
    (width, height): (u32, u32),
    attributes: &mut [VASurfaceAttrib],
) -> Result<VASurfaceID, VaError> {
    let (mut raw, count) = (VA_INVALID_ID, u32::try_from(attributes.len()).unwrap_or(0));
    call!(display, vaCreateSurfaces(format, width, height, &raw mut raw, 1, attributes.as_mut_ptr(), count))?;
    Ok(raw)
}

fn integer(type_: VASurfaceAttribType, value: u32) -> VASurfaceAttrib {
    VASurfaceAttrib {
        type_,
        flags: VA_SURFACE_ATTRIB_SETTABLE,
        value: VAGenericValue {
            type_: VAGenericValueType::VAGenericValueTypeInteger,
            value: VAGenericValue__bindgen_ty_1 { i: value.cast_signed() },
        },
    }
}
