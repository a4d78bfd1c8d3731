//! What one connection of a client is recognised by, on every port.
//!
//! A ticket is made by `/launch` or `/resume` and lives until the connection
//! ends. RTSP, control and media find it by its secrets in the
//! [`Directory`](super::directory::Directory): never by address alone if more
//! than one client could be meant.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::codec::VideoProfile;
use crate::gpu::GpuName;
use crate::host::adoption::connection_state::ConnectionState;
use crate::host::events::Events;
use crate::host::sessions::LaunchOrder;
use crate::host::sessions::checkpoint::Checkpoint;
use crate::host::sessions::command::Command;
use crate::host::sessions::network::Network;
use crate::host::sessions::shared::Shared;
use crate::host::supervisor::worker_link::WorkerLink;
use crate::ids::SessionId;
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::handshake::{DEFAULT_MAX_PACKET_SIZE, Handshake, HandshakeConfig, Ports};
use crate::protocol::rtsp::sdp::Offer;
use crate::protocol::rtsp::sealer::RtspSealer;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;

/// Number of a connection; a session has a new one after every launch or resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId {
    pub(crate) session: SessionId,
    pub(crate) number: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionId,
    /// What the client calls itself.
    pub(crate) unique_id: String,
    pub(crate) key: SessionKey,
    /// `X-SS-Ping-Payload`.
    pub(crate) ping_payload: PingPayload,
    /// `X-SS-Connect-Data`.
    pub(crate) connect_data: u32,
    /// RTSP `Session`.
    pub(crate) session_token: String,
    /// The client's address at launch.
    pub(crate) peer: IpAddr,
    /// Our address that the client reached at launch.
    pub(crate) local: IpAddr,
    /// RTSP state, one request at a time.
    pub(crate) rtsp: Mutex<RtspSide>,
    /// What ANNOUNCE decided about control; empty before.
    pub(crate) terms: OnceLock<ControlTerms>,
    /// Where input and frame requests go without a detour.
    pub(crate) worker: WorkerLink,
    /// The session's mailbox.
    pub(crate) commands: mpsc::Sender<Command>,
    /// Where to tell what happens.
    pub(crate) events: Events,
    /// What another host needs to go on with control.
    pub(crate) checkpoint: Checkpoint,
    /// What the stream does on a bad network; empty before there is one.
    pub(crate) network: OnceLock<Arc<Network>>,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    /// The kernel has no random bytes.
    #[error(transparent)]
    Random(#[from] getrandom::Error),
    /// It has no descriptor or no memory.
    #[error("no memory for a control connection's state: {0}")]
    Checkpoint(#[from] io::Error),
}

impl Ticket {
    /// A ticket with new random secrets, but for a ping payload that is agreed
    /// on already.
    ///
    /// # Errors
    /// [`IssueError`].
    pub(crate) fn issue(
        connection: ConnectionId,
        order: &LaunchOrder,
        agreed: Option<PingPayload>,
        shared: &Shared,
        commands: &mpsc::Sender<Command>,
    ) -> Result<Arc<Self>, IssueError> {
        let mut random = [0; 20];
        getrandom::fill(&mut random)?;
        let [random_payload @ .., d0, d1, d2, d3, t0, t1, t2, t3, t4, t5, t6, t7] = random;
        let ping_payload = agreed.unwrap_or_else(|| PingPayload::from_random(random_payload));
        let connect_data = u32::from_le_bytes([d0, d1, d2, d3]);
        let session_token = hex::encode_upper([t0, t1, t2, t3, t4, t5, t6, t7]);
        let app = shared.apps.launchable(order.request.app).ok();
        let gpu = app.as_ref().and_then(|app| app.gpu.as_ref());
        let handshake = handshake(shared, gpu, ping_payload, connect_data, &session_token);
        let request = &order.request;
        let sealer = request.encrypted_rtsp.then(|| RtspSealer::new(&request.key, Side::Host));
        Ok(Arc::new(Self {
            connection,
            session: connection.session,
            unique_id: order.unique_id.clone(),
            key: request.key.clone(),
            ping_payload,
            connect_data,
            session_token,
            peer: order.peer,
            local: order.local,
            rtsp: Mutex::new(RtspSide { handshake, sealer }),
            terms: OnceLock::new(),
            worker: WorkerLink::default(),
            commands: commands.clone(),
            events: shared.events.clone(),
            checkpoint: Checkpoint::new()?,
            network: OnceLock::new(),
        }))
    }

    /// A ticket that a host before this one issued, of a client whose handshake
    /// is over.
    ///
    /// # Errors
    /// When the kernel has no random bytes.
    pub(crate) fn adopt(
        session: SessionId,
        state: &ConnectionState,
        checkpoint: Checkpoint,
        shared: &Shared,
        commands: &mpsc::Sender<Command>,
    ) -> Result<Arc<Self>, getrandom::Error> {
        // Nobody knows it: RTSP is over.
        let mut session_token = [0; 8];
        getrandom::fill(&mut session_token)?;
        let session_token = hex::encode_upper(session_token);
        let (ping_payload, connect_data) = (state.ping_payload, state.connect_data);
        let handshake = handshake(shared, None, ping_payload, connect_data, &session_token);
        Ok(Arc::new(Self {
            connection: ConnectionId { session, number: state.number },
            session,
            unique_id: state.unique_id.clone(),
            key: state.stream.plan.key.clone(),
            ping_payload,
            connect_data,
            session_token,
            peer: state.peer,
            local: state.local,
            rtsp: Mutex::new(RtspSide { handshake, sealer: None }),
            terms: OnceLock::from(state.terms),
            worker: WorkerLink::default(),
            checkpoint,
            network: OnceLock::new(),
            commands: commands.clone(),
            events: shared.events.clone(),
        }))
    }

    /// Whether the handshake is over, so that control and media may come.
    pub(crate) fn announced(&self) -> bool {
        self.terms.get().is_some()
    }
}

fn offer(profiles: Vec<VideoProfile>) -> Offer {
    Offer {
        // An encoder that cannot do it answers with an IDR frame. Without it, a client
        // that expects a loss which then does not happen waits for an IDR frame that it
        // never asks for (`RtpVideoQueue.c`, `notifyFrameLost`), until the next real loss
        // or for 120 frames.
        reference_invalidation: true,
        // No pen, touch and motion: without devices for them, clients do better with
        // their mouse emulation.
        ..Offer::of(profiles)
    }
}

fn handshake(
    shared: &Shared,
    gpu: Option<&GpuName>,
    ping_payload: PingPayload,
    connect_data: u32,
    session_token: &str,
) -> Handshake {
    let ports = shared.ports;
    Handshake::new(HandshakeConfig {
        offer: offer(shared.profiles(gpu)),
        ports: Ports { video: ports.video, audio: ports.audio, control: ports.control },
        ping_payload,
        connect_data,
        session_token: session_token.to_owned(),
        max_packet_size: DEFAULT_MAX_PACKET_SIZE,
    })
}

/// RTSP of one connection.
#[derive(Debug)]
pub(crate) struct RtspSide {
    pub(crate) handshake: Handshake,
    /// Present if the session URL said `rtspenc`.
    pub(crate) sealer: Option<RtspSealer>,
}

/// How control of a connection is recognised and sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ControlTerms {
    /// 12-byte IVs per direction instead of the legacy 16-byte ones.
    pub(crate) v2: bool,
    /// The client sends ping payload and connect data.
    pub(crate) sends_secrets: bool,
}

#[cfg(test)]
impl Ticket {
    /// A ticket of a client that announced V2 encryption and sends its secrets.
    pub(crate) fn for_tests(
        connection: ConnectionId,
        connect_data: u32,
        checkpoint: Checkpoint,
        commands: &mpsc::Sender<Command>,
    ) -> Arc<Self> {
        use crate::protocol::rtsp::sdp::Encryption;

        let local = IpAddr::from([127, 0, 0, 1]);
        let ping_payload = PingPayload::from_random([1; 8]);
        let handshake = Handshake::new(HandshakeConfig {
            offer: Offer {
                profiles: vec![crate::codec::VideoProfile::H264],
                encryption_supported: Encryption::ALL,
                encryption_requested: Encryption::default(),
                encryption_required: Encryption::default(),
                pen_touch: false,
                controller_touch_motion: false,
                reference_invalidation: false,
            },
            ports: Ports { video: 1, audio: 2, control: 3 },
            ping_payload,
            connect_data,
            session_token: String::new(),
            max_packet_size: DEFAULT_MAX_PACKET_SIZE,
        });
        Arc::new(Self {
            connection,
            session: connection.session,
            unique_id: String::new(),
            key: SessionKey::new([7; 16]),
            ping_payload,
            connect_data,
            session_token: String::new(),
            peer: local,
            local,
            rtsp: Mutex::new(RtspSide { handshake, sealer: None }),
            terms: OnceLock::from(ControlTerms { v2: true, sends_secrets: true }),
            worker: WorkerLink::default(),
            commands: commands.clone(),
            events: Events::new("test"),
            checkpoint,
            network: OnceLock::new(),
        })
    }
}
