//! On whatever device there is; `make test` installs one on the CPU.

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
    let surface = Surface::allocate(&device, SurfaceFormat::Nv12, (64, 32), Handle::Opaque).unwrap();
    let exported = surface.export().unwrap();
    assert!(exported.length >= surface.length());
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
    let file = std::fs::File::open("/dev/zero").unwrap();
    let plane = DmabufPlane { fd: std::os::fd::AsFd::as_fd(&file), offset: 0, stride: 64 };
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
