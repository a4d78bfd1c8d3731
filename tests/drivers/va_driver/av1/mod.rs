//! AV1: nearly without loss ([`tile`]). Where a driver with rate control writes into the
//! program's header, this one does.

mod coding;
mod frame;
mod obu;
mod sequence;
mod tile;

pub(crate) use self::coding::Stream;
