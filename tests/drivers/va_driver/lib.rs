//! Stand-in for a VA driver that encodes H.264, HEVC and AV1, loaded by the real libva.
//!
//! It codes without loss ([`h264`], [`hevc`]) or nearly so ([`av1`]), and skips what equals
//! the reference, under the headers that the program wrote (or, ordered to take none, under
//! its own, made of the parameters). The reference is the one that the slice header names
//! in the decoder's buffer. So a mistake in a header, in a list of references or in their
//! order is a picture that decodes wrong, if it was not found out before: each file has a
//! thing's rules and, below them, the calls that are about it, and the rules are those of
//! libva's headers and of the standards. Where drivers are lenient, this one is not.
//!
//! What it can is ordered by `cap`: [`capabilities`] lists the names.
//!
//! Every function leans on the same contract: pointers are null or valid for what the
//! header says is written or read there. Null is caught.

#![allow(non_snake_case, reason = "named as in the driver")]

mod arithmetic;
mod av1;
mod bits;
mod buffer;
mod capabilities;
mod coder;
mod config;
mod context;
mod driver;
mod h264;
mod hevc;
mod image;
mod nal;
mod parameters;
mod picture;
mod pixels;
mod plane;
mod rate;
mod shared;
mod start;
mod surface;
