//! A stream's pictures, as a decoder keeps them: those that each picture names (ITU-T
//! H.265, 8.3.2).

use earthshine_ffi::vaapi::sys::*;

use super::sets::Sets;
use super::slice::Header;
use crate::driver::{Result, require, require_equal, violation};
use crate::pixels::Picture;
use crate::rate::Rate;

/// What is known of a stream from its pictures up to now.
pub(crate) struct Stream {
    pub(super) size: (u32, u32),
    pub(super) sets: Option<Sets>,
    pub(super) rate: Rate,
    pub(super) pictures: u64,
    kept: Vec<Kept>,
}

/// A picture that is kept.
pub(super) struct Kept {
    pub(super) surface: VASurfaceID,
    pub(super) order: i32,
    pub(super) pixels: Picture,
}

impl Stream {
    pub(crate) fn new(size: (u32, u32)) -> Self {
        Self { size, sets: None, rate: Rate::default(), pictures: 0, kept: Vec::new() }
    }

    pub(super) fn has(&self, surface: VASurfaceID) -> bool {
        self.kept.iter().any(|kept| kept.surface == surface)
    }

    pub(super) fn begin(&mut self) {
        self.kept.clear();
    }

    /// Each picture that the parameters name is the one that a decoder has of that order.
    pub(super) fn check_named(&self, named: &VAPictureHEVC) -> Result {
        let kept = self.kept.iter().find(|kept| kept.order == named.pic_order_cnt);
        let surface = kept.map(|kept| kept.surface);
        require_equal("a reference's surface", Some(named.picture_id), surface)
    }

    /// What a decoder does that read this header: it forgets what is not named, and has
    /// to have what is.
    pub(super) fn forget(&mut self, order: i32, header: &Header, sets: &Sets) -> Result {
        let span = 1 << sets.order_bits;
        // 8.3.1: by the lower bits the decoder finds the same order.
        let newest = self.kept.iter().map(|kept| kept.order).max().unwrap_or(0);
        let ahead = order - newest;
        require(ahead > 0 && ahead < span / 2, || format!("picture {order} after {newest}"))?;
        let named: Vec<i32> = header.kept.iter().map(|(distance, _)| order - distance.cast_signed()).collect();
        for wanted in &named {
            let found = self.kept.iter().any(|kept| kept.order == *wanted);
            require(found, || format!("a decoder has no picture {wanted} when picture {order} comes"))?;
        }
        self.kept.retain(|kept| named.contains(&kept.order));
        let count = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        require(count <= sets.references, || format!("{count} pictures of {}", sets.references))
    }

    /// 8.3.4: what list 0, and then list 1 too, begins with.
    pub(super) fn referred(&self, order: i32, header: &Header) -> Result<&Kept> {
        let used = header.kept.iter().find(|(_, used)| *used).map(|(distance, _)| order - distance.cast_signed());
        let found = self.kept.iter().find(|kept| Some(kept.order) == used);
        found.ok_or_else(|| violation(VA_STATUS_ERROR_INVALID_PARAMETER, "no picture is referred to"))
    }

    /// A picture was reconstructed.
    pub(super) fn keep(&mut self, kept: Kept) {
        self.kept.push(kept);
        self.pictures += 1;
    }
}
