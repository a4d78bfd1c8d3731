//! Stand-in for a VA driver that encodes H.264, loaded by the real libva.
//!
//! It codes without loss: what is new in a picture as raw macroblocks, and what equals
//! the reference as skipped ones, under the headers that the program wrote (or, ordered
//! to take none, under its own, made of the parameters). The reference is the one that
//! the slice header names in the decoder's buffer. So a mistake in a header, in a list
//! of references or in their order is a picture that decodes wrong, if it was not found
//! out before: each file has a thing's rules and, below them, the calls that are about
//! it, and the rules are those of libva's headers and of the standard. Where drivers are
//! lenient, this one is not.
//!
//! What it can is ordered by `cap`: [`capabilities`] lists the names.
//!
//! Every function leans on the same contract: pointers are null or valid for what the
//! header says is written or read there. Null is caught.

#![allow(non_snake_case, reason = "named as in the driver")]

mod arithmetic;
mod bits;
mod buffer;
mod capabilities;
mod coding;
mod config;
mod context;
mod driver;
mod image;
mod macroblocks;
mod nal;
mod parameters;
mod picture;
mod sets;
mod slice;
mod start;
mod stream;
mod surface;
