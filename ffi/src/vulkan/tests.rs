//! On whatever device there is; `make test` installs one on the CPU.

use std::fs::File;
use std::os::fd::{AsFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::time::Duration;

use super::*;

/// The first device, with each call checked; `None`, said loudly, where there is none.
fn device() -> Option<Rc<Device>> {
    let opened = Instance::open_validated()
        .and_then(|instance| Ok((instance.device(Selection::Any)?, instance)))
        .and_then(|(physical, instance)| Ok(Device::open(&instance, physical)?));
    match opened {
        Ok(device) => Some(device),
        Err(error) => {
            assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "not here, and needed: {error}");
            eprintln!("SKIPPED: {error}");
            None
        }
    }
}

fn complaints(device: &Device) -> Vec<String> {
    device.instance().complaints()
}

const IDENTITY: [[f32; 4]; 3] = [[255.0, 0.0, 0.0, 0.0], [0.0, 255.0, 0.0, 0.0], [0.0, 0.0, 255.0, 0.0]];
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn pixels_go_through_a_device_and_come_back() {
    let Some(device) = device() else { return };
    let image = Image::allocate(&device, PixelLayout::Rgbx8, 6, 4).unwrap();
    let mut pixels = HostBuffer::to_device(&device, 6 * 4 * 4).unwrap();
    for (index, byte) in pixels.bytes_mut().iter_mut().enumerate() {
        *byte = u8::try_from(index).unwrap();
    }
    let surface = Surface::allocate(&device, SurfaceFormat::Yuv444, (6, 4), Handle::None).unwrap();
    let converter = Converter::make(&device, SurfaceFormat::Yuv444, PATIENCE).unwrap();
    let conversion = Conversion { origin: (0, 0), size: (6, 4), bottom_up: false, matrix: IDENTITY };
    let upload = Upload { rows: Rows::Host(&pixels, 6), range: 0..4 };
    converter.convert(&image, Some(&upload), &conversion, &surface, 0..4).unwrap();
    let mut samples = HostBuffer::from_device(&device, surface.length()).unwrap();
    converter.fetch(&surface, &mut samples).unwrap();
    let (pitch, plane) = (surface.pitch() as usize, usize::try_from(surface.plane()).unwrap());
    for (row, column) in (0..4).flat_map(|row| (0..6).map(move |column| (row, column))) {
        let pixel = &pixels.bytes()[(row * 6 + column) * 4..][..3];
        let found: Vec<_> = (0..3).map(|part| samples.bytes()[part * plane + row * pitch + column]).collect();
        assert_eq!(found, pixel, "{column},{row}");
    }
    assert_eq!(complaints(&device), [""; 0]);
}

#[test]
fn an_exported_surface_has_its_samples_outside_of_vulkan() {
    let Some(device) = device() else { return };
    let image = Image::allocate(&device, PixelLayout::Bgrx8, 64, 32).unwrap();
    let mut pixels = HostBuffer::to_device(&device, 64 * 32 * 4).unwrap();
    pixels.bytes_mut().fill(0x40);
    let surface = Surface::allocate(&device, SurfaceFormat::Nv12, (64, 32), Handle::Opaque).unwrap();
    let exported = surface.export().unwrap();
    assert!(exported.length >= surface.length());
    let converter = Converter::make(&device, SurfaceFormat::Nv12, PATIENCE).unwrap();
    let conversion = Conversion { origin: (0, 0), size: (64, 32), bottom_up: false, matrix: IDENTITY };
    let upload = Upload { rows: Rows::Host(&pixels, 64), range: 0..32 };
    converter.convert(&image, Some(&upload), &conversion, &surface, 0..32).unwrap();
    if device.physical().kind == DeviceKind::Cpu {
        // A file in memory, with a page before the data: what CUDA's stand-in goes by.
        let mut row = [0; 64];
        File::from(exported.fd).read_exact_at(&mut row, 4096 + 31 * u64::from(surface.pitch())).unwrap();
        assert_eq!(row, [0x40; 64]);
    }
    drop(surface);
    assert_eq!(complaints(&device), [""; 0]);
}

#[test]
fn what_a_device_lacks_is_named() {
    let Some(device) = device() else { return };
    let physical = device.physical();
    let error = device.instance().device(Selection::Uuid([0xEE; 16])).unwrap_err().to_string();
    assert!(error.contains("with UUID eeee") && error.contains(&physical.name), "{error}");
    assert!(Surface::allocate(&device, SurfaceFormat::Nv12, (64, 32), Handle::None).unwrap().export().is_err());
    let file = File::open("/dev/zero").unwrap();
    let plane = DmabufPlane { fd: file.as_fd(), offset: 0, stride: 64 };
    let good = Dmabuf { planes: &[plane], modifier: 0, fourcc: u32::from_le_bytes(*b"XR24"), width: 16, height: 16 };
    for wrong in [
        Dmabuf { fourcc: u32::from_le_bytes(*b"NV12"), ..good },
        Dmabuf { modifier: 0x00ff_ffff_ffff_ffff, ..good },
        Dmabuf { planes: &[], ..good },
        Dmabuf { width: u32::MAX, ..good },
        Dmabuf { height: 0, ..good },
        Dmabuf { planes: &[DmabufPlane { stride: 62, ..plane }], ..good },
    ] {
        assert!(Image::import(&device, &wrong).is_err(), "{wrong:?}");
        assert!(DmabufBuffer::import(&device, &wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(complaints(&device), [""; 0]);
}

#[test]
fn a_foreign_surface_has_a_tiling_and_planes_that_are_known() {
    let Some(device) = device() else { return };
    let file = File::open("/dev/zero").unwrap();
    let planes = [DmabufPlane { fd: file.as_fd(), offset: 0, stride: 64 }];
    let plane = |letters: &[u8; 4], (width, height)| {
        let fourcc = u32::from_le_bytes(*letters);
        Dmabuf { planes: &planes, modifier: 0x00ff_ffff_ffff_ffff, fourcc, width, height }
    };
    let import = |luma: &[u8; 4], chroma: &[u8; 4], size| {
        let (luma, chroma) = (plane(luma, (64, 32)), plane(chroma, size));
        ForeignSurface::import(&device, SurfaceFormat::Nv12, [&luma, &chroma]).unwrap_err()
    };
    let unknown = import(b"R8  ", b"GR88", (32, 16));
    assert!(matches!(unknown, ImportDmabufError::Modifier { .. } | ImportDmabufError::Lacks { .. }), "{unknown}");
    let wide = import(b"R16 ", b"GR32", (32, 16));
    assert!(matches!(wide, ImportDmabufError::Plane { wanted: SurfaceFormat::Nv12, .. }), "{wide}");
    let small = import(b"R8  ", b"GR88", (32, 15)).to_string();
    assert!(small.contains("chroma is not half of luma both ways"), "{small}");
    assert_eq!(complaints(&device), [""; 0]);
}

/// Mesa on the CPU takes a file in memory for a DMA-BUF, from 24.3 on.
#[test]
fn a_linear_dmabuf_is_read_where_it_is() {
    let Some(device) = device() else { return };
    if !device.physical().imports_linear {
        return eprintln!("SKIPPED: {} takes in no DMA-BUFs", device.physical().name);
    }
    let (width, height, stride, offset) = (6_u32, 4_u32, 64_u32, 4096_u32);
    let file = memory_file(u64::from(offset + stride * height));
    let pixel = |turn: u8, x: u32, y: u32| [turn, x.to_le_bytes()[0], y.to_le_bytes()[0]];
    let write = |turn: u8, rows: std::ops::Range<u32>| {
        for (x, y) in rows.flat_map(|y| (0..width).map(move |x| (x, y))) {
            let [blue, green, red] = pixel(turn, x, y);
            file.write_all_at(&[blue, green, red, 9], u64::from(offset + y * stride + x * 4)).unwrap();
        }
    };
    write(1, 0..height);
    let plane = DmabufPlane { fd: file.as_fd(), offset, stride };
    let dmabuf = Dmabuf { planes: &[plane], modifier: 0, fourcc: u32::from_le_bytes(*b"XR24"), width, height };
    let rows = DmabufBuffer::import(&device, &dmabuf).unwrap();
    let long = Dmabuf { height: height + 1, ..dmabuf };
    assert!(matches!(DmabufBuffer::import(&device, &long), Err(ImportDmabufError::Shape { .. })));
    let image = Image::allocate(&device, PixelLayout::Bgrx8, width, height).unwrap();
    let surface = Surface::allocate(&device, SurfaceFormat::Yuv444, (width, height), Handle::None).unwrap();
    let converter = Converter::make(&device, SurfaceFormat::Yuv444, PATIENCE).unwrap();
    let conversion = Conversion { origin: (0, 0), size: (width, height), bottom_up: false, matrix: IDENTITY };
    let mut samples = HostBuffer::from_device(&device, surface.length()).unwrap();
    for (turn, range) in [(1, 0..height), (2, 2..height)] {
        write(turn, range.clone());
        let upload = Upload { rows: Rows::Dmabuf(&rows), range };
        converter.convert(&image, Some(&upload), &conversion, &surface, 0..height).unwrap();
        converter.fetch(&surface, &mut samples).unwrap();
        let (pitch, plane) = (surface.pitch() as usize, usize::try_from(surface.plane()).unwrap());
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let at = |part: usize| samples.bytes()[part * plane + y as usize * pitch + x as usize];
            let [blue, green, red] = pixel(if y < 2 { 1 } else { turn }, x, y);
            assert_eq!([at(0), at(1), at(2)], [red, green, blue], "{x},{y}");
        }
    }
    assert_eq!(complaints(&device), [""; 0]);
}

fn memory_file(length: u64) -> File {
    // SAFETY: the name ends with zero.
    let fd = unsafe { libc::memfd_create(c"dmabuf".as_ptr(), 0) };
    assert!(fd >= 0);
    // SAFETY: a fresh descriptor.
    let file = unsafe { File::from_raw_fd(fd) };
    file.set_len(length).unwrap();
    file
}

#[test]
fn a_gpu_that_does_not_finish_is_left_alone() {
    let Some(device) = device() else { return };
    let converter = Converter::make(&device, SurfaceFormat::P010, Duration::ZERO).unwrap();
    let image = Image::allocate(&device, PixelLayout::Xrgb10, 2048, 2048).unwrap();
    let pixels = HostBuffer::to_device(&device, 2048 * 2048 * 4).unwrap();
    let surface = Surface::allocate(&device, SurfaceFormat::P010, (64, 64), Handle::None).unwrap();
    let conversion = Conversion { origin: (0, 0), size: (64, 64), bottom_up: true, matrix: IDENTITY };
    let upload = Upload { rows: Rows::Host(&pixels, 2048), range: 0..2048 };
    let error = converter.convert(&image, Some(&upload), &conversion, &surface, 0..64).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(!device.is_idle(), "what it works on must stay");
}
