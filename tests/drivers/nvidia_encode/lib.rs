//! Stand-in for `libnvidia-encode.so.1`: NVIDIA's encoder interface, in software.
//!
//! H.264 is encoded for real, from the device memory of the other stand-in and with
//! OpenH264, so that the real client decodes what the program was to stream. HEVC
//! and AV1 sessions can be opened and their settings are checked, but a picture is
//! answered with `NV_ENC_ERR_UNIMPLEMENTED`: there is no such encoder here.
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
mod codec_settings;
mod colour;
mod cuda;
mod encoder;
mod instance;
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
