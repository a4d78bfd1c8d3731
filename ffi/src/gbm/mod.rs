//! Graphics memory by GBM, Mesa's buffer manager (`libgbm.so.1`, MIT), which
//! vendors' drivers implement too. Opened at run time; what the functions do is
//! written in its header, `gbm.h`.
//!
//! Calls on a device are made one at a time: the library's back end keeps a
//! rendering context in it, which no two threads may use at once.

mod buffer;
mod device;
mod error;
mod functions;

pub use buffer::{Buffer, Mapped, Plane};
pub use device::{Device, Layout, Wanted};
pub use error::{GbmError, OpenDeviceError};

/// The driver chooses how the bytes lie, and only it knows: `DRM_FORMAT_MOD_INVALID`.
pub const MODIFIER_INVALID: u64 = 0x00ff_ffff_ffff_ffff;

/// Row after row: `DRM_FORMAT_MOD_LINEAR`.
pub const MODIFIER_LINEAR: u64 = 0;
