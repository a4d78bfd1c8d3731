//! Pictures as they are coded: whole planes, one after the other, and how they lie in
//! memory.

use earthshine_drivers::calls::Refusal;
use earthshine_ffi::vaapi::sys::*;

use crate::driver::{Result, violation};
pub(crate) use crate::plane::Plane;

/// How a picture lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Luma, and chroma in pairs, 8 bits each.
    Nv12,
    /// The same with the upper 10 bits of words.
    P010,
}

impl Format {
    pub(crate) const ALL: [Self; 2] = [Self::Nv12, Self::P010];

    /// By `VA_RT_FORMAT_*`.
    pub(crate) fn of_target(format: u32) -> Result<Self> {
        let unknown = || violation(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT, format!("format {format:#x}"));
        Self::ALL.into_iter().find(|known| known.target() == format).ok_or_else(unknown)
    }

    /// By `VA_FOURCC_*`.
    pub(crate) fn of_image(fourcc: u32) -> std::result::Result<Self, Refusal> {
        let unknown = || violation(VA_STATUS_ERROR_INVALID_IMAGE_FORMAT, format!("fourcc {fourcc:#x}"));
        Self::ALL.into_iter().find(|known| known.fourcc() == fourcc).ok_or_else(unknown)
    }

    pub(crate) const fn fourcc(self) -> u32 {
        match self {
            Self::Nv12 => VA_FOURCC_NV12,
            Self::P010 => VA_FOURCC_P010,
        }
    }

    pub(crate) const fn target(self) -> u32 {
        match self {
            Self::Nv12 => VA_RT_FORMAT_YUV420,
            Self::P010 => VA_RT_FORMAT_YUV420_10,
        }
    }

    /// Bytes of a sample.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Nv12 => 1,
            Self::P010 => 2,
        }
    }

    /// Bits of a sample.
    pub(crate) const fn depth(self) -> u32 {
        match self {
            Self::Nv12 => 8,
            Self::P010 => 10,
        }
    }

    /// Reads a row's samples.
    pub(crate) fn samples(self, row: &[u8]) -> Vec<u16> {
        match self {
            Self::Nv12 => row.iter().copied().map(u16::from).collect(),
            Self::P010 => row.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word) >> 6).collect(),
        }
    }
}

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) format: Format,
    pub(crate) planes: [Plane; 3],
}

impl Picture {
    /// Out of luma, and chroma in pairs.
    pub(crate) fn of_pairs(format: Format, width: usize, luma: Vec<u16>, pairs: &[u16]) -> Self {
        let every =
            |start: usize| Plane { width: width / 2, samples: pairs.iter().skip(start).step_by(2).copied().collect() };
        Self { format, planes: [Plane { width, samples: luma }, every(0), every(1)] }
    }
}
