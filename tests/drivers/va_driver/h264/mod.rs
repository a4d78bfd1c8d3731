//! H.264: without loss by raw and skipped macroblocks.

mod coding;
mod contexts;
mod macroblocks;
mod sets;
mod slice;
mod stream;

pub(crate) use self::stream::Stream;
