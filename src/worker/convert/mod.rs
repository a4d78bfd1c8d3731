//! From captured pixels to the samples an encoder takes.
//!
//! Where pixels are converted depends on the device that encodes them. [`picture`]
//! is the way on the CPU, for frames in shared memory, and for DMA-BUFs that nobody
//! imports: one pass from the mapped capture buffer into the encoder's planes when the
//! sizes match, over no more rows than changed. [`vulkan`] is the way on a GPU; the
//! encoder takes the result from there.

pub mod color_matrix;
pub mod cpu;
pub mod fetched;
pub mod picture;
pub mod planes;
pub mod scaler;
pub mod vulkan;
