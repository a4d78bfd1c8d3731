//! What FFmpeg makes of a stream, against what was encoded.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, ensure};

use crate::codec::{Chroma, VideoCodec};
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::content::Painter;
use crate::quality::{self, Plane};
use crate::worker::convert::picture::Picture;
use crate::worker::encode_measure::Job;

/// Of every frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Quality {
    /// Of luma, in decibels.
    pub(super) psnr: Vec<f64>,
    /// Of luma.
    pub(super) ssim: Vec<f64>,
}

/// Decodes the stream of a job, and compares it with the pictures that it was made of.
pub(super) fn compare(job: &Job) -> anyhow::Result<Quality> {
    let format = match job.profile.codec {
        VideoCodec::H264 => "h264",
        VideoCodec::Hevc => "hevc",
        VideoCodec::Av1 => "obu",
    };
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", format, "-i"])
        .arg(&job.stream)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("the quality is not measured without ffmpeg (apt-get install ffmpeg, or --no-quality)")?;
    let pictures = ffmpeg.stdout.take().context("no pipe")?;
    let quality = quality(job, io::BufReader::with_capacity(PIPE, pictures));
    // It has said all, or nobody listens any more.
    drop((ffmpeg.kill(), ffmpeg.wait()));
    let quality = quality?;
    let (decoded, encoded) = (quality.psnr.len(), job.frames as usize);
    ensure!(decoded == encoded, "{decoded} frames decoded of {encoded} that were encoded");
    Ok(quality)
}

fn quality(job: &Job, mut pictures: impl Read) -> anyhow::Result<Quality> {
    let (width, height) = (job.size.width as usize, job.size.height as usize);
    let mut samples = vec![0; width * height + width.div_ceil(2) * height.div_ceil(2) * 2];
    let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
    let (painter, mut source) =
        (Painter::new(job.content, job.size), Picture::new(job.size, Chroma::Yuv420, colorimetry));
    let (mut drawn, mut luma) = (vec![0; painter.bytes()], vec![0; width * height]);
    let mut quality = Quality::default();
    for number in 0..job.frames {
        if pictures.read_exact(&mut samples).is_err() {
            break;
        }
        painter.draw(number, &mut drawn);
        source.show(&job.frame(Arc::from(drawn.as_slice()), number))?;
        for (row, to) in luma.chunks_exact_mut(width).enumerate() {
            to.copy_from_slice(&source.planes().luma_row(row)[..width]);
        }
        let (before, after) = (Plane { samples: &luma, width }, Plane { samples: &samples[..width * height], width });
        quality.psnr.push(quality::psnr(before, after));
        quality.ssim.push(quality::ssim(before, after));
    }
    Ok(quality)
}

/// Bytes that are read at once.
const PIPE: usize = 1 << 20;
