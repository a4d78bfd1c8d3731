//! On a real implementation, against the standards' equations in f64.
//!
//! `make test` installs one that runs on the CPU. Each call is checked by Vulkan's
//! validation layer.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use earthshine_ffi::vulkan::{DmabufPlane, Instance, Selection};

use super::*;
use crate::clock::Micros;
use crate::color::{ColorRange, ColorSpace};
use crate::worker::frame::Pixels;

/// A device, each call checked.
struct Checked(Rc<Device>);

impl Checked {
    /// `None`, said loudly, where there is none.
    fn open() -> Option<Self> {
        let opened = Instance::open_validated()
            .and_then(|instance| Ok((instance.device(Selection::Any)?, instance)))
            .and_then(|(physical, instance)| Ok(Device::open(&instance, physical)?));
        match opened {
            Ok(device) => Some(Self(device)),
            Err(error) => {
                assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "not here, and needed: {error}");
                eprintln!("SKIPPED: {error}");
                None
            }
        }
    }

    fn picture(&self, visible: Size, colorimetry: Colorimetry, format: SurfaceFormat) -> VulkanPicture {
        let deadline = Duration::from_secs(60);
        let target = Target { visible, colorimetry, format, handle: Handle::None, deadline };
        VulkanPicture::open(&self.0, &target).unwrap()
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.0.instance().complaints(), [""; 0]);
        }
    }
}

/// Pixels of a test: (column, row) to red, green and blue of `bits` each.
#[derive(Clone, Copy)]
struct Scene {
    size: Size,
    bits: u32,
    color: fn(u32, u32) -> u32,
}

impl Scene {
    const fn noise(width: u32, height: u32) -> Self {
        Self { size: Size::new(width, height), bits: 8, color: noise }
    }

    /// Red, green and blue in code values.
    fn codes(&self, x: u32, y: u32) -> [u32; 3] {
        let found = (self.color)(x, y);
        [found, found >> 10, found >> 20].map(|value| value & ((1 << self.bits) - 1))
    }

    /// Red, green and blue from 0 to 1; beyond an edge, of the edge.
    fn exact(&self, x: i64, y: i64) -> [f64; 3] {
        let inside = |at: i64, length: u32| u32::try_from(at.clamp(0, i64::from(length) - 1)).unwrap();
        let largest = f64::from((1_u32 << self.bits) - 1);
        self.codes(inside(x, self.size.width), inside(y, self.size.height)).map(|code| f64::from(code) / largest)
    }

    fn bytes(&self, layout: PixelLayout, padding: usize) -> (Vec<u8>, usize) {
        let stride = self.size.width as usize * 4 + padding;
        let mut bytes = vec![0xAA; stride * self.size.height as usize];
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                let [red, green, blue] = self.codes(x, y);
                let word = match layout {
                    PixelLayout::Bgrx8 => blue | green << 8 | red << 16 | 0x5500_0000,
                    PixelLayout::Rgbx8 => red | green << 8 | blue << 16 | 0x5500_0000,
                    PixelLayout::Xrgb10 => blue | green << 10 | red << 20 | 0x4000_0000,
                    PixelLayout::Xbgr10 => red | green << 10 | blue << 20 | 0x4000_0000,
                };
                bytes[y as usize * stride + x as usize * 4..][..4].copy_from_slice(&word.to_le_bytes());
            }
        }
        (bytes, stride)
    }

    fn frame(&self, padding: usize) -> Frame {
        let (bytes, stride) = self.bytes(PixelLayout::Bgrx8, padding);
        frame(bytes, self.size, stride)
    }
}

fn frame(bytes: Vec<u8>, size: Size, stride: usize) -> Frame {
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

/// 30 bits without a pattern.
fn noise(x: u32, y: u32) -> u32 {
    let mut state = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B) ^ 0x1234_5678;
    for _ in 0..3 {
        state ^= state >> 16;
        state = state.wrapping_mul(0x7FEB_352D);
        state ^= state >> 15;
        state = state.wrapping_mul(0x846C_A68B);
    }
    state >> 2
}

/// What every sample has to be, by the equations of H.273 and the filters that the
/// shaders say they are; written without a look at how those do it.
struct Reference<'a> {
    scene: &'a Scene,
    colorimetry: Colorimetry,
    format: SurfaceFormat,
    placement: Placement,
}

impl Reference<'_> {
    /// Red, green and blue of the target: black where the picture is not.
    fn color(&self, x: i64, y: i64) -> [f64; 3] {
        let Placement { left, top, size } = self.placement;
        let (x, y) = (x - i64::from(left), y - i64::from(top));
        // An odd side has one more, which repeats its last.
        let (width, height) = (size.width.next_multiple_of(2), size.height.next_multiple_of(2));
        if !(0..i64::from(width)).contains(&x) || !(0..i64::from(height)).contains(&y) {
            return [0.0; 3];
        }
        self.scaled(x, y)
    }

    /// Of the picture's own columns and rows, which end where it does.
    fn scaled(&self, x: i64, y: i64) -> [f64; 3] {
        let (from, to) = (self.scene.size, self.placement.size);
        if from == to {
            return self.scene.exact(x, y);
        }
        let columns = weights(x.clamp(0, i64::from(to.width) - 1), from.width, to.width);
        let rows = weights(y.clamp(0, i64::from(to.height) - 1), from.height, to.height);
        let mut sum = [0.0; 3];
        for &(row, down) in &rows {
            for &(column, across) in &columns {
                let found = self.scene.exact(column, row);
                (0..3).for_each(|part| sum[part] += found[part] * down * across);
            }
        }
        sum
    }

    /// The colour that a chroma sample is made of.
    fn chroma_color(&self, x: i64, y: i64) -> [f64; 3] {
        if self.format.is_444() {
            return self.color(x, y);
        }
        let (left, top) = (i64::from(self.placement.left), i64::from(self.placement.top));
        let Placement { size, .. } = self.placement;
        let (column, row) = (x * 2 - left, y * 2 - top);
        let end = (i64::from(size.width), i64::from(size.height));
        if column < 0 || row < 0 || column >= end.0.next_multiple_of_two() || row >= end.1.next_multiple_of_two() {
            return [0.0; 3];
        }
        let mut sum = [0.0; 3];
        for (dx, dy, weight) in [(-1, 0, 1.0), (0, 0, 2.0), (1, 0, 1.0), (-1, 1, 1.0), (0, 1, 2.0), (1, 1, 1.0)] {
            let found = self.scaled((column + dx).clamp(0, end.0 - 1), (row + dy).clamp(0, end.1 - 1));
            (0..3).for_each(|part| sum[part] += found[part] * weight / 8.0);
        }
        sum
    }

    /// A sample of a plane in code values, not rounded.
    fn sample(&self, part: usize, x: i64, y: i64) -> f64 {
        let [red, green, blue] = if part == 0 { self.color(x, y) } else { self.chroma_color(x, y) };
        let (kr, kb) = match self.colorimetry.space {
            ColorSpace::Bt601 => (0.299, 0.114),
            ColorSpace::Bt709 => (0.2126, 0.0722),
            ColorSpace::Bt2020 => (0.2627, 0.0593),
        };
        let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
        let value = match part {
            0 => luma,
            1 => (blue - luma) / (2.0 - 2.0 * kb),
            _ => (red - luma) / (2.0 - 2.0 * kr),
        };
        let bits = i32::try_from(self.format.bits()).unwrap();
        let (two, largest) = (2_f64, 2_f64.powi(bits) - 1.0);
        match (self.colorimetry.range, part) {
            (ColorRange::Full, 0) => largest * value,
            (ColorRange::Full, _) => (largest * value + two.powi(bits - 1)).min(largest),
            (ColorRange::Limited, 0) => (219.0 * value + 16.0) * two.powi(bits - 8),
            (ColorRange::Limited, _) => (224.0 * value + 128.0) * two.powi(bits - 8),
        }
    }

    /// The largest error of a picture's samples, every `step`th looked at.
    fn largest_error(&self, found: &Fetched, step: usize) -> f64 {
        let (width, height) = (found.size.width as usize, found.size.height as usize);
        let half = if self.format.is_444() { 1 } else { 2 };
        let mut largest = 0.0_f64;
        for (part, (width, height)) in
            [(width, height), (width / half, height / half), (width / half, height / half)].into_iter().enumerate()
        {
            for y in (0..height).step_by(step) {
                for x in (0..width).step_by(step) {
                    let exact = self.sample(part, i64::try_from(x).unwrap(), i64::try_from(y).unwrap());
                    let error = (f64::from(found.sample(part, x, y)) - exact).abs();
                    assert!(error < 2.0, "part {part} at {x},{y}: {} and not {exact}", found.sample(part, x, y));
                    largest = largest.max(error);
                }
            }
        }
        largest
    }
}

trait Even {
    fn next_multiple_of_two(self) -> Self;
}

impl Even for i64 {
    fn next_multiple_of_two(self) -> Self {
        self + self % 2
    }
}

/// What source pixels count for in a target pixel: a triangle as wide as the coarser
/// grid, cut off at the edges.
fn weights(position: i64, source: u32, target: u32) -> Vec<(i64, f64)> {
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let exact = |number: i64| number as f64;
    let scale = f64::from(source) / f64::from(target);
    let (centre, half) = ((exact(position) + 0.5) * scale, scale.max(1.0));
    let weight = |pixel: i64| (1.0 - ((exact(pixel) + 0.5 - centre) / half).abs()).max(0.0);
    let all: Vec<_> = (0..i64::from(source)).map(|pixel| (pixel, weight(pixel))).filter(|(_, w)| *w > 0.0).collect();
    let total: f64 = all.iter().map(|(_, weight)| weight).sum();
    all.into_iter().map(|(pixel, weight)| (pixel, weight / total)).collect()
}

fn placement(source: Size, visible: Size) -> Placement {
    if source == visible {
        return Placement { left: 0, top: 0, size: source };
    }
    Placement::fit(source, even(visible))
}

/// A half is what rounding costs; the rest is the shader's 24 bits.
#[track_caller]
fn assert_exact(largest: f64, what: &str) {
    assert!(largest <= 0.505, "{what}: the largest error is {largest}");
    println!("{what}: the largest error is {largest:.4} code values");
}

#[test]
fn every_format_matrix_and_range_is_exact_to_rounding() {
    let Some(device) = Checked::open() else { return };
    for format in FORMATS {
        let mut largest = 0.0_f64;
        for (space, range) in SPACES.into_iter().flat_map(|space| RANGES.map(|range| (space, range))) {
            for layout in [PixelLayout::Bgrx8, PixelLayout::Rgbx8, PixelLayout::Xrgb10, PixelLayout::Xbgr10] {
                let bits = if matches!(layout, PixelLayout::Xrgb10 | PixelLayout::Xbgr10) { 10 } else { 8 };
                let scene = Scene { bits, ..Scene::noise(150, 94) };
                let colorimetry = Colorimetry { space, range };
                let mut picture = device.picture(scene.size, colorimetry, format);
                let (bytes, stride) = scene.bytes(layout, 12);
                let frame = frame(bytes, scene.size, stride);
                picture.show_rows(&frame.read().unwrap(), layout, &frame, None).unwrap();
                let placement = placement(scene.size, scene.size);
                let reference = Reference { scene: &scene, colorimetry, format, placement };
                largest = largest.max(reference.largest_error(&picture.fetch().unwrap(), 1));
            }
        }
        assert_exact(largest, &format!("{format:?}"));
    }
}

#[test]
fn primaries_white_and_black_are_the_published_values() {
    let Some(device) = Checked::open() else { return };
    let scene = Scene { color: bars, ..Scene::noise(40, 8) };
    let mut picture = device.picture(scene.size, LIMITED_709, SurfaceFormat::Nv12);
    picture.show(&scene.frame(0)).unwrap();
    let found = picture.fetch().unwrap();
    let at = |bar: usize| [0, 1, 2].map(|part| found.sample(part, (bar * 8 + 4) >> part.min(1), 2));
    // At 100 %, rounded: SMPTE RP 219 arithmetic.
    assert_eq!(at(0), [235, 128, 128]);
    assert_eq!(at(1), [16, 128, 128]);
    assert_eq!(at(2), [63, 102, 240]);
    assert_eq!(at(3), [173, 42, 26]);
    assert_eq!(at(4), [32, 240, 118]);
}

/// White, black, red, green and blue.
fn bars(x: u32, _: u32) -> u32 {
    [0xFF | 0xFF << 10 | 0xFF << 20, 0, 0xFF, 0xFF << 10, 0xFF << 20][x as usize / 8]
}

#[test]
fn odd_sizes_are_exact_to_the_last_pixel() {
    let Some(device) = Checked::open() else { return };
    for (width, height) in [(853, 479), (1, 1), (3, 2), (2, 5), (257, 131)] {
        for format in FORMATS {
            let scene = Scene::noise(width, height);
            let mut picture = device.picture(scene.size, LIMITED_709, format);
            picture.show(&scene.frame(0)).unwrap();
            let placement = placement(scene.size, scene.size);
            let reference = Reference { scene: &scene, colorimetry: LIMITED_709, format, placement };
            let found = picture.fetch().unwrap();
            assert_eq!(found.size, even(scene.size));
            assert_exact(reference.largest_error(&found, 1), &format!("{format:?} {}", scene.size));
        }
    }
}

#[test]
fn eight_k_is_exact_to_its_last_corner() {
    let Some(device) = Checked::open() else { return };
    for (source, target) in [((7680, 4320), (7680, 4320)), ((7680, 4320), (1920, 1080)), ((640, 360), (7680, 4320))] {
        let scene = Scene::noise(source.0, source.1);
        let visible = Size::new(target.0, target.1);
        let mut picture = device.picture(visible, FULL_2020, SurfaceFormat::P010);
        picture.show(&scene.frame(0)).unwrap();
        let reference = Reference {
            scene: &scene,
            colorimetry: FULL_2020,
            format: SurfaceFormat::P010,
            placement: placement(scene.size, visible),
        };
        // A prime number, so that all columns and rows of blocks are met.
        let step = if visible.width == 7680 { 67 } else { 37 };
        let largest = reference.largest_error(&picture.fetch().unwrap(), step);
        assert_exact(largest, &format!("{} to {visible}", scene.size));
    }
}

#[test]
fn another_size_is_filtered_and_letterboxed() {
    let Some(device) = Checked::open() else { return };
    for (source, target) in [
        ((160, 90), (320, 180)),
        ((320, 180), (160, 90)),
        ((400, 300), (640, 360)),
        ((300, 400), (640, 360)),
        ((1000, 40), (200, 200)),
        ((161, 93), (222, 126)),
        ((333, 187), (127, 201)),
    ] {
        for format in FORMATS {
            let scene = Scene::noise(source.0, source.1);
            let visible = Size::new(target.0, target.1);
            let mut picture = device.picture(visible, LIMITED_709, format);
            picture.show(&scene.frame(4)).unwrap();
            let placement = placement(scene.size, visible);
            let reference = Reference { scene: &scene, colorimetry: LIMITED_709, format, placement };
            let largest = reference.largest_error(&picture.fetch().unwrap(), 1);
            assert_exact(largest, &format!("{format:?}, {} to {visible}", scene.size));
        }
    }
}

#[test]
fn bars_are_black_of_the_range() {
    let Some(device) = Checked::open() else { return };
    for (range, black) in [(ColorRange::Limited, [16, 128, 128]), (ColorRange::Full, [0, 128, 128])] {
        let scene = Scene { color: |_, _| 0xFF << 10, ..Scene::noise(400, 300) };
        let colorimetry = Colorimetry { space: ColorSpace::Bt709, range };
        let mut picture = device.picture(Size::new(640, 360), colorimetry, SurfaceFormat::Nv12);
        picture.show(&scene.frame(16)).unwrap();
        let found = picture.fetch().unwrap();
        let at = |x: usize, y: usize| [0, 1, 2].map(|part| found.sample(part, x >> part.min(1), y >> part.min(1)));
        for (x, y) in [(0, 0), (79, 180), (560, 180), (639, 359)] {
            assert_eq!(at(x, y), black, "{x},{y}");
        }
        let green = color_matrix::exact([0, 255, 0], colorimetry);
        for (x, y) in [(80, 0), (320, 180), (559, 359)] {
            for (got, exact) in at(x, y).into_iter().zip(green) {
                assert!((f64::from(got) - exact).abs() <= 0.505, "{x},{y}: {got} {exact}");
            }
        }
    }
}

#[test]
fn a_bottom_up_frame_comes_out_upright() {
    let Some(device) = Checked::open() else { return };
    let (size, scene) = (Size::new(66, 35), Scene::noise(66, 35));
    let turned = Scene { color: |x, y| noise(x, 34 - y), ..scene };
    for visible in [size, Size::new(90, 64)] {
        let mut upright = device.picture(visible, LIMITED_709, SurfaceFormat::Nv12);
        upright.show(&scene.frame(0)).unwrap();
        let mut picture = device.picture(visible, LIMITED_709, SurfaceFormat::Nv12);
        picture.show(&Frame { bottom_up: true, ..turned.frame(0) }).unwrap();
        assert_eq!(samples(&picture), samples(&upright), "{visible}");
        // What changed is told in rows of the picture or of the memory; all is right.
        let next = Frame { bottom_up: true, number: 1, changed: Some(0..2), ..turned.frame(0) };
        assert_eq!(picture.show(&next).unwrap(), 0..even(visible).height);
        assert_eq!(samples(&picture), samples(&upright), "{visible}");
    }
}

/// Rows that did not change hold rubbish: nobody may look at them.
#[test]
fn of_a_frame_that_follows_only_changed_rows_are_read_and_written() {
    let Some(device) = Checked::open() else { return };
    let source = Size::new(96, 77);
    for (visible, format) in [
        (source, SurfaceFormat::Nv12),
        (Size::new(150, 130), SurfaceFormat::P010),
        (Size::new(60, 30), SurfaceFormat::Yuv444),
    ] {
        let mut picture = device.picture(visible, LIMITED_709, format);
        let mut screen = Scene { size: source, ..Scene::noise(96, 77) }.frame(0).read().unwrap().to_vec();
        let stride = source.width as usize * 4;
        picture.show(&frame(screen.clone(), source, stride)).unwrap();
        for number in 1..40_u32 {
            let from = noise(number, 1) % source.height;
            let to = (from + noise(number, 2) % 9).min(source.height);
            let before = samples(&picture);
            let mut sent = vec![0x77; screen.len()];
            for row in from as usize..to as usize {
                let bytes = &mut screen[row * stride..(row + 1) * stride];
                bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(5).wrapping_add(number.to_le_bytes()[0]));
                sent[row * stride..(row + 1) * stride].copy_from_slice(bytes);
            }
            let part = Frame { number: number.into(), changed: Some(from..to), ..frame(sent, source, stride) };
            let written = picture.show(&part).unwrap();
            let mut whole = device.picture(visible, LIMITED_709, format);
            whole.show(&frame(screen.clone(), source, stride)).unwrap();
            assert!(samples(&picture) == samples(&whole), "{visible}: rows {from}..{to}, {written:?} written");
            assert!(to > from || written.is_empty());
            let (after, width) = (samples(&picture), even(visible).width as usize);
            for row in (0..even(visible).height).filter(|row| !written.contains(row)) {
                let at = row as usize * width..(row as usize + 1) * width;
                assert!(before[at.clone()] == after[at], "row {row} of {written:?}");
            }
            assert!(visible != source || written.end - written.start <= to - from + 2, "{written:?} for {from}..{to}");
        }
    }
}

/// Mesa on the CPU takes a file in memory for a DMA-BUF, from 24.3 on.
#[test]
fn frames_in_dmabufs_are_taken_in_once_and_read_where_they_are() {
    let Some(device) = Checked::open() else { return };
    if !device.0.physical().imports_linear {
        return eprintln!("SKIPPED: {} takes in no DMA-BUFs", device.0.physical().name);
    }
    let visible = Size::new(150, 130);
    let mut picture = device.picture(visible, LIMITED_709, SurfaceFormat::P010);
    let buffers =
        [0, 1].map(|_| File::from(rustix::fs::memfd_create("dmabuf", rustix::fs::MemfdFlags::empty()).unwrap()));
    let colors = [noise, |x, y| noise(y, x), |x, y| noise(x + 7, y), |x, y| noise(x, y + 9)];
    for (number, color) in (0..).zip(colors) {
        let scene = Scene { color, ..Scene::noise(96, 77) };
        let (bytes, stride) = scene.bytes(PixelLayout::Bgrx8, 0);
        let id = number % 2;
        let file = &buffers[usize::try_from(id).unwrap()];
        file.write_all_at(&bytes, 0).unwrap();
        let plane = DmabufPlane { fd: file.as_fd(), offset: 0, stride: u32::try_from(stride).unwrap() };
        let fourcc = u32::from_le_bytes(*b"XR24");
        let dmabuf = Dmabuf { planes: &[plane], modifier: 0, fourcc, width: 96, height: 77 };
        // All changed, which a compositor may say, too.
        let frame = Frame { number, changed: Some(0..77), ..frame(Vec::new(), scene.size, stride) };
        picture.show_dmabuf(&frame, id, &dmabuf).unwrap();
        let placement = placement(scene.size, visible);
        let reference = Reference { scene: &scene, colorimetry: LIMITED_709, format: SurfaceFormat::P010, placement };
        assert_exact(reference.largest_error(&picture.fetch().unwrap(), 1), "from a DMA-BUF");
        assert_eq!(picture.imported.len(), buffers.len().min(usize::try_from(number).unwrap() + 1));
    }
    let plane = DmabufPlane { fd: buffers[0].as_fd(), offset: 0, stride: 96 * 4 };
    let tiled = Dmabuf { planes: &[plane], modifier: 1 << 56, fourcc: 0x3432_5258, width: 96, height: 77 };
    let error = picture.show_dmabuf(&frame(Vec::new(), Size::new(96, 77), 96 * 4), 9, &tiled).unwrap_err();
    assert!(error.to_string().contains("modifier 0x100000000000000"), "{error}");
    let error = picture.show_dmabuf(&frame(Vec::new(), Size::new(96, 78), 96 * 4), 9, &tiled).unwrap_err();
    assert!(error.to_string().contains("of another size"), "{error}");
}

#[test]
fn a_frame_that_does_not_follow_is_converted_whole() {
    let Some(device) = Checked::open() else { return };
    let scene = Scene::noise(64, 64);
    let mut picture = device.picture(scene.size, LIMITED_709, SurfaceFormat::Nv12);
    picture.show(&Frame { number: 1, ..scene.frame(0) }).unwrap();
    let other = Scene { color: |x, y| noise(y, x), ..scene };
    let written = picture.show(&Frame { number: 3, changed: Some(0..2), ..other.frame(0) }).unwrap();
    assert_eq!(written, 0..64);
    let mut whole = device.picture(scene.size, LIMITED_709, SurfaceFormat::Nv12);
    whole.show(&other.frame(0)).unwrap();
    assert_eq!(samples(&picture), samples(&whole));
}

#[test]
fn a_source_that_changes_size_leaves_nothing_of_the_old_one() {
    let Some(device) = Checked::open() else { return };
    let mut picture = device.picture(Size::new(640, 360), LIMITED_709, SurfaceFormat::Nv12);
    let white = |width, height| Scene { color: |_, _| 0x3FFF_FFFF, ..Scene::noise(width, height) };
    let luma = |picture: &VulkanPicture, x, y| picture.fetch().unwrap().sample(0, x, y);
    picture.show(&white(640, 360).frame(0)).unwrap();
    assert_eq!(luma(&picture, 0, 0), 235);
    picture.show(&Frame { number: 1, changed: Some(0..2), ..white(360, 640).frame(0) }).unwrap();
    assert_eq!((luma(&picture, 0, 0), luma(&picture, 320, 180)), (16, 235));
    picture.show(&Frame { number: 2, changed: Some(0..2), ..white(640, 360).frame(0) }).unwrap();
    assert_eq!(luma(&picture, 0, 359), 235, "where bars were, nothing of the picture is there already");
}

#[test]
fn broken_frames_are_refused_and_the_next_one_is_shown() {
    let Some(device) = Checked::open() else { return };
    let scene = Scene::noise(64, 64);
    let mut picture = device.picture(scene.size, LIMITED_709, SurfaceFormat::Nv12);
    let good = || scene.frame(0);
    let refused = |picture: &mut VulkanPicture, frame: Frame| picture.show(&frame).unwrap_err().to_string();
    let short = Frame { pixels: Pixels::Owned(Arc::from(vec![0; 100])), ..good() };
    assert!(refused(&mut picture, short).contains("100 bytes"));
    assert!(refused(&mut picture, Frame { stride: 64, ..good() }).contains("64 bytes apart"));
    assert!(refused(&mut picture, Frame { size: Size::new(0, 64), ..good() }).contains("empty"));
    let wide = Size::new(40_000, 1);
    let error = refused(&mut picture, frame(vec![0; 160_000], wide, 160_000));
    assert!(error.contains("ERROR_FORMAT_NOT_SUPPORTED"), "{error}");
    picture.show(&good()).unwrap();
    let mut whole = device.picture(scene.size, LIMITED_709, SurfaceFormat::Nv12);
    whole.show(&good()).unwrap();
    assert_eq!(samples(&picture), samples(&whole));
}

/// All samples without the padding of rows, luma first.
fn samples(picture: &VulkanPicture) -> Vec<u16> {
    let found = picture.fetch().unwrap();
    let (width, height) = (found.size.width as usize, found.size.height as usize);
    let half = if found.format.is_444() { 1 } else { 2 };
    let planes = [(width, height), (width / half, height / half), (width / half, height / half)];
    let all = planes
        .into_iter()
        .enumerate()
        .flat_map(|(part, (width, height))| (0..height).flat_map(move |y| (0..width).map(move |x| (part, x, y))));
    all.map(|(part, x, y)| found.sample(part, x, y)).collect()
}

const FORMATS: [SurfaceFormat; 4] =
    [SurfaceFormat::Nv12, SurfaceFormat::P010, SurfaceFormat::Yuv444, SurfaceFormat::Yuv444Ten];
const SPACES: [ColorSpace; 3] = [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020];
const RANGES: [ColorRange; 2] = [ColorRange::Limited, ColorRange::Full];
const LIMITED_709: Colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
const FULL_2020: Colorimetry = Colorimetry { space: ColorSpace::Bt2020, range: ColorRange::Full };
