//! A stream's pictures, as a decoder keeps them: the sliding window of ITU-T H.264,
//! 8.2.5.3.

use earthshine_ffi::vaapi::sys::*;

use super::sets::Sets;
use crate::driver::{Result, require, require_equal};
use crate::pixels::Picture;
use crate::rate::Rate;

/// What is known of a stream from its pictures up to now.
pub(crate) struct Stream {
    /// Pixels in a row, and rows, as the context was made for.
    pub(crate) size: (u32, u32),
    pub(crate) sets: Option<Sets>,
    pub(crate) rate: Rate,
    pub(crate) pictures: u64,
    pub(crate) last_idr: Option<u32>,
    frame_number: u32,
    /// Newest first.
    kept: Vec<Kept>,
}

/// A picture that is kept.
pub(crate) struct Kept {
    pub(crate) surface: VASurfaceID,
    pub(crate) frame_number: u32,
    pub(crate) order: i32,
    pub(crate) pixels: Picture,
}

impl Stream {
    pub(crate) fn new(size: (u32, u32)) -> Self {
        Self { size, sets: None, rate: Rate::default(), pictures: 0, last_idr: None, frame_number: 0, kept: Vec::new() }
    }

    /// A later picture may refer to a surface.
    pub(crate) fn has(&self, surface: VASurfaceID) -> bool {
        self.kept.iter().any(|kept| kept.surface == surface)
    }

    pub(crate) fn begin(&mut self) {
        self.kept.clear();
    }

    /// 7.4.3: one more than the picture before, which was a reference.
    pub(crate) fn check_frame_number(&self, is_idr: bool, found: u32, sets: &Sets) -> Result {
        let expected = if is_idr { 0 } else { (self.frame_number + 1) % (1 << sets.frame_number_bits) };
        require_equal("frame_num", found, expected)
    }

    /// The parameters name all pictures that are kept, and no others.
    pub(crate) fn check_references(&self, named: &[VAPictureH264]) -> Result {
        let is_there = |picture: &&VAPictureH264| picture.flags & VA_PICTURE_H264_INVALID == 0;
        let found: Vec<_> = named.iter().filter(is_there).map(describe).collect();
        let mut expected: Vec<_> = self.kept.iter().map(|kept| (kept.surface, kept.frame_number, kept.order)).collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        expected.sort_unstable();
        require(sorted == expected, || format!("references are {found:?}, and a decoder keeps {expected:?}"))
    }

    /// 8.2.4: what list 0 begins with for a decoder that read this header.
    pub(crate) fn referred(&self, frame_number: u32, distance: Option<u32>, sets: &Sets) -> Result<&Kept> {
        let span = 1 << sets.frame_number_bits;
        let wanted = distance.map(|distance| (frame_number + span - distance % span) % span);
        let found = match wanted {
            // The highest PicNum: the newest.
            None => self.kept.first(),
            Some(wanted) => self.kept.iter().find(|kept| kept.frame_number == wanted),
        };
        require(found.is_some(), || format!("no picture is {distance:?} before {frame_number}"))?;
        Ok(found.unwrap_or(&self.kept[0]))
    }

    /// How far before a picture one is that the parameters name; `None` for the newest.
    pub(crate) fn distance(&self, frame_number: u32, named: &VAPictureH264, sets: &Sets) -> Result<Option<u32>> {
        let (surface, number, _) = describe(named);
        let found = self.kept.iter().position(|kept| kept.surface == surface && kept.frame_number == number);
        require(found.is_some(), || format!("{:?} is no reference", describe(named)))?;
        let span = 1 << sets.frame_number_bits;
        Ok(found.filter(|&index| index > 0).map(|_| (frame_number + span - number) % span))
    }

    /// A picture was reconstructed.
    pub(crate) fn keep(&mut self, kept: Kept, references: u32) {
        self.frame_number = kept.frame_number;
        self.kept.insert(0, kept);
        self.kept.truncate(references as usize);
        self.pictures += 1;
    }
}

fn describe(picture: &VAPictureH264) -> (VASurfaceID, u32, i32) {
    (picture.picture_id, picture.frame_idx, picture.TopFieldOrderCnt)
}
