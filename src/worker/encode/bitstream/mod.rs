//! Headers that we write ourselves, for encoders that put them into the stream as they
//! are: pure functions from values to bits. What was written is read in the tests by
//! FFmpeg, where it is, and by the stand-ins' own parsers.

pub mod av1;
pub mod h264;
pub mod hevc;
pub mod nal;
pub mod writer;
