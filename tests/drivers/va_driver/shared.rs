//! Memory of surfaces that others have, too: theirs, which this driver was given, and its
//! own, which it hands out. All of it are files in plain memory.

use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::zeroed;

use crate::capabilities;
use crate::driver::{Driver, Result, require, require_equal, violation};
use crate::pixels::Format;
use crate::surface::{POISON, Surface};

/// A surface's memory.
pub(crate) struct Shared {
    /// It was made elsewhere.
    pub(crate) is_imported: bool,
    /// Of luma and of chroma.
    planes: [Plane; 2],
    /// The planes' buffers: one, or one for each.
    files: Vec<File>,
}

/// Where a plane is.
#[derive(Clone, Copy)]
struct Plane {
    file: usize,
    offset: u64,
    pitch: usize,
}

/// A descriptor that the program has to close.
pub(crate) struct HandedOut {
    descriptor: RawFd,
    file: (u64, u64),
}

impl HandedOut {
    pub(crate) fn is_open(&self) -> bool {
        // SAFETY: all bits are values of it.
        let mut status: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: asks about a number; writes the structure.
        let found = unsafe { libc::fstat(self.descriptor, &raw mut status) } == 0;
        found && (status.st_dev, status.st_ino) == self.file
    }
}

impl Shared {
    pub(crate) fn read(&self, plane: usize, row: usize, into: &mut [u8]) -> Result {
        let Plane { file, offset, pitch } = self.planes[plane];
        let read = self.files[file].read_exact_at(into, offset + (row * pitch) as u64);
        require(read.is_ok(), || "shared memory ends before the picture".to_owned())
    }

    pub(crate) fn import(
        descriptor: Option<&VADRMPRIMESurfaceDescriptor>,
        format: Format,
        size: (u32, u32),
    ) -> Result<Self> {
        let missing = || violation(VA_STATUS_ERROR_INVALID_PARAMETER, "no description of the memory");
        let described = descriptor.ok_or_else(missing)?;
        let layer = &described.layers[0];
        require_equal("fourcc", described.fourcc, format.fourcc())?;
        require_equal("drm_format", layer.drm_format, format.fourcc())?;
        require_equal("size", (described.width, described.height), size)?;
        let counts = (described.num_objects, described.num_layers, layer.num_planes);
        require_equal("objects, layers and planes", counts, (1, 1, 2))?;
        require_equal("planes' objects", layer.object_index[..2].to_vec(), vec![0, 0])?;
        let object = &described.objects[0];
        if object.drm_format_modifier != 0 {
            // Every driver has modifiers that it does not know.
            let text = format!("modifier {:#x}", object.drm_format_modifier);
            return Err(Refusal::excusable(VA_STATUS_ERROR_INVALID_PARAMETER, text));
        }
        require(object.fd >= 0, || "no descriptor".to_owned())?;
        // SAFETY: the program's, open while this call lasts.
        let file = unsafe { BorrowedFd::borrow_raw(object.fd) }.try_clone_to_owned().map_err(|error| failed(&error))?;
        let base = u64::try_from(capabilities::get("import_offset")).unwrap_or(0);
        ledger::event(&format!("import surface {}x{}", size.0, size.1));
        let plane = |index: usize| Plane {
            file: 0,
            offset: base + u64::from(layer.offset[index]),
            pitch: layer.pitch[index] as usize,
        };
        Ok(Self { is_imported: true, planes: [plane(0), plane(1)], files: vec![file.into()] })
    }

    /// Memory for a surface of this driver's, as no program expects it by luck: chroma
    /// comes first, and rows are as far apart as in no other memory.
    fn of(surface: &Surface) -> std::io::Result<Self> {
        let (length, rows) = (surface.row_length(), surface.height as usize);
        let (wide, narrow) = (length.next_multiple_of(4) + 100, length.next_multiple_of(4) + 36);
        let chroma = Plane { file: 0, offset: 260, pitch: narrow };
        let chroma_end = 260 + (narrow * rows / 2) as u64;
        let planes = match capabilities::get("export_objects") {
            1 => [Plane { file: 0, offset: chroma_end + 516, pitch: wide }, chroma],
            _ => [Plane { file: 1, offset: 516, pitch: wide }, chroma],
        };
        let luma_end = planes[0].offset + (wide * rows) as u64;
        let ends = match planes[0].file {
            0 => vec![luma_end],
            _ => vec![chroma_end, luma_end],
        };
        let files = ends.into_iter().map(memory).collect::<std::io::Result<_>>()?;
        Ok(Self { is_imported: false, planes, files })
    }
}

/// A file in memory of whole pages, as any imports it.
fn memory(length: u64) -> std::io::Result<File> {
    // SAFETY: the name ends with zero.
    let descriptor = unsafe { libc::memfd_create(c"surface".as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor.
    let file = unsafe { File::from_raw_fd(descriptor) };
    let length = length.next_multiple_of(PAGE);
    file.write_all_at(&vec![POISON; usize::try_from(length).unwrap_or(0)], 0)?;
    Ok(file)
}

/// Hands a surface's memory out.
pub(crate) fn export(
    driver: &mut Driver,
    id: VASurfaceID,
    memory: u32,
    flags: u32,
) -> Result<VADRMPRIMESurfaceDescriptor> {
    let surface = driver.surface(id)?;
    surface.require_idle(id)?;
    require_equal("memory type", memory, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2)?;
    require_equal("flags", flags, VA_EXPORT_SURFACE_WRITE_ONLY | VA_EXPORT_SURFACE_SEPARATE_LAYERS)?;
    let hints = VA_SURFACE_ATTRIB_USAGE_HINT_ENCODER | VA_SURFACE_ATTRIB_USAGE_HINT_EXPORT;
    require_equal("hints of a surface that is handed out", surface.hints, hints)?;
    if capabilities::get("export") == 0 {
        return Err(Refusal::excusable(VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE, "surfaces are not handed out"));
    }
    require(surface.shared.is_none() && !surface.is_drawn && surface.derived == 0, || {
        format!("surface {id:#x} is in use, or was handed out before")
    })?;
    let shared = Shared::of(surface).map_err(|error| failed(&error))?;
    let mut answer: VADRMPRIMESurfaceDescriptor = zeroed();
    (answer.fourcc, answer.width, answer.height) = (surface.format.fourcc(), surface.width, surface.height);
    let mut handed_out = Vec::new();
    for (object, file) in answer.objects.iter_mut().zip(&shared.files) {
        let (copy, about) = (file.try_clone().map_err(|error| failed(&error))?, file.metadata());
        let about = about.map_err(|error| failed(&error))?;
        handed_out.push(HandedOut { descriptor: copy.as_raw_fd(), file: (about.dev(), about.ino()) });
        object.fd = copy.into_raw_fd();
        object.size = word(about.len());
        object.drm_format_modifier = u64::from(capabilities::get("export_modifier").cast_unsigned());
    }
    let formats = if surface.format == Format::Nv12 { [*b"R8  ", *b"GR88"] } else { [*b"R16 ", *b"GR32"] };
    for ((layer, plane), format) in answer.layers.iter_mut().zip(&shared.planes).zip(formats) {
        (layer.drm_format, layer.num_planes) = (u32::from_le_bytes(format), 1);
        (layer.object_index[0], layer.offset[0], layer.pitch[0]) =
            (word(plane.file as u64), word(plane.offset), word(plane.pitch as u64));
    }
    (answer.num_objects, answer.num_layers) = (word(shared.files.len() as u64), 2);
    ledger::event(&format!("export surface {}x{}", surface.width, surface.height));
    surface.shared = Some(shared);
    driver.handed_out.extend(handed_out);
    Ok(answer)
}

fn word(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn failed(error: &std::io::Error) -> Refusal {
    violation(VA_STATUS_ERROR_ALLOCATION_FAILED, error.to_string())
}

const PAGE: u64 = 4096;
