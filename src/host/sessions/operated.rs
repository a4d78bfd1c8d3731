//! Sessions that the API drives: begun without a launch, streamed to without
//! RTSP, paused, given new keys, and given more programs.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::apps::AppConfig;
use crate::desktop::spec::AppSpec;
use crate::host::sessions::command::Command;
use crate::host::sessions::{CONNECT_SLACK, Launched, Refusal, Sessions};
use crate::host::store::client_preferences::PartialClientSettings;
use crate::host::supervisor::worker_link::WorkerLink;
use crate::ids::{ClientId, SessionId};
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::secret::SessionKey;
use crate::units::{FecPercent, FrameRate, Size};

/// Keys of one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionKeys {
    /// `rikey`.
    pub key: SessionKey,
    /// `rikeyid` as an unsigned number.
    pub rikeyid: u32,
}

/// A session to begin without its client.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// Whose; `None` for a session of nobody.
    pub client: Option<ClientId>,
    /// What it runs.
    pub app: AppConfig,
    /// Mode of its desktop, if anybody said.
    pub mode: Option<(Size, FrameRate)>,
    /// Speakers: 2, 6 or 8.
    pub channels: u8,
    /// Keys of its first connection, if anybody said.
    pub keys: Option<SessionKeys>,
    /// Address of its client, if known.
    pub peer: Option<IpAddr>,
    /// What holds for it instead of what is decided for its client.
    pub settings: Option<PartialClientSettings>,
}

/// A stream that nobody negotiates.
#[derive(Debug, Clone)]
pub struct DirectStream {
    /// What an ANNOUNCE would have said.
    pub parameters: StreamParameters,
    /// Parity, if not as configured.
    pub fec: Option<FecPercent>,
    /// Keys, if not the session's.
    pub keys: Option<SessionKeys>,
    /// Address of the client.
    pub peer: IpAddr,
    /// How its packets' destination is found.
    pub destination: Destination,
}

/// Where a stream's packets go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Wherever a PING comes from within a time; with this payload, or without
    /// any from the client's address.
    Ping {
        /// What the ping says.
        payload: Option<PingPayload>,
        /// How long to wait for it.
        patience: Duration,
    },
    /// To these ports of the client.
    Ports {
        /// Video.
        video: u16,
        /// Sound.
        audio: u16,
    },
}

impl Sessions {
    /// The session with this number, or the current one of the client that the
    /// API calls by it: with Wolf, both are one.
    #[must_use]
    pub fn resolve(&self, number: u64) -> Option<SessionId> {
        let registry = self.lock();
        if registry.sessions.contains_key(&SessionId(number)) {
            return Some(SessionId(number));
        }
        let mut sessions = registry.sessions.iter();
        sessions.find(|(_, handle)| handle.client.short() == number && !handle.ending).map(|(id, _)| *id)
    }

    /// Begins a session with its desktop, as a launch does, without waiting for
    /// its client. A client's session with the same app goes on.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the operator.
    pub async fn prepare(&self, wanted: Preparation) -> Result<SessionId, Refusal> {
        let client = match wanted.client {
            Some(client) => client,
            None => nobody()?,
        };
        let session = self.open(client, wanted.app.clone())?.id;
        self.ask(session, |reply| Command::Prepare { wanted: Box::new(wanted), reply }).await?;
        Ok(session)
    }

    /// Ends a session's connection; its desktop stays.
    ///
    /// # Errors
    /// [`Refusal`] with status 404 if there is no such session.
    pub async fn pause(&self, session: SessionId) -> Result<(), Refusal> {
        self.ask(session, |reply| Command::Pause { reply }).await
    }

    /// Lets the client of a session connect again, with new keys.
    ///
    /// # Errors
    /// [`Refusal`] with status 404 if there is no such session.
    pub async fn rekey(&self, session: SessionId, keys: SessionKeys) -> Result<Launched, Refusal> {
        self.ask(session, |reply| Command::Rekey { keys, reply }).await
    }

    /// Streams a session to its client, in place of an older stream.
    ///
    /// # Errors
    /// [`Refusal`] with status 404 if there is no such session.
    pub async fn start_stream(&self, session: SessionId, stream: DirectStream) -> Result<(), Refusal> {
        self.ask(session, |reply| Command::Stream { stream: Box::new(stream), reply }).await
    }

    /// Runs another program in a session's desktop; with `ends_session` its end
    /// is that of the session. Returns its process id.
    ///
    /// # Errors
    /// [`Refusal`] with status 404 if there is no such session.
    pub async fn run(&self, session: SessionId, program: AppSpec, ends_session: bool) -> Result<u32, Refusal> {
        self.ask(session, |reply| Command::Run { program: Box::new(program), ends_session, reply }).await
    }

    /// The way to a session's worker. `None` if there is no such session;
    /// `Some(None)` if it has no connection.
    pub(crate) fn worker(&self, session: SessionId) -> Option<Option<WorkerLink>> {
        self.lock().sessions.get(&session).map(|handle| handle.record.worker())
    }

    async fn ask<T>(
        &self,
        session: SessionId,
        command: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Command,
    ) -> Result<T, Refusal> {
        let commands = self.lock().sessions.get(&session).map(|handle| handle.commands.clone());
        let commands =
            commands.ok_or_else(|| Refusal { status: 404, text: format!("There is no session {session}.") })?;
        let gone = || Refusal { status: 503, text: format!("Session {session} ended meanwhile.") };
        let (reply, answer) = oneshot::channel();
        let both = async {
            commands.send(command(reply)).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        timeout(self.shared.config.now().desktop.ready_deadline + CONNECT_SLACK, both).await.unwrap_or_else(|_| {
            Err(Refusal {
                status: 503,
                text: format!("Session {session} did not answer in time. See the host's logs."),
            })
        })
    }
}

/// An identity that no certificate has.
fn nobody() -> Result<ClientId, Refusal> {
    let mut id = [0; 32];
    getrandom::fill(&mut id).map_err(|error| Refusal { status: 503, text: error.to_string() })?;
    Ok(ClientId(id))
}

/// Our address as a client at `peer` sees it.
///
/// # Errors
/// What the kernel says: there may be no route.
pub(crate) fn address_towards(peer: IpAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Sends nothing: it only looks up the route.
    socket.connect((peer, 9))?;
    socket.local_addr().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_ourselves_is_short() {
        let localhost: IpAddr = [127, 0, 0, 1].into();
        assert_eq!(address_towards(localhost).unwrap(), localhost);
    }
}
