//! The server side of ENet, the transport of the control stream.
//!
//! Clients speak ENet 1.3 as moonlight-common-c bundles it (cgutman/enet;
//! facts from its `protocol.h`, `protocol.c` and `peer.c`). This one exists
//! because its state has to be visible: a peer can be [exported](server::Server::export)
//! as plain data and [adopted](server::Server::adopt) by another process, which
//! goes on with the same numbers. The client notices nothing.
//!
//! Datagrams, the time and orders come in; datagrams, events and the time of
//! the next look come out. There is no checksum and no compression, as clients
//! use none, and the host sends reliable messages only.

mod account;
mod assembly;
mod channel;
pub mod command;
pub mod header;
#[cfg(test)]
mod interop_tests;
pub mod limits;
mod outgoing;
mod peer;
pub mod peer_state;
mod round_trip;
pub mod server;
#[cfg(test)]
mod server_tests;
mod unsequenced;

use crate::clock::Micros;

/// A peer of a [`Server`](server::Server): its place in the server, which the
/// client writes into its datagrams. Given to another client only after
/// [`Event::Disconnected`](server::Event::Disconnected) was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u16);

/// Milliseconds of the monotonic clock, ENet's unit. On the wire are the lower
/// 16 bits.
fn millis(now: Micros) -> u64 {
    now.0 / 1000
}

/// What a datagram says of the time it was sent at.
#[allow(clippy::cast_possible_truncation, reason = "the wire has the lower 16 bits")]
const fn wire_time(millis: u64) -> u16 {
    millis as u16
}
