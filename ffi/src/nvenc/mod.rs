//! NVIDIA's encode engine (NVENC).

pub mod bits;
#[allow(missing_docs, reason = "named as in the header")]
pub mod constants;
pub mod sys;
