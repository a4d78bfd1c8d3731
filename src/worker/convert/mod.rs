//! From captured pixels to the samples an encoder takes.
//!
//! Where pixels are converted depends on the device that encodes them; this is
//! the way on the CPU, for frames in shared memory, and for DMA-BUFs that nobody
//! imports: one pass from the mapped capture buffer into the encoder's planes when the sizes match, over no more
//! rows than changed.

pub mod color_matrix;
pub mod cpu;
pub mod picture;
pub mod planes;
pub mod scaler;
