//! The GameStream protocol as pure functions and state machines.
//!
//! Bytes, keys and the time come in; bytes and events go out. Nothing in here
//! owns a socket, a clock, a thread, a random source or a file, so everything
//! is tested with vectors and fuzzed. `tests/layering.rs` keeps it so.

pub mod adaptation;
pub mod audio;
pub mod bytes;
pub mod control;
pub mod enet;
pub mod fec;
pub mod gamestream;
pub mod pairing;
pub mod rtsp;
pub mod secret;
pub mod side;
pub mod video;
