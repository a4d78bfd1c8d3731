//! The part of Vulkan that a picture's conversion needs: a compute queue, a picture
//! in, samples out, and memory that other interfaces take over. [`video`] encodes them.
//!
//! Facts from the Vulkan 1.3 specification. The loader is opened at run time; 1.1
//! and the extensions that a use needs are asked for, and their lack is an error
//! that names them. A [`Device`] and all that is made on it belong to one thread.
//! Whatever is given to the GPU is waited for before a call returns, so nothing
//! here can go while the GPU uses it.

mod barrier;
mod buffer;
mod commands;
mod converter;
mod device;
mod dmabuf;
mod error;
mod foreign;
mod image;
mod instance;
mod modifiers;
mod surface;
pub mod video;

pub use self::buffer::{DmabufBuffer, HostBuffer};
pub use self::converter::{Conversion, Converter, Rows, Upload};
pub use self::device::{Device, DeviceKind, PhysicalDevice, Selection};
pub use self::dmabuf::{Dmabuf, DmabufPlane, ImportDmabufError};
pub use self::error::{OpenVulkanError, VulkanError};
pub use self::foreign::ForeignSurface;
pub use self::image::{Image, PixelLayout};
pub use self::instance::Instance;
pub use self::modifiers::Modifier;
pub use self::surface::{ExportedSurface, Handle, Surface, SurfaceFormat};

#[cfg(test)]
mod tests;
