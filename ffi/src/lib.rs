//! The one home of unsafe code in Earthshine.
//!
//! Everything that leans on a C contract or on an instruction set lives here,
//! behind safe owners: the root package forbids unsafe code. Vendor GPU
//! libraries will be opened at run time from here, so one binary builds,
//! starts and tests on any machine.

pub mod counting_allocator;
pub mod cuda;
pub mod dma_buf;
pub mod dynamic_library;
pub mod gbm;
pub mod isal;
pub mod network_namespace;
pub mod nvenc;
pub mod nvml;
pub mod openh264;
pub mod process;
pub mod scheduling;
pub mod shared_memory;
pub mod simd;
pub mod tun;
pub mod udp;
pub mod vaapi;
pub mod vulkan;
