//! Pictures, as images hold them and as they are coded: in whole macroblocks.

use crate::plane::Plane;

/// What an image holds: luma, and chroma in pairs.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) width: usize,
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
        let samples = |bytes: &mut dyn Iterator<Item = &u8>| bytes.copied().map(u16::from).collect();
        let every = |start| samples(&mut self.chroma.iter().skip(start).step_by(2));
        let chroma = |start| Plane { width: self.width / 2, samples: every(start) };
        Picture { planes: [Plane { width: self.width, samples: samples(&mut self.luma.iter()) }, chroma(0), chroma(1)] }
    }
}
