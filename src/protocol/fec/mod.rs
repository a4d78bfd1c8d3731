//! Reed–Solomon forward error correction as GameStream uses it.
//!
//! Systematic codes over GF(2⁸): data shards travel as they are, and any `data`
//! of all `data + parity` shards give the rest back. Video uses a Cauchy matrix
//! that depends on the parity count, audio one fixed matrix ([`matrix`]). The
//! codes were checked byte for byte against the client core's own library; see
//! the vectors in `tests/wire/`.

pub mod decode;
pub mod encode;
pub mod galois;
pub mod kernels;
pub mod matrix;
