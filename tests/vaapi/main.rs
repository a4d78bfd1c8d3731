//! The VA-API encoder against a stand-in for a driver (`tests/drivers/va_driver`), under
//! the real libva: what it makes is decoded by FFmpeg and is, since the stand-in codes
//! without loss, the very picture that went in. The stand-in finds out what breaks the
//! interface's rules, and fails on order.
//!
//! libva reads its environment when it is loaded, so each test runs in a process of its
//! own.

mod av1;
mod failures;
mod hevc;
mod process;
mod stage;
mod streams;
mod vulkan;
