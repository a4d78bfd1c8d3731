//! Stand-in for `libcuda.so.1`: the part of the CUDA driver interface that an
//! encoder needs, in plain memory.
//!
//! Each file has a thing's rules and, below them, the calls that are about it.
//! Device memory has addresses that nobody can read through, and asynchronous
//! copies do nothing before their stream is synchronised: a program that forgets
//! that encodes what was in the memory before, and its test sees it. Facts from
//! NVIDIA's CUDA Driver API reference manual.
//!
//! Every exported function leans on the same contract: pointers are null or valid
//! for what the manual says is written or read there. Null is caught.

#![allow(non_snake_case, reason = "named as in the driver")]

mod code;
mod context;
mod copy;
mod device;
mod driver;
mod external;
mod memory;
mod pinned;
mod sibling;
mod stream;
