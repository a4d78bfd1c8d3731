//! Pictures, as images hold them and as they are coded: in whole blocks.

use ash::vk;

pub(crate) use crate::plane::Plane;

/// What an image holds: luma, and chroma in pairs.
#[derive(Clone)]
pub(crate) struct Stored {
    /// Samples of luma in a row.
    pub(crate) width: usize,
    /// Bytes of a sample.
    pub(crate) sample: usize,
    pub(crate) luma: Vec<u8>,
    pub(crate) chroma: Vec<u8>,
}

/// What is coded.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) planes: [Plane; 3],
}

impl Stored {
    pub(crate) fn picture(&self) -> Picture {
        let (luma, pairs) = (self.samples(&self.luma), self.samples(&self.chroma));
        let every = |start| pairs.iter().skip(start).step_by(2).copied().collect();
        let chroma = |start| Plane { width: self.width / 2, samples: every(start) };
        Picture { planes: [Plane { width: self.width, samples: luma }, chroma(0), chroma(1)] }
    }

    /// 10 bits are the upper ones of a word.
    fn samples(&self, bytes: &[u8]) -> Vec<u16> {
        match self.sample {
            1 => bytes.iter().copied().map(u16::from).collect(),
            _ => bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word) >> 6).collect(),
        }
    }
}

/// 8 bits.
pub(crate) const NV12: vk::Format = vk::Format::G8_B8R8_2PLANE_420_UNORM;
/// 10 bits.
pub(crate) const P010: vk::Format = vk::Format::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16;
