//! Conversion on a GPU, by a compute shader (`shaders/`), into memory that the
//! encoder takes over.
//!
//! Of a frame in shared memory the changed rows are uploaded; one in the GPU's
//! memory is read where it is. Scaling and bars cost no pass of their own, and no
//! more is converted than what the changed rows count for. Chroma of 4:2:0 lies on
//! the even columns, as bitstreams without a note of it mean; the conversion on the
//! CPU puts it between two columns, a quarter of a chroma sample further right.

use std::ops::Range;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use earthshine_ffi::vulkan::{
    Conversion, Converter, Device, Dmabuf, DmabufBuffer, DmabufPlane, ForeignSurface, Handle, HostBuffer, Image,
    ImportDmabufError, Modifier, OpenVulkanError, PixelLayout, Rows, Surface, SurfaceFormat, Upload, VulkanError,
};
use tracing::warn;

use crate::color::Colorimetry;
use crate::ipc::picture::RawPicture;
use crate::units::Size;
use crate::worker::convert::color_matrix;
use crate::worker::convert::cpu::{ConvertError, check};
use crate::worker::convert::fetched::Fetched;
use crate::worker::convert::picture::Shown;
use crate::worker::convert::planes::even;
use crate::worker::convert::scaler::Placement;
use crate::worker::dma_buffer::{DmaBuffer, Plane};
use crate::worker::frame::{self, Frame, PixelFormat, Pixels};
use crate::worker::imports::Importable;

/// The newest picture, converted, in a GPU's memory.
#[derive(Debug)]
pub struct VulkanPicture {
    // Before the device's other things: they all hold the device.
    converter: Converter,
    surface: Surface,
    uploaded: Option<Uploaded>,
    imported: Vec<(BufferId, Imported)>,
    device: Rc<Device>,
    visible: Size,
    matrix: [[f32; 4]; 3],
    /// Where the picture lies that the surface shows.
    placement: Option<Placement>,
    shown: Shown,
    importable: Option<Importable>,
}

/// What pictures are converted to.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Pixels of the stream.
    pub visible: Size,
    /// Matrix and range.
    pub colorimetry: Colorimetry,
    /// Samples.
    pub format: SurfaceFormat,
    /// Who takes the result over.
    pub handle: Handle,
    /// What the GPU may take for one picture, before it counts as broken.
    pub deadline: Duration,
}

/// Which buffer a picture is in: the same number means the same memory.
pub type BufferId = u64;

/// A frame could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum VulkanConvertError {
    /// It is not as it says.
    #[error(transparent)]
    Frame(#[from] ConvertError),
    /// The GPU does not take it in.
    #[error(transparent)]
    Dmabuf(#[from] ImportDmabufError),
    /// The GPU or its driver refused.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

/// A picture on the GPU that frames of the host are uploaded to.
#[derive(Debug)]
struct Uploaded {
    image: Image,
    layout: PixelLayout,
    size: Size,
    staging: Option<HostBuffer>,
    /// It holds the frame before, whole.
    is_current: bool,
}

/// A picture that lies in the GPU's memory already.
#[derive(Debug)]
enum Imported {
    Image(Image),
    /// Plain rows, for a driver that takes in no picture.
    Rows(DmabufBuffer),
}

impl VulkanPicture {
    /// A picture on a device. What it shows before the first frame is undefined.
    ///
    /// # Errors
    /// [`OpenVulkanError`].
    pub fn open(device: &Rc<Device>, target: &Target) -> Result<Self, OpenVulkanError> {
        Self::open_padded(device, target, even(target.visible))
    }

    /// The same with more room than the picture needs, to the right and below: whole
    /// blocks, for an encoder that has to have them. They are as black as bars are.
    ///
    /// # Errors
    /// [`OpenVulkanError`].
    pub fn open_padded(device: &Rc<Device>, target: &Target, size: Size) -> Result<Self, OpenVulkanError> {
        let surface = Surface::allocate(device, target.format, (size.width, size.height), target.handle)?;
        let coefficients = color_matrix::coefficients(target.colorimetry, target.format.bits());
        #[allow(clippy::cast_possible_truncation, reason = "the shader has 24 bits, for samples of 10")]
        let matrix = coefficients.map(|row| row.map(|value| value as f32));
        let mut picture = Self {
            converter: Converter::make(device, target.format, target.deadline)?,
            surface,
            uploaded: None,
            imported: Vec::new(),
            device: Rc::clone(device),
            visible: target.visible,
            matrix,
            placement: None,
            shown: Shown::default(),
            importable: None,
        };
        picture.importable = picture.can_import();
        Ok(picture)
    }

    /// Where the samples are.
    #[must_use]
    pub const fn surface(&self) -> &Surface {
        &self.surface
    }

    /// Has each picture copied to a surface of somebody else's, too.
    ///
    /// # Panics
    /// If it is another device's, of other samples, or smaller.
    pub fn copy_to(&mut self, surface: ForeignSurface) {
        self.surface.copy_to(surface);
    }

    /// The device they are on.
    #[must_use]
    pub const fn device(&self) -> &Rc<Device> {
        &self.device
    }

    /// Shows a frame of the host's memory. Returns the rows outside of which nothing
    /// changed.
    ///
    /// # Errors
    /// [`VulkanConvertError`]; what the picture shows then is undefined until the
    /// next frame.
    pub fn show(&mut self, frame: &Frame) -> Result<Range<u32>, VulkanConvertError> {
        if let Pixels::DmaBuf(buffer) = &frame.pixels
            && self.imports(buffer)
        {
            return self.show_imported(frame, buffer);
        }
        let rows = frame.read().map_err(|error| ConvertError::Read { what: error.to_string() })?;
        check(frame, &rows)?;
        let changed = self.shown.outdated(frame);
        let layout = match frame.format {
            PixelFormat::Bgrx => PixelLayout::Bgrx8,
            PixelFormat::Rgbx => PixelLayout::Rgbx8,
        };
        let written = self.show_rows(&rows, layout, frame, changed)?;
        self.shown.set(frame);
        Ok(written)
    }

    /// Pictures of a compositor's device that are read where they are.
    #[must_use]
    pub const fn importable(&self) -> Option<&Importable> {
        self.importable.as_ref()
    }

    fn can_import(&self) -> Option<Importable> {
        let (width, height) = self.surface.size();
        let layouts = [(b"XR24", PixelLayout::Bgrx8), (b"XB24", PixelLayout::Rgbx8)];
        let formats: Vec<_> = layouts
            .into_iter()
            .flat_map(|(code, layout)| {
                let modifiers = Modifier::of(&self.device, layout, width, height);
                modifiers.into_iter().map(|modifier| (u32::from_le_bytes(*code), modifier.value))
            })
            .collect();
        let (major, minor) = self.device.physical().render_node?;
        let device = rustix::fs::makedev(u32::try_from(major).ok()?, u32::try_from(minor).ok()?);
        (!formats.is_empty()).then_some(Importable { device: Some(device), formats, fenced: false })
    }

    /// Whether a buffer is of a kind that was said to be importable: others are read.
    fn imports(&self, buffer: &DmaBuffer) -> bool {
        let pair = (buffer.fourcc(), buffer.modifier());
        self.importable.as_ref().is_some_and(|importable| importable.formats.contains(&pair))
    }

    fn show_imported(&mut self, frame: &Frame, buffer: &DmaBuffer) -> Result<Range<u32>, VulkanConvertError> {
        let planes = buffer.planes().iter();
        let planes =
            planes.map(|Plane { fd, offset, stride }| DmabufPlane { fd: fd.as_fd(), offset: *offset, stride: *stride });
        let planes: Vec<_> = planes.collect();
        let Size { width, height } = buffer.size();
        let (modifier, fourcc) = (buffer.modifier(), buffer.fourcc());
        let dmabuf = Dmabuf { planes: &planes, modifier, fourcc, width, height };
        self.show_dmabuf(frame, buffer.number(), &dmabuf)
    }

    /// Shows a frame whose pixels are in a DMA-BUF instead of where it says. Whoever
    /// drew them has finished; the buffer is not needed any more when this returns.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub fn show_dmabuf(
        &mut self,
        frame: &Frame,
        id: BufferId,
        dmabuf: &Dmabuf<'_>,
    ) -> Result<Range<u32>, VulkanConvertError> {
        let changed = self.shown.outdated(frame);
        let Dmabuf { width, height, .. } = *dmabuf;
        if frame.size != Size::new(width, height) {
            let what = "the frame is of another size";
            return Err(ImportDmabufError::Shape { width, height, what }.into());
        }
        let imported = self.take_in(id, dmabuf)?;
        let written = match &imported {
            Imported::Image(image) => {
                let rows = self.outdated_rows(frame, changed);
                self.convert(image, None, frame, rows)
            }
            Imported::Rows(rows) => self.show_linear(rows, dmabuf, frame, changed),
        };
        self.imported.push((id, imported));
        let written = written?;
        self.shown.set(frame);
        Ok(written)
    }

    /// Copies what is shown to the host.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub fn fetch(&self) -> Result<Fetched, VulkanError> {
        let mut host = HostBuffer::from_device(&self.device, self.surface.length())?;
        self.converter.fetch(&self.surface, &mut host)?;
        let (format, pitch) = (self.surface.format(), self.surface.pitch() as usize);
        let (size, rows) = (even(self.visible), self.surface.size().1 as usize);
        Ok(Fetched { format, size, rows, pitch, bytes: host.bytes().to_vec() })
    }

    /// The same for a screenshot, which a stream does not end for want of.
    pub(crate) fn raw(&self, colorimetry: Colorimetry) -> Option<RawPicture> {
        let fetched = self.fetch().inspect_err(|error| warn!(%error, "no picture for a screenshot"));
        Some(fetched.ok()?.to_raw(colorimetry))
    }

    fn show_rows(
        &mut self,
        pixels: &frame::Rows<'_>,
        layout: PixelLayout,
        frame: &Frame,
        changed: Option<Range<u32>>,
    ) -> Result<Range<u32>, VulkanConvertError> {
        let mut uploaded = self.place_for(layout, frame.size)?;
        let all = 0..frame.size.height;
        let changed = changed.filter(|rows| uploaded.is_current && rows.end <= all.end && !frame.bottom_up);
        let rows = self.outdated_rows(frame, changed.clone());
        let changed = changed.unwrap_or(all);
        if rows.is_empty() || changed.is_empty() {
            self.uploaded = Some(uploaded);
            return Ok(0..0);
        }
        uploaded.is_current = false;
        let stride = pixels.stride();
        let part = changed.start as usize * stride..changed.end as usize * stride;
        let mut staging = self.staging(uploaded.staging.take(), stride as u64 * u64::from(frame.size.height))?;
        staging.bytes_mut()[..part.len()].copy_from_slice(&pixels[part]);
        let across = u32::try_from(stride / 4).map_err(|_| ConvertError::Stride { stride })?;
        let upload = Upload { rows: Rows::Host(&staging, across), range: changed };
        let written = self.convert(&uploaded.image, Some(&upload), frame, rows)?;
        uploaded.staging = Some(staging);
        uploaded.is_current = true;
        self.uploaded = Some(uploaded);
        Ok(written)
    }

    fn show_linear(
        &mut self,
        rows: &DmabufBuffer,
        dmabuf: &Dmabuf<'_>,
        frame: &Frame,
        changed: Option<Range<u32>>,
    ) -> Result<Range<u32>, VulkanConvertError> {
        let mut uploaded = self.place_for(dmabuf.layout()?, frame.size)?;
        let changed = changed.filter(|rows| uploaded.is_current && rows.end <= frame.size.height && !frame.bottom_up);
        uploaded.is_current = false;
        let written = self.outdated_rows(frame, changed.clone());
        let changed = changed.unwrap_or(0..frame.size.height);
        if !changed.is_empty() && !written.is_empty() {
            let upload = Upload { rows: Rows::Dmabuf(rows), range: changed };
            self.convert(&uploaded.image, Some(&upload), frame, written.clone())?;
        }
        uploaded.is_current = true;
        self.uploaded = Some(uploaded);
        Ok(written)
    }

    /// The picture that was uploaded to before, if it is of the kind.
    fn place_for(&mut self, layout: PixelLayout, size: Size) -> Result<Uploaded, VulkanConvertError> {
        if let Some(uploaded) = self.uploaded.take_if(|found| (found.layout, found.size) == (layout, size)) {
            return Ok(uploaded);
        }
        // Before there is another one.
        self.uploaded = None;
        let image = Image::allocate(&self.device, layout, size.width, size.height)?;
        Ok(Uploaded { image, layout, size, staging: None, is_current: false })
    }

    fn staging(&self, before: Option<HostBuffer>, length: u64) -> Result<HostBuffer, VulkanError> {
        match before {
            Some(staging) if staging.bytes().len() as u64 >= length => Ok(staging),
            _ => HostBuffer::to_device(&self.device, length),
        }
    }

    /// Takes a buffer in, or finds it as it was taken in before.
    fn take_in(&mut self, id: BufferId, dmabuf: &Dmabuf<'_>) -> Result<Imported, VulkanConvertError> {
        if let Some(place) = self.imported.iter().position(|(found, _)| *found == id) {
            let (_, imported) = self.imported.remove(place);
            if imported.is_of(dmabuf) {
                return Ok(imported);
            }
        }
        // The one that was not used for longest.
        if self.imported.len() >= IMPORTED {
            self.imported.remove(0);
        }
        match Image::import(&self.device, dmabuf) {
            Ok(image) => Ok(Imported::Image(image)),
            Err(ImportDmabufError::Lacks { .. }) => Ok(Imported::Rows(DmabufBuffer::import(&self.device, dmabuf)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// Rows of the surface that a frame's changed rows count for; all, if those are
    /// not known or the picture was elsewhere before.
    fn outdated_rows(&mut self, frame: &Frame, changed: Option<Range<u32>>) -> Range<u32> {
        let placement = self.placement_of(frame.size);
        let was_there = self.placement.replace(placement) == Some(placement);
        let all = 0..self.surface.size().1;
        match changed {
            Some(changed) if was_there && !frame.bottom_up => {
                let rows = reached(&changed, frame.size.height, placement);
                if changed.is_empty() || rows.start >= rows.end {
                    return 0..0;
                }
                rows.start / 2 * 2..rows.end.next_multiple_of(2).min(all.end)
            }
            _ => all,
        }
    }

    fn placement_of(&self, source: Size) -> Placement {
        if source == self.visible {
            return Placement { left: 0, top: 0, size: source };
        }
        Placement::fit(source, even(self.visible))
    }

    fn convert(
        &self,
        image: &Image,
        upload: Option<&Upload<'_>>,
        frame: &Frame,
        rows: Range<u32>,
    ) -> Result<Range<u32>, VulkanConvertError> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let placement = self.placement_of(frame.size);
        let conversion = Conversion {
            origin: (placement.left, placement.top),
            size: (placement.size.width, placement.size.height),
            bottom_up: frame.bottom_up,
            matrix: self.matrix,
        };
        self.converter.convert(image, upload, &conversion, &self.surface, rows.clone())?;
        Ok(rows)
    }
}

impl Imported {
    fn is_of(&self, dmabuf: &Dmabuf<'_>) -> bool {
        match self {
            Self::Image(image) => image.is_of(dmabuf),
            Self::Rows(rows) => rows.is_of(dmabuf),
        }
    }
}

/// Rows of the target that rows of the source count for: the filter (`scale.wgsl`)
/// reaches as far as the coarser of the two grids is wide, and one row is spare.
fn reached(changed: &Range<u32>, source: u32, placement: Placement) -> Range<u32> {
    let (top, height) = (placement.top, placement.size.height);
    if source == height {
        return top + changed.start.min(height)..top + changed.end.min(height);
    }
    let ratio = f64::from(height) / f64::from(source);
    let reach = (1.0 / ratio).max(1.0) + 1.0;
    let from = ((f64::from(changed.start) - reach) * ratio - 1.0).floor().clamp(0.0, height.into());
    let to = ((f64::from(changed.end) + reach) * ratio + 1.0).ceil().clamp(0.0, height.into());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and the height")]
    let (from, to) = (from as u32, to as u32);
    top + from..top + to
}

/// Buffers of a capture pool that are kept taken in: pools have four at most.
const IMPORTED: usize = 8;

/// Longest time for one picture: less than what a worker's heart may stand still for, so
/// that it ends with a reason.
pub const PICTURE_DEADLINE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests;
