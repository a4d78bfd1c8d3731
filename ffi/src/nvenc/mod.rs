//! NVIDIA's encode engine (NVENC), by its interface 12.1.
//!
//! Facts from `nvEncodeAPI.h` and the programming guide of the Video Codec SDK. An
//! [`Encoder`] belongs to the thread whose CUDA context it is opened in.

pub mod bits;
#[allow(missing_docs, reason = "named as in the header")]
pub mod constants;
pub mod sys;

mod api;
mod capabilities;
mod encoder;
mod error;
mod session;
mod settings;

pub use self::api::{Api, OpenApiError};
pub use self::capabilities::Capabilities;
pub use self::encoder::{Coded, Encoder, EncoderError, Picture};
pub use self::error::NvencError;
pub use self::settings::{Codec, Colour, Settings};
