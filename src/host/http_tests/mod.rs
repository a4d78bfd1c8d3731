//! A whole host, as far as HTTP goes, on real sockets in one process.

pub(crate) mod any_host;
mod client;
mod contract;
mod events;
mod fixture;
mod gpus;

mod api;
mod hostile;
mod pairing;
mod requests;
mod scoped;
mod tcp_api;
