//! Between the host and its workers: the whole vocabulary, both directions.
//!
//! A worker is started with one end of a `SOCK_SEQPACKET` pair as its standard
//! input. Messages are postcard; descriptors travel with `SCM_RIGHTS`. Facts
//! that change every frame, and everything that must outlive a SIGKILL, are in
//! the shared counters page instead.

pub mod abilities;
pub mod channel;
pub mod counters_page;
pub mod flight_recorder;
pub mod gpu_report;
pub mod keeping;
pub mod log_ring;
pub mod message;
pub mod picture;
