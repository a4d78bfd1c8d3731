//! An encoder, what it is shown, and what a decoder makes of it.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use earthshine::clock::Micros;
use earthshine::codec::{VideoCodec, VideoProfile};
use earthshine::stream_plan::{Conversion, EncoderFamily, StreamPlan, VideoPlan};
use earthshine::units::Size;
use earthshine::worker::encode::{Encoder, FrameRequest, select};
use earthshine::worker::frame::{EncodedFrame, Frame, PixelFormat, Pixels};

pub(crate) fn plan(family: EncoderFamily, width: u32, height: u32) -> VideoPlan {
    let plan = StreamPlan::small_test_card(vec![family]).video;
    VideoPlan { size: Size::new(width, height), slices: 3, ..plan }
}

/// An encoder, and what it was shown.
pub(crate) struct Stage {
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) size: Size,
    picture: u32,
    ten_bit: bool,
}

impl Stage {
    pub(crate) fn open(plan: &VideoPlan) -> Self {
        let encoder = select::open(plan).expect("an encoder").encoder;
        Self { encoder, size: plan.size, picture: 0, ten_bit: plan.profile.ten_bit }
    }

    /// A picture of which one part is different each time, and the rest stays.
    pub(crate) fn show(&mut self) {
        self.show_from(self.size, None);
    }

    /// The same from a desktop of another size, of which these rows changed.
    pub(crate) fn show_from(&mut self, size: Size, changed: Option<std::ops::Range<u32>>) {
        let (width, height) = (size.width as usize, size.height as usize);
        let at = self.picture as usize * 5;
        let mut bytes = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            for x in 0..width {
                let moves = (x + width - at % width) % width < 24 && y % 64 < 20;
                let shade = if moves { 40 + at % 200 } else { (x * 3 + y * 5) % 160 };
                let shade = u8::try_from(shade).expect("a shade");
                bytes.extend_from_slice(&[shade, shade / 2 + 60, 255 - shade, 0]);
            }
        }
        let frame = Frame { changed, ..frame(bytes, size, self.picture.into()) };
        self.encoder.load(&frame).expect("a picture is taken");
    }

    pub(crate) fn encode(&mut self, idr: bool) -> EncodedFrame {
        let request = FrameRequest { picture: self.picture, idr, repeated: false, captured: Micros(0) };
        self.picture += 1;
        self.encoder.encode(request).expect("a picture is encoded")
    }

    /// The next picture, coded, and as it went in: what [`decode`] makes of it.
    pub(crate) fn next(&mut self, idr: bool) -> (EncodedFrame, Vec<u8>) {
        self.show();
        let coded = self.encode(idr);
        let samples = self.encoder.picture().expect("a picture").samples;
        let widened = |sample: &u8| (u16::from(*sample) << 2 | u16::from(*sample) >> 6).to_le_bytes();
        let samples = if self.ten_bit { samples.iter().flat_map(widened).collect() } else { samples };
        (coded, samples)
    }
}

pub(crate) fn frame(bytes: Vec<u8>, size: Size, number: u64) -> Frame {
    Frame {
        pixels: Pixels::Owned(Arc::from(bytes)),
        size,
        stride: size.width as usize * 4,
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number,
        changed: None,
        presented: Micros(0),
        captured: Micros(0),
    }
}

/// What FFmpeg decodes: planes, one after the other.
pub(crate) fn decode(stream: &[u8], profile: VideoProfile, size: usize) -> Vec<Vec<u8>> {
    let format = match profile.codec {
        VideoCodec::Av1 => "obu",
        codec => codec.name(),
    };
    let bits = if profile.ten_bit { "10le" } else { "" };
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), stream).expect("the stream is written");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-flags", "+low_delay", "-f", format, "-i"])
        .arg(file.path())
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", &format!("yuv420p{bits}"), "-"])
        .output()
        .expect("ffmpeg");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    output.stdout.chunks(size).map(<[u8]>::to_vec).collect()
}

/// Whether pictures were decoded as they were shown: to the very sample, and in AV1, which
/// its stand-in does not code without loss, with none off by more than one.
pub(crate) fn are_shown(plan: &VideoPlan, decoded: &[Vec<u8>], shown: &[Vec<u8>]) -> bool {
    let most = if plan.profile.codec == VideoCodec::Av1 { 1 } else { 0 };
    decoded.len() == shown.len()
        && decoded.iter().zip(shown).all(|(decoded, shown)| farthest(plan, decoded, shown) <= most)
}

/// How far samples are off at most. Of 10 bits that a GPU converted, the upper 8 are compared:
/// a picture that is fetched from there has no more.
pub(crate) fn farthest(plan: &VideoPlan, decoded: &[u8], shown: &[u8]) -> u16 {
    assert_eq!(decoded.len(), shown.len(), "a picture of another size");
    let unknown = if plan.conversion == Conversion::Cpu { 0 } else { 2 };
    let samples = |picture: &[u8]| -> Vec<u16> {
        if plan.profile.ten_bit {
            picture.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes) >> unknown).collect()
        } else {
            picture.iter().copied().map(u16::from).collect()
        }
    };
    samples(decoded).iter().zip(samples(shown)).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
}

/// The upper 8 bits of samples of 10.
pub(crate) fn upper_bits(samples: &[u8]) -> Vec<u8> {
    let words = samples.as_chunks::<2>().0.iter();
    words.map(|word| u8::try_from(u16::from_le_bytes(*word) >> 2).expect("10 bits")).collect()
}
