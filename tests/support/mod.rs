//! What end-to-end and fault tests stand on: the built host, the real client
//! core, and eyes and ears for what arrives.
//!
//! The helpers prefer looking from outside: `/proc` instead of counters the
//! host keeps about itself, ffmpeg instead of our own decoder, the client's
//! files instead of our own packets. Everything that waits has a deadline that
//! is far above what is expected: a deadline ends a hung test, it does not
//! measure. Tests of one binary take turns ([`needs`]): a few at a time, because much
//! of a test is waiting, and one alone where it looks at single frames.

#![allow(dead_code, reason = "shared by test binaries that each use a part")]

pub(crate) mod api;
pub(crate) mod apps;
pub(crate) mod chance;
pub(crate) mod client;
pub(crate) mod deadline;
pub(crate) mod drivers;
pub(crate) mod events;
pub(crate) mod frozen_thread;
pub(crate) mod host;
pub(crate) mod inside;
pub(crate) mod leftovers;
pub(crate) mod load;
pub(crate) mod lobbies;
pub(crate) mod lossy_relay;
pub(crate) mod needs;
pub(crate) mod picture;
pub(crate) mod players;
pub(crate) mod process;
pub(crate) mod scratch;
pub(crate) mod skip;
pub(crate) mod sound;
pub(crate) mod still_screen;
pub(crate) mod vulkan;
