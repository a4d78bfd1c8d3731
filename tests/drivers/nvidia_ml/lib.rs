//! Stand-in for `libnvidia-ml.so.1`: what the driver says of its GPUs.
//!
//! One GPU unless a test orders more, the same as CUDA's stand-in has; the encode
//! sessions that it counts are those that are open in the other stand-ins, in any
//! process. Facts from `nvml.h` and the NVML API reference.
//!
//! Every exported function leans on the same contract: pointers are null or valid
//! for what the header says is written there. Null is caught.

#![allow(non_snake_case, reason = "named as in the driver")]

mod code;
mod device;
mod encoder;
mod library;
