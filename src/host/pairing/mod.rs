//! Pairing as a service: random numbers, the host's key, deadlines and the
//! list of clients around the pure handshake.
//!
//! Phase 1 is held open until the PIN comes in through the API. The handshake's
//! types allow one verification for each phase 1; this keeps the step that the
//! next request needs ([`pending`]), and puts the client on the list before
//! phase 4 is answered, because phase 5 follows at once on a new connection.

pub mod pending;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;
use tracing::info;

use crate::host::events::seldom::Seldom;
use crate::host::events::{Event, Events};
use crate::host::identity::Identity;
use crate::host::pairing::pending::{
    BeginPairingError, PairingKey, PairingLimits, PendingTable, Ticket, WaitingForPin,
};
use crate::host::store::paired_clients::PairedClients;
use crate::host::store::versioned_file::SaveStateError;
use crate::protocol::pairing::certificate::{Certificate, CertificateError};
use crate::protocol::pairing::handshake::{
    AwaitingChallenge, AwaitingPin, Challenged, HostRandom, Revealed, VerifyError,
};
use crate::protocol::pairing::pin_key::{HashKind, Pin, PinError};

/// All pairings of the host; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pairings {
    inner: Arc<Inner>,
}

impl Pairings {
    /// Nobody pairs yet; those who have paired go to `clients`, and `events`
    /// tells of them.
    ///
    /// # Errors
    /// [`StartPairingError`] if the identity is not usable.
    pub fn new(
        identity: &Identity,
        clients: PairedClients,
        limits: PairingLimits,
        events: Events,
    ) -> Result<Self, StartPairingError> {
        let inner = Inner {
            certificate: Certificate::from_der(identity.certificate().to_vec())?,
            key: KeyPair::from_pkcs8(identity.key_pkcs8())?,
            clients,
            limits,
            table: Mutex::new(PendingTable::new(limits)),
            events,
            signals: Mutex::new(Seldom::new(SIGNALS_AT_ONCE, SIGNAL_INTERVAL)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// So many at the same time from now on, in all and of one address.
    pub fn set_limits(&self, total: usize, per_address: usize) {
        self.inner.table().set_limits(total, per_address);
    }

    /// Who waits for a PIN.
    #[must_use]
    pub fn waiting(&self) -> Vec<WaitingForPin> {
        self.inner.table().waiting(Instant::now())
    }

    /// The user typed the PIN that a client shows.
    ///
    /// # Errors
    /// [`EnterPinError`].
    pub fn enter_pin(&self, pair_secret: &str, pin: &str) -> Result<(), EnterPinError> {
        let pin = Pin::parse(pin)?;
        if self.inner.table().enter_pin(Instant::now(), pair_secret, pin) {
            Ok(())
        } else {
            Err(EnterPinError::UnknownSecret)
        }
    }

    /// Phase 1: waits for the PIN; `host` is our address that the client
    /// reached. Dropping the future, as when the client
    /// hangs up, forgets the pairing.
    ///
    /// # Errors
    /// [`PairingError`]; the pairing is then forgotten.
    pub async fn begin(
        &self,
        key: PairingKey,
        host: IpAddr,
        salt: [u8; 16],
        client: Certificate,
    ) -> Result<(), PairingError> {
        let secret = hex::encode(random::<16>()?);
        let id = client.client_id();
        let address = key.address;
        let (ticket, pin) = self.inner.table().begin(Instant::now(), key, id, secret)?;
        let forget = ForgetOnDrop { inner: &self.inner, ticket };
        info!(%address, client = ?id, "pairing waits for its PIN");
        self.inner.tell_signal(address, host);
        let pin = timeout(self.inner.limits.pin, pin).await.ok().and_then(Result::ok).ok_or(PairingError::NoPin)?;
        let step = AwaitingPin::new(HashKind::Sha256, salt, client).enter_pin(&pin);
        self.inner.put(ticket, Step::Challenge(step))?;
        forget.keep();
        Ok(())
    }

    /// Phase 2: the bytes of `challengeresponse`.
    ///
    /// # Errors
    /// [`PairingError`]; the pairing is then forgotten.
    pub fn answer_challenge(&self, key: &PairingKey, challenge: &[u8; 16]) -> Result<Vec<u8>, PairingError> {
        let (ticket, step) = self.inner.take(key)?;
        let Step::Challenge(step) = step else { return Err(self.inner.out_of_order(ticket)) };
        let random = HostRandom { secret: random()?, challenge: random()? };
        let (next, answer) = step.answer_challenge(challenge, &self.inner.certificate, random);
        self.inner.put(ticket, Step::Response(next))?;
        Ok(answer)
    }

    /// Phase 3: the bytes of `pairingsecret`.
    ///
    /// # Errors
    /// [`PairingError`]; the pairing is then forgotten.
    pub async fn reveal(&self, key: &PairingKey, response: [u8; 32]) -> Result<Vec<u8>, PairingError> {
        let (ticket, step) = self.inner.take(key)?;
        let Step::Response(step) = step else { return Err(self.inner.out_of_order(ticket)) };
        let inner = Arc::clone(&self.inner);
        let (next, answer) = spawn_blocking(move || step.reveal(&response, |secret| inner.sign(secret))).await??;
        self.inner.put(ticket, Step::Secret(next))?;
        Ok(answer)
    }

    /// Phase 4: checks, and puts the client on the list under `name`.
    ///
    /// # Errors
    /// [`PairingError`]; the client is then not paired.
    pub async fn verify(
        &self,
        key: &PairingKey,
        secret: [u8; 16],
        signature: Vec<u8>,
        name: String,
    ) -> Result<(), PairingError> {
        let (ticket, step) = self.inner.take(key)?;
        self.inner.table().remove(ticket);
        let Step::Secret(step) = step else { return Err(PairingError::OutOfOrder) };
        let inner = Arc::clone(&self.inner);
        // A task of its own: once the client is on the list it is paired,
        // whether or not it waits for the answer.
        let paired = spawn_blocking(move || {
            let verified = step.verify(&secret, &signature)?;
            Ok::<_, PairingError>(inner.clients.add(verified.client.der(), &name)?)
        });
        let client = paired.await??;
        info!(address = %key.address, client = %client.id, "paired");
        self.inner.events.publish(Event::ClientPaired { client_id: client.id });
        Ok(())
    }

    /// A client gave up after its PIN; only what is pending goes.
    pub fn abandon(&self, key: &PairingKey) {
        self.inner.table().abandon(key);
    }
}

/// A PIN was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnterPinError {
    /// Not four digits.
    #[error(transparent)]
    NotAPin(#[from] PinError),
    /// Nobody waits under this secret, or no longer.
    #[error("Invalid pair secret: nobody waits for a PIN under it, or no longer")]
    UnknownSecret,
}

/// Why pairing is not possible at all.
#[derive(Debug, thiserror::Error)]
pub enum StartPairingError {
    /// The host's certificate.
    #[error("cannot use the host certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The host's key.
    #[error("cannot use the host key: {0}")]
    Key(#[from] aws_lc_rs::error::KeyRejected),
}

/// Why a phase of pairing failed.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// It cannot begin.
    #[error(transparent)]
    Begin(#[from] BeginPairingError),
    /// Nobody typed the PIN, or the client began anew.
    #[error("no PIN was entered on the host in time")]
    NoPin,
    /// Not the phase that was to come.
    #[error("no pairing is at this phase; start again")]
    OutOfOrder,
    /// The PIN or a signature is wrong.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The list of clients cannot be written.
    #[error(transparent)]
    Save(#[from] SaveStateError),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The host's key does not sign.
    #[error("the host key does not sign")]
    Sign,
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping(#[from] JoinError),
}

struct Inner {
    certificate: Certificate,
    key: KeyPair,
    clients: PairedClients,
    limits: PairingLimits,
    table: Mutex<PendingTable<Step>>,
    events: Events,
    /// Strangers can begin pairings.
    signals: Mutex<Seldom>,
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, PendingTable<Step>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_signal(&self, client: IpAddr, host: IpAddr) {
        if self.signals.lock().unwrap_or_else(PoisonError::into_inner).allows(Instant::now()) {
            self.events.publish(Event::PairSignal { client_ip: client.to_string(), host_ip: host.to_string() });
        }
    }

    fn take(&self, key: &PairingKey) -> Result<(Ticket, Step), PairingError> {
        self.table().take(Instant::now(), key).ok_or(PairingError::OutOfOrder)
    }

    fn put(&self, ticket: Ticket, step: Step) -> Result<(), PairingError> {
        if self.table().put(Instant::now(), ticket, step) { Ok(()) } else { Err(PairingError::OutOfOrder) }
    }

    fn out_of_order(&self, ticket: Ticket) -> PairingError {
        self.table().remove(ticket);
        PairingError::OutOfOrder
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PairingError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        match self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(PairingError::Sign),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairings").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What the next request of a client needs.
#[derive(Debug)]
enum Step {
    Challenge(AwaitingChallenge),
    Response(Challenged),
    Secret(Revealed),
}

/// Forgets a pairing whose phase 1 ends without a PIN, however it ends.
struct ForgetOnDrop<'a> {
    inner: &'a Inner,
    ticket: Ticket,
}

impl ForgetOnDrop<'_> {
    /// The PIN is there: the pairing goes on.
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        info!("pairing ended without a PIN");
        self.inner.table().remove(self.ticket);
    }
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Pairings that are told at once, and how often one more is.
const SIGNALS_AT_ONCE: u32 = 20;
const SIGNAL_INTERVAL: Duration = Duration::from_secs(1);
