//! The part of the CUDA driver API that an encoder needs: a context per stream,
//! memory for pictures, and copies into it.
//!
//! Declared as `dynlink_cuda.h` of nv-codec-headers declares it. A [`Context`] and all
//! that is made in it belong to one thread.

mod context;
mod error;
mod external_memory;
mod functions;
mod memory;
mod stream;

pub use self::context::{Context, Device, Driver, OpenDriverError};
pub use self::error::CudaError;
pub use self::external_memory::ExternalMemory;
pub use self::memory::{DeviceMemory, HostMemory, Plane};
pub use self::stream::Stream;
