//! Conversion and scaling on a GPU by Vulkan, beside copying in its memory.
//!
//! `cargo bench --bench convert_vulkan`, for a user with a GPU: it takes the best
//! device that Vulkan has, and says which. Whatever is measured is waited for each
//! time, as a stream does. Beside the rate of pictures stands that of bytes: of the
//! source's pixels, or of what is copied.

use std::rc::Rc;
use std::sync::{Arc, Once};
use std::time::Duration;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use earthshine::clock::Micros;
use earthshine::color::{ColorRange, ColorSpace, Colorimetry};
use earthshine::units::Size;
use earthshine::worker::convert::vulkan::{Target, VulkanPicture};
use earthshine::worker::frame::{Frame, PixelFormat, Pixels};
use earthshine_ffi::vulkan::{
    Conversion, Converter, Device, Handle, HostBuffer, Image, Instance, PixelLayout, Rows, Selection, Surface,
    SurfaceFormat, Upload,
};

fn main() {
    divan::main();
}

const HD: Size = Size::new(1920, 1080);
const UHD: Size = Size::new(3840, 2160);
const FORMATS: [SurfaceFormat; 4] =
    [SurfaceFormat::Nv12, SurfaceFormat::P010, SurfaceFormat::Yuv444, SurfaceFormat::Yuv444Ten];

/// Within the device's memory, as many bytes as a picture of 1080p has of each kind:
/// what no conversion is faster than.
#[divan::bench(args = FORMATS)]
fn copy_1080p(bencher: Bencher, format: SurfaceFormat) {
    let Some(device) = device() else { return };
    let surface = || Surface::allocate(&device, format, (HD.width, HD.height), Handle::None).expect("memory");
    let (from, to) = (surface(), surface());
    let converter = Converter::make(&device, format, PATIENCE).expect("a converter");
    bencher
        .counter(BytesCount::new(from.length()))
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| converter.copy(&from, &to).expect("a copy"));
}

/// From a picture that is in the device's memory already, as a DMA-BUF is.
#[divan::bench(args = FORMATS)]
fn convert_1080p(bencher: Bencher, format: SurfaceFormat) {
    convert(bencher, HD, HD, format);
}

#[divan::bench(args = FORMATS)]
fn convert_2160p(bencher: Bencher, format: SurfaceFormat) {
    convert(bencher, UHD, UHD, format);
}

#[divan::bench]
fn scale_2160p_to_1080p_and_convert(bencher: Bencher) {
    convert(bencher, UHD, HD, SurfaceFormat::Nv12);
}

#[divan::bench]
fn scale_720p_to_1080p_and_convert(bencher: Bencher) {
    convert(bencher, Size::new(1280, 720), HD, SurfaceFormat::Nv12);
}

/// From a frame in shared memory, of which all or a tenth changed.
#[divan::bench(args = [1, 10])]
fn upload_a_part_of_1080p_and_convert(bencher: Bencher, part: u32) {
    let Some(device) = device() else { return };
    let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
    let (format, handle) = (SurfaceFormat::Nv12, Handle::None);
    let target = Target { visible: HD, colorimetry, format, handle, deadline: PATIENCE };
    let mut picture = VulkanPicture::open(&device, &target).expect("a picture");
    let mut frame = frame(HD);
    picture.show(&frame).expect("a good frame");
    bencher.counter(BytesCount::new(pixels(HD) * 4 / u64::from(part))).counter(ItemsCount::new(1_u32)).bench_local(
        || {
            (frame.number, frame.changed) = (frame.number + 1, Some(0..HD.height / part));
            picture.show(&frame).expect("a good frame")
        },
    );
}

fn convert(bencher: Bencher, source: Size, target: Size, format: SurfaceFormat) {
    let Some(device) = device() else { return };
    let image = Image::allocate(&device, PixelLayout::Bgrx8, source.width, source.height).expect("memory");
    let surface = Surface::allocate(&device, format, (target.width, target.height), Handle::None).expect("memory");
    let converter = Converter::make(&device, format, PATIENCE).expect("a converter");
    let matrix = [[50.0, 150.0, 20.0, 16.0], [-30.0, -80.0, 110.0, 128.0], [110.0, -100.0, -10.0, 128.0]];
    let conversion = Conversion { origin: (0, 0), size: (target.width, target.height), bottom_up: false, matrix };
    let mut host = HostBuffer::to_device(&device, pixels(source) * 4).expect("memory");
    host.bytes_mut().copy_from_slice(&frame(source).read().expect("rows"));
    let upload = Upload { rows: Rows::Host(&host, source.width), range: 0..source.height };
    let run = |upload| converter.convert(&image, upload, &conversion, &surface, 0..target.height).expect("samples");
    run(Some(&upload));
    bencher.counter(BytesCount::new(pixels(source) * 4)).counter(ItemsCount::new(1_u32)).bench_local(|| run(None));
}

/// The best device there is; says which, once.
fn device() -> Option<Rc<Device>> {
    static SAID: Once = Once::new();
    let opened = Instance::open()
        .and_then(|instance| Ok((instance.device(Selection::Any)?, instance)))
        .and_then(|(physical, instance)| Ok(Device::open(&instance, physical)?));
    let what = match &opened {
        Ok(device) => device.physical().name.clone(),
        Err(error) => format!("not measured: {error}"),
    };
    SAID.call_once(|| eprintln!("{what}"));
    opened.ok()
}

const fn pixels(size: Size) -> u64 {
    size.width as u64 * size.height as u64
}

fn frame(size: Size) -> Frame {
    let stride = size.width as usize * 4;
    let bytes: Vec<u8> = (0..stride * size.height as usize).map(|index| (index * 31 % 251).to_le_bytes()[0]).collect();
    Frame {
        pixels: Pixels::Owned(Arc::from(bytes)),
        size,
        stride,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: 0,
        changed: None,
        presented: Micros(0),
        captured: Micros(0),
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
