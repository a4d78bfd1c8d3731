//! Earthshine: a Moonlight host for headless GPU machines.
//!
//! One idea: what can hang or crash lives alone in a process that can be
//! killed. [`host`] is the process that answers the network and touches no
//! driver; [`worker`] is one process per stream; [`desktop`] is what is shown;
//! [`mod@bench`] measures a host from outside, and [`commands`] drive one.
//! [`keeper`] holds what must outlive a host; [`protocol`] is pure, and [`ipc`] is
//! all that host, worker and keeper share.
//! `docs/architecture.md` draws the whole.

#![forbid(unsafe_code)]

pub mod api_client;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod color;
pub mod commands;
pub mod config;
pub mod content;
pub mod desktop;
pub mod doctor;
pub mod frame_marker;
pub mod gpu;
pub mod host;
pub mod ids;
pub mod ipc;
pub mod keeper;
pub mod protocol;
pub mod quality;
pub mod render_nodes;
pub mod stream_plan;
pub mod units;
pub mod vendor_libraries;
pub mod worker;
