//! Capture into DMA-BUFs from a compositor that draws with OpenGL ES.
//!
//! These run in a virtual machine, because few machines that build this have a
//! device to allocate on: `tests/vm/run` boots it and starts them there, one after
//! the other, on one desktop of 640x360.

#[path = "../support/capturing.rs"]
#[allow(dead_code, reason = "shared by test binaries that each use a part")]
mod capturing;
mod desktop;

use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;

use capturing::{Capturing, color_at, marker, plan};
use desktop::{Pattern, SIZE, message, socket, source};
use earthshine::clock::Micros;
use earthshine::codec::Chroma;
use earthshine::color::{ColorRange, ColorSpace, Colorimetry};
use earthshine::stream_plan::{CaptureMemory, CapturePlan, EncoderFamily, VideoPlan};
use earthshine::units::Size;
use earthshine::worker::convert::picture::Picture;
use earthshine::worker::dma_buffer::{MODIFIER_INVALID, MODIFIER_LINEAR};
use earthshine::worker::encode::{FrameRequest, select};
use earthshine::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};
use earthshine::worker::imports::{Importable, Imports};

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn a_window_is_captured_into_dma_bufs_pixel_by_pixel() {
    let _pattern = Pattern::show(&[]);
    let capturing = capture(CaptureMemory::DmaBuf);
    let frame = capturing.wait("a marker", |frame| marker(frame).is_some());
    let Pixels::DmaBuf(buffer) = &frame.pixels else { panic!("in other memory: {frame:?}") };
    println!("{buffer:?}, planes {:?}", buffer.planes());
    assert_eq!((frame.size, buffer.size()), (SIZE, SIZE));
    assert!(!buffer.planes().is_empty());
    for (x, y, color) in [
        (0.45, 0.45, [200, 40, 40]),
        (0.75, 0.25, [40, 200, 40]),
        (0.25, 0.75, [40, 40, 200]),
        (0.75, 0.75, [200, 200, 40]),
    ] {
        assert_eq!(color_at(&frame, x, y), color, "at {x}, {y}");
    }
    assert!(frame.presented <= frame.captured && frame.captured <= Micros::now());
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn every_pixel_is_the_one_that_shared_memory_has() {
    let _pattern = Pattern::show(&["--still"]);
    let [device, shared] = [CaptureMemory::DmaBuf, CaptureMemory::Shm].map(|memory| {
        let frame = capture(memory).wait("the pattern", |frame| marker(frame).is_some());
        assert_eq!(matches!(frame.pixels, Pixels::DmaBuf(_)), memory == CaptureMemory::DmaBuf);
        colors(&frame)
    });
    assert_eq!(device.len(), 640 * 360);
    assert_eq!(device.iter().zip(&shared).filter(|(device, shared)| device != shared).count(), 0);
    let distinct: HashSet<_> = device.iter().collect();
    assert!(distinct.len() >= 4, "one colour compares too well");
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn a_converter_makes_of_it_what_it_makes_of_shared_memory() {
    let _pattern = Pattern::show(&["--still"]);
    let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
    for shown in [SIZE, Size::new(500, 300)] {
        let [device, shared] = [CaptureMemory::DmaBuf, CaptureMemory::Shm].map(|memory| {
            let frame = capture(memory).wait("the pattern", |frame| marker(frame).is_some());
            let mut picture = Picture::new(shown, Chroma::Yuv420, colorimetry);
            picture.show(&frame).unwrap();
            picture.planes().clone()
        });
        assert!(device.y == shared.y && device.u == shared.u && device.v == shared.v, "{shown}");
    }
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn frames_follow_each_other_in_a_few_buffers_and_are_encoded() {
    let _pattern = Pattern::show(&[]);
    let capturing = capture(CaptureMemory::DmaBuf);
    let stream = VideoPlan { encoders: vec![EncoderFamily::Software], ..plan(SIZE, 30) };
    let mut encoder = select::open(&stream).unwrap().encoder;
    let (mut numbers, mut buffers) = (Vec::new(), HashSet::new());
    for picture in 0..12 {
        let frame = capturing.wait("a marker", |frame| marker(frame).is_some());
        let Pixels::DmaBuf(buffer) = &frame.pixels else { panic!("in other memory: {frame:?}") };
        buffers.insert(buffer.number());
        numbers.push(marker(&frame).unwrap().number);
        encoder.load(&frame).unwrap();
        let request = FrameRequest { picture, idr: false, repeated: false, captured: frame.captured };
        drop(frame);
        let coded = encoder.encode(request).unwrap();
        assert_eq!(coded.kind == FrameKind::Idr, picture == 0);
        assert!(!coded.data.is_empty());
    }
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert!(buffers.len() <= 3, "{buffers:?}");
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn a_frame_that_is_held_keeps_its_pixels() {
    let _pattern = Pattern::show(&[]);
    let capturing = capture(CaptureMemory::DmaBuf);
    let held = capturing.wait("a marker", |frame| marker(frame).is_some());
    let (number, before) = (marker(&held).unwrap().number, colors(&held));
    for _ in 0..6 {
        assert!(marker(&capturing.wait("a marker", |frame| marker(frame).is_some())).unwrap().number > number);
    }
    assert!(colors(&held) == before);
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn an_output_that_changes_its_mode_is_followed() {
    let _pattern = Pattern::show(&[]);
    let capturing = capture(CaptureMemory::DmaBuf);
    capturing.wait("the first size", |frame| frame.size == SIZE && marker(frame).is_some());
    for (width, height) in [(800, 600), (640, 360)] {
        message(&["output", "*", "mode", &format!("{width}x{height}")]);
        let frame =
            capturing.wait("the new size", |frame| frame.size == Size::new(width, height) && marker(frame).is_some());
        assert!(matches!(frame.pixels, Pixels::DmaBuf(_)));
    }
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn without_memory_pictures_come_through_shared_memory() {
    let _pattern = Pattern::show(&["--still"]);
    // Not there; and the device's own, which has a render node without memory.
    for device in [Some("/dev/dri/renderD999".into()), None] {
        let capture = CapturePlan { memory: CaptureMemory::DmaBuf, device, placed: None };
        let capturing = Capturing::with_plan(source(), VideoPlan { capture, ..plan(SIZE, 30) });
        let frame = capturing.wait("the pattern", |frame| marker(frame).is_some());
        assert!(matches!(frame.pixels, Pixels::Shared(_)));
    }
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn by_default_the_encoder_decides_what_is_captured_into() {
    let _pattern = Pattern::show(&[]);
    let imports = Arc::new(Imports::new());
    let capture = CapturePlan { device: Some(NODE.into()), ..CapturePlan::default() };
    let capturing = Capturing::with_imports(source(), VideoPlan { capture, ..plan(SIZE, 30) }, Arc::clone(&imports));
    let frame = capturing.wait("the pattern", |frame| marker(frame).is_some());
    assert!(matches!(frame.pixels, Pixels::Shared(_)));
    drop(frame);
    let formats = [b"XR24", b"AR24", b"XB24", b"AB24"]
        .into_iter()
        .flat_map(|code| [MODIFIER_INVALID, MODIFIER_LINEAR].map(|modifier| (u32::from_le_bytes(*code), modifier)));
    imports.tell(Importable { device: None, formats: formats.collect(), fenced: true });
    capturing.wait("a DMA-BUF", |frame| matches!(frame.pixels, Pixels::DmaBuf(_)) && marker(frame).is_some());
    assert!(capturing.ended().is_none());
}

#[test]
#[ignore = "in a virtual machine: tests/vm/run"]
fn a_screenshot_can_be_taken_of_one() {
    let _pattern = Pattern::show(&["--still"]);
    let capturing = capture(CaptureMemory::DmaBuf);
    capturing.wait("the pattern", |frame| marker(frame).is_some());
    drop(capturing);
    let take = || {
        Command::new(desktop::program("earthshine"))
            .args(["picture", "--format", "png", "--capture", "dmabuf", "--capture-device", NODE, "--wayland"])
            .arg(socket())
            .output()
            .unwrap()
    };
    // It gives up after three seconds, and this machine may be slower.
    let mut shot = take();
    for _ in 0..5 {
        if !shot.status.success() {
            shot = take();
        }
    }
    let said = String::from_utf8_lossy(&shot.stderr).into_owned();
    assert!(shot.status.success(), "{said}");
    assert!(said.contains("capture buffers in DMA-BUFs"), "{said}");
    let picture = image::load_from_memory(&shot.stdout).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (640, 360));
    let near = |x, y, color: [u8; 3]| picture.get_pixel(x, y).0.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 3);
    assert!(near(480, 90, [40, 200, 40]) && near(160, 270, [40, 40, 200]));
}

fn capture(memory: CaptureMemory) -> Capturing {
    let capture = CapturePlan { memory, device: Some(NODE.into()), placed: None };
    Capturing::with_plan(source(), VideoPlan { capture, ..plan(SIZE, 30) })
}

/// Red, green and blue of every pixel.
fn colors(frame: &Frame) -> Vec<[u8; 3]> {
    let rows = frame.read().unwrap();
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    let pixels = rows.chunks(rows.stride()).take(height).flat_map(|row| row[..width * 4].as_chunks::<4>().0.to_vec());
    pixels
        .map(|[a, b, c, _]| match frame.format {
            PixelFormat::Bgrx => [c, b, a],
            PixelFormat::Rgbx => [a, b, c],
        })
        .collect()
}

/// virtio-gpu without a GPU behind it has memory through this one alone. A program
/// has to be told so: it is no render node.
const NODE: &str = "/dev/dri/card0";
