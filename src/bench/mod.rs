//! `earthshine bench`: measures a running host from outside, as its clients see
//! it. A process of its own that shares nothing with the host but the protocol; `encode`
//! alone, which measures encoders without a host, knows what a worker is told. `pipeline`,
//! `input` and `peers` start a host of their own, and the application that it shows. `network`
//! plays both ends over a simulated network, or has a host of its own stream through it.

mod busy;
mod canvas;
pub mod clients;
pub mod encode;
pub mod histogram;
pub mod input;
mod judge;
mod local_host;
pub mod network;
pub mod peers;
pub mod pipeline;
mod progress;
pub mod report;
pub mod scrape;
mod shown;
pub mod toplevel;
pub mod usage;
mod viewer;
pub mod window;
