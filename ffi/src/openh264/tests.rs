//! What an encoder makes of pictures, as far as it can be said without a decoder.

use super::*;

fn settings(width: u32, height: u32, slices: u8) -> Settings {
    Settings {
        width,
        height,
        frame_rate: 60.0,
        bitrate: 5_000_000,
        slices,
        threads: slices,
        primaries: 1,
        transfer: 1,
        matrix: 1,
        full_range: false,
    }
}

struct Planes {
    width: usize,
    y: Vec<u8>,
    c: Vec<u8>,
}

impl Planes {
    fn new(width: usize, height: usize, seed: usize) -> Self {
        let y = (0..width * height).map(|i| u8::try_from((i * 7 + seed * 31 + i / width * 3) % 220).unwrap()).collect();
        Self { width, y, c: vec![128; width * height / 4] }
    }

    fn picture(&self) -> Picture<'_> {
        Picture { y: &self.y, u: &self.c, v: &self.c, y_stride: self.width, uv_stride: self.width / 2 }
    }
}

/// Types of the NAL units of an access unit.
fn nal_types(unit: &[u8]) -> Vec<u8> {
    unit.windows(4).filter(|bytes| bytes[..3] == [0, 0, 1]).map(|bytes| bytes[3] & 31).collect()
}

#[test]
fn an_idr_frame_opens_with_its_parameter_sets() {
    let mut encoder = Encoder::open(&settings(320, 176, 1)).unwrap();
    let mut units = Vec::new();
    for index in 0..6 {
        let mut unit = Vec::new();
        let planes = Planes::new(320, 176, index);
        let kind = encoder.encode(&planes.picture(), 30, index == 0 || index == 4, &mut unit).unwrap();
        assert_eq!(kind == CodedKind::Idr, index == 0 || index == 4, "frame {index}");
        units.push(nal_types(&unit));
    }
    assert_eq!(units, [vec![7, 8, 5], vec![1], vec![1], vec![1], vec![7, 8, 5], vec![1]]);
}

#[test]
fn another_quantizer_resets_nothing() {
    let mut encoder = Encoder::open(&settings(320, 176, 1)).unwrap();
    let planes = Planes::new(320, 176, 1);
    let mut sizes = Vec::new();
    for (index, quantizer) in [40, 40, 20, 45, 10].into_iter().enumerate() {
        let mut unit = Vec::new();
        encoder.encode(&planes.picture(), quantizer, false, &mut unit).unwrap();
        assert_eq!(nal_types(&unit).contains(&5), index == 0);
        sizes.push(unit.len());
    }
    assert!(sizes[2] > sizes[1] * 4 && sizes[4] > sizes[3] * 4, "{sizes:?}");
}

#[test]
fn slices_are_as_many_as_asked() {
    for slices in [2, 3, 4, 8] {
        let mut encoder = Encoder::open(&settings(1280, 720, slices)).unwrap();
        let mut unit = Vec::new();
        encoder.encode(&Planes::new(1280, 720, 0).picture(), 30, true, &mut unit).unwrap();
        assert_eq!(nal_types(&unit).iter().filter(|&&kind| kind == 5).count(), usize::from(slices));
    }
}

#[test]
fn sizes_the_library_cannot_code_are_refused() {
    for (width, height) in [(853, 480), (8, 480), (0, 0), (8192, 8192)] {
        assert!(matches!(Encoder::open(&settings(width, height, 1)), Err(OpenError::Size { .. })), "{width}x{height}");
    }
}

#[test]
fn planes_too_small_are_refused() {
    let mut encoder = Encoder::open(&settings(320, 176, 1)).unwrap();
    let planes = Planes::new(320, 160, 0);
    let error = encoder.encode(&planes.picture(), 30, false, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, EncodeError::SmallPicture { width: 320, height: 176 }));
}
