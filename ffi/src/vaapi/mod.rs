//! VA-API: the encode engines of AMD's and Intel's GPUs.
//!
//! Facts from libva's headers and their comments. Everything belongs to the thread that
//! opened its [`Display`], and keeps what it was made in.

pub mod bits;
pub mod sys;

mod buffer;
mod capabilities;
mod config;
mod context;
mod display;
mod dma_buf;
mod error;
mod exported;
mod functions;
mod image;
mod surface;

pub use self::buffer::{Buffer, CodedBuffer, CodedStatus, Misc, Parameter, Plain, zeroed};
pub use self::capabilities::Capabilities;
pub use self::config::Config;
pub use self::context::Context;
pub use self::display::{Display, OpenDisplayError};
pub use self::dma_buf::{DmaBuf, DmaBufObject, DmaBufPlane};
pub use self::error::VaError;
pub use self::exported::{ExportedLayer, ExportedObject, ExportedSurface};
pub use self::image::{Image, Layout, Mapping};
pub use self::surface::Surface;
