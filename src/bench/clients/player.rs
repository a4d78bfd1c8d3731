//! One client step by step: what the load generator does in order, and tests in
//! any other.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub use crate::bench::clients::audio_receiver::AudioReport;
pub use crate::bench::clients::connection::Connection;
pub use crate::bench::clients::control::{Control, ControlReport, Order};
use crate::bench::clients::host::Host;
use crate::bench::clients::https::{LONG_PATIENCE, Requests, SHORT_PATIENCE};
use crate::bench::clients::identity::Identity;
use crate::bench::clients::pairing::PinTyper;
pub use crate::bench::clients::receiving::Receiving;
use crate::bench::clients::settings::Settings;
pub use crate::bench::clients::stream::Stream;
pub use crate::bench::clients::tap::Arrived;
pub use crate::bench::clients::video_receiver::{Seen, VideoCounts, VideoReport};
use crate::cli::ClientsArgs;
use crate::ids::AppId;
use crate::protocol::gamestream::answer::Verb;
use crate::protocol::gamestream::launch_request::LaunchRequest;
use crate::protocol::gamestream::xml_reader::Answer;
use crate::protocol::secret::SessionKey;
use crate::units::{Bitrate, Size};

/// A client that has paired.
#[derive(Clone)]
pub struct Player {
    requests: Requests,
    settings: Arc<Settings>,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("client", &self.requests.client).finish_non_exhaustive()
    }
}

/// What serverinfo says of the client, and how long the question took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The host knows the client.
    pub paired: bool,
    /// The client's app, 0 if none runs.
    pub running: u32,
    /// From the start of the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// The whole, to the last byte of the answer.
    pub whole: Duration,
}

impl Player {
    /// The clients that a command line describes, paired where they were not.
    /// There is one of each even if it says none.
    ///
    /// # Errors
    /// If there is no host, or a client cannot pair.
    pub async fn all(args: &ClientsArgs, identities: &Path) -> anyhow::Result<Vec<Self>> {
        let settings = Arc::new(Settings::new(args)?);
        let host = Host::meet(&args.host, args.port).await?;
        let socket = args.api_socket.as_deref().context("--api-socket is needed to enter the PINs")?;
        let typer = PinTyper::choose(Some(socket), socket)?;
        let mut players = Vec::new();
        let all = crate::bench::clients::identity::all(identities, args.clients.max(1)).await?;
        for (number, mut identity) in all.into_iter().enumerate() {
            host.make_friends(&mut identity, number, &typer).await?;
            players.push(Self::of(&host, &identity, Arc::clone(&settings))?);
        }
        Ok(players)
    }

    pub(super) fn of(host: &Host, identity: &Identity, settings: Arc<Settings>) -> anyhow::Result<Self> {
        Ok(Self { requests: host.requests(identity)?, settings })
    }

    /// The same client, asking for another picture.
    #[must_use]
    pub fn with_mode(&self, size: Size, fps: u32) -> Self {
        let settings = Arc::new(Settings { size, fps, ..Settings::clone(&self.settings) });
        Self { requests: self.requests.clone(), settings }
    }

    /// The same client, asking for another bit rate.
    #[must_use]
    pub fn with_bitrate(&self, bitrate: Bitrate) -> Self {
        let settings = Arc::new(Settings { bitrate, ..Settings::clone(&self.settings) });
        Self { requests: self.requests.clone(), settings }
    }

    /// The same client as it was years ago: plain RTSP, and neither pings nor
    /// CONNECT say whose they are.
    #[must_use]
    pub fn of_old(&self) -> Self {
        let settings = Arc::new(Settings { plain_rtsp: true, nameless: true, ..Settings::clone(&self.settings) });
        Self { requests: self.requests.clone(), settings }
    }

    /// `uniqueid` of its requests.
    #[must_use]
    pub fn unique_id(&self) -> &str {
        &self.requests.client
    }

    /// A TLS connection to the host on which nothing was asked yet.
    ///
    /// # Errors
    /// What the network or TLS say.
    pub async fn tls(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        self.requests.connect().await
    }

    /// A request over HTTPS; the text of its answer.
    ///
    /// # Errors
    /// What the network or HTTP say.
    pub async fn ask(&self, target: &str) -> anyhow::Result<String> {
        Ok(self.requests.https(target, LONG_PATIENCE).await?.text)
    }

    /// `/serverinfo`.
    ///
    /// # Errors
    /// What the network says, or that the answer makes no sense.
    pub async fn standing(&self) -> anyhow::Result<Standing> {
        let info = self.requests.https("/serverinfo", SHORT_PATIENCE).await?;
        let answer = Answer::read(&info.text)?;
        Ok(Standing {
            paired: answer.number("PairStatus")? == 1,
            running: answer.number("currentgame")?,
            handshake: info.handshake,
            whole: info.whole,
        })
    }

    /// The number of the app with this title.
    ///
    /// # Errors
    /// That there is none; which ones there are.
    pub async fn app(&self, title: &str) -> anyhow::Result<AppId> {
        let list = self.requests.https("/applist", SHORT_PATIENCE).await?;
        let mut titles = Vec::new();
        for app in Answer::read(&list.text)?.blocks("App") {
            let found = app.required("AppTitle")?;
            if found == title {
                return Ok(AppId(app.number("ID")?));
            }
            titles.push(found);
        }
        bail!("the host has no app {title:?}; it has {titles:?}")
    }

    /// `/launch` or `/resume`, with new keys.
    ///
    /// # Errors
    /// What the host says.
    pub async fn begin(&self, verb: Verb, app: AppId) -> anyhow::Result<Connection> {
        let (mut key, mut rikeyid) = ([0; 16], [0; 4]);
        getrandom::fill(&mut key).context("no random numbers")?;
        getrandom::fill(&mut rikeyid).context("no random numbers")?;
        let (key, rikeyid) = (SessionKey::new(key), u32::from_le_bytes(rikeyid));
        let settings = Arc::clone(&self.settings);
        let request = LaunchRequest {
            app,
            key: key.clone(),
            rikeyid,
            size: Some(settings.size),
            frame_rate_hz: Some(settings.fps),
            channels: 2,
            encrypted_rtsp: !settings.plain_rtsp,
            hdr: false,
        };
        let begun = Instant::now();
        let path = verb.path();
        let answer = self.requests.https(&format!("{path}?{}", request.to_query()), LONG_PATIENCE).await?;
        let answer = Answer::read(&answer.text)?;
        let url = match answer.element(verb.element()).as_deref() {
            Some("0") | None => bail!("the host did not {path}"),
            Some(_) => answer.required("sessionUrl0")?,
        };
        Connection::new(self.requests.address.ip, url, settings, key, rikeyid, begun)
    }

    /// `/cancel`.
    ///
    /// # Errors
    /// What the host says.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        Answer::read(&self.ask("/cancel").await?)?;
        Ok(())
    }
}
