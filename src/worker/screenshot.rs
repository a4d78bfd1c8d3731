//! Screenshots: what a worker hands out, and `earthshine picture`, the process
//! that makes a file of it.
//!
//! The encode thread copies its newest picture and goes on; a thread of low
//! priority, which ends with that, writes the copy into a pipe. At the other
//! end is a process of its own, because compressing takes longer than a frame
//! and must take nothing from a stream. Of a desktop that nobody streams, that
//! process takes a picture by itself.

use std::fs::File;
use std::io::{self, Cursor, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{FilterType, resize};
use image::{ExtendedColorType, ImageEncoder, ImageError, RgbImage};
use tracing::debug;
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::codec::Chroma;
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::ipc::counters_page::{CountersPage, WorkerThread};
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{CapturePlan, Source, StreamPlan};
use crate::worker::capture::{CaptureError, source};
use crate::worker::convert::picture::Picture;
use crate::worker::convert::planes::Planes;
use crate::worker::heartbeat::Pulse;

/// A copy of planes.
pub(crate) fn copy(planes: &Planes, colorimetry: Colorimetry) -> RawPicture {
    let size = planes.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let mut samples = Vec::with_capacity(RawPicture::len_of(size));
    planes.y.chunks(planes.y_stride).take(height).for_each(|row| samples.extend_from_slice(&row[..width]));
    // Of chroma of full size, every other sample will do.
    let step = 2 / planes.chroma_step();
    for plane in [&planes.u, &planes.v] {
        for row in plane.chunks(planes.uv_stride).step_by(step).take(height / 2) {
            samples.extend(row.iter().step_by(step).take(width / 2));
        }
    }
    RawPicture { size, colorimetry, samples }
}

/// Writes a picture into a pipe, from a thread of its own. It ends when the
/// picture is through or nobody reads any more.
pub(crate) fn hand_out(picture: RawPicture, pipe: OwnedFd) {
    let write = move || {
        lower_priority();
        if let Err(error) = picture.write(File::from(pipe)) {
            debug!(%error, "picture not taken");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("picture".to_owned()).spawn(write) {
        debug!(%error, "no thread for a picture");
    }
}

/// What `earthshine picture` makes.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// File format.
    pub format: Format,
    /// Pixels in a row, if fewer than the picture has; the height follows.
    pub width: Option<u32>,
    /// Wayland socket of the desktop to take a picture of; standard input if
    /// there is one already.
    pub wayland: Option<PathBuf>,
    /// What the desktop's picture is captured into.
    pub capture: CapturePlan,
}

/// File format of a screenshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Without loss.
    Png,
    /// Small.
    Jpeg,
    /// Without loss, smaller than PNG.
    Webp,
}

/// Why there is no screenshot.
#[derive(Debug, thiserror::Error)]
enum ScreenshotError {
    #[error("there is no picture yet")]
    NoPicture,
    #[error("read the picture: {0}")]
    Read(io::Error),
    #[error("capture: {0}")]
    Capture(#[from] CaptureError),
    #[error("convert: {0}")]
    Convert(String),
    #[error("compress: {0}")]
    Compress(#[from] ImageError),
    #[error("write: {0}")]
    Write(io::Error),
}

/// Runs `earthshine picture`: the file goes to standard output. Exit status 3
/// says that there is no picture yet.
#[must_use]
pub fn main(wanted: &Wanted) -> ExitCode {
    lower_priority();
    match run(wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            if matches!(error, ScreenshotError::NoPicture) { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

fn run(wanted: &Wanted) -> Result<(), ScreenshotError> {
    let picture = match &wanted.wayland {
        Some(socket) => capture(socket, &wanted.capture)?,
        None => {
            RawPicture::read(io::stdin().lock()).map_err(ScreenshotError::Read)?.ok_or(ScreenshotError::NoPicture)?
        }
    };
    let file = file_of(&picture, wanted.format, wanted.width)?;
    let mut out = io::stdout().lock();
    out.write_all(&file).and_then(|()| out.flush()).map_err(ScreenshotError::Write)
}

/// The next picture of a desktop.
fn capture(socket: &Path, into: &CapturePlan) -> Result<RawPicture, ScreenshotError> {
    let counters = Arc::new(CountersPage::create().map_err(ScreenshotError::Read)?);
    let pulse = Pulse::new(WorkerThread::Capture, counters, Arc::new(AtomicBool::new(false)));
    let desktop = Source::Desktop { wayland: socket.to_owned(), sound: None, seat: None };
    let mut plan = StreamPlan::small_test_card(Vec::new());
    plan.video.capture = into.clone();
    let mut source = source::open(&desktop, &plan.video, &Arc::default(), &pulse)?.ok_or(ScreenshotError::NoPicture)?;
    let deadline = Instant::now() + CAPTURE_DEADLINE;
    while Instant::now() < deadline {
        if let Some(frame) = source.next_frame(CAPTURE_PATIENCE)? {
            let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Full };
            let mut picture = Picture::new(frame.size, Chroma::Yuv420, colorimetry);
            picture.show(&frame).map_err(|error| ScreenshotError::Convert(error.to_string()))?;
            return Ok(copy(picture.planes(), colorimetry));
        }
    }
    Err(ScreenshotError::NoPicture)
}

fn file_of(picture: &RawPicture, format: Format, width: Option<u32>) -> Result<Vec<u8>, ScreenshotError> {
    let mut pixels = rgb(picture)?;
    if let Some(width) = width.map(|width| width.max(1)).filter(|width| *width < pixels.width()) {
        let height = (u64::from(pixels.height()) * u64::from(width) / u64::from(pixels.width())).max(1);
        pixels = resize(&pixels, width, u32::try_from(height).unwrap_or(1), FilterType::Triangle);
    }
    let mut file = Cursor::new(Vec::new());
    let (width, height) = pixels.dimensions();
    match format {
        Format::Png => PngEncoder::new(&mut file).write_image(&pixels, width, height, ExtendedColorType::Rgb8)?,
        Format::Jpeg => JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY).write_image(
            &pixels,
            width,
            height,
            ExtendedColorType::Rgb8,
        )?,
        Format::Webp => {
            WebPEncoder::new_lossless(&mut file).write_image(&pixels, width, height, ExtendedColorType::Rgb8)?;
        }
    }
    Ok(file.into_inner())
}

fn rgb(picture: &RawPicture) -> Result<RgbImage, ScreenshotError> {
    let (width, height) = (picture.size.width, picture.size.height);
    let (luma, chroma) = picture.samples.split_at(width as usize * height as usize);
    let (u, v) = chroma.split_at(chroma.len() / 2);
    let planes = YuvPlanarImage {
        y_plane: luma,
        y_stride: width,
        u_plane: u,
        u_stride: width / 2,
        v_plane: v,
        v_stride: width / 2,
        width,
        height,
    };
    let range = match picture.colorimetry.range {
        ColorRange::Limited => YuvRange::Limited,
        ColorRange::Full => YuvRange::Full,
    };
    let matrix = match picture.colorimetry.space {
        ColorSpace::Bt601 => YuvStandardMatrix::Bt601,
        ColorSpace::Bt709 => YuvStandardMatrix::Bt709,
        ColorSpace::Bt2020 => YuvStandardMatrix::Bt2020,
    };
    let mut pixels = RgbImage::new(width, height);
    yuv::yuv420_to_rgb(&planes, &mut pixels, width * 3, range, matrix)
        .map_err(|error| ScreenshotError::Convert(error.to_string()))?;
    Ok(pixels)
}

/// Streams come first.
fn lower_priority() {
    // Best effort: without it, it is only less polite.
    let _ = rustix::process::nice(10);
}

/// How long a compositor may take; the first picture comes at once.
const CAPTURE_DEADLINE: Duration = Duration::from_secs(3);
const CAPTURE_PATIENCE: Duration = Duration::from_millis(100);
const JPEG_QUALITY: u8 = 90;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    #[test]
    fn all_formats_show_the_picture_and_can_be_smaller() {
        let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
        let mut planes = Planes::new(Size::new(64, 32), Chroma::Yuv420, [0, 128, 128]);
        let [y, u, v] = crate::worker::convert::color_matrix::exact([200, 40, 40], colorimetry).map(|sample| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sample")]
            let sample = sample.round() as u8;
            sample
        });
        planes.y.fill(y);
        planes.u.fill(u);
        planes.v.fill(v);
        let picture = copy(&planes, colorimetry);
        for format in [Format::Png, Format::Jpeg, Format::Webp] {
            for (width, size) in [(None, (64, 32)), (Some(16), (16, 8)), (Some(1000), (64, 32))] {
                let file = file_of(&picture, format, width).unwrap();
                let shown = image::load_from_memory(&file).unwrap().into_rgb8();
                assert_eq!(shown.dimensions(), size, "{format:?}");
                let pixel = shown.get_pixel(size.0 / 2, size.1 / 2).0;
                let near = pixel.iter().zip([200, 40, 40]).all(|(a, b)| a.abs_diff(b) <= 4);
                assert!(near, "{format:?}: {pixel:?}");
            }
        }
    }
}
