//! Pictures that other devices, drivers and processes drew.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::buffer::zeroed;
use super::sys::*;

/// A picture in one or several DMA-BUFs.
#[derive(Debug, Clone)]
pub struct DmaBuf<'a> {
    /// `VA_FOURCC_*`.
    pub fourcc: u32,
    /// The same of DRM (`DRM_FORMAT_*`).
    pub drm_format: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where its memory is, at most four.
    pub objects: Vec<DmaBufObject<'a>>,
    /// Where its planes are in that, at most four.
    pub planes: Vec<DmaBufPlane>,
}

/// A DMA-BUF.
#[derive(Debug, Clone, Copy)]
pub struct DmaBufObject<'a> {
    /// The buffer.
    pub descriptor: BorrowedFd<'a>,
    /// Bytes.
    pub size: u32,
    /// How it is tiled (`DRM_FORMAT_MOD_*`).
    pub modifier: u64,
}

/// A plane of a picture.
#[derive(Debug, Clone, Copy)]
pub struct DmaBufPlane {
    /// Which object it is in.
    pub object: u32,
    /// Its first byte there.
    pub offset: u32,
    /// Bytes from row to row.
    pub pitch: u32,
}

impl DmaBuf<'_> {
    /// As VA-API takes it; `None` if it has more parts than that has places.
    pub(crate) fn descriptor(&self) -> Option<VADRMPRIMESurfaceDescriptor> {
        let mut descriptor: VADRMPRIMESurfaceDescriptor = zeroed();
        let (objects, planes) = (&mut descriptor.objects, &mut descriptor.layers[0]);
        if self.objects.len() > objects.len() || self.planes.len() > planes.pitch.len() {
            return None;
        }
        for (place, object) in objects.iter_mut().zip(&self.objects) {
            (place.fd, place.size) = (object.descriptor.as_raw_fd(), object.size);
            place.drm_format_modifier = object.modifier;
        }
        for (index, plane) in self.planes.iter().enumerate() {
            planes.object_index[index] = plane.object;
            (planes.offset[index], planes.pitch[index]) = (plane.offset, plane.pitch);
        }
        planes.drm_format = self.drm_format;
        planes.num_planes = u32::try_from(self.planes.len()).ok()?;
        (descriptor.fourcc, descriptor.width, descriptor.height) = (self.fourcc, self.width, self.height);
        (descriptor.num_objects, descriptor.num_layers) = (u32::try_from(self.objects.len()).ok()?, 1);
        Some(descriptor)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_picture_is_described_or_has_too_many_parts() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let object = DmaBufObject { descriptor: file.as_fd(), size: 300, modifier: 7 };
        let plane = |offset| DmaBufPlane { object: 0, offset, pitch: 20 };
        let mut picture = DmaBuf {
            fourcc: VA_FOURCC_NV12,
            drm_format: 9,
            width: 16,
            height: 10,
            objects: vec![object],
            planes: vec![plane(0), plane(200)],
        };
        let descriptor = picture.descriptor().unwrap();
        assert_eq!((descriptor.num_objects, descriptor.num_layers, descriptor.layers[0].num_planes), (1, 1, 2));
        assert_eq!((descriptor.layers[0].offset[1], descriptor.layers[0].pitch[1]), (200, 20));
        assert_eq!((descriptor.objects[0].drm_format_modifier, descriptor.objects[0].fd), (7, file.as_raw_fd()));
        picture.planes = vec![plane(0); 5];
        assert!(picture.descriptor().is_none());
    }
}
