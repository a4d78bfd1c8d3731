//! A client's connection, as far as it can be written down: for a host that
//! goes on with it. The rest is what the keeper holds
//! ([`kept_stream`](super::kept_stream)).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::gpu::GpuAddress;
use crate::host::sessions::ticket::ControlTerms;
use crate::ids::{Generation, LobbyId};
use crate::ipc::message::MediaKind;
use crate::protocol::gamestream::ping::PingPayload;
use crate::stream_plan::StreamPlan;

/// A connection with a stream. One whose handshake is not over ends with its
/// host: the client waits for an answer that nobody can give any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConnectionState {
    /// Its number in the session.
    pub(crate) number: u64,
    /// What the client calls itself.
    pub(crate) unique_id: String,
    pub(crate) peer: IpAddr,
    pub(crate) local: IpAddr,
    pub(crate) ping_payload: PingPayload,
    pub(crate) connect_data: u32,
    pub(crate) terms: ControlTerms,
    /// Pings are enough to show that the client is there.
    pub(crate) pings_suffice: bool,
    /// No control connection is waited for.
    pub(crate) without_control: bool,
    /// The lobby that it shows.
    pub(crate) lobby: Option<LobbyId>,
    pub(crate) stream: StreamState,
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamState {
    pub(crate) plan: StreamPlan,
    pub(crate) generation: Generation,
    pub(crate) restarts: u32,
    pub(crate) encoder: String,
    /// GPU that it encodes on, if any.
    #[serde(default)]
    pub(crate) gpu: Option<GpuAddress>,
    /// Where the client's packets go.
    pub(crate) peers: Vec<(MediaKind, SocketAddr)>,
    /// Frames captured before the current worker started.
    pub(crate) captured_before: u64,
    /// What the counters page consists of ([`CountersPage::LAYOUT`]).
    ///
    /// [`CountersPage::LAYOUT`]: crate::ipc::counters_page::CountersPage::LAYOUT
    pub(crate) page_layout: u32,
}
