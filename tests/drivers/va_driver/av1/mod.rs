//! AV1: headers and parameters are checked, and no picture is coded. What stands for the
//! tiles is none, so that nothing decodes it; where a driver with rate control writes into
//! the program's header, this one does.

mod coding;
mod frame;
mod obu;
mod sequence;

pub(crate) use self::coding::Stream;
