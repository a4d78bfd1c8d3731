//! Pairs a client with the host, and enters its PIN there if we may.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

use crate::api_client::{ApiClient, PendingPair};
use crate::bench::clients::https::{HostAddress, LONG_PATIENCE, Requests, SHORT_PATIENCE};
use crate::bench::clients::identity::Identity;
use crate::bench::clients::tls;
use crate::protocol::gamestream::xml_reader::Answer;
use crate::protocol::pairing::client_handshake::{AskingForCertificate, ClientRandom};
use crate::protocol::pairing::pin_key::{HashKind, Pin};

/// Who types PINs into the host.
#[derive(Debug, Clone)]
pub(super) enum PinTyper {
    /// We do, over its API.
    Api(PathBuf),
    /// Whoever reads what we print.
    Somebody,
}

impl PinTyper {
    /// The API if its socket is there. One that was named must be.
    pub(super) fn choose(named: Option<&Path>, usual: &Path) -> anyhow::Result<Self> {
        match named {
            Some(socket) if !socket.exists() => bail!("there is no API socket {}", socket.display()),
            Some(socket) => Ok(Self::Api(socket.to_owned())),
            None if usual.exists() => Ok(Self::Api(usual.to_owned())),
            None => Ok(Self::Somebody),
        }
    }
}

/// All five phases. Clients pair one at a time: the API does not say which of
/// those that wait is ours.
pub(super) async fn pair(
    identity: &mut Identity,
    number: usize,
    address: HostAddress,
    host_id: &str,
    typer: &PinTyper,
) -> anyhow::Result<()> {
    // Nobody is pinned yet; phases 1 to 4 are over HTTP.
    let anybody = Requests { address, client: identity.unique_id().to_owned(), tls: tls::connector(identity, None)? };
    let host = match phases(identity, number, &anybody, typer).await {
        Ok(host) => host,
        Err(error) => {
            // A courtesy, as the real clients have it: the host forgets by itself.
            let _ = anybody.http("/unpair", SHORT_PATIENCE).await;
            return Err(error);
        }
    };
    let pinned = Requests { tls: tls::connector(identity, Some(&host))?, ..anybody };
    let answer = pinned.https(&format!("/pair?{COMMON}&phrase=pairchallenge"), SHORT_PATIENCE).await?;
    expect_paired(&answer.text, "phase 5")?;
    tokio::task::block_in_place(|| identity.remember_host(host_id, &host))
}

/// Phases 1 to 4: the host's certificate.
async fn phases(
    identity: &Identity,
    number: usize,
    host: &Requests,
    typer: &PinTyper,
) -> anyhow::Result<crate::protocol::pairing::certificate::Certificate> {
    let (pin_text, pin) = new_pin()?;
    let asking = AskingForCertificate::new(HashKind::Sha256, &pin, identity.certificate().clone(), new_random()?);

    let target = format!("/pair?{COMMON}&{}", asking.query(identity.certificate_pem()));
    let text = match typer {
        PinTyper::Api(socket) => {
            let socket = ApiClient::new(socket.clone());
            let before = waiting(&socket).await?;
            let (text, typed) =
                tokio::join!(host.http(&target, LONG_PATIENCE), type_pin(&socket, &before, pin_text.clone()));
            typed.context("entering the PIN")?;
            text?
        }
        PinTyper::Somebody => {
            eprintln!("Client {number} wants to pair. Enter its PIN on the host: earthshine pair {pin_text}");
            host.http(&target, LONG_PATIENCE).await?
        }
    };
    let certificate = bytes(&text, "plaincert", "phase 1")?;
    let challenging = asking.handle_answer(&certificate)?;

    let text = phase(host, &challenging.query()).await?;
    let committing = challenging.handle_answer(&bytes(&text, "challengeresponse", "phase 2")?)?;

    let text = phase(host, &committing.query()).await?;
    let revealing = committing.handle_answer(&bytes(&text, "pairingsecret", "phase 3")?)?;

    let text = phase(host, &revealing.query(|secret| identity.sign(secret))?).await?;
    expect_paired(&text, "phase 4")?;
    Ok(revealing.host().clone())
}

async fn phase(host: &Requests, query: &str) -> anyhow::Result<String> {
    host.http(&format!("/pair?{COMMON}&{query}"), SHORT_PATIENCE).await
}

/// Waits until one more than before waits for a PIN, and enters it there.
async fn type_pin(api: &ApiClient, before: &[PendingPair], pin: String) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let now = waiting(api).await?;
        let known = |pair: &PendingPair| before.iter().any(|other| other.pair_secret == pair.pair_secret);
        let mut new = now.into_iter().filter(|pair| !known(pair));
        match (new.next(), new.next()) {
            (Some(ours), None) => {
                let api = api.clone();
                return Ok(tokio::task::spawn_blocking(move || api.enter_pin(&ours.pair_secret, &pin)).await??);
            }
            (Some(_), Some(_)) => bail!("another client began to pair at the same moment; try again"),
            (None, _) if begin.elapsed() > SHORT_PATIENCE => {
                bail!("the host behind the API socket knows nothing of our pairing: is it the one that we pair with?")
            }
            (None, _) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn waiting(api: &ApiClient) -> anyhow::Result<Vec<PendingPair>> {
    let api = api.clone();
    Ok(tokio::task::spawn_blocking(move || api.pending()).await??)
}

fn bytes(text: &str, element: &'static str, phase: &'static str) -> anyhow::Result<Vec<u8>> {
    expect_paired(text, phase)?;
    Answer::read(text)?.bytes(element).with_context(|| format!("pairing, {phase}"))
}

fn expect_paired(text: &str, phase: &'static str) -> anyhow::Result<()> {
    let answer = Answer::read(text).with_context(|| format!("pairing, {phase}"))?;
    match answer.element("paired").as_deref() {
        Some("1") => Ok(()),
        _ => Err(anyhow!("the host did not pair in {phase}")),
    }
}

fn new_pin() -> anyhow::Result<(String, Pin)> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).context("no random numbers")?;
    let text = format!("{:04}", u32::from_le_bytes(random) % 10_000);
    let pin = Pin::parse(&text)?;
    Ok((text, pin))
}

fn new_random() -> anyhow::Result<ClientRandom> {
    let mut random = ClientRandom { salt: [0; 16], challenge: [0; 16], secret: [0; 16] };
    for bytes in [&mut random.salt, &mut random.challenge, &mut random.secret] {
        getrandom::fill(bytes).context("no random numbers")?;
    }
    Ok(random)
}

/// What every phase carries.
const COMMON: &str = "devicename=roth&updateState=1";

/// How often we look for our pairing.
const LOOK: Duration = Duration::from_millis(20);
