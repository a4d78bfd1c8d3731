//! `earthshine bench`: measures a running host from outside, as its clients see
//! it. A process of its own that shares nothing with the host but the protocol.

pub mod clients;
pub mod histogram;
