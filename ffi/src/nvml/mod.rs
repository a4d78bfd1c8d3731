//! What NVIDIA's management library (NVML) says of GPUs: memory, load, encode
//! sessions.
//!
//! Facts from `nvml.h` of CUDA 13.3 (NVIDIA/go-nvml, `pkg/nvml/nvml.h`) and the NVML
//! API reference; no structure here has changed since driver 390. The library needs
//! no CUDA context and may be asked from any thread, and each call may hang where
//! the kernel driver does: to be used in a process that can be killed.

mod device;
mod error;
mod functions;
mod library;

pub use self::device::{Device, EncoderStats, Memory};
pub use self::error::NvmlError;
pub use self::library::{Nvml, OpenNvmlError};
