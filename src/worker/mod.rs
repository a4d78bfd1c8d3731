//! The worker process: one stream, and everything in it that can hang.
//!
//! Started by the host as `earthshine worker`. Its threads, in the order a
//! frame travels (each has one job, one heartbeat and one owner, this module):
//!
//! | thread | owns | may block on | hands on to |
//! | --- | --- | --- | --- |
//! | main | IPC channel | poll, 250 ms | everyone |
//! | capture | a Wayland connection, the frame pool | the compositor, 250 ms | encode, by [`slot::Slot`] |
//! | encode | converter, encoder, GPU context | slot, 250 ms; the driver | send, by a bounded queue |
//! | send | video socket, packetizer | queue, 250 ms; pacing | the network |
//! | audio | a sound-server connection, Opus, audio socket | the sound server, 250 ms | the network |
//! | input | a Wayland connection, virtual devices | queue, 250 ms | the compositor |
//!
//! A worker has no async runtime, shares nothing with other workers, and dies
//! whole (`panic = "abort"`): its host sees it and starts another.

pub mod audio;
pub mod canary;
pub mod capture;
pub mod convert;
pub mod dma_buffer;
pub mod encode;
pub mod encode_measure;
pub mod encode_trial;
pub mod encoders;
pub(crate) mod event_loop;
pub mod frame;
pub mod gpus;
pub mod heartbeat;
pub mod imports;
pub mod input;
pub mod last_words;
pub mod main;
pub mod pipe_stream;
pub mod screenshot;
pub mod send;
pub mod sent_frames;
pub mod slot;
pub(crate) mod urgency;
