//! NVIDIA's encode engine (NVENC), by its interface 12.1.
//!
//! Written after the comments of `nvEncodeAPI.h`. An [`Encoder`] belongs to the thread
//! whose CUDA context it is opened in.

pub mod bits;
#[allow(missing_docs, reason = "named as in the header")]
pub mod constants;
pub mod sys;

mod api;
mod capabilities;
mod codec_part;
mod encoder;
mod error;
mod hdr;
mod input;
mod session;
mod settings;
mod shared_input;

pub use self::api::{Api, OpenApiError};
pub use self::capabilities::Capabilities;
pub use self::encoder::{Coded, Encoder, EncoderError, Request};
pub use self::error::NvencError;
pub use self::hdr::Hdr;
pub use self::input::Picture;
pub use self::settings::{Codec, Colour, Samples, Settings, Split};
pub use self::shared_input::SharedPicture;
