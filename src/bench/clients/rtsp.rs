//! The RTSP handshake over TCP: a connection per request, read to its end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::bench::clients::https::connect;
use crate::protocol::rtsp::answer::Answer;
use crate::protocol::rtsp::message::Request;
use crate::protocol::rtsp::sealer::{Opened, RtspSealer};

/// One handshake's requests.
#[derive(Debug)]
pub(super) struct RtspClient {
    address: SocketAddr,
    sealer: Option<RtspSealer>,
}

impl RtspClient {
    /// With a sealer if the session URL said `rtspenc`.
    pub(super) const fn new(address: SocketAddr, sealer: Option<RtspSealer>) -> Self {
        Self { address, sealer }
    }

    /// Asks and waits for the answer.
    pub(super) async fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let plain = request.to_bytes();
        let sent = match &mut self.sealer {
            Some(sealer) => sealer.seal(&plain)?,
            None => plain,
        };
        let received = timeout(PATIENCE, exchange(self.address, &sent))
            .await
            .map_err(|_| anyhow!("no RTSP answer from {} within {PATIENCE:?}", self.address))??;
        let plain = match &mut self.sealer {
            Some(sealer) => open(sealer, &received)?,
            None => received,
        };
        Ok(Answer::read(&plain)?)
    }
}

async fn exchange(address: SocketAddr, sent: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut stream = connect(address).await?;
    let mut received = Vec::new();
    let talk = async {
        stream.write_all(sent).await?;
        stream.take(LONGEST_ANSWER).read_to_end(&mut received).await?;
        io::Result::Ok(())
    };
    talk.await.with_context(|| format!("RTSP with {address}"))?;
    Ok(received)
}

/// The client takes an answer only if it is one whole frame.
fn open(sealer: &mut RtspSealer, received: &[u8]) -> anyhow::Result<Vec<u8>> {
    if received.is_empty() {
        bail!("the host closed the RTSP connection without an answer");
    }
    match sealer.open(received).context("the RTSP answer")? {
        Opened::Complete { plain, consumed } if consumed == received.len() => Ok(plain),
        Opened::Complete { .. } | Opened::Incomplete => bail!("the RTSP answer is not one sealed frame"),
    }
}

/// The client's own patience.
const PATIENCE: Duration = Duration::from_secs(15);

/// The client's own limit.
const LONGEST_ANSWER: u64 = 1 << 20;
