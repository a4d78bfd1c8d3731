//! HEVC: without loss, by skipped blocks and by blocks whose residual is left as it is.
//!
//! Encoders do not enable raw blocks, nor blocks that bypass the quantizer, so these are
//! not used. But blocks of 4x4 may leave the transform out, and at the quantizer whose
//! step is one the residual that a decoder adds is the very one that was coded.

mod blocks;
mod coding;
mod contexts;
mod decoder;
mod profile;
mod residual;
mod sets;
mod slice;
mod stream;
mod told;

pub(crate) use self::stream::Stream;
