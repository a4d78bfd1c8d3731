//! How much a server takes from whom, and ENet's own constants.

/// Bounds of a [`Server`](super::server::Server).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Peers at the same time, those not yet connected included; 1 to 4095.
    pub peers: u16,
    /// Channels of a peer at most; a client that asks for more gets these.
    pub channels: u8,
    /// Bytes of a message at most, in both directions.
    pub message: usize,
    /// Bytes that wait for a peer's missing messages; at most [`PEER_BYTES`].
    pub peer_bytes: usize,
    /// Bytes that wait for all peers' missing messages, or to be taken.
    pub all_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Client messages are under 256 bytes; text input may grow.
        Self { peers: 512, channels: 255, message: 16 * 1024, peer_bytes: PEER_BYTES, all_bytes: 4 << 20 }
    }
}

/// What a peer may have waiting for a lost message: over two seconds of a
/// thousand events a second. Checkpoints are laid out for it.
pub const PEER_BYTES: usize = 256 * 1024;

/// What may wait to be acknowledged by a peer, in bytes.
pub const OUTGOING_BYTES: usize = 64 * 1024;

/// What every message counts for beside its own bytes.
pub(super) const MESSAGE_OVERHEAD: usize = 64;

/// Acknowledgements that wait for a datagram. Those above are left to the
/// client's next attempt.
pub(super) const MOST_ACKS: usize = 1024;

/// Sizes of a datagram that peers may agree on (`protocol.h`).
pub(super) const LEAST_MTU: u16 = 576;
/// More is not sent, nor taken.
pub const MOST_MTU: u16 = 4096;
/// What is offered: an Ethernet frame with room for tunnels.
pub(super) const OUR_MTU: u16 = 1392;

/// Reliable bytes under way that peers may agree on.
pub(super) const LEAST_WINDOW: u32 = 4096;
/// What peers without a bandwidth limit get.
pub(super) const MOST_WINDOW: u32 = 65536;
/// Bandwidth that is worth [`LEAST_WINDOW`], in bytes a second.
pub(super) const WINDOW_SCALE: u32 = 65536;

/// A peer id that means "none yet".
pub const NO_PEER: u16 = 0x0fff;
/// A session id that means "none yet".
pub(super) const NO_SESSION: u8 = 0xff;
/// The channel of commands that belong to none.
pub const NO_CHANNEL: u8 = 0xff;

/// Commands of a datagram at most.
pub(super) const MOST_COMMANDS: usize = 32;

/// Before the first round trip is measured, in ms.
pub(super) const FIRST_ROUND_TRIP: u32 = 500;
/// A peer that was not heard of for so long is pinged, in ms.
pub(super) const PING_INTERVAL: u64 = 500;
/// A peer that does not acknowledge for so long is lost, in ms: the same rule
/// as the client's own (moonlight-common-c `ControlStream.c`).
pub(super) const TIMEOUT: u64 = 10_000;
/// Longest wait before something is sent again, in ms: a fifth of the timeout,
/// so that a link that comes back is noticed in time (`peer.c` of the fork).
pub(super) const LONGEST_WAIT: u32 = 2000;
