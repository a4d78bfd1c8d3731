//! The picture on the device, known to the session.

use std::rc::Rc;

use super::api::{Handle, zeroed};
use super::encoder::EncoderError;
use super::error::NvencError;
use super::session::{Session, call};
use super::settings::{Samples, Settings};
use super::sys::*;
use crate::cuda::{CudaError, DeviceMemory, HostMemory, Plane, Stream};

/// A picture of 8 bits in three planes, of the encoder's size and chroma.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Luma, blue difference and red difference: rows, and bytes from row to row.
    pub planes: [(&'a [u8], usize); 3],
}

/// Memory that the engine reads, with what it takes to fill it.
#[derive(Debug)]
pub(crate) struct Input {
    registration: Registration,
    // After the registration is given back.
    memory: DeviceMemory,
    staging: HostMemory,
    stream: Stream,
    planes: Vec<Plane>,
    widening: Option<Box<Widening>>,
}

impl Input {
    pub(crate) fn register(session: &Rc<Session>, settings: &Settings) -> Result<Self, EncoderError> {
        let context = session.context();
        let stream = Stream::with_highest_priority(context)?;
        let (width, height) = (settings.width as usize, settings.height as usize);
        let samples = settings.samples;
        let memory = DeviceMemory::allocate(context, width * bytes_per_sample(samples), rows(samples, height))?;
        let planes = layout(samples, width, height, memory.pitch());
        let staging = HostMemory::allocate(context, planes.iter().map(|plane| plane.width * plane.rows).sum())?;
        let pitch = u32::try_from(memory.pitch()).unwrap_or(u32::MAX);
        let registration = Registration::of(session, settings, memory.pointer(), pitch, buffer_format(samples))?;
        let widening = samples.ten_bit.then(|| Box::new(Widening::of(settings.colour.full_range)));
        Ok(Self { registration, memory, staging, stream, planes, widening })
    }

    /// Takes a picture to the device, and waits until it is there.
    ///
    /// # Panics
    /// If a plane is smaller than the encoder's picture.
    pub(crate) fn load(&mut self, picture: &Picture<'_>) -> Result<(), CudaError> {
        let [luma, blue, red] = picture.planes;
        let bytes = self.staging.bytes();
        match (self.widening.as_deref(), self.planes.as_slice()) {
            (None, planes) => {
                for (plane, source) in planes.iter().zip(picture.planes) {
                    copy(target(bytes, plane), plane.width, source);
                }
            }
            (Some(widening), [y, both]) => {
                widen(target(bytes, y), y.width, &widening.luma, luma);
                widen_interleaved(target(bytes, both), both.width, &widening.chroma, blue, red);
            }
            (Some(widening), planes) => {
                let tables = [&widening.luma, &widening.chroma, &widening.chroma];
                for ((plane, table), source) in planes.iter().zip(tables).zip([luma, blue, red]) {
                    widen(target(bytes, plane), plane.width, table, source);
                }
            }
        }
        self.memory.upload(&self.planes, &self.staging, &self.stream)
    }

    pub(crate) const fn registration(&self) -> &Registration {
        &self.registration
    }
}

/// Device memory, known to the session as a picture of its size.
#[derive(Debug)]
pub(crate) struct Registration {
    session: Rc<Session>,
    resource: Handle,
    pub(crate) pitch: u32,
}

impl Registration {
    /// The memory must stay until this is dropped.
    pub(crate) fn of(
        session: &Rc<Session>,
        settings: &Settings,
        pointer: u64,
        pitch: u32,
        format: NV_ENC_BUFFER_FORMAT,
    ) -> Result<Self, NvencError> {
        let mut parameters: NV_ENC_REGISTER_RESOURCE = zeroed();
        parameters.resourceType = NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR;
        (parameters.width, parameters.height) = (settings.width, settings.height);
        parameters.pitch = pitch;
        parameters.resourceToRegister = pointer as Handle;
        parameters.bufferFormat = format;
        parameters.bufferUsage = NV_ENC_BUFFER_USAGE::NV_ENC_INPUT_IMAGE;
        call!(session, nvEncRegisterResource(&raw mut parameters))?;
        Ok(Self { session: Rc::clone(session), resource: parameters.registeredResource, pitch })
    }

    /// Lets the engine have it until that is dropped.
    pub(crate) fn map(&self) -> Result<Mapped<'_>, NvencError> {
        let mut parameters: NV_ENC_MAP_INPUT_RESOURCE = zeroed();
        parameters.registeredResource = self.resource;
        call!(&self.session, nvEncMapInputResource(&raw mut parameters))?;
        Ok(Mapped { session: &self.session, resource: parameters.mappedResource, format: parameters.mappedBufferFmt })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = call!(&self.session, nvEncUnregisterResource(self.resource));
    }
}

/// The picture while the engine reads it.
pub(crate) struct Mapped<'a> {
    session: &'a Session,
    pub(crate) resource: Handle,
    pub(crate) format: NV_ENC_BUFFER_FORMAT,
}

impl Mapped<'_> {
    pub(crate) fn unmap(self) -> Result<(), NvencError> {
        let unmapped = call!(self.session, nvEncUnmapInputResource(self.resource));
        std::mem::forget(self);
        unmapped
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        let _ = call!(self.session, nvEncUnmapInputResource(self.resource));
    }
}

/// What 8 bits are as 10 in the upper bits of 16.
#[derive(Debug)]
struct Widening {
    luma: [u16; 256],
    chroma: [u16; 256],
}

impl Widening {
    /// By the definitions of ITU-T H.273: limited range is the same times four, and
    /// full range ends at 1023, with no colour at 512.
    fn of(full_range: bool) -> Self {
        let table = |middle: i32| {
            std::array::from_fn(|value| {
                let value = i32::try_from(value).unwrap_or(0);
                let scaled = if full_range { rounded((value - middle) * 1023, 255) } else { (value - middle) * 4 };
                u16::try_from((scaled + middle * 4).clamp(0, 1023)).unwrap_or(0) << 6
            })
        };
        Self { luma: table(0), chroma: table(128) }
    }
}

const fn rounded(number: i32, divisor: i32) -> i32 {
    (number * 2 + divisor).div_euclid(divisor * 2)
}

/// Rows of all planes for so many of luma, where those of half the width take half a row.
pub(crate) const fn rows(samples: Samples, height: usize) -> usize {
    if samples.yuv444 { height * 3 } else { height / 2 * 3 }
}

const fn bytes_per_sample(samples: Samples) -> usize {
    if samples.ten_bit { 2 } else { 1 }
}

pub(crate) const fn buffer_format(samples: Samples) -> NV_ENC_BUFFER_FORMAT {
    match (samples.yuv444, samples.ten_bit) {
        (false, false) => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV,
        (false, true) => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
        (true, false) => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444,
        (true, true) => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444_10BIT,
    }
}

/// Where the planes are in the staging memory, rows close together, and on the
/// device, one plane behind the other: those of half the width in rows of half the
/// pitch, and 10-bit 4:2:0 with both kinds of chroma in one.
fn layout(samples: Samples, width: usize, height: usize, pitch: usize) -> Vec<Plane> {
    let row = width * bytes_per_sample(samples);
    let (whole, half) = ((row, height, pitch), (row / 2, height / 2, pitch / 2));
    let parts = match (samples.yuv444, samples.ten_bit) {
        (true, _) => vec![whole, whole, whole],
        (false, true) => vec![whole, (row, height / 2, pitch)],
        (false, false) => vec![whole, half, half],
    };
    let (mut from, mut to) = (0, 0);
    let plane = |(width, rows, to_pitch)| {
        let plane = Plane { width, rows, from, from_pitch: width, to, to_pitch };
        from += width * rows;
        to += to_pitch * rows;
        plane
    };
    parts.into_iter().map(plane).collect()
}

fn target<'a>(staging: &'a mut [u8], plane: &Plane) -> &'a mut [u8] {
    &mut staging[plane.from..][..plane.width * plane.rows]
}

fn copy(target: &mut [u8], width: usize, (source, stride): (&[u8], usize)) {
    for (row, bytes) in target.chunks_exact_mut(width).zip(source.chunks(stride)) {
        row.copy_from_slice(&bytes[..width]);
    }
}

fn widen(target: &mut [u8], width: usize, table: &[u16; 256], (source, stride): (&[u8], usize)) {
    for (row, bytes) in target.chunks_exact_mut(width).zip(source.chunks(stride)) {
        for (sample, byte) in row.chunks_exact_mut(2).zip(bytes) {
            sample.copy_from_slice(&table[usize::from(*byte)].to_le_bytes());
        }
    }
}

fn widen_interleaved(
    target: &mut [u8],
    width: usize,
    table: &[u16; 256],
    (blue, blue_stride): (&[u8], usize),
    (red, red_stride): (&[u8], usize),
) {
    let sources = blue.chunks(blue_stride).zip(red.chunks(red_stride));
    for (row, (blue, red)) in target.chunks_exact_mut(width).zip(sources) {
        for (pair, (blue, red)) in row.chunks_exact_mut(4).zip(blue.iter().zip(red)) {
            pair[..2].copy_from_slice(&table[usize::from(*blue)].to_le_bytes());
            pair[2..].copy_from_slice(&table[usize::from(*red)].to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_bits_mean_the_same_as_eight() {
        let limited = Widening::of(false);
        let codes = |table: &[u16; 256], values: [usize; 4]| values.map(|value| table[value] >> 6);
        assert_eq!(codes(&limited.luma, [0, 16, 235, 255]), [0, 64, 940, 1020]);
        assert_eq!(codes(&limited.chroma, [16, 128, 240, 255]), [64, 512, 960, 1020]);
        let full = Widening::of(true);
        assert_eq!(codes(&full.luma, [0, 1, 128, 255]), [0, 4, 514, 1023]);
        assert_eq!(codes(&full.chroma, [0, 1, 128, 255]), [0, 3, 512, 1021]);
    }

    #[test]
    fn planes_follow_each_other_without_a_gap() {
        for (samples, length, on_device) in [
            (Samples { ten_bit: false, yuv444: false }, 64 * 4 * 3 / 2, 256 * 4 * 3 / 2),
            (Samples { ten_bit: true, yuv444: false }, 64 * 4 * 3, 256 * 4 * 3 / 2),
            (Samples { ten_bit: false, yuv444: true }, 64 * 4 * 3, 256 * 4 * 3),
            (Samples { ten_bit: true, yuv444: true }, 64 * 4 * 6, 256 * 4 * 3),
        ] {
            let planes = layout(samples, 64, 4, 256);
            let last = planes.last().unwrap();
            assert_eq!(last.from + last.width * last.rows, length, "{samples:?}");
            assert_eq!(last.to + last.to_pitch * last.rows, on_device, "{samples:?}");
        }
    }

    #[test]
    fn chroma_is_interleaved_where_the_format_says_so() {
        let table = Widening::of(false).chroma;
        let mut row = [0; 8];
        widen_interleaved(&mut row, 8, &table, (&[1, 2, 99], 3), (&[3, 4, 99], 3));
        assert_eq!(row, [0, 1, 0, 3, 0, 2, 0, 4]);
    }
}
