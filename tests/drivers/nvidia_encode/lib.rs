//! Stand-in for `libnvidia-encode.so.1`: NVIDIA's encoder interface, in software.
//!
//! Pictures are encoded for real, from the device memory of the other stand-in: H.264
//! with OpenH264, everything else by a program, so that the real client decodes what
//! the program was to stream. Waves of intra blocks are checked and told, not made:
//! neither has them.
//!
//! Each file has a thing's rules and, below them, the calls that are about it. The
//! rules are those of the header and of the NVENC programming guide, and where
//! these only warn, the stand-in refuses.
//!
//! Every function leans on the same contract: pointers are null or valid for what
//! the header says is written or read there. Null is caught.

#![allow(non_snake_case, reason = "named as in the driver")]

mod bitstream;
mod capabilities;
mod codec;
mod codec_part;
mod codec_settings;
mod colour;
mod cuda;
mod encoder;
mod instance;
mod metadata;
mod nal;
mod picture;
mod preset;
mod program;
mod query;
mod reconfiguration;
mod session;
mod settings;
mod slot;
mod surface;
mod words;
