//! Encoders of GPUs against stand-ins for their drivers: what they make is decoded by
//! FFmpeg and is, since the stand-ins code without loss, the very picture that went in. The
//! stand-ins find out what breaks the interfaces' rules, and fail on order.
//!
//! Libraries read their environment when they are loaded, so each test runs in a process
//! of its own.

mod long_streams;
mod process;
mod short_streams;
#[path = "../support/skip.rs"]
mod skip;
mod stage;
mod vaapi;
#[path = "../support/vulkan.rs"]
mod vulkan;
mod vulkan_video;
