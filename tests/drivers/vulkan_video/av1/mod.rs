//! AV1: what a program says of it is checked, and coded as the other stand-in does, nearly
//! without loss.

#[path = "../../va_driver/av1/frame.rs"]
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
mod frame;
#[path = "../../va_driver/av1/obu.rs"]
#[allow(dead_code, reason = "the other stand-in reads units, too")]
mod obu;
#[path = "../../va_driver/av1/sequence.rs"]
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
mod sequence;
mod stream;
mod structures;
#[path = "../../va_driver/av1/tile/mod.rs"]
mod tile;
mod told;

pub(crate) use self::stream::Stream;
pub(crate) use self::structures::Sets;
pub(crate) use self::told::{Told, mark};
