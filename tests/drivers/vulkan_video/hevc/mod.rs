//! HEVC: what a program says of it is checked, and coded as the other stand-in does.

#[path = "../../va_driver/hevc/blocks.rs"]
mod blocks;
#[path = "../../va_driver/hevc/contexts.rs"]
mod contexts;
#[path = "../../va_driver/hevc/decoder.rs"]
#[allow(dead_code, reason = "the other stand-in looks for surfaces")]
mod decoder;
#[path = "../../va_driver/hevc/profile.rs"]
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
mod profile;
#[path = "../../va_driver/hevc/residual.rs"]
mod residual;
#[path = "../../va_driver/hevc/sets.rs"]
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
mod sets;
#[path = "../../va_driver/hevc/slice.rs"]
#[allow(dead_code, reason = "the other stand-in reads headers, too")]
mod slice;
mod stream;
mod structures;
mod told;

pub(crate) use self::stream::Stream;
pub(crate) use self::structures::Sets;
pub(crate) use self::told::{Told, mark};
