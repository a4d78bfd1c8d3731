//! The client's steps of one pairing attempt, a type each: the other half of
//! [`handshake`](super::handshake).
//!
//! [`AskingForCertificate`] → [`Challenging`] → [`Committing`] → [`Revealing`].
//! A step's `query` is what to ask, and it consumes itself with the answer. For
//! the load generator and tests (moonlight-qt `nvpairingmanager.cpp`, `pair`).

use crate::protocol::pairing::certificate::{Certificate, CertificateError};
use crate::protocol::pairing::pin_key::{HashKind, Pin, PinKey};
use crate::protocol::pairing::proofs;
use crate::protocol::secret::debug_without_secrets;

/// Random values of one attempt.
pub struct ClientRandom {
    /// For the key.
    pub salt: [u8; 16],
    /// What the host must answer.
    pub challenge: [u8; 16],
    /// Revealed in phase 4.
    pub secret: [u8; 16],
}

/// Phase 1: wait until the host's user has typed the PIN.
pub struct AskingForCertificate {
    hash: HashKind,
    key: PinKey,
    client: Certificate,
    random: ClientRandom,
}

/// Phase 2: have the host prove that it knows the PIN.
pub struct Challenging {
    asked: AskingForCertificate,
    host: Certificate,
}

/// Phase 3: commit to our secret, and see the host's.
pub struct Committing {
    asked: AskingForCertificate,
    host: Certificate,
    host_proof: Vec<u8>,
    host_challenge: [u8; 16],
}

/// Phase 4: show our secret. The PIN was right.
pub struct Revealing {
    secret: [u8; 16],
    host: Certificate,
}

/// Why a client gives up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientPairingError {
    /// `plaincert` is not a certificate.
    #[error("the host's certificate: {0}")]
    BadCertificate(#[from] CertificateError),
    /// An answer is too short.
    #[error("{name} has {len} bytes")]
    Short {
        /// Which element.
        name: &'static str,
        /// Bytes it has.
        len: usize,
    },
    /// The host's secret is not signed with its certificate's key.
    #[error("the host does not own its certificate: somebody is in between")]
    WrongSignature,
    /// The host's proof does not fit.
    #[error("the PIN that was entered is not ours")]
    WrongPin,
}

impl AskingForCertificate {
    /// An attempt of `client` with a PIN that its user sees.
    #[must_use]
    pub fn new(hash: HashKind, pin: &Pin, client: Certificate, random: ClientRandom) -> Self {
        let key = PinKey::derive(hash, &random.salt, pin);
        Self { hash, key, client, random }
    }

    /// Parameters of phase 1; `certificate_pem` is the client's, as text.
    #[must_use]
    pub fn query(&self, certificate_pem: &str) -> String {
        format!(
            "phrase=getservercert&salt={}&clientcert={}",
            hex::encode(self.random.salt),
            hex::encode(certificate_pem)
        )
    }

    /// Takes the bytes of `plaincert`, PEM text.
    ///
    /// # Errors
    /// [`ClientPairingError::BadCertificate`].
    pub fn handle_answer(self, plaincert: &[u8]) -> Result<Challenging, ClientPairingError> {
        let host = Certificate::from_pem(plaincert)?;
        Ok(Challenging { asked: self, host })
    }
}

impl Challenging {
    /// Parameters of phase 2.
    #[must_use]
    pub fn query(&self) -> String {
        format!("clientchallenge={}", hex::encode(self.asked.key.encrypt(&self.asked.random.challenge)))
    }

    /// Takes the bytes of `challengeresponse`.
    ///
    /// # Errors
    /// [`ClientPairingError::Short`].
    pub fn handle_answer(self, response: &[u8]) -> Result<Committing, ClientPairingError> {
        let plain = self.asked.key.decrypt(response);
        let (proof, challenge) = plain
            .split_at_checked(self.asked.hash.output_len())
            .and_then(|(proof, rest)| Some((proof, rest.first_chunk()?)))
            .ok_or(ClientPairingError::Short { name: "challengeresponse", len: response.len() })?;
        let (host_proof, host_challenge) = (proof.to_vec(), *challenge);
        Ok(Committing { asked: self.asked, host: self.host, host_proof, host_challenge })
    }
}

impl Committing {
    /// Parameters of phase 3.
    #[must_use]
    pub fn query(&self) -> String {
        let asked = &self.asked;
        let mut proof = proofs::client_proof(asked.hash, &self.host_challenge, &asked.client, &asked.random.secret);
        proof.resize(COMMITMENT_LEN, 0);
        format!("serverchallengeresp={}", hex::encode(asked.key.encrypt(&proof)))
    }

    /// Takes the bytes of `pairingsecret`: the host's secret and its signature.
    ///
    /// # Errors
    /// [`ClientPairingError::WrongPin`] if another PIN was entered.
    pub fn handle_answer(self, secret: &[u8]) -> Result<Revealing, ClientPairingError> {
        let (host_secret, signature) =
            secret.split_first_chunk().ok_or(ClientPairingError::Short { name: "pairingsecret", len: secret.len() })?;
        if !self.host.verifies(host_secret, signature) {
            return Err(ClientPairingError::WrongSignature);
        }
        let asked = &self.asked;
        let expected = proofs::host_proof(asked.hash, &asked.random.challenge, &self.host, host_secret);
        if !proofs::same(&expected, &self.host_proof) {
            return Err(ClientPairingError::WrongPin);
        }
        Ok(Revealing { secret: asked.random.secret, host: self.host })
    }
}

impl Revealing {
    /// Parameters of phase 4. `sign` makes an RSA PKCS#1 v1.5 SHA-256 signature
    /// with the client's key.
    ///
    /// # Errors
    /// Whatever `sign` fails with.
    pub fn query<E>(&self, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>) -> Result<String, E> {
        let signature = sign(&self.secret)?;
        Ok(format!("clientpairingsecret={}{}", hex::encode(self.secret), hex::encode(signature)))
    }

    /// The host's certificate, to be remembered once phase 5 has gone well.
    #[must_use]
    pub const fn host(&self) -> &Certificate {
        &self.host
    }
}

debug_without_secrets!(ClientRandom, AskingForCertificate, Challenging, Committing, Revealing);

/// Bytes of the commitment, whatever the hash.
const COMMITMENT_LEN: usize = 32;
