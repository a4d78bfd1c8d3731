//! Buffers in shared memory, which every compositor draws into.

use std::io;
use std::os::fd::AsFd;

use earthshine_ffi::shared_memory::SharedBytes;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format, WlShm};
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Dispatch, QueueHandle, WEnum};

use super::error::CaptureError;
use super::pixel_format;
use crate::units::Size;
use crate::worker::frame::PixelFormat;

/// What every buffer of a pool looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Size of the picture.
    pub(crate) size: Size,
    /// Bytes from one row to the next.
    pub(crate) stride: u32,
    /// As the compositor names it.
    pub(crate) format: WEnum<Format>,
    /// As we name it.
    pub(crate) pixels: PixelFormat,
}

impl Layout {
    /// Checks what a compositor asks for, and picks one of its formats.
    /// `stride` 0 means that rows may be packed.
    pub(crate) fn negotiate(size: Size, stride: u32, offered: &[WEnum<Format>]) -> Result<Self, CaptureError> {
        let (format, pixels) =
            pixel_format::choose(offered).map_err(|offered| CaptureError::UnsupportedFormat { offered })?;
        Ok(Self { size, stride: check(size, stride)?, format, pixels })
    }

    const fn len(self) -> u64 {
        self.stride as u64 * self.size.height as u64
    }
}

/// Checks the size of a picture, of whatever memory; returns its stride, which is
/// that of packed rows where it is 0.
pub(crate) fn check(size: Size, stride: u32) -> Result<u32, CaptureError> {
    let impossible = || CaptureError::ImpossibleBuffer { width: size.width, height: size.height, stride };
    let packed = size.width.checked_mul(BYTES_PER_PIXEL).ok_or_else(impossible)?;
    let stride = if stride == 0 { packed } else { stride };
    let len = u64::from(stride) * u64::from(size.height);
    let is_possible = packed > 0 && size.height > 0 && stride >= packed && len <= LARGEST_BUFFER;
    if is_possible { Ok(stride) } else { Err(impossible()) }
}

/// A buffer, and how the compositor knows it.
pub(crate) fn make<S>(layout: Layout, shm: &WlShm, handle: &QueueHandle<S>) -> io::Result<(WlBuffer, SharedBytes)>
where
    S: Dispatch<WlShmPool, ()> + Dispatch<WlBuffer, ()> + 'static,
{
    let side = |value: u32| i32::try_from(value).map_err(io::Error::other);
    let len = i32::try_from(layout.len()).map_err(io::Error::other)?;
    let format = match layout.format {
        WEnum::Value(format) => format,
        WEnum::Unknown(code) => return Err(io::Error::other(format!("unnegotiated format {code:#x}"))),
    };
    let bytes = SharedBytes::create(usize::try_from(len).map_err(io::Error::other)?)?;
    let pool = shm.create_pool(bytes.as_fd(), len, handle, ());
    let (width, height, stride) = (side(layout.size.width)?, side(layout.size.height)?, side(layout.stride)?);
    let shown = pool.create_buffer(0, width, height, stride, format, handle, ());
    pool.destroy();
    Ok((shown, bytes))
}

const BYTES_PER_PIXEL: u32 = 4;

/// Bytes; a 16384x8192 picture. Beyond it a compositor is talking nonsense,
/// and wl_shm counts in signed 32 bits anyway.
const LARGEST_BUFFER: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [WEnum<Format>; 1] = [WEnum::Value(Format::Xrgb8888)];

    #[test]
    fn a_layout_the_compositor_cannot_mean_is_refused() {
        for (size, stride) in [
            (Size::new(0, 720), 0),
            (Size::new(1280, 0), 5120),
            (Size::new(1280, 720), 5119),
            (Size::new(u32::MAX, 2), 0),
            (Size::new(60_000, 60_000), 0),
        ] {
            let error = Layout::negotiate(size, stride, &OFFERED).unwrap_err();
            assert!(matches!(error, CaptureError::ImpossibleBuffer { .. }), "{size} {stride}");
        }
    }

    #[test]
    fn rows_are_packed_where_the_compositor_names_no_stride() {
        let layout = Layout::negotiate(Size::new(1366, 768), 0, &OFFERED).unwrap();
        assert_eq!((layout.stride, layout.pixels), (5464, PixelFormat::Bgrx));
    }

    #[test]
    fn a_ten_bit_compositor_is_refused_by_name() {
        let offered = [WEnum::Value(Format::Xrgb2101010)];
        let error = Layout::negotiate(Size::new(1280, 720), 0, &offered).unwrap_err();
        assert!(error.to_string().contains("XR30"), "{error}");
        assert!(error.to_string().contains("XR24"), "{error}");
    }
}
