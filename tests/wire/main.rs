//! Byte for byte: our protocol code against recorded sessions of the real
//! client and computed test vectors, and against itself under loss.

mod any_host;
mod assembly;
mod audio;
mod control;
mod fec;
mod input;
mod pairing;
mod rtsp;
mod surround;
mod vectors;
mod video;
