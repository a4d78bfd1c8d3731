//! A stream's pictures, as a decoder keeps them, by surfaces.

use earthshine_ffi::vaapi::sys::*;

use super::decoder::{Decoder, Kept};
use super::sets::Sets;
use super::slice::Header;
use crate::driver::{Result, require_equal, violation};
use crate::rate::Rate;

/// What is known of a stream from its pictures up to now.
pub(crate) struct Stream {
    pub(super) size: (u32, u32),
    pub(super) sets: Option<Sets>,
    pub(super) rate: Rate,
    pub(super) pictures: u64,
    pub(super) decoder: Decoder<VASurfaceID>,
}

impl Stream {
    pub(crate) fn new(size: (u32, u32)) -> Self {
        Self { size, sets: None, rate: Rate::default(), pictures: 0, decoder: Decoder::default() }
    }

    /// Each picture that the parameters name is the one that a decoder has of that order.
    pub(super) fn check_named(&self, named: &VAPictureHEVC) -> Result {
        let surface = self.decoder.at(named.pic_order_cnt).map(|kept| kept.place);
        require_equal("a reference's surface", Some(named.picture_id), surface)
    }

    /// What the lists begin with.
    pub(super) fn referred(&self, order: i32, header: &Header) -> Result<&Kept<VASurfaceID>> {
        let found = self.decoder.referred(order, header);
        found.ok_or_else(|| violation(VA_STATUS_ERROR_INVALID_PARAMETER, "no picture is referred to"))
    }

    /// A picture was reconstructed.
    pub(super) fn keep(&mut self, kept: Kept<VASurfaceID>) {
        self.decoder.keep(kept);
        self.pictures += 1;
    }
}
