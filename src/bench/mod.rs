//! `earthshine bench`: measures a running host from outside, as its clients see
//! it. A process of its own that shares nothing with the host but the protocol; `encode`
//! alone, which measures encoders without a host, knows what a worker is told. `network`
//! needs no host either: it plays both ends over a simulated network.

pub mod clients;
pub mod encode;
pub mod histogram;
pub mod network;
pub mod report;
