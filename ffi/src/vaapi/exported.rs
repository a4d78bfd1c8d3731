//! A surface's memory as its driver hands it out (`vaExportSurfaceHandle`).

use std::os::fd::{FromRawFd, OwnedFd};

use super::dma_buf::DmaBufPlane;
use super::error::VaError;
use super::sys::*;

/// A surface's memory, plane by plane.
#[derive(Debug)]
pub struct ExportedSurface {
    /// `VA_FOURCC_*`.
    pub fourcc: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where its memory is.
    pub objects: Vec<ExportedObject>,
    /// Pictures of one plane of the surface each, luma first.
    pub layers: Vec<ExportedLayer>,
}

/// A DMA-BUF.
#[derive(Debug)]
pub struct ExportedObject {
    /// The buffer.
    pub descriptor: OwnedFd,
    /// How it is tiled (`DRM_FORMAT_MOD_*`).
    pub modifier: u64,
}

/// A picture in the memory.
#[derive(Debug)]
pub struct ExportedLayer {
    /// `DRM_FORMAT_*`.
    pub drm_format: u32,
    /// Its planes: one, and more where the tiling keeps notes of its own beside.
    pub planes: Vec<DmaBufPlane>,
}

impl ExportedSurface {
    /// What a driver has answered.
    ///
    /// # Errors
    /// [`VaError`] for an answer that names what is not there; nothing stays open.
    ///
    /// # Safety
    /// The descriptors are the caller's, and nobody else's.
    pub(crate) unsafe fn take(answer: &VADRMPRIMESurfaceDescriptor) -> Result<Self, VaError> {
        let broken = |what| VaError::broken("vaExportSurfaceHandle", what);
        let count = (answer.num_objects as usize).min(answer.objects.len());
        let mut objects: Vec<ExportedObject> = Vec::with_capacity(count);
        // All of them before anything is refused: they are to be closed.
        for (index, object) in answer.objects[..count].iter().enumerate() {
            let is_twice = answer.objects[..index].iter().any(|before| before.fd == object.fd);
            if object.fd < 0 || is_twice {
                continue;
            }
            // SAFETY: the caller's contract, and this is the first time.
            let descriptor = unsafe { OwnedFd::from_raw_fd(object.fd) };
            objects.push(ExportedObject { descriptor, modifier: object.drm_format_modifier });
        }
        if objects.is_empty() || objects.len() != answer.num_objects as usize {
            return Err(broken("an answer with more or fewer objects than descriptors"));
        }
        let layers = answer.layers.get(..answer.num_layers as usize);
        let layers = layers.ok_or_else(|| broken("an answer of more layers than it has place for"))?;
        let layers: Option<Vec<_>> = layers.iter().map(|layer| ExportedLayer::read(layer, objects.len())).collect();
        let layers = layers.ok_or_else(|| broken("an answer with a plane that is in no object"))?;
        let VADRMPRIMESurfaceDescriptor { fourcc, width, height, .. } = *answer;
        Ok(Self { fourcc, width, height, objects, layers })
    }
}

impl ExportedLayer {
    fn read(layer: &VADRMPRIMESurfaceDescriptor__bindgen_ty_2, objects: usize) -> Option<Self> {
        let count = layer.num_planes as usize;
        let places = layer.object_index.get(..count)?.iter().zip(&layer.offset).zip(&layer.pitch);
        let planes: Vec<_> = places
            .map(|((object, offset), pitch)| DmaBufPlane { object: *object, offset: *offset, pitch: *pitch })
            .collect();
        let known = planes.iter().all(|plane| (plane.object as usize) < objects);
        (known && !planes.is_empty()).then_some(Self { drm_format: layer.drm_format, planes })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::IntoRawFd;

    use super::*;
    use crate::vaapi::zeroed;

    /// NV12 in so many buffers.
    fn answer(objects: usize) -> VADRMPRIMESurfaceDescriptor {
        let mut answer: VADRMPRIMESurfaceDescriptor = zeroed();
        (answer.fourcc, answer.width, answer.height) = (VA_FOURCC_NV12, 64, 32);
        (answer.num_objects, answer.num_layers) = (u32::try_from(objects).unwrap(), 2);
        for object in &mut answer.objects[..objects] {
            object.fd = File::open("/dev/null").unwrap().into_raw_fd();
            object.drm_format_modifier = 7;
        }
        for (index, layer) in answer.layers[..2].iter_mut().enumerate() {
            (layer.drm_format, layer.num_planes) = (9, 1);
            layer.object_index[0] = u32::try_from(index.min(objects - 1)).unwrap();
            (layer.offset[0], layer.pitch[0]) = (100, 20);
        }
        answer
    }

    #[test]
    fn an_answer_becomes_a_surface() {
        for objects in [1, 2] {
            let answer = answer(objects);
            // SAFETY: descriptors that were just opened.
            let surface = unsafe { ExportedSurface::take(&answer) }.unwrap();
            assert_eq!((surface.width, surface.height, surface.objects.len()), (64, 32, objects));
            assert_eq!(surface.objects[0].modifier, 7);
            let chroma = &surface.layers[1];
            assert_eq!((chroma.drm_format, chroma.planes[0].offset, chroma.planes[0].pitch), (9, 100, 20));
            assert_eq!(chroma.planes[0].object as usize, objects - 1);
        }
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_refused() {
        let wrong: [fn(&mut VADRMPRIMESurfaceDescriptor); 6] = [
            |answer| answer.num_objects = 5,
            |answer| (answer.num_objects, answer.objects[1].fd) = (2, -1),
            |answer| (answer.num_objects, answer.objects[1].fd) = (2, answer.objects[0].fd),
            |answer| answer.num_layers = 5,
            |answer| answer.layers[1].num_planes = 5,
            |answer| answer.layers[1].object_index[0] = 1,
        ];
        for change in wrong {
            let mut answer = answer(1);
            // Nobody else's: zero is the standard input.
            answer.objects[1..].iter_mut().for_each(|object| object.fd = -1);
            change(&mut answer);
            // SAFETY: descriptors that were just opened.
            assert!(unsafe { ExportedSurface::take(&answer) }.is_err());
        }
    }
}
