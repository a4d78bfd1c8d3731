//! H.264: what a program says of it is checked, and coded as the other stand-in does.

#[path = "../../va_driver/h264/contexts.rs"]
mod contexts;
#[path = "../../va_driver/h264/macroblocks.rs"]
mod macroblocks;
mod sets;
mod slice;
mod stream;
mod told;

pub(crate) use self::sets::Sets;
pub(crate) use self::stream::Stream;
pub(crate) use self::told::{Told, mark};
