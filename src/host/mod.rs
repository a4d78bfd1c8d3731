//! The process that answers the network and touches no driver.
//!
//! Async, safe Rust. It owns all state that outlives a worker, and nothing it
//! does can block on a driver, a compositor or a sound server.

pub mod adoption;
pub mod api;
pub mod apps;
pub mod bind;
pub mod capacity;
pub mod client_certificate;
pub mod context;
pub(crate) mod control_server;
pub mod desktop_sockets;
pub mod discovery;
pub(crate) mod doubt;
pub mod encoders;
pub mod events;
pub mod facts;
pub mod gamestream;
pub mod gpus;
pub mod health;
pub(crate) mod host_metrics;
pub mod http;
pub mod http_servers;
pub mod identity;
pub(crate) mod kept_desktop;
pub mod life;
pub mod lobbies;
pub(crate) mod media_ports;
pub mod memory;
pub(crate) mod metrics;
pub(crate) mod monitor;
pub mod pairing;
pub(crate) mod placement;
pub(crate) mod places;
pub mod ports;
pub(crate) mod proc_field;
pub mod profiles;
pub(crate) mod rate_limit;
pub(crate) mod reload;
pub(crate) mod rtsp_server;
pub mod scope;
pub(crate) mod screenshot;
pub mod serve;
pub(crate) mod service_manager;
pub mod sessions;
pub mod store;
pub(crate) mod supervision;
pub(crate) mod supervisor;
pub mod take_over;
pub mod tls;
pub(crate) mod token_bucket;

#[cfg(test)]
mod http_tests;
