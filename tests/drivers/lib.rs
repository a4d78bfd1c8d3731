//! Stand-ins for NVIDIA's user-space driver, for machines without a GPU.
//!
//! The unmodified program loads `libcuda.so.1` and `libnvidia-encode.so.1` when it
//! opens an encoder, and `libnvidia-ml.so.1` when it looks at GPUs; tests put these
//! objects there under those names, on `LD_LIBRARY_PATH`. They are stricter than the
//! real driver: what that lets pass by luck is a violation here. And they fail when
//! told to, which a real GPU does only on its bad days.
//!
//! `EARTHSHINE_DRIVERS` names the directory through which a test and the stand-ins
//! speak: `faults` says what is to go wrong ([`faults`]), `ledger` what the program
//! did ([`ledger`]). This library is what the objects share.

pub mod calls;
pub mod faults;
pub mod ledger;
pub mod places;
