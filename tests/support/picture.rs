//! Eyes: what the client received, decoded by ffmpeg.
//!
//! ffmpeg is a decoder that is not ours, and it obeys the colour signalling in
//! the stream. Pictures come out one after another, in the order of the frame
//! records, and only the wanted ones are kept: a second of 1080p is 370 MB.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use earthshine::frame_marker::Marker;
use earthshine::units::Size;

/// A decoded picture, 8-bit RGB.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) size: Size,
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    /// Colour at a place given in thousandths of width and height: the mean of
    /// a small square, so that one coded block does not decide.
    pub(crate) fn color(&self, x_permille: u32, y_permille: u32) -> [u8; 3] {
        let x = (self.size.width - 1) * x_permille / 1000;
        let y = (self.size.height - 1) * y_permille / 1000;
        let mut sums = [0_u32; 3];
        let mut count = 0;
        for row in y.saturating_sub(2)..=(y + 2).min(self.size.height - 1) {
            for column in x.saturating_sub(2)..=(x + 2).min(self.size.width - 1) {
                for (sum, value) in sums.iter_mut().zip(self.pixel(column, row)) {
                    *sum += u32::from(value);
                }
                count += 1;
            }
        }
        sums.map(|sum| u8::try_from(sum / count).expect("a mean of bytes"))
    }

    /// One pixel.
    pub(crate) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.size.width as usize + x as usize) * 3;
        self.rgb[start..start + 3].try_into().expect("three bytes")
    }

    /// The frame marker that pattern window and test card draw.
    pub(crate) fn marker(&self) -> Option<Marker> {
        Marker::read(self.size, |x, y| luma(self.pixel(x, y)))
    }

    /// Peak signal-to-noise ratio in decibels against a picture of the same size.
    pub(crate) fn psnr(&self, other: &Self) -> f64 {
        assert_eq!(self.size, other.size);
        let squares: u64 = self.rgb.iter().zip(&other.rgb).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        #[allow(clippy::cast_precision_loss, reason = "a mean of some million bytes")]
        let error = squares as f64 / self.rgb.len() as f64;
        10.0 * (255.0_f64.powi(2) / error.max(1e-9)).log10()
    }

    /// Share of pixels, 0 to 1, that differ from another picture by more than
    /// `limit` in some channel.
    pub(crate) fn changed_from(&self, other: &Self, limit: u8) -> f64 {
        assert_eq!(self.size, other.size);
        let pairs = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3));
        let changed = pairs.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > limit)).count();
        #[allow(clippy::cast_precision_loss, reason = "counts of pixels")]
        let share = changed as f64 * 3.0 / self.rgb.len() as f64;
        share
    }
}

/// Whether two colours are as close as 4:2:0 coding leaves flat areas.
pub(crate) fn is_close(seen: [u8; 3], wanted: [u8; 3]) -> bool {
    seen.iter().zip(wanted).all(|(seen, wanted)| seen.abs_diff(wanted) <= 12)
}

/// Decodes an elementary stream and hands over every picture with its index.
///
/// # Panics
/// If ffmpeg fails or complains: a stream that a client got must be flawless.
pub(crate) fn decode(video: &Path, size: Size, mut look: impl FnMut(usize, Picture)) {
    let mut ffmpeg = start_ffmpeg(video);
    let mut stdout = ffmpeg.stdout.take().expect("piped");
    let length = size.width as usize * size.height as usize * 3;
    let mut index = 0;
    loop {
        let mut rgb = vec![0; length];
        if stdout.read_exact(&mut rgb).is_err() {
            break;
        }
        look(index, Picture { size, rgb });
        index += 1;
    }
    let output = ffmpeg.wait_with_output().expect("wait for ffmpeg");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && words.trim().is_empty(),
        "ffmpeg on {}: {}\n{words}",
        video.display(),
        output.status
    );
}

/// The pictures with these indices.
pub(crate) fn pictures(video: &Path, size: Size, wanted: impl Fn(usize) -> bool) -> Vec<Picture> {
    let mut kept = Vec::new();
    decode(video, size, |index, picture| {
        if wanted(index) {
            kept.push(picture);
        }
    });
    kept
}

/// The last picture.
///
/// # Panics
/// If there is none.
pub(crate) fn last(video: &Path, size: Size) -> Picture {
    let mut last = None;
    decode(video, size, |_, picture| last = Some(picture));
    last.expect("a picture in the stream")
}

/// Markers of all pictures, `None` where none can be read.
pub(crate) fn markers(video: &Path, size: Size) -> Vec<Option<Marker>> {
    let mut markers = Vec::new();
    decode(video, size, |_, picture| markers.push(picture.marker()));
    markers
}

/// Width and height that the stream itself declares.
///
/// # Panics
/// If ffprobe cannot tell.
pub(crate) fn declared_size(video: &Path) -> Size {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-f",
            format_of(video),
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=width,height",
            "-of",
            "csv=p=0",
        ])
        .arg(video)
        .output()
        .expect("ffprobe");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.trim().split(',').map(|number| number.parse().expect("a number"));
    let mut next = || numbers.next().unwrap_or_else(|| panic!("ffprobe says {text:?}"));
    Size::new(next(), next())
}

/// Name of the elementary stream's format, from the file's.
fn format_of(video: &Path) -> &str {
    video.extension().and_then(|extension| extension.to_str()).expect("a name with an extension")
}

fn start_ffmpeg(video: &Path) -> Child {
    Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", format_of(video), "-i"])
        .arg(video)
        .args(["-fps_mode", "passthrough", "-vf", "scale=flags=accurate_rnd+full_chroma_inp+full_chroma_int"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start ffmpeg")
}

fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 54 + u32::from(green) * 183 + u32::from(blue) * 19;
    u8::try_from(sum / 256).expect("a weighted mean of bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_a_coded_picture_are_found_again() {
        if super::super::needs::find_program("ffmpeg").is_none() {
            return super::super::skip::skip("ffmpeg");
        }
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("red.h264");
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "color=c=0xc82828:s=320x240:r=10:d=1", "-c:v", "libx264"])
            .args(["-pix_fmt", "yuv420p", "-f", "h264"])
            .arg(&file)
            .status()
            .expect("ffmpeg");
        assert!(made.success());
        let size = Size::new(320, 240);
        let pictures = pictures(&file, size, |index| index < 2);
        assert_eq!((pictures.len(), declared_size(&file)), (2, size));
        assert!(is_close(pictures[0].color(500, 500), [200, 40, 40]), "{:?}", pictures[0].color(500, 500));
        assert!(pictures[0].psnr(&pictures[1]) > 40.0);
        assert!(pictures[0].marker().is_none());
    }
}
